//! What of a provider's interface is open.

mod compatible;
mod parts;
mod providers;

use std::sync::Arc;

use http::Method;
use http::header::{AUTHORIZATION, HeaderName};

use crate::blame::Failure;
use crate::key::Placement;

/// Returns a route for each provider that is known, under its own name.
#[must_use]
pub fn known() -> Vec<Route> {
    KNOWN.iter().map(|api| Route::new(api.name, api)).collect()
}

/// Returns a route to what speaks OpenAI's interface, for a provider that is not known. Its host is the lease's.
#[must_use]
pub fn compatible(name: &str) -> Route {
    Route::new(name, &compatible::COMPATIBLE)
}

static KNOWN: [&Api; 25] = [
    &providers::ANTHROPIC,
    &providers::OPENAI,
    &providers::GOOGLE,
    &providers::AZURE,
    &providers::BEDROCK,
    &providers::COHERE,
    &providers::VOYAGE,
    &providers::DEEPGRAM,
    &providers::ELEVENLABS,
    &compatible::OPENROUTER,
    &compatible::GROQ,
    &compatible::MISTRAL,
    &compatible::XAI,
    &compatible::DEEPSEEK,
    &compatible::CEREBRAS,
    &compatible::TOGETHER,
    &compatible::FIREWORKS,
    &compatible::PERPLEXITY,
    &compatible::NVIDIA,
    &compatible::HUGGINGFACE,
    &compatible::ZAI,
    &compatible::MOONSHOT,
    &compatible::MINIMAX,
    &compatible::VERCEL,
    &compatible::OPENCODE,
];

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
    /// Where the credential stands.
    pub credential: Credential,
    /// The beginnings of paths at which it stands elsewhere.
    pub elsewhere: &'static [(&'static str, Credential)],
    /// What is open. Everything else is refused.
    pub endpoints: &'static [Endpoint],
    /// The headers of requests that pass, apart from the usual ones. A `*` at the end stands for any text.
    pub headers: &'static [&'static str],
    /// The types of structured errors that are laid to a profile.
    pub errors: &'static [(&'static str, Failure)],
    /// The types of structured errors that any request can cause, so that they are laid to no profile, whatever the
    /// status says.
    pub blameless: &'static [&'static str],
    /// The beginnings of credentials that are not sent, and why.
    pub refused: &'static [(&'static str, &'static str)],
}

