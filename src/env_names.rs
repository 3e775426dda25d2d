//! The environment variables in which providers' keys are kept, as OpenClaw reads them.

use crate::vault::credential::CredentialType;

/// A provider and the variables that hold its key. The first that is set wins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnvNames {
    /// The provider's slug.
    pub provider: &'static str,
    /// Its variables, the strongest first.
    pub names: &'static [&'static str],
}

macro_rules! table {
    ($($provider:literal: $($name:literal),+;)*) => {
        /// All providers with variables. A variable that two providers share belongs to the one
        /// that comes first.
        pub const TABLE: &[EnvNames] = &[$(EnvNames { provider: $provider, names: &[$($name),+] },)*];
    };
}

table! {
    "anthropic": "ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN";
    "openai": "CODEX_API_KEY", "OPENAI_API_KEY";
    "google": "GEMINI_API_KEY";
    "github-copilot": "COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN";
    "openrouter": "OPENROUTER_API_KEY";
    "groq": "GROQ_API_KEY";
    "xai": "XAI_API_KEY";
    "mistral": "MISTRAL_API_KEY";
    "cerebras": "CEREBRAS_API_KEY";
    "voyage": "VOYAGE_API_KEY";
    "deepgram": "DEEPGRAM_API_KEY";
    "nvidia": "NVIDIA_API_KEY";
    "together": "TOGETHER_API_KEY";
    "huggingface": "HUGGINGFACE_HUB_TOKEN", "HF_TOKEN";
    "zai": "ZAI_API_KEY", "Z_AI_API_KEY";
    "moonshot": "MOONSHOT_API_KEY";
    "kimi-coding": "KIMI_API_KEY", "KIMICODE_API_KEY";
    "minimax": "MINIMAX_API_KEY";
    "minimax-portal": "MINIMAX_OAUTH_TOKEN", "MINIMAX_API_KEY";
    "qwen-portal": "QWEN_OAUTH_TOKEN", "QWEN_PORTAL_API_KEY";
    "qwen-dashscope": "DASHSCOPE_API_KEY";
    "chutes": "CHUTES_OAUTH_TOKEN", "CHUTES_API_KEY";
    "opencode": "OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY";
    "vercel-ai-gateway": "AI_GATEWAY_API_KEY";
    "cloudflare-ai-gateway": "CLOUDFLARE_AI_GATEWAY_API_KEY";
    "litellm": "LITELLM_API_KEY";
    "synthetic": "SYNTHETIC_API_KEY";
    "venice": "VENICE_API_KEY";
    "xiaomi": "XIAOMI_API_KEY";
    "qianfan": "QIANFAN_API_KEY";
    "zenmux": "ZENMUX_API_KEY";
    "kilocode": "KILOCODE_API_KEY";
    "modelstudio": "MODELSTUDIO_API_KEY";
    "volcengine": "VOLCANO_ENGINE_API_KEY";
    "byteplus": "BYTEPLUS_API_KEY";
    "nexos": "NEXOS_API_KEY";
    "ollama": "OLLAMA_API_KEY";
    "vllm": "VLLM_API_KEY";
    "deepseek": "DEEPSEEK_API_KEY";
    "fireworks": "FIREWORKS_API_KEY";
    "azure": "AZURE_OPENAI_API_KEY";
    "vertex": "GOOGLE_CLOUD_API_KEY";
    "bedrock": "AWS_BEARER_TOKEN_BEDROCK";
}

/// The variables of a provider, the strongest first; none for a provider that is not known.
#[must_use]
pub fn names_of(provider: &str) -> &'static [&'static str] {
    TABLE.iter().find(|row| row.provider == provider).map_or(&[], |row| row.names)
}

/// The provider to which a variable belongs.
#[must_use]
pub fn provider_of(name: &str) -> Option<&'static str> {
    TABLE.iter().find(|row| row.names.contains(&name)).map(|row| row.provider)
}

/// A variable of a provider's pool of keys: OpenClaw goes on to these when a key meets a rate limit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pool {
    /// `OPENCLAW_LIVE_<P>_KEY`: where it is set, the rest of the pool is not used.
    Live,
    /// `<P>_API_KEYS`: several, parted by commas, semicolons or white space.
    List,
    /// `<P>_API_KEY_<name>`.
    Named,
}

