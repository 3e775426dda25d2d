//! The variables in which providers' own libraries read where to send requests, and what stands in the place of a key.
//! With both, a program uses the proxy (`serve`) unchanged.

use crate::env_names::{names_of, pool_of};

/// The variables of a provider's libraries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SdkVariables {
    /// The provider, which is the first segment of the proxy's paths.
    pub provider: &'static str,
    /// The variable with the base URL.
    pub base_url: &'static str,
    /// The variable with the key.
    pub token: &'static str,
    /// What of a path the libraries expect in the base URL.
    path: &'static str,
}

const fn row(
    provider: &'static str,
    base_url: &'static str,
    token: &'static str,
    path: &'static str,
) -> SdkVariables {
    SdkVariables { provider, base_url, token, path }
}

/// As read in the libraries for Python and Node: `anthropic` 2.14 and `@anthropic-ai/sdk` 1.14, `openai` 3.57 and 7.59,
/// `google-genai` 3.6 and `@google/genai` 2.32, `groq` 1.7 and `groq-sdk` 1.6, `cerebras_cloud_sdk` 1.91.
///
/// Anthropic's token is in `ANTHROPIC_AUTH_TOKEN`: Claude Code reads it without asking a person, as it does for
/// `ANTHROPIC_API_KEY`, and both libraries send it as a bearer token.
///
/// Left out are `mistralai`, `openrouter`, `xai-sdk`, and DeepSeek, which has no library of its own: no variable of theirs
/// names a base URL. Together's and Cohere's libraries differ between languages.
const TABLE: [SdkVariables; 5] = [
    row("anthropic", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", ""),
    row("openai", "OPENAI_BASE_URL", "OPENAI_API_KEY", "/v1"),
    row("google", "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", ""),
    row("groq", "GROQ_BASE_URL", "GROQ_API_KEY", ""),
    row("cerebras", "CEREBRAS_BASE_URL", "CEREBRAS_API_KEY", ""),
];

/// What of a path OpenAI's own library expects in the base URL of each provider that speaks its interface.
const PATHS: [(&str, &str); 15] = [
    ("openai", "/v1"),
    ("openrouter", "/api/v1"),
    ("groq", "/openai/v1"),
    ("mistral", "/v1"),
    ("xai", "/v1"),
    ("cerebras", "/v1"),
    ("together", "/v1"),
    ("fireworks", "/inference/v1"),
    ("nvidia", "/v1"),
    ("huggingface", "/v1"),
    ("zai", "/api/paas/v4"),
    ("moonshot", "/v1"),
    ("minimax", "/v1"),
    ("vercel-ai-gateway", "/v1"),
    ("opencode", "/zen/v1"),
];

/// Returns what follows the provider in the base URL that OpenAI's library is given; nothing for a provider that is not
/// known, or that expects nothing.
#[must_use]
pub fn path_of(provider: &str) -> &'static str {
    PATHS.iter().find(|(of, _)| *of == provider).map_or("", |(_, path)| path)
}

impl SdkVariables {
    /// Returns those of a provider, if its libraries have any.
    #[must_use]
    pub fn of(provider: &str) -> Option<&'static Self> {
        TABLE.iter().find(|row| row.provider == provider)
    }

    /// Returns the base URL for a proxy at `url`, which ends with no slash.
    #[must_use]
    pub fn base_url_at(&self, url: &str) -> String {
        format!("{url}/{}{}", self.provider, self.path)
    }
}

/// Returns whether a variable may have a key of a provider, or says where its requests go: a program that finds it would
/// not use the proxy.
#[must_use]
pub fn is_of(provider: &str, name: &str) -> bool {
    names_of(provider).contains(&name)
        || pool_of(name).is_some_and(|(of, _)| of == provider)
        || SdkVariables::of(provider).is_some_and(|row| row.base_url == name || row.token == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_what_the_libraries_expect() {
        let at = |provider| SdkVariables::of(provider).unwrap().base_url_at("http://127.0.0.1:7787");
        assert_eq!(at("anthropic"), "http://127.0.0.1:7787/anthropic");
        assert_eq!(at("openai"), "http://127.0.0.1:7787/openai/v1");
        assert_eq!(SdkVariables::of("mistral"), None);
    }

    #[test]
    fn variables_that_would_come_first_are_known() {
        for name in
            ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEYS"]
        {
            assert!(is_of("anthropic", name), "{name}");
        }
        assert!(is_of("google", "GOOGLE_API_KEY") && is_of("mistral", "MISTRAL_API_KEY"));
        assert!(!is_of("anthropic", "OPENAI_API_KEY") && !is_of("openai", "HOME"));
    }
}
