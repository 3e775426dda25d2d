//! The environment variables in which OpenClaw expects providers' keys.

use crate::looks::SETUP_TOKEN;
use crate::secret::{ExposeSecret, SecretString};
use crate::vault::credential::CredentialType;

/// A provider and the variables for its key. The first one that is set wins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnvNames {
    /// The provider's slug.
    pub provider: &'static str,
    /// Its variables, in order of precedence.
    pub names: &'static [&'static str],
}

macro_rules! table {
    ($($provider:literal: $($name:literal),+;)*) => {
        /// All providers with variables. A variable that two providers share belongs to the one
        /// that comes first.
        pub const TABLE: &[EnvNames] = &[$(EnvNames { provider: $provider, names: &[$($name),+] },)*];
    };
}

// The manifests of OpenClaw 2026.6.1, then what 2026.9.6 adds (its manifests, its catalogs of providers and
// web searches), then names from older versions. `tests/real/names.sh` compares them with the installed client.
// Left out, because they are not keys: AZURE_SPEECH_REGION, SPEECH_REGION, VOLCENGINE_TTS_APPID.
table! {
    "anthropic": "ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN";
    "openai": "CODEX_API_KEY", "OPENAI_API_KEY";
    "google": "GEMINI_API_KEY", "GOOGLE_API_KEY";
    "google-vertex": "GOOGLE_CLOUD_API_KEY";
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
    "kimi": "KIMI_API_KEY", "KIMICODE_API_KEY";
    "kimi-coding": "KIMI_API_KEY", "KIMICODE_API_KEY";
    "moonshot": "MOONSHOT_API_KEY", "KIMI_API_KEY";
    "minimax": "MINIMAX_CODE_PLAN_KEY", "MINIMAX_CODING_API_KEY", "MINIMAX_API_KEY";
    "minimax-portal": "MINIMAX_OAUTH_TOKEN", "MINIMAX_API_KEY";
    "qwen": "QWEN_API_KEY", "MODELSTUDIO_API_KEY", "DASHSCOPE_API_KEY";
    "qwen-oauth": "QWEN_API_KEY";
    "qwen-portal": "QWEN_OAUTH_TOKEN", "QWEN_PORTAL_API_KEY", "QWEN_API_KEY";
    "qwen-dashscope": "DASHSCOPE_API_KEY";
    "qwen-token-plan": "QWEN_TOKEN_PLAN_API_KEY";
    "alibaba": "MODELSTUDIO_API_KEY", "DASHSCOPE_API_KEY", "QWEN_API_KEY";
    "modelstudio": "MODELSTUDIO_API_KEY";
    "chutes": "CHUTES_API_KEY", "CHUTES_OAUTH_TOKEN";
    "opencode": "OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY";
    "opencode-go": "OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY";
    "vercel-ai-gateway": "AI_GATEWAY_API_KEY";
    "cloudflare-ai-gateway": "CLOUDFLARE_AI_GATEWAY_API_KEY";
    "litellm": "LITELLM_API_KEY";
    "synthetic": "SYNTHETIC_API_KEY";
    "venice": "VENICE_API_KEY";
    "xiaomi": "XIAOMI_API_KEY";
    "xiaomi-token-plan": "XIAOMI_TOKEN_PLAN_API_KEY";
    "qianfan": "QIANFAN_API_KEY";
    "kilocode": "KILOCODE_API_KEY";
    "volcengine": "VOLCANO_ENGINE_API_KEY";
    "volcengine-plan": "VOLCANO_ENGINE_API_KEY";
    "volcengine-tts": "VOLCENGINE_TTS_API_KEY", "BYTEPLUS_SEED_SPEECH_API_KEY", "VOLCENGINE_TTS_TOKEN";
    "byteplus": "BYTEPLUS_API_KEY";
    "ollama": "OLLAMA_API_KEY";
    "ollama-cloud": "OLLAMA_API_KEY";
    "vllm": "VLLM_API_KEY";
    "sglang": "SGLANG_API_KEY";
    "lmstudio": "LM_API_TOKEN";
    "deepseek": "DEEPSEEK_API_KEY";
    "deepinfra": "DEEPINFRA_API_KEY";
    "fireworks": "FIREWORKS_API_KEY";
    "novita": "NOVITA_API_KEY";
    "gmi": "GMI_API_KEY";
    "arcee": "ARCEEAI_API_KEY";
    "stepfun": "STEPFUN_API_KEY";
    "stepfun-plan": "STEPFUN_API_KEY";
    "tencent-tokenhub": "TOKENHUB_API_KEY";
    "microsoft-foundry": "AZURE_OPENAI_API_KEY";
    "azure-speech": "AZURE_SPEECH_KEY", "AZURE_SPEECH_API_KEY", "SPEECH_KEY";
    "azure": "AZURE_SPEECH_KEY", "AZURE_SPEECH_API_KEY", "SPEECH_KEY", "AZURE_OPENAI_API_KEY";
    "perplexity": "PERPLEXITY_API_KEY", "OPENROUTER_API_KEY";
    "exa": "EXA_API_KEY";
    "firecrawl": "FIRECRAWL_API_KEY";
    "tavily": "TAVILY_API_KEY";
    "fal": "FAL_KEY", "FAL_API_KEY";
    "comfy": "COMFY_API_KEY", "COMFY_CLOUD_API_KEY";
    "runway": "RUNWAYML_API_SECRET", "RUNWAY_API_KEY";
    "vydra": "VYDRA_API_KEY";
    "elevenlabs": "ELEVENLABS_API_KEY", "XI_API_KEY";
    "gradium": "GRADIUM_API_KEY";
    "inworld": "INWORLD_API_KEY";
    "senseaudio": "SENSEAUDIO_API_KEY";
    "baseten": "BASETEN_API_KEY";
    "brave": "BRAVE_API_KEY";
    "clawrouter": "CLAWROUTER_API_KEY";
    "featherless": "FEATHERLESS_API_KEY";
    "longcat": "LONGCAT_API_KEY";
    "meta": "MODEL_API_KEY";
    "parallel": "PARALLEL_API_KEY";
    "radius": "RADIUS_API_KEY";
    "tencent-tokenplan": "TOKENPLAN_API_KEY";
    "anthropic-openai": "ANTHROPIC_API_KEY";
    "zenmux": "ZENMUX_API_KEY";
    "nexos": "NEXOS_API_KEY";
    "vertex": "GOOGLE_CLOUD_API_KEY";
    "amazon-bedrock": "AWS_BEARER_TOKEN_BEDROCK";
    "bedrock": "AWS_BEARER_TOKEN_BEDROCK";
}

