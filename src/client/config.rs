//! Reads the client's configuration: its selection, its `env` block, its providers' keys and its models. It is JSON5,
//! and is never written.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jsonc_parser::ast::{Object, Value};

use super::config_agents::{self, AgentConfig};
use super::config_auth;
use super::endpoint;
use super::file;
use super::include;
use super::model_choice::{self, ModelChoice};
use super::places::Places;
use super::prompt_cache::{Params, Retention};
use super::provider_entry::{self, ProviderEntry, has_runtime};
use super::secret_providers::SecretProviders;
use crate::env::Env;
use crate::error::{Code, Result};
use crate::json::json5::{member, object, string, with_root};
use crate::messages::client as messages;
use crate::secret::SecretString;
use crate::select::endpoint::Endpoint;
use crate::select::policy::SelectionPolicy;
use crate::vault::id::{AgentName, Provider};

/// The largest configuration that is read, in bytes: a hundred times what people have, and still fast to search.
pub const CONFIG_MAX: u64 = 1024 * 1024;
/// How long the client waits for a login shell, unless the configuration says less.
pub const SHELL_TIMEOUT: Duration = Duration::from_secs(15);

/// The parts of a configuration that are used here.
pub struct ClientConfig {
    /// What decides which profile is used.
    pub selection: SelectionPolicy,
    /// Whether something that is used here is in other files (`$include`), which are not read.
    pub includes: bool,
    /// The keys of `models.providers`.
    pub providers: Vec<ProviderEntry>,
    /// `secrets.providers`.
    pub secrets: SecretProviders,
    /// `env`: variables that the client sets if they are missing.
    pub variables: Vec<(String, SecretString)>,
    /// `env.shellEnv`, if it is enabled: how long the shell may take.
    pub shell: Option<Duration>,
    /// The endpoints of `models.providers`.
    pub endpoints: Vec<Endpoint>,
    /// `agents.defaults.model`.
    pub model: ModelChoice,
    /// `agents.defaults.imageModel`.
    pub image_model: ModelChoice,
    /// The models of `agents.defaults.models` by their aliases, in lower case.
    pub aliases: HashMap<String, String>,
    /// The names of `agents.defaults.cliBackends`, which are programs with keys of their own, and the providers with a
    /// model that such a program serves.
    pub programs: BTreeSet<String>,
    /// `agents.defaults.params`.
    pub defaults: Params,
    /// `agents.defaults.models[…].params`.
    pub of_models: Vec<(String, Params)>,
    /// `agents.list[]` or `agents.entries`.
    pub agents: Vec<AgentConfig>,
    /// The agent that the client uses if none is named; nothing if it asks for a name then.
    pub default_agent: Option<AgentName>,
}

impl ClientConfig {
    /// Reads the configuration that the client's variables name, if it exists.
    ///
    /// # Errors
    /// Those of [`ClientConfig::read`]; the message names the file.
    pub fn of(env: &Env) -> Result<Option<Self>> {
        let Some(path) = Places::of(env).config else { return Ok(None) };
        Self::read(&path).map_err(|error| messages::config_not_read(&path, &error))
    }