/// The provider and the place in its pool of a variable that is none of [`TABLE`].
#[must_use]
pub fn pool_of(name: &str) -> Option<(&'static str, Pool)> {
    // A name is shown to people: one outside the usual letters is not a pool's.
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !plain || known(name).is_some() {
        return None;
    }
    let live = name.strip_prefix("OPENCLAW_LIVE_");
    let (base, pool) = match live {
        Some(rest) => match rest.strip_suffix("_KEY") {
            Some(base) => (base, Pool::Live),
            None => (rest.strip_suffix("_KEYS")?, Pool::List),
        },
        None => match name.strip_suffix("_API_KEYS") {
            Some(base) => (base, Pool::List),
            None => (name.split_once("_API_KEY_").filter(|(_, tail)| !tail.is_empty())?.0, Pool::Named),
        },
    };
    let row = TABLE.iter().find(|row| pool_base(row.provider).eq(base.chars()))?;
    Some((row.provider, pool))
}

/// What stands for a provider in the names of its pool.
fn pool_base(provider: &str) -> impl Iterator<Item = char> {
    let provider = if provider == "google" { "gemini" } else { provider };
    provider.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() })
}

/// The variable of that name as the table spells it.
#[must_use]
pub fn known(name: &str) -> Option<&'static str> {
    TABLE.iter().flat_map(|row| row.names).copied().find(|known| *known == name)
}

/// What a variable holds, going by its name.
#[must_use]
pub fn kind_of(name: &str) -> CredentialType {
    let token = name.ends_with("_OAUTH_TOKEN")
        || matches!(name, "ANTHROPIC_AUTH_TOKEN" | "COPILOT_GITHUB_TOKEN" | "GH_TOKEN" | "GITHUB_TOKEN");
    if token { CredentialType::Token } else { CredentialType::ApiKey }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::id::Provider;

    #[test]
    fn every_provider_is_a_slug_and_stands_once() {
        let mut seen = std::collections::HashSet::new();
        for row in TABLE {
            assert!(row.provider.parse::<Provider>().is_ok(), "{}", row.provider);
            assert!(seen.insert(row.provider), "{}", row.provider);
        }
    }

    #[test]
    fn a_shared_variable_belongs_to_the_first_provider() {
        assert_eq!(provider_of("MINIMAX_API_KEY"), Some("minimax"));
        assert_eq!(names_of("minimax-portal"), ["MINIMAX_OAUTH_TOKEN", "MINIMAX_API_KEY"]);
    }

    #[test]
    fn names_of_tokens_hold_tokens() {
        for name in ["ANTHROPIC_OAUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN", "GH_TOKEN"] {
            assert_eq!(kind_of(name), CredentialType::Token, "{name}");
        }
        for name in ["ANTHROPIC_API_KEY", "HF_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"] {
            assert_eq!(kind_of(name), CredentialType::ApiKey, "{name}");
        }
    }

    #[test]
    fn pools_are_told_by_their_names() {
        for (name, expected) in [
            ("OPENCLAW_LIVE_ANTHROPIC_KEY", Some(("anthropic", Pool::Live))),
            ("OPENCLAW_LIVE_ANTHROPIC_KEYS", Some(("anthropic", Pool::List))),
            ("OPENAI_API_KEYS", Some(("openai", Pool::List))),
            ("OPENAI_API_KEY_2", Some(("openai", Pool::Named))),
            ("GEMINI_API_KEY_TEAM", Some(("google", Pool::Named))),
            ("CLOUDFLARE_AI_GATEWAY_API_KEYS", Some(("cloudflare-ai-gateway", Pool::List))),
            ("OPENAI_API_KEY", None),
            ("OPENAI_API_KEY_", None),
            ("NOBODY_API_KEY_2", None),
            ("OPENCLAW_API_KEY", None),
            ("GOOGLE_CLOUD_API_KEY", None),
            ("OPENAI_API_KEY_\u{1b}[2J", None),
        ] {
            assert_eq!(pool_of(name), expected, "{name}");
        }
    }

    #[test]
    fn other_variables_are_not_known() {
        assert_eq!(provider_of("OPENCLAW_API_KEY"), None);
        assert_eq!(known("PATH"), None);
        assert!(names_of("nobody").is_empty());
    }
}