/// Returns the variables of a provider, in order of precedence; none for an unknown provider.
#[must_use]
pub fn names_of(provider: &str) -> &'static [&'static str] {
    TABLE.iter().find(|row| row.provider == provider).map_or(&[], |row| row.names)
}

/// Returns the provider to which a variable belongs.
#[must_use]
pub fn provider_of(name: &str) -> Option<&'static str> {
    TABLE.iter().find(|row| row.names.contains(&name)).map(|row| row.provider)
}

/// A kind of variable of a provider's pool of keys. OpenClaw goes on to these when a key hits a rate limit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pool {
    /// `OPENCLAW_LIVE_<P>_KEY`: if it is set, the rest of the pool is not used.
    Live,
    /// `<P>_API_KEYS`: several keys, separated by commas, semicolons or white space.
    List,
    /// `<P>_API_KEY_<name>`.
    Named,
}

/// Returns the provider of a variable that is not in [`TABLE`], and its kind.
#[must_use]
pub fn pool_of(name: &str) -> Option<(&'static str, Pool)> {
    // The name will be shown to people, so only the usual characters are accepted.
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

/// Returns the part that stands for a provider in the names of its pool.
fn pool_base(provider: &str) -> impl Iterator<Item = char> {
    let provider = if provider == "google" { "gemini" } else { provider };
    provider.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() })
}

/// Returns the variable with this name, from the table.
#[must_use]
pub fn known(name: &str) -> Option<&'static str> {
    TABLE.iter().flat_map(|row| row.names).copied().find(|known| *known == name)
}

/// Returns the variables in which a program gets the credential of a provider: the first of its list that is for
/// credentials of this type, or else `<PROVIDER>_API_KEY`.
///
/// A setup-token is only read from `CLAUDE_CODE_OAUTH_TOKEN`. OpenAI's own libraries do not read the variable that comes
/// first, so its key is in both.
#[must_use]
pub fn handed_over_as(provider: &str, kind: CredentialType, secret: &SecretString) -> Vec<String> {
    if secret.expose_secret().starts_with(SETUP_TOKEN) {
        return vec!["CLAUDE_CODE_OAUTH_TOKEN".to_owned()];
    }
    let names = names_of(provider);
    let is_token = kind != CredentialType::ApiKey;
    let of_type = names.iter().find(|name| (kind_of(name) == CredentialType::Token) == is_token);
    let Some(first) = of_type.or(names.first()) else {
        let upper = provider.to_ascii_uppercase();
        let name: String = upper.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let digit = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        return vec![format!("{digit}{name}_API_KEY")];
    };
    match *first {
        "CODEX_API_KEY" => vec!["CODEX_API_KEY".to_owned(), "OPENAI_API_KEY".to_owned()],
        first => vec![first.to_owned()],
    }
}

