//! The hosts of known providers' own services, to which their secrets may be sent.

/// A provider and its hosts. Those that many people reach at hosts of their own are in [`NAMED`].
const TABLE: &[(&str, &[&str])] = &[
    ("anthropic", &["https://api.anthropic.com"]),
    ("openai", &["https://api.openai.com"]),
    ("openai-codex", &["https://chatgpt.com", "https://api.openai.com"]),
    ("google", &["https://generativelanguage.googleapis.com"]),
    ("openrouter", &["https://openrouter.ai"]),
    ("groq", &["https://api.groq.com"]),
    ("xai", &["https://api.x.ai"]),
    ("mistral", &["https://api.mistral.ai"]),
    ("cerebras", &["https://api.cerebras.ai"]),
    ("deepseek", &["https://api.deepseek.com"]),
    ("together", &["https://api.together.xyz"]),
    ("fireworks", &["https://api.fireworks.ai"]),
    ("perplexity", &["https://api.perplexity.ai"]),
    ("cohere", &["https://api.cohere.com"]),
    ("nvidia", &["https://integrate.api.nvidia.com"]),
    ("huggingface", &["https://huggingface.co", "https://router.huggingface.co"]),
    ("github-copilot", &["https://api.githubcopilot.com", "https://api.github.com", "https://github.com"]),
    ("zai", &["https://api.z.ai"]),
    ("moonshot", &["https://api.moonshot.ai"]),
    ("voyage", &["https://api.voyageai.com"]),
    ("deepgram", &["https://api.deepgram.com"]),
    ("elevenlabs", &["https://api.elevenlabs.io"]),
    ("vercel-ai-gateway", &["https://ai-gateway.vercel.sh"]),
    ("opencode", &["https://opencode.ai"]),
];

/// Parts of the names of providers whose service has a host for each customer or region.
const NAMED: [&str; 3] = ["azure", "bedrock", "vertex"];

/// Returns the hosts of a provider's own service, if it is known.
#[must_use]
pub fn of(provider: &str) -> Option<&'static [&'static str]> {
    TABLE.iter().find(|(name, _)| *name == provider).map(|(_, hosts)| *hosts)
}

/// Returns whether a person has to name the host of a provider, because it differs by customer or region.
#[must_use]
pub fn differ(provider: &str) -> bool {
    of(provider).is_none() && NAMED.iter().any(|part| provider.contains(part))
}

#[cfg(test)]
mod tests {
    use super::super::origin;
    use super::*;

    #[test]
    fn every_host_is_an_origin() {
        for (provider, hosts) in TABLE {
            for host in *hosts {
                assert_eq!(origin::parse(host).as_deref(), Ok(*host), "{provider}");
            }
        }
        assert!(differ("azure-openai") && differ("google-vertex"));
        assert!(!differ("anthropic") && !differ("made-up"));
    }
}
