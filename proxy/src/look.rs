//! A look at the beginning of an answer, before any of it goes to the client.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING};
use http::response::Parts;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::blame::{self, Failure};
use crate::refusal::Refusal;
use crate::routes::Api;
use crate::sse::{self, First};
use crate::upstream::SendError;

/// How much of an error is read to find its type, in bytes.
const ERROR_MAX: usize = 64 * 1024;
/// How long an error's body is waited for.
const ERROR_WAIT: Duration = Duration::from_secs(5);
/// The types of errors that the request is to blame for: another credential would not help.
const REQUESTS_OWN: &[&str] = &["invalid_request_error", "not_found_error", "request_too_large"];

/// An answer of which the beginning was read.
pub(crate) struct Looked {
    pub parts: Parts,
    pub body: Incoming,
    /// What was read of the body.
    pub read: VecDeque<Frame<Bytes>>,
    pub verdict: Verdict,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the answer: the credential works.
    Works,
    /// It is an error that says nothing of the credential.
    Neither,
    /// It is an error that another credential may not meet, laid to the profile if it says why.
    Fails(Option<Failure>),
}

impl Looked {
    /// Reads as much of an answer as shows what it means.
    pub async fn at(api: &Api, answer: Response<Incoming>, idle: Duration) -> Result<Self, SendError> {
        let (parts, body) = answer.into_parts();
        let mut looked = Self { parts, body, read: VecDeque::new(), verdict: Verdict::Neither };
        let status = looked.parts.status;
        if blame::has_reason(status) {
            let reading = looked.read_until(|read| read.len() > ERROR_MAX);
            // Without a body the status alone counts.
            let read =
                tokio::time::timeout(ERROR_WAIT, reading).await.ok().and_then(Result::ok).unwrap_or_default();
            if let Some(failure) = blame::judge(api, status, &read) {
                looked.verdict = Verdict::Fails(Some(failure));
            }
        } else if status == StatusCode::OK && looked.is_event_stream() {
            let reading = looked.read_until(|read| sse::first(read) != First::Undecided);
            let silent = SendError { refusal: Refusal::Silence, may_send_again: false };
            let read = tokio::time::timeout(idle, reading).await.map_err(|_| silent)?;
            looked.verdict = match sse::first(&read.map_err(|()| SendError::broken())?) {
                First::Error(data) => event_verdict(api, &data),
                First::Content => Verdict::Works,
                // It ended before its first event.
                First::Undecided => Verdict::Neither,
            };
        } else if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            looked.verdict = Verdict::Works;
        }
        Ok(looked)
    }

    /// Refuses an answer that must not pass.
    pub fn check(&self, is_socket: bool) -> Result<(), Refusal> {
        let status = self.parts.status;
        if status.is_redirection() {
            return Err(Refusal::Redirect);
        }
        if status.is_informational() && !(is_socket && status == StatusCode::SWITCHING_PROTOCOLS) {
            return Err(Refusal::Answer);
        }
        // The secret would not be seen in it. hyper decodes `chunked` alone, and leaves what was encoded before it.
        for (name, usual) in [(CONTENT_ENCODING, "identity"), (TRANSFER_ENCODING, "chunked")] {
            let encodings = self.parts.headers.get_all(name);
            if encodings.iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(usual.as_bytes())) {
                return Err(Refusal::Encoded);
            }
        }
        Ok(())
    }

    fn is_event_stream(&self) -> bool {
        let kind =
            self.parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream")
    }

    /// Reads until enough was read, or the end. An error is one of the connection.
    async fn read_until(&mut self, is_enough: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, ()> {
        let mut read = Vec::new();
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(drop)?;
            if let Some(data) = frame.data_ref() {
                read.extend_from_slice(data);
            }
            self.read.push_back(frame);
            if is_enough(&read) {
                break;
            }
        }
        Ok(read)
    }
}

fn event_verdict(api: &Api, data: &[u8]) -> Verdict {
    let types = blame::types(data);
    if blame::is_blameless(api, &types) || types.iter().any(|kind| REQUESTS_OWN.contains(&&**kind)) {
        return Verdict::Neither;
    }
    Verdict::Fails(blame::of_type(api, &types))
}