/// The place in which a provider reads the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// In `Authorization: Bearer`.
    Bearer,
    /// In `Authorization`, after this text.
    Scheme(&'static str),
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

impl Credential {
    fn placement(self) -> Placement {
        match self {
            Self::Bearer => Placement::Header(AUTHORIZATION, "Bearer "),
            Self::Scheme(text) => Placement::Header(AUTHORIZATION, text),
            Self::Header(name) => Placement::Header(HeaderName::from_static(name), ""),
        }
    }
}

impl Route {
    /// Returns the route of a known provider, under its own name.
    #[must_use]
    pub fn known(name: &str) -> Option<Self> {
        KNOWN.iter().find(|api| api.name == name).map(|api| Self::new(api.name, api))
    }

    /// Returns a route under a name, which may be another one than the provider's.
    #[must_use]
    pub fn new(name: &str, api: &'static Api) -> Self {
        Self { name: name.into(), api }
    }

    /// Returns where the credential usually stands.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.api.credential.placement()
    }

    /// Returns where the credential stands in a request, if it usually stands where the provider reads it.
    pub(crate) fn placement_at(&self, path: &str, usual: &Placement) -> Placement {
        let elsewhere = || self.api.elsewhere.iter().find(|(beginning, _)| path.starts_with(beginning));
        match elsewhere() {
            Some((_, credential)) if *usual == self.placement() => credential.placement(),
            _ => usual.clone(),
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
        Route::known(provider).unwrap().kind(&method.parse().unwrap(), path)
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
            ("cerebras", "/v1/chat/completions"),
            ("together", "/v1/rerank"),
            ("fireworks", "/inference/v1/messages"),
            ("perplexity", "/chat/completions"),
            ("cohere", "/v2/chat"),
            ("nvidia", "/v1/embeddings"),
            (
                "huggingface",
                "/hf-inference/models/sentence-transformers/all-MiniLM-L6-v2/pipeline/feature-extraction",
            ),
            ("zai", "/api/coding/paas/v4/chat/completions"),
            ("moonshot", "/anthropic/v1/messages"),
            ("voyage", "/v1/contextualizedembeddings"),
            ("deepgram", "/v1/listen"),
            ("elevenlabs", "/v1/text-to-speech/a/stream"),
            ("vercel-ai-gateway", "/v1/messages"),
            ("opencode", "/zen/v1/models/gemini-3-pro:streamGenerateContent"),
            ("minimax", "/anthropic/v1/messages"),
        ] {
            assert_eq!(kind(provider, "POST", path), Some(Kind::Inference), "{provider} {path}");
        }
        assert_eq!(kind("anthropic", "HEAD", "/api/hello"), Some(Kind::Reading));
        assert_eq!(kind("openai", "GET", "/v1/models/gpt-5"), Some(Kind::Reading));
        assert_eq!(kind("openai", "GET", "/v1/responses/resp_1"), Some(Kind::Stored));
        assert_eq!(kind("openai", "GET", "/v1/realtime"), Some(Kind::Socket));
        assert_eq!(kind("deepgram", "GET", "/v1/listen"), Some(Kind::Socket));
        assert_eq!(kind("elevenlabs", "GET", "/v1/voices"), Some(Kind::Stored));
        let local = compatible("local");
        for path in ["/v1/chat/completions", "/chat/completions", "/v1/responses", "/embeddings"] {
            assert_eq!(local.kind(&Method::POST, path), Some(Kind::Inference), "{path}");
        }
    }

    #[test]
    fn what_names_a_session_of_codex_passes() {
        let openai = Route::known("openai").unwrap();
        for name in ["session-id", "thread-id", "session_id", "conversation_id", "x-codex-window-id"] {
            assert!(openai.passes(name), "{name}");
        }
        assert!(!openai.passes("openai-organization"));
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
            ("deepgram", "POST", "/v1/auth/grant"),
            ("deepgram", "POST", "/v1/projects/p/keys"),
            ("elevenlabs", "POST", "/v1/single-use-token/realtime_scribe"),
            ("elevenlabs", "DELETE", "/v1/voices/a"),
            ("elevenlabs", "POST", "/v1/service-accounts/a/api-keys"),
            ("huggingface", "POST", "/api/whoami-v2"),
            ("opencode", "GET", "/zen/go/v1/usage"),
            ("moonshot", "GET", "/v1/users/me/balance"),
            ("zai", "POST", "/api/paas/v4/files"),
        ] {
            assert_eq!(kind(provider, method, path), None, "{provider} {method} {path}");
        }
    }

    #[test]
    fn each_provider_has_a_name_a_host_and_no_path_that_is_written_twice() {
        let routes = known();
        let names: std::collections::HashSet<_> =
            routes.iter().map(|route| Arc::clone(&route.name)).collect();
        assert_eq!(names.len(), routes.len());
        for route in &routes {
            let differs = ["azure", "bedrock"].contains(&&*route.name);
            assert_eq!(route.api.hosts.is_empty(), differs, "{}", route.name);
            let mut seen = std::collections::HashSet::new();
            for endpoint in route.api.endpoints {
                assert!(seen.insert((endpoint.methods, endpoint.path)), "{} {}", route.name, endpoint.path);
            }
        }
        assert!(Route::known("made-up").is_none());
    }

    #[test]
    fn no_header_that_may_hold_a_credential_is_listed() {
        for route in known().iter().chain([&compatible("local")]) {
            for name in ["authorization", "x-api-key", "api-key", "x-goog-api-key", "xi-api-key", "cookie"] {
                assert!(!route.passes(name), "{} {name}", route.name);
            }
            for name in ["openai-organization", "openai-project", "x-goog-user-project", "x-hf-bill-to"] {
                assert!(!route.passes(name), "{} {name}", route.name);
            }
        }
    }

    #[test]
    fn the_credential_stands_where_the_path_reads_it() {
        let zen = Route::known("opencode").unwrap();
        let usual = zen.placement();
        let at = |path| zen.placement_at(path, &usual);
        let header = |name| Placement::Header(HeaderName::from_static(name), "");
        assert_eq!(at("/zen/v1/chat/completions"), Placement::Header(AUTHORIZATION, "Bearer "));
        assert_eq!(at("/zen/v1/messages"), header("x-api-key"));
        assert_eq!(at("/zen/v1/models/gemini-3-pro:generateContent"), header("x-goog-api-key"));
        assert_eq!(at("/zen/v1/models"), usual);
        // A place that a person chose stays.
        assert_eq!(zen.placement_at("/zen/v1/messages", &header("api-key")), header("api-key"));
        let deepgram = Route::known("deepgram").unwrap();
        assert_eq!(deepgram.placement(), Placement::Header(AUTHORIZATION, "Token "));
    }
}
