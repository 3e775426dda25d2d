//! Prefixes and lengths of known keys, and what can be said about a secret without showing it.

use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;

/// What a secret of a known shape is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// An API key.
    Key,
    /// A bearer token.
    Token,
    /// A key or a token; the provider makes no difference.
    Either,
    /// It renews another token and opens nothing itself.
    Refresh,
    /// Something else than a provider's key; this says what.
    Other,
}

/// A shape of secret that is known by its prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// How it begins.
    pub prefix: &'static str,
    /// What it is, with its article.
    pub what: &'static str,
    /// Words of which the providers that issue it have one in their names.
    pub owners: &'static [&'static str],
    /// What it is good for.
    pub role: Role,
    /// How long it usually is.
    pub length: Option<usize>,
}

const fn shape(
    prefix: &'static str,
    what: &'static str,
    owners: &'static [&'static str],
    role: Role,
    length: Option<usize>,
) -> Shape {
    Shape { prefix, what, owners, role, length }
}

const ANTHROPIC: &[&str] = &["anthropic", "claude"];
const OPENAI: &[&str] = &["openai", "codex", "azure"];
const GOOGLE: &[&str] = &["google", "gemini", "vertex"];
const GITHUB: &[&str] = &["github", "copilot"];

/// All known shapes. The longest prefix that fits decides.
pub const SHAPES: &[Shape] = &[
    shape("sk-ant-api03-", "an Anthropic API key", ANTHROPIC, Role::Key, Some(108)),
    shape("sk-ant-admin01-", "an Anthropic admin key", ANTHROPIC, Role::Key, Some(110)),
    shape("sk-ant-oat01-", "a setup-token", ANTHROPIC, Role::Token, Some(108)),
    shape("sk-ant-ort01-", "an Anthropic refresh token", ANTHROPIC, Role::Refresh, None),
    shape("sk-ant-sid01-", "an Anthropic session key", ANTHROPIC, Role::Other, None),
    shape("sk-ant-", "an Anthropic secret", ANTHROPIC, Role::Either, None),
    shape("sk-proj-", "an OpenAI project key", OPENAI, Role::Key, None),
    shape("sk-svcacct-", "an OpenAI service account key", OPENAI, Role::Key, None),
    shape("sk-admin-", "an OpenAI admin key", OPENAI, Role::Key, None),
    shape("sk-or-v1-", "an OpenRouter key", &["openrouter"], Role::Key, None),
    shape("AIza", "a Google API key", GOOGLE, Role::Key, Some(39)),
    shape("ya29.", "a Google access token", GOOGLE, Role::Token, None),
    shape("1//", "a Google refresh token", GOOGLE, Role::Refresh, None),
    shape("gsk_", "a Groq key", &["groq"], Role::Key, None),
    shape("xai-", "an xAI key", &["xai", "grok"], Role::Key, None),
    shape("pplx-", "a Perplexity key", &["perplexity"], Role::Key, Some(53)),
    shape("hf_", "a Hugging Face token", &["huggingface"], Role::Either, Some(37)),
    shape("r8_", "a Replicate key", &["replicate"], Role::Either, None),
    shape("fw_", "a Fireworks key", &["fireworks"], Role::Key, None),
    shape("csk-", "a Cerebras key", &["cerebras"], Role::Key, None),
    shape("nvapi-", "an NVIDIA key", &["nvidia"], Role::Key, None),
    shape("ABSK", "a Bedrock key", &["bedrock", "aws", "amazon"], Role::Either, None),
    shape("AKIA", "an AWS access key id", &["bedrock", "aws", "amazon"], Role::Other, None),
    shape("ghp_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("gho_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("ghu_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("ghs_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("ghr_", "a GitHub refresh token", GITHUB, Role::Refresh, None),
    shape("github_pat_", "a GitHub token", GITHUB, Role::Either, Some(93)),
    shape("glpat-", "a GitLab token", &["gitlab"], Role::Either, None),
    shape("xoxb-", "a Slack token", &["slack"], Role::Either, None),
    shape("xapp-", "a Slack token", &["slack"], Role::Either, None),
    shape("tvly-", "a Tavily key", &["tavily"], Role::Key, None),
    shape("npm_", "an npm token", &["npm"], Role::Either, None),
    shape("hvs.", "a Vault token", &["vault"], Role::Either, None),
    shape("ops_eyJ", "a 1Password service account token", &["1password"], Role::Other, None),
    shape("AGE-SECRET-KEY-", "an age identity", &["age"], Role::Other, None),
];

/// The shortest setup-token that OpenClaw takes.
const SETUP_TOKEN_MIN: usize = 80;
/// From this length on the last four characters give nothing away.
const TAIL_FROM: usize = 24;

impl Shape {
    /// The known shape of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Option<&'static Self> {
        SHAPES.iter().filter(|s| secret.starts_with(s.prefix)).max_by_key(|s| s.prefix.len())
    }

    fn belongs_to(&self, provider: &Provider) -> bool {
        self.owners.iter().any(|owner| provider.as_str().contains(owner))
    }
}

/// What is unusual about a secret. Shows at most its known prefix, its last four characters and
/// its length.
#[must_use]
pub fn advise(provider: &Provider, kind: CredentialType, secret: &str) -> Vec<String> {
    let seen = seen(secret);
    let mut advice = Vec::new();
    if !secret.is_ascii() {
        advice.push(format!("it holds characters outside ASCII, which keys do not ({seen})"));
    }
    let Some(shape) = Shape::of(secret) else {
        if provider.as_str() == "anthropic" && kind != CredentialType::OAuth {
            advice.push(format!("it does not begin with sk-ant-, as Anthropic's secrets do ({seen})"));
        } else if secret.chars().count() < 8 {
            advice.push(format!("it is unusually short ({seen})"));
        }
        return advice;
    };
    if secret[shape.prefix.len()..].contains(shape.prefix) {
        advice.push(format!("its prefix stands in it twice: was it pasted twice? ({seen})"));
    } else if let Some(line) = length_advice(shape, secret, &seen) {
        advice.push(line);
    }
    if !shape.belongs_to(provider) {
        advice.push(format!("it looks like {}, not like one for {provider} ({seen})", shape.what));
    }
    match (shape.role, kind) {
        (Role::Refresh, _) => advice
            .push(format!("it looks like {}, which renews a token and is none itself ({seen})", shape.what)),
        (Role::Other, _) => {
            advice.push(format!("it looks like {}, which no model provider takes ({seen})", shape.what));
        }
        (Role::Token, CredentialType::ApiKey) => advice.push(format!(
            "it looks like {}: store it with paste-token, not as an API key ({seen})",
            shape.what
        )),
        (Role::Key, CredentialType::Token) => advice.push(format!(
            "it looks like {}: store it with paste-api-key, not as a token ({seen})",
            shape.what
        )),
        _ => {}
    }
    advice
}

fn length_advice(shape: &Shape, secret: &str, seen: &str) -> Option<String> {
    let usual = shape.length?;
    let length = secret.chars().count();
    if shape.role == Role::Token && length < SETUP_TOKEN_MIN {
        return Some(format!("it looks cut off: {} is usually {usual} characters long ({seen})", shape.what));
    }
    (length != usual)
        .then(|| format!("its length is unusual: {} usually has {usual} characters ({seen})", shape.what))
}

/// A secret as far as it may be shown: its known prefix, of a long one the last four characters, and
/// its length.
#[must_use]
pub fn seen(secret: &str) -> String {
    let prefix = Shape::of(secret).map_or("", |shape| shape.prefix);
    let length = secret.chars().count();
    let tail = match secret.len().checked_sub(4).and_then(|at| secret.get(at..)) {
        Some(tail) if length >= TAIL_FROM && tail.bytes().all(|b| b.is_ascii_graphic()) => tail,
        _ => "",
    };
    match (prefix, tail) {
        ("", "") => format!("{length} characters"),
        _ => format!("{prefix}…{tail}, {length} characters"),
    }
}

/// Whether a text that should be a name or an address looks like a secret.
#[must_use]
pub fn looks_secret(text: &str) -> bool {
    text.split([':', ' ', '/', '=', '"']).any(|part| {
        let known = Shape::of(part).is_some() || part.starts_with("sk-") || part.starts_with("eyJ");
        let random = part.len() >= 40
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'.'))
            && part.bytes().any(|b| b.is_ascii_uppercase())
            && part.bytes().any(|b| b.is_ascii_lowercase())
            && part.bytes().any(|b| b.is_ascii_digit());
        (known && part.len() >= 12) || random
    })
}