    /// Reads a configuration. Returns nothing if it does not exist.
    ///
    /// # Errors
    /// `BAD_DATA` if it is not JSON5, and those of reading a file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let bytes = match file::read(path, CONFIG_MAX) {
            Ok((bytes, _)) => bytes,
            Err(error) if error.code() == Code::NoInput => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(text) = bytes.expose_str() else {
            return Err(messages::config_not_text());
        };
        Self::parse(text).map(Some)
    }

    /// Parses the text of a configuration.
    ///
    /// # Errors
    /// `BAD_DATA`; the message quotes nothing.
    pub fn parse(text: &str) -> Result<Self> {
        with_root(text, messages::CONFIG, Self::of_root)
            .map_err(|error| error.with_remedy(messages::FIX_CONFIG))
    }

    fn of_root(root: &Object<'_>) -> Self {
        let mut config = Self {
            selection: config_auth::of(root),
            includes: include::includes_others(root),
            providers: provider_entry::read(root),
            secrets: SecretProviders::of(root),
            endpoints: endpoint::read(root),
            variables: Vec::new(),
            shell: None,
            model: ModelChoice::default(),
            image_model: ModelChoice::default(),
            aliases: HashMap::new(),
            programs: BTreeSet::new(),
            defaults: Params::default(),
            of_models: Vec::new(),
            agents: Vec::new(),
            default_agent: Some(AgentName::default()),
        };
        if let Some(env) = object(root, "env") {
            config.take_env(env);
        }
        let Some(agents) = object(root, "agents") else { return config };
        if let Some(defaults) = object(agents, "defaults") {
            config.model = ModelChoice::read(defaults, "model");
            config.image_model = ModelChoice::read(defaults, "imageModel");
            let programs =
                object(defaults, "cliBackends").map_or(&[][..], |programs| programs.properties.as_slice());
            config
                .programs
                .extend(programs.iter().map(|entry| entry.name.as_str().trim().to_ascii_lowercase()));
            config.take_runtimes(defaults);
            config.defaults = params(defaults);
            for entry in object(defaults, "models").map_or(&[][..], |models| models.properties.as_slice()) {
                if let Value::Object(model) = &entry.value {
                    if let Some(alias) = string(model, "alias") {
                        let alias = alias.trim().to_ascii_lowercase();
                        config.aliases.insert(alias, entry.name.as_str().to_owned());
                    }
                    config.of_models.push((entry.name.as_str().to_owned(), params(model)));
                }
            }
        }
        for (agent, object) in config_agents::read(agents) {
            config.take_runtimes(object);
            config.agents.push(agent);
        }
        config.default_agent = config_agents::default_of(agents, &config.agents);
        config
    }

    /// Notes the providers with a model that is served by a program of its own (`agentRuntime`), which signs in by
    /// itself.
    fn take_runtimes(&mut self, of: &Object<'_>) {
        for entry in object(of, "models").map_or(&[][..], |models| models.properties.as_slice()) {
            if let (Value::Object(model), Some((provider, _))) =
                (&entry.value, entry.name.as_str().split_once('/'))
                && has_runtime(model)
            {
                self.programs.insert(provider.trim().to_ascii_lowercase());
            }
        }
    }

    fn take_env(&mut self, env: &Object<'_>) {
        if let Some(shell) = object(env, "shellEnv")
            && member(shell, "enabled").and_then(Value::as_boolean_lit).is_some_and(|enabled| enabled.value)
        {
            let limit = member(shell, "timeoutMs")
                .and_then(Value::as_number_lit)
                .and_then(|limit| limit.value.parse::<u64>().ok());
            self.shell = Some(limit.map_or(SHELL_TIMEOUT, Duration::from_millis).min(SHELL_TIMEOUT));
        }
        // `env` itself counts before `env.vars`.
        let mut known = HashSet::new();
        for block in [Some(env), object(env, "vars")].into_iter().flatten() {
            for entry in block.properties.iter().rev() {
                let name = entry.name.as_str();
                if let Value::StringLit(text) = &entry.value
                    && known.insert(name)
                {
                    self.variables.push((name.to_owned(), SecretString::from(text.value.as_ref())));
                }
            }
        }
    }

    /// Returns the models that an agent may use, each with its parameters for prompt caching: those of the defaults, of
    /// the model and of the agent, where later ones override earlier ones.
    #[must_use]
    pub fn cached_models(&self, agent: &str) -> Vec<(String, Params)> {
        let own = self.agent(agent);
        let of_models = self.of_models.iter().map(|(name, _)| name.as_str());
        let names = self.chosen(own).chain(of_models);
        let of_model: HashMap<_, _> =
            self.of_models.iter().map(|(name, params)| (name.as_str(), *params)).collect();
        let mut known = HashSet::new();
        let mut models: Vec<(String, Params)> = Vec::new();
        for name in names.filter(|name| known.insert(*name)) {
            let params = self
                .defaults
                .under(of_model.get(name).copied().unwrap_or_default())
                .under(own.map_or(Params::default(), |own| own.params));
            models.push((name.to_owned(), params));
        }
        models
    }

    /// Returns the providers of the models that an agent is configured to use: of its own or the default primary model
    /// and fallbacks, and of the models for images. This matches OpenClaw 2026.6.1, whose `models status` does not
    /// count models that `agents.defaults.models` only allows.
    #[must_use]
    pub fn providers_in_use(&self, agent: &str) -> BTreeSet<Provider> {
        let models = self.chosen(self.agent(agent)).chain(self.image_model.over(ModelChoice::NONE));
        models.filter_map(|model| model_choice::provider_of(model, &self.aliases)).collect()
    }

    /// Returns a warning if parts of the configuration are not read.
    #[must_use]
    pub fn unread(&self, env: &Env) -> Option<String> {
        let path = Places::of(env).config.filter(|_| self.includes)?;
        Some(messages::includes(&path))
    }

    /// Returns the directory that the configuration names for an agent.
    #[must_use]
    pub fn directory(&self, agent: &str) -> Option<&str> {
        self.agent(agent)?.directory.as_deref()
    }

    /// Returns the endpoint of a provider in the configuration.
    #[must_use]
    pub fn endpoint(&self, provider: &Provider) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.provider == *provider)
    }

    fn agent(&self, agent: &str) -> Option<&AgentConfig> {
        self.agents.iter().find(|one| one.id.trim().eq_ignore_ascii_case(agent))
    }

    fn chosen<'c>(&'c self, own: Option<&'c AgentConfig>) -> impl Iterator<Item = &'c str> {
        own.map_or(ModelChoice::NONE, |own| &own.model).over(&self.model)
    }
}

