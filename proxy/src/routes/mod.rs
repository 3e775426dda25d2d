//! What of a provider's interface is open.

mod providers;

use std::sync::Arc;

use http::Method;

use crate::blame::Failure;
use crate::key::Placement;

pub use providers::known;

/// A provider under a name of the proxy: requests to `/<name>/…`.
#[derive(Clone, Debug)]
pub struct Route {
    /// The first segment of the path.
    pub name: Arc<str>,
    /// The interface that the provider speaks.
    pub api: &'static Api,
}

/// The interface of a provider.
#[derive(Debug)]
pub struct Api {
    /// The provider's slug.
    pub name: &'static str,
    /// The hosts of the provider itself. None if each customer has a host.
    pub hosts: &'static [&'static str],
    /// The name of the header or parameter that holds the credential.
    pub credential: Credential,
    /// What is open. Everything else is refused.
    pub endpoints: &'static [Endpoint],
    /// The headers of requests that pass, apart from the usual ones. A `*` at the end stands for any text.
    pub headers: &'static [&'static str],
    /// The types of structured errors that are laid to a profile.
    pub errors: &'static [(&'static str, Failure)],
    /// The beginnings of credentials that are not sent, and why.
    pub refused: &'static [(&'static str, &'static str)],
}

/// The place in which a provider reads the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// In `Authorization: Bearer`.
    Bearer,
    /// In this header, as it is.
    Header(&'static str),
}

/// A method and a path.
#[derive(Debug)]
pub struct Endpoint {
    /// The methods.
    pub methods: &'static [&'static str],
    /// The path. A segment `*` stands for any one, `*:x` for one that ends with `:x`, and `**` at the end for one or
    /// more.
    pub path: &'static str,
    /// What it does.
    pub kind: Kind,
}

/// What an endpoint does, which decides what is done with its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It computes an answer and changes nothing, so that a request may be sent again if no answer came.
    Inference,
    /// It reads what every key may read: lists of models.
    Reading,
    /// It reads or changes objects that are stored at the provider, for each who has a key of the same account.
    Stored,
    /// It opens a WebSocket.
    Socket,
}

impl Route {
    /// Returns a route under a name, which may be another one than the provider's.
    #[must_use]
    pub fn new(name: &str, api: &'static Api) -> Self {
        Self { name: name.into(), api }
    }

    /// Returns where the credential usually stands.
    #[must_use]
    pub fn placement(&self) -> Placement {
        match self.api.credential {
            Credential::Bearer => Placement::Header(http::header::AUTHORIZATION, "Bearer "),
            Credential::Header(name) => Placement::Header(http::HeaderName::from_static(name), ""),
        }
    }

    /// Returns what a request does, or `None` if it is not open.
    #[must_use]
    pub fn kind(&self, method: &Method, path: &str) -> Option<Kind> {
        let fits = |endpoint: &&Endpoint| {
            endpoint.methods.contains(&method.as_str()) && matches(endpoint.path, path)
        };
        self.api.endpoints.iter().find(fits).map(|endpoint| endpoint.kind)
    }

    /// Returns whether a header of a request passes, by its name in lower case.
    pub(crate) fn passes(&self, name: &str) -> bool {
        self.api.headers.iter().any(|pattern| is_like(pattern, name))
    }
}

/// Returns whether a name is a pattern's: the same, or one that begins with what stands before its `*`.
pub(crate) fn is_like(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        if wanted == "**" {
            return segments.next().is_some_and(|segment| !segment.is_empty());
        }
        let Some(segment) = segments.next() else { return false };
        let fits = match wanted.strip_prefix('*') {
            Some("") => !segment.is_empty(),
            Some(end) => segment.len() > end.len() && segment.ends_with(end),
            None => segment == wanted,
        };
        if !fits {
            return false;
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(provider: &str, method: &str, path: &str) -> Option<Kind> {
        let route = known().into_iter().find(|route| &*route.name == provider).unwrap();
        route.kind(&method.parse().unwrap(), path)
    }

    #[test]
    fn inference_is_open() {
        for (provider, path) in [
            ("anthropic", "/v1/messages"),
            ("anthropic", "/v1/messages/count_tokens"),
            ("openai", "/v1/chat/completions"),
            ("openai", "/v1/responses"),
            ("openai", "/v1/embeddings"),
            ("google", "/v1beta/models/gemini-2.5-pro:generateContent"),
            ("google", "/v1beta/models/gemini-2.5-pro:streamGenerateContent"),
            ("openrouter", "/api/v1/chat/completions"),
            ("groq", "/openai/v1/chat/completions"),
            ("mistral", "/v1/chat/completions"),
            ("xai", "/v1/chat/completions"),
            ("deepseek", "/chat/completions"),
            ("azure", "/openai/deployments/gpt-5/chat/completions"),
            ("bedrock", "/model/anthropic.claude-sonnet-4-5-v1%3A0/converse-stream"),
        ] {
            assert_eq!(kind(provider, "POST", path), Some(Kind::Inference), "{provider} {path}");
        }
        assert_eq!(kind("anthropic", "HEAD", "/api/hello"), Some(Kind::Reading));
        assert_eq!(kind("openai", "GET", "/v1/models/gpt-5"), Some(Kind::Reading));
        assert_eq!(kind("openai", "GET", "/v1/responses/resp_1"), Some(Kind::Stored));
        assert_eq!(kind("openai", "GET", "/v1/realtime"), Some(Kind::Socket));
    }

    #[test]
    fn what_mints_credentials_and_what_is_not_listed_is_closed() {
        for (provider, method, path) in [
            ("anthropic", "POST", "/v1/organizations/api_keys"),
            ("anthropic", "POST", "/api/oauth/claude_cli/create_api_key"),
            ("anthropic", "DELETE", "/v1/messages"),
            ("anthropic", "POST", "/v1/messages/"),
            ("anthropic", "POST", "//v1/messages"),
            ("anthropic", "POST", "/V1/messages"),
            ("openai", "POST", "/v1/organization/admin_api_keys"),
            ("openai", "POST", "/v1/organization/projects/p/service_accounts"),
            ("openai", "POST", "/v1/realtime/client_secrets"),
            ("openai", "POST", "/v1/realtime/sessions"),
            ("openai", "GET", "/v1/models/a/b"),
            ("openai", "GET", "/v1/models/"),
            ("google", "POST", "/v1alpha/auth_tokens"),
            ("google", "POST", "/v1beta/models/:generateContent"),
            ("google", "POST", "/v1beta/models/a:generateContent/x"),
            ("openrouter", "POST", "/api/v1/keys"),
            ("azure", "POST", "/openai/deployments//chat/completions"),
        ] {
            assert_eq!(kind(provider, method, path), None, "{provider} {method} {path}");
        }
    }
}
