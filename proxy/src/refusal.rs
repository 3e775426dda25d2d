//! What the proxy itself answers.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::credentials::{NoneLeft, Refused};
use crate::hygiene;

/// Why the proxy answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the request target is not a plain path")]
    Target,
    #[error("the Host header does not name this proxy")]
    Host,
    #[error("requests from web pages are refused")]
    Origin,
    #[error("the method is refused")]
    Method,
    #[error("the upgrade is refused")]
    Upgrade,
    #[error("the request's framing is refused")]
    Framing,
    #[error("no token: send the proxy's token in place of the provider's key")]
    NoToken,
    #[error("the request has several tokens")]
    SeveralTokens,
    #[error("{0}")]
    Access(#[from] Refused),
    #[error("no such provider")]
    Provider,
    #[error("this method and path are not open for this provider")]
    Endpoint,
    #[error("stored objects are only for a profile that no other access uses")]
    Stored,
    #[error("too many requests of this access at once")]
    AtOnce,
    #[error("too many requests of this access in a minute")]
    Rate(Duration),
    #[error("{0}")]
    NoneLeft(#[from] NoneLeft),
    #[error("{0}")]
    Credential(&'static str),
    #[error("the request's body ended early")]
    Body,
    #[error("the upstream's address is private")]
    Address,
    #[error("the upstream's certificate is not valid")]
    Certificate,
    #[error("the upstream cannot be reached")]
    Unreachable,
    #[error("the connection to the upstream failed")]
    Connection,
    #[error("the upstream sent nothing in time")]
    Silence,
    #[error("the upstream redirects, which is not followed with a credential")]
    Redirect,
    #[error("the upstream's answer is encoded, although identity was asked for")]
    Encoded,
    #[error("the upstream's answer is not HTTP as it should be")]
    Answer,
    #[error("the access was removed")]
    Ended,
}

impl Refusal {
    /// Returns the name that the log and the answer give it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Method => "method",
            Self::Upgrade => "upgrade",
            Self::Framing => "framing",
            Self::NoToken => "no_token",
            Self::SeveralTokens => "several_tokens",
            Self::Access(Refused::UnknownToken) => "unknown_token",
            Self::Access(Refused::Expired) => "expired_token",
            Self::Access(Refused::OtherProvider) => "other_provider",
            Self::Access(Refused::OtherPeer) => "other_peer",
            Self::Access(Refused::Locked) | Self::NoneLeft(NoneLeft::Locked) => "locked",
            Self::Access(Refused::Unreadable) | Self::NoneLeft(NoneLeft::Unreadable) => "unreadable",
            Self::Provider => "provider",
            Self::Endpoint => "endpoint",
            Self::Stored => "stored",
            Self::AtOnce => "at_once",
            Self::Rate(_) => "rate",
            Self::NoneLeft(NoneLeft::NoProfile) => "no_profile",
            Self::NoneLeft(NoneLeft::CoolingDown { .. }) => "cooling_down",
            Self::NoneLeft(NoneLeft::Unusable) => "unusable",
            Self::Credential(_) => "credential",
            Self::Body => "body",
            Self::Address => "address",
            Self::Certificate => "certificate",
            Self::Unreachable => "unreachable",
            Self::Connection => "connection",
            Self::Silence => "silence",
            Self::Redirect => "redirect",
            Self::Encoded => "encoded",
            Self::Answer => "answer",
            Self::Ended => "ended",
        }
    }

    /// Returns the status. Clients try again on 429 and 5xx, so what will not change has another.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Target | Self::Upgrade | Self::Framing | Self::Body => StatusCode::BAD_REQUEST,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::NoToken
            | Self::SeveralTokens
            | Self::Ended
            | Self::Access(Refused::UnknownToken | Refused::Expired) => StatusCode::UNAUTHORIZED,
            Self::Access(Refused::Locked | Refused::Unreadable)
            | Self::NoneLeft(NoneLeft::Locked | NoneLeft::Unreadable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Provider => StatusCode::NOT_FOUND,
            Self::Origin
            | Self::Access(Refused::OtherProvider | Refused::OtherPeer)
            | Self::Endpoint
            | Self::Stored
            | Self::NoneLeft(NoneLeft::NoProfile | NoneLeft::Unusable)
            | Self::Credential(_) => StatusCode::FORBIDDEN,
            Self::AtOnce | Self::Rate(_) | Self::NoneLeft(NoneLeft::CoolingDown { .. }) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Silence => StatusCode::GATEWAY_TIMEOUT,
            Self::Address
            | Self::Certificate
            | Self::Unreachable
            | Self::Connection
            | Self::Redirect
            | Self::Encoded
            | Self::Answer => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns when to ask again.
    fn retry_after(self) -> Option<Duration> {
        match self {
            Self::AtOnce => Some(Duration::from_secs(1)),
            Self::Rate(wait) | Self::NoneLeft(NoneLeft::CoolingDown { retry_after: wait }) => Some(wait),
            _ => None,
        }
    }

    /// Returns the answer, in the form that the clients of Anthropic and OpenAI both read.
    pub fn response(self) -> Response<Full<Bytes>> {
        let body = serde_json::json!({
            "type": "error",
            "error": { "type": "strongroom_proxy", "code": self.code(), "message": self.to_string() },
        });
        let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        hygiene::harden(headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}
