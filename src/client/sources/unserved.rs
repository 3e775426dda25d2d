//! Providers that the client is configured to use and that have no credential.

use std::collections::BTreeSet;

use super::{Found, Held, Origin, ProviderSources, Variable, rank};
use crate::client::own_profiles::OwnProviders;
use crate::env_names;
use crate::vault::id::{AgentName, Provider};
use crate::vault::index::entry::EXEC_PROVIDER;

/// Providers with a sign-in and without a variable.
const SIGN_INS: [&str; 3] = ["openai-codex", "google-antigravity", "qwen-oauth"];
/// Providers that have a variable but need no key: local ones, and those to which the cloud's own tools sign in.
const KEYLESS: [&str; 9] =
    ["ollama", "vllm", "sglang", "lmstudio", "comfy", "amazon-bedrock", "bedrock", "google-vertex", "vertex"];

impl Found {
    /// Returns the providers in use by an agent that need a key or a sign-in but have no credential, neither in the
    /// vault, which `has` tells, nor outside. Providers that are not known to need one are left out.
    #[must_use]
    pub fn unserved(
        &self,
        agent: &AgentName,
        own: &OwnProviders,
        has: impl Fn(&Provider) -> bool,
    ) -> BTreeSet<Provider> {
        let Some(config) = &self.config else { return BTreeSet::new() };
        let mut missing = config.providers_in_use(agent.as_str());
        missing.retain(|provider| self.wants_key(provider) && self.lacks(provider, own, &has));
        missing
    }

    /// Returns whether a provider has no credential: neither in the vault nor in a variable, even one that also belongs
    /// to another provider, nor in the client's configuration, nor among the client's `own` profiles.
    #[must_use]
    pub fn lacks(&self, provider: &Provider, own: &OwnProviders, has: impl Fn(&Provider) -> bool) -> bool {
        let in_vault = || has(provider) || self.stand_in(provider).is_some_and(|other| has(&other));
        !(in_vault() || self.serves(provider) || own.may_have(provider))
    }

    /// Returns whether any provider has a key outside the vault that the client uses.
    #[must_use]
    pub fn has_key(&self) -> bool {
        let of =
            |of: &ProviderSources<'_>| of.winner.is_some_and(|winner| !asks_the_vault(winner, of.provider));
        rank(&self.variables).iter().any(of)
    }

    fn serves(&self, provider: &Provider) -> bool {
        let name = provider.as_str();
        env_names::names_of(name).iter().any(|name| self.set.contains(*name))
            || self.refers_elsewhere(name)
            || rank(&self.variables).iter().any(|of| {
                of.provider == name && of.winner.is_some_and(|winner| !asks_the_vault(winner, name))
            })
    }

    /// Returns whether the configuration names a variable for a provider's key that is not set here. The client may run
    /// as a service, with variables of its own.
    fn refers_elsewhere(&self, provider: &str) -> bool {
        self.variables.iter().any(|variable| {
            variable.provider == provider
                && matches!(variable.origin, Origin::Entry(_))
                && matches!(variable.held, Held::Unusable(_))
        })
    }

    fn wants_key(&self, provider: &Provider) -> bool {
        let name = provider.as_str();
        let known = !env_names::names_of(name).is_empty() || SIGN_INS.contains(&name);
        let config = self.config.as_ref();
        let keyless =
            config.and_then(|config| config.endpoint(provider)).is_some_and(|endpoint| endpoint.keyless);
        let by_program = config.is_some_and(|config| config.programs.contains(name));
        known && !KEYLESS.contains(&name) && !keyless && !by_program
    }

    /// Returns the provider whose sign-in also serves another one.
    fn stand_in(&self, provider: &Provider) -> Option<Provider> {
        let other = match provider.as_str() {
            // The client's own runtime for OpenAI's models, which is not used with another endpoint.
            "openai" => {
                let endpoint = self.config.as_ref().and_then(|config| config.endpoint(provider));
                if endpoint.is_some_and(|endpoint| endpoint.custom) {
                    return None;
                }
                "openai-codex"
            }
            "openai-codex" => "openai",
            "qwen-portal" => "qwen-oauth",
            "qwen-oauth" => "qwen-portal",
            _ => return None,
        };
        other.parse().ok()
    }
}