/// Whether a text that should be a provider's name looks like a key: some providers' keys are
/// nothing but small letters and digits.
#[must_use]
pub fn looks_random(text: &str) -> bool {
    looks_secret(text) || (text.len() >= 24 && text.bytes().filter(u8::is_ascii_digit).count() >= 6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialType::{ApiKey, Token};

    fn anthropic() -> Provider {
        "anthropic".parse().unwrap()
    }

    fn of_length(prefix: &str, length: usize) -> String {
        format!("{prefix}{}wxyz", "b".repeat(length - prefix.len() - 4))
    }

    #[test]
    fn a_usual_secret_needs_no_advice() {
        for (provider, kind, secret) in [
            ("anthropic", Token, of_length("sk-ant-oat01-", 108)),
            ("anthropic", ApiKey, of_length("sk-ant-api03-", 108)),
            ("openai", ApiKey, of_length("sk-proj-", 164)),
            ("google-vertex", ApiKey, of_length("AIza", 39)),
            ("anthropic-work", Token, of_length("sk-ant-oat01-", 108)),
            ("mistral", ApiKey, "b".repeat(32)),
        ] {
            let none: [String; 0] = [];
            assert_eq!(advise(&provider.parse().unwrap(), kind, &secret), none, "{provider}");
        }
    }

    #[test]
    fn a_short_setup_token_looks_cut_off() {
        let advice = advise(&anthropic(), Token, &of_length("sk-ant-oat01-", 79));
        assert_eq!(
            advice,
            ["it looks cut off: a setup-token is usually 108 characters long \
              (sk-ant-oat01-…wxyz, 79 characters)"]
        );
        let advice = advise(&anthropic(), Token, &of_length("sk-ant-oat01-", 90));
        assert!(advice[0].starts_with("its length is unusual"), "{advice:?}");
    }

    #[test]
    fn kinds_and_providers_that_do_not_fit_are_named() {
        for (provider, kind, secret, said) in [
            ("anthropic", ApiKey, of_length("sk-ant-oat01-", 108), "paste-token"),
            ("anthropic", Token, of_length("sk-ant-api03-", 108), "paste-api-key"),
            ("anthropic", Token, of_length("sk-ant-ort01-", 108), "refresh token"),
            ("anthropic", Token, of_length("sk-ant-sid01-", 108), "session key"),
            ("openai", ApiKey, of_length("gsk_", 56), "a Groq key, not like one for openai"),
            ("anthropic", Token, of_length("abc", 108), "does not begin with sk-ant-"),
            ("openai", ApiKey, "abc".to_owned(), "unusually short"),
            ("openai", ApiKey, "sk-proj-é".repeat(3), "outside ASCII"),
            ("anthropic", Token, of_length("sk-ant-oat01-", 108).repeat(2), "pasted twice"),
        ] {
            let advice = advise(&provider.parse().unwrap(), kind, &secret);
            assert!(advice.iter().any(|line| line.contains(said)), "{said}: {advice:?}");
        }
    }

    #[test]
    fn a_short_secret_shows_no_tail() {
        let advice = advise(&anthropic(), Token, "sk-ant-oat01-wxyz");
        assert!(advice[0].contains("(sk-ant-oat01-…, 17 characters)"), "{advice:?}");
        assert!(!advice[0].contains("wxyz"), "{advice:?}");
    }

    #[test]
    fn names_are_told_from_secrets() {
        for text in ["sk-canary-secret", "anthropic:sk-ant-oat01-abc", "eyJhbGciOiJub25lIn0"] {
            assert!(looks_secret(text), "{text}");
        }
        for text in
            ["anthropic:default", "openai-codex:550e8400-e29b-41d4-a716-446655440000", "me@example.com", ""]
        {
            assert!(!looks_secret(text), "{text}");
        }
    }
}