pub(super) fn params(of: &Object<'_>) -> Params {
    let Some(params) = object(of, "params") else { return Params::default() };
    Params {
        retention: string(params, "cacheRetention").and_then(Retention::of),
        ttl: string(params, "cacheControlTtl").and_then(Retention::of_ttl),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::secret::ExposeSecret;

    const CONFIG: &str = r#"
    // a comment
    {
        env: {
            ANTHROPIC_API_KEY: 'made-up-1', // the strongest of the block
            "GROQ_API_KEY": "${GROQ}",
            vars: { ANTHROPIC_API_KEY: "made-up-2", MISTRAL_API_KEY: "made-up-3", },
            shellEnv: { enabled: true, timeoutMs: 900 },
        },
        agents: {
            defaults: {
                model: { primary: "anthropic/claude-a", fallbacks: ["anthropic/claude-b"] },
                params: { cacheControlTtl: "1h" },
                models: { "anthropic/claude-b": { params: { cacheRetention: "none" } }, "anthropic/claude-c": {} },
            },
            list: [
                { id: "main" },
                { id: "ops", model: "anthropic/claude-d", params: { cacheRetention: "short" } },
            ],
        },
    }"#;

    #[test]
    fn the_parts_that_matter_are_read() {
        let config = ClientConfig::parse(CONFIG).unwrap();
        let mut variables: Vec<_> =
            config.variables.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        variables.sort_unstable();
        assert_eq!(
            variables,
            [
                ("ANTHROPIC_API_KEY", "made-up-1"),
                ("GROQ_API_KEY", "${GROQ}"),
                ("MISTRAL_API_KEY", "made-up-3")
            ]
        );
        assert_eq!(config.shell, Some(Duration::from_millis(900)));
        let asked = |agent| -> Vec<_> {
            let models = config.cached_models(agent);
            models.into_iter().map(|(name, params)| (name, params.asked())).collect()
        };
        let row = |name: &str, asked| (format!("anthropic/claude-{name}"), asked);
        assert_eq!(
            asked("main"),
            [
                row("a", Some(Retention::Long)),
                row("b", Some(Retention::None)),
                row("c", Some(Retention::Long))
            ]
        );
        assert_eq!(
            asked("ops"),
            [
                row("d", Some(Retention::Short)),
                row("b", Some(Retention::Short)),
                row("c", Some(Retention::Short))
            ]
        );
    }

    #[test]
    fn the_providers_in_use_are_those_of_the_models_that_are_chosen() {
        let text = "{ agents: { defaults: { model: { primary: 'openai/gpt-5', fallbacks: ['fast', 'gpt-4'] },
            imageModel: { primary: 'google/g', fallbacks: ['xai/grok'] }, cliBackends: { 'My-CLI': {} },
            models: { 'groq/llama': { alias: 'Fast' }, 'mistral/only-allowed': {} } },
            list: [{ id: 'Ops', model: 'zai/glm' }, { id: 'two', model: { fallbacks: [] } }] } }";
        let config = ClientConfig::parse(text).unwrap();
        for (agent, expected) in [
            ("main", &["google", "groq", "openai", "xai"][..]),
            ("ops", &["google", "xai", "zai"]),
            ("two", &["google", "openai", "xai"]),
        ] {
            let found = config.providers_in_use(agent);
            assert_eq!(found.iter().map(Provider::as_str).collect::<Vec<_>>(), expected, "{agent}");
        }
        assert_eq!(config.programs, BTreeSet::from(["my-cli".to_owned()]));
        assert!(ClientConfig::parse("{}").unwrap().providers_in_use("main").is_empty());
    }

    #[test]
    fn a_configuration_of_many_aliases_is_looked_through_at_once() {
        let (mut models, mut fallbacks) = (String::new(), String::new());
        for n in 0..10_000 {
            write!(models, "'p{n}/m': {{ alias: 'Al{n}' }},").unwrap();
            write!(fallbacks, "'aL{n}', 'none{n}',").unwrap();
        }
        let defaults = format!("models: {{ {models} }}, model: {{ fallbacks: [{fallbacks}] }}");
        let config = ClientConfig::parse(&format!("{{ agents: {{ defaults: {{ {defaults} }} }} }}")).unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(config.providers_in_use("main").len(), 10_000);
        // Comparing one by one would take 100 times as long.
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }

    #[test]
    fn of_a_member_that_stands_there_twice_the_last_counts() {
        let text = "{ env: { GROQ_API_KEY: 'made-up-1' }, env: { GROQ_API_KEY: 'made-up-2', GROQ_API_KEY: 'made-up-3' } }";
        let config = ClientConfig::parse(text).unwrap();
        assert_eq!(config.variables.len(), 1);
        assert_eq!(config.variables[0].1.expose_secret(), "made-up-3");
    }

    #[test]
    fn what_is_no_configuration_is_refused_without_a_word_of_it() {
        let deep = "[".repeat(100_000);
        for text in ["{ env: { A: canary", "[]", "", "canary", "{env:{A:'canary}", deep.as_str()] {
            let error = ClientConfig::parse(text).err().unwrap();
            assert_eq!(error.code(), Code::BadData);
            assert!(error.what().starts_with("the client's configuration is not "), "{error}");
            assert!(error.remedy().contains("openclaw config validate"));
            assert!(!format!("{error:?}").contains("canary"));
        }
        for text in ["{}", "{env: 1, agents: []}", "{env:{shellEnv:{enabled:'true'}},agents:{list:[1,{}]}}"] {
            let config = ClientConfig::parse(text).unwrap();
            assert!(config.variables.is_empty() && config.shell.is_none() && config.agents.is_empty());
        }
    }
}
