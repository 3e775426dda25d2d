//! How known secrets look: their prefixes, and what else gives a secret away in a place for names.

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
    // Its prefix and 64 hexadecimal digits.
    shape("sk-or-v1-", "an OpenRouter key", &["openrouter"], Role::Key, Some(73)),
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

impl Shape {
    /// The known shape of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Option<&'static Self> {
        SHAPES.iter().filter(|s| secret.starts_with(s.prefix)).max_by_key(|s| s.prefix.len())
    }

    /// Whether a provider of that name issues such secrets.
    #[must_use]
    pub fn belongs_to(&self, provider: &str) -> bool {
        self.owners.iter().any(|owner| provider.contains(owner))
    }
}

/// The parts of a text in which a secret can stand.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.')))
}

/// Whether a secret of a known shape stands in a text.
#[must_use]
pub fn looks_known(text: &str) -> bool {
    parts(text).any(|part| {
        part.len() >= 12 && (Shape::of(part).is_some() || part.starts_with("sk-") || part.starts_with("eyJ"))
    })
}

/// Whether a text that should be a name or an address looks like a secret.
#[must_use]
pub fn looks_secret(text: &str) -> bool {
    looks_known(text)
        || parts(text).any(|part| {
            part.len() >= 40
                && part.bytes().any(|b| b.is_ascii_uppercase())
                && part.bytes().any(|b| b.is_ascii_lowercase())
                && part.bytes().any(|b| b.is_ascii_digit())
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