/// Returns the type of credential in a variable, by the variable's name.
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
    fn every_provider_is_a_slug_and_is_listed_once() {
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
        assert_eq!(provider_of("KIMI_API_KEY"), Some("kimi"));
        assert_eq!(provider_of("OPENROUTER_API_KEY"), Some("openrouter"));
        assert_eq!(provider_of("DASHSCOPE_API_KEY"), Some("qwen"));
    }

    /// The variables in OpenClaw's manifests; `tests/real/names.sh` checks that the first is as installed.
    const MANIFESTS: [&str; 2] = [
        include_str!("../tests/fixtures/env_names/openclaw-2026.6.1.txt"),
        include_str!("../tests/fixtures/env_names/openclaw-2026.9.6.txt"),
    ];
    /// Settings that belong to a key.
    const NOT_KEYS: [&str; 3] = ["AZURE_SPEECH_REGION", "SPEECH_REGION", "VOLCENGINE_TTS_APPID"];

    #[test]
    fn every_variable_of_the_clients_manifests_is_known_in_its_order() {
        let rows = MANIFESTS.iter().flat_map(|manifest| manifest.lines());
        let rows: Vec<_> = rows.map(|row| row.split_once(": ").unwrap()).collect();
        assert!(rows.len() > 130, "{}", rows.len());
        for (provider, names) in rows {
            let expected: Vec<_> = names.split(' ').filter(|name| !NOT_KEYS.contains(name)).collect();
            let known = names_of(provider).iter().copied();
            let ours: Vec<_> = known.filter(|name| expected.contains(name)).collect();
            assert_eq!(ours, expected, "{provider}");
            assert!(expected.iter().all(|name| provider_of(name).is_some()), "{provider}");
        }
        for name in NOT_KEYS {
            assert_eq!(provider_of(name), None, "{name}");
        }
    }

    #[test]
    fn variables_named_after_tokens_contain_tokens() {
        for name in ["ANTHROPIC_OAUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN", "GH_TOKEN"] {
            assert_eq!(kind_of(name), CredentialType::Token, "{name}");
        }
        for name in ["ANTHROPIC_API_KEY", "HF_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"] {
            assert_eq!(kind_of(name), CredentialType::ApiKey, "{name}");
        }
    }

    #[test]
    fn pools_are_recognized_by_their_names() {
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
    fn a_program_gets_the_variable_that_it_reads() {
        use CredentialType::{ApiKey, OAuth, Token};
        for (provider, kind, secret, expected) in [
            ("anthropic", ApiKey, "made-up", "ANTHROPIC_API_KEY"),
            ("anthropic", Token, "made-up", "ANTHROPIC_OAUTH_TOKEN"),
            ("anthropic", Token, "sk-ant-oat01-made-up", "CLAUDE_CODE_OAUTH_TOKEN"),
            ("openai", ApiKey, "made-up", "CODEX_API_KEY OPENAI_API_KEY"),
            ("openrouter", Token, "made-up", "OPENROUTER_API_KEY"),
            ("google", ApiKey, "made-up", "GEMINI_API_KEY"),
            ("github-copilot", Token, "made-up", "COPILOT_GITHUB_TOKEN"),
            ("qwen-portal", OAuth, "made-up", "QWEN_OAUTH_TOKEN"),
            ("made-up.io", ApiKey, "made-up", "MADE_UP_IO_API_KEY"),
            ("9made-up", ApiKey, "made-up", "_9MADE_UP_API_KEY"),
        ] {
            let names = handed_over_as(provider, kind, &SecretString::from(secret));
            assert_eq!(names.join(" "), expected, "{provider}");
        }
    }

    #[test]
    fn other_variables_are_not_known() {
        assert_eq!(provider_of("OPENCLAW_API_KEY"), None);
        assert_eq!(known("PATH"), None);
        assert!(names_of("unknown").is_empty());
    }
}