/// Returns whether a key is a reference to this vault for this provider.
fn asks_the_vault(variable: &Variable, provider: &str) -> bool {
    let asked = format!("exec:{EXEC_PROVIDER}:providers/{provider}/apiKey");
    matches!(&variable.held, Held::Reference(label) if *label == asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::stores::Installation;
    use crate::env::Env;

    fn unserved(config: &str, variables: &[(&str, &str)], vault: &[&str]) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".openclaw")).unwrap();
        std::fs::write(home.path().join(".openclaw/openclaw.json"), config).unwrap();
        let env = Env::default().with_var("HOME", home.path());
        let env = variables.iter().fold(env, |env, (name, value)| env.with_var(name, *value));
        let found = Found::look(&env, None);
        assert!(found.config.is_some() && found.warnings.is_empty(), "{config}: {:?}", found.warnings);
        let (main, none) = (AgentName::default(), OwnProviders::Known(BTreeSet::new()));
        let missing = found.unserved(&main, &none, |provider| vault.contains(&provider.as_str()));
        missing.iter().map(ToString::to_string).collect()
    }

    fn using(provider: &str, entry: &str) -> String {
        format!(
            "{{ agents: {{ defaults: {{ model: '{provider}/x' }} }}, models: {{ providers: {{ '{provider}': {entry} }} }} }}"
        )
    }

    #[test]
    fn a_provider_that_nothing_serves_is_missing_and_others_are_not() {
        let key = [("OPENAI_API_KEY", "made-up")];
        for (provider, entry, variables, vault, missing) in [
            ("openai", "{}", &[][..], &[][..], true),
            ("openai", "{}", &[], &["anthropic"], true),
            ("openai", "{}", &[], &["openai"], false),
            ("openai", "{}", &key, &[], false),
            ("openai", "{}", &[("OPENAI_API_KEY", " ")], &[], true),
            ("openai", "{}", &[("OPENAI_API_KEYS", "made-up")], &[], false),
            ("openai", "{ apiKey: 'made-up' }", &[], &[], false),
            // A service may have variables that are not set here.
            ("openai", "{ apiKey: '${MY_KEY}' }", &[], &[], false),
            ("openai", "{ apiKey: { source: 'env', id: 'MY_KEY' } }", &[], &[], false),
            ("openai", "{ agentRuntime: { id: 'codex' } }", &[], &[], false),
            ("openai", "{ agentRuntime: { id: 'openclaw' } }", &[], &[], true),
            ("openai", "{ apiKey: '${MY_KEY}' }", &[("MY_KEY", "made-up")], &[], false),
            ("openai", "{ apiKey: { source: 'exec', provider: 'v', id: 'x' } }", &[], &[], false),
            (
                "openai",
                "{ apiKey: { source: 'exec', provider: 'strongroom', id: 'providers/openai/apiKey' } }",
                &[],
                &[],
                true,
            ),
            // A sign-in of the client's own runtime, if that is used.
            ("openai", "{}", &[], &["openai-codex"], false),
            ("openai", "{ baseUrl: 'https://llm.example' }", &[], &["openai-codex"], true),
            ("openai-codex", "{}", &[], &[], true),
            // A variable that belongs to another provider first.
            ("minimax-portal", "{}", &[("MINIMAX_API_KEY", "made-up")], &[], false),
            ("google", "{}", &[("GOOGLE_API_KEY", "made-up")], &[], false),
            ("google", "{}", &key, &[], true),
            // Providers that need no key, and unknown ones.
            ("ollama", "{}", &[], &[], false),
            ("vllm", "{}", &[], &[], false),
            ("lmstudio", "{}", &[], &[], false),
            ("amazon-bedrock", "{}", &[], &[], false),
            ("claude-cli", "{}", &[], &[], false),
            ("google-gemini-cli", "{}", &[], &[], false),
            ("my-proxy", "{ baseUrl: 'https://llm.example' }", &[], &[], false),
            ("litellm", "{ baseUrl: 'http://localhost:4000' }", &[], &[], false),
            ("litellm", "{ baseUrl: 'https://llm.example' }", &[], &[], true),
            ("groq", "{ apiKey: 'custom-local' }", &[], &[], false),
        ] {
            let found = unserved(&using(provider, entry), variables, vault);
            let expected: &[&str] = if missing { &[provider] } else { &[] };
            assert_eq!(found, expected, "{provider} {entry} {variables:?} {vault:?}");
        }
        let program =
            "{ agents: { defaults: { model: 'groq/x', cliBackends: { Groq: { command: 'x' } } } } }";
        let runtime = "{ agents: { defaults: { model: 'anthropic/x', models: { 'anthropic/x': { agentRuntime: { id: 'claude-cli' } } } } } }";
        let own_runtime = "{ agents: { defaults: { model: 'zai/x' }, list: [{ id: 'main', models: { 'zai/*': { agentRuntime: { id: 'x' } } } }] } }";
        for config in [
            "{}",
            "{ agents: { defaults: { models: { 'openai/gpt-5': {} } } } }",
            program,
            runtime,
            own_runtime,
        ] {
            assert!(unserved(config, &[], &[]).is_empty(), "{config}");
        }
        let env = "{ env: { GROQ_API_KEY: 'made-up' }, agents: { defaults: { model: 'groq/x' } } }";
        assert!(unserved(env, &[], &[]).is_empty());
    }

    #[test]
    fn what_the_client_keeps_itself_is_not_missing() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".openclaw/agents/main/agent");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(home.path().join(".openclaw/openclaw.json"), using("groq", "{}")).unwrap();
        let env = Env::default().with_var("HOME", home.path());
        let main = AgentName::default();
        let missing = || {
            let used = Installation::of(&env, None).effective(&main);
            let own = used.map_or(OwnProviders::Unknown, |used| OwnProviders::of(&used));
            Found::look(&env, None).unserved(&main, &own, |_| false).len()
        };
        assert_eq!(missing(), 1);
        let store = r#"{"profiles":{"groq:x":{"type":"api_key","provider":"groq","key":"made-up"}}}"#;
        std::fs::write(directory.join("auth-profiles.json"), store).unwrap();
        assert_eq!(missing(), 0);
        std::fs::write(directory.join("auth-profiles.json"), r#"{"profiles":{}}"#).unwrap();
        assert_eq!(missing(), 1);
        std::fs::write(directory.join("auth-profiles.json"), "{ torn").unwrap();
        assert_eq!(missing(), 0, "it may have one");
    }
}
