//! The one reader of the client's configuration: what it says of selection, its `env` block, its
//! providers' keys and its models. It is JSON5, read and never written.

use std::path::Path;
use std::time::Duration;

use jsonc_parser::ast::{Object, Value};
use strongroom_backends::shown;

use super::file;
use super::places::Places;
use super::provider_entry::{self, ProviderEntry};
use crate::env::Env;
use crate::error::{Code, Error, Result, fail};
use crate::secret::SecretString;
use crate::select::client::{Client, array, member, object, string, with_root};
use crate::select::prompt_cache::{Params, Retention};

/// The largest configuration that is read, in bytes.
const CONFIG_MAX: u64 = 4 * 1024 * 1024;
/// How long the client waits for a login shell, unless the configuration says less.
pub const SHELL_TIMEOUT: Duration = Duration::from_secs(15);

/// The parts of a configuration that matter here.
#[derive(Default)]
pub struct ClientConfig {
    /// What decides which profile is used.
    pub selection: Client,
    /// The keys of `models.providers`.
    pub providers: Vec<ProviderEntry>,
    /// `env`: variables that the client sets where they are missing.
    pub variables: Vec<(String, SecretString)>,
    /// `env.shellEnv`, where it is enabled: how long the shell may take.
    pub shell: Option<Duration>,
    /// The models of `agents.defaults.model`: the primary one and those it falls back to.
    pub models: Vec<String>,
    /// `agents.defaults.params`.
    pub defaults: Params,
    /// `agents.defaults.models[…].params`.
    pub of_models: Vec<(String, Params)>,
    /// `agents.list[]`.
    pub agents: Vec<AgentConfig>,
}

/// An agent of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentConfig {
    /// Its id.
    pub id: String,
    /// Its models; none where it has those of the defaults.
    pub models: Vec<String>,
    /// Its parameters.
    pub params: Params,
}

impl ClientConfig {
    /// The configuration that the client's variables name, where there is one.
    ///
    /// # Errors
    /// As [`ClientConfig::read`]; the message names the file.
    pub fn of(env: &Env) -> Result<Option<Self>> {
        let Some(path) = Places::of(env).config else { return Ok(None) };
        Self::read(&path).map_err(|error| {
            Error::new(error.code(), format!("{} is not read: {}", shown(&path), error.what()))
                .with_remedy(error.remedy().to_owned())
        })
    }

    /// Reads a configuration; one that is not there is an empty one.
    ///
    /// # Errors
    /// `BAD_DATA` for what is not JSON5, and those of reading a file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let bytes = match file::read(path, CONFIG_MAX) {
            Ok((bytes, _)) => bytes,
            Err(error) if error.code() == Code::NoInput => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(text) = bytes.expose_str() else {
            return fail(Code::BadData, "the client's configuration is not a text file");
        };
        Self::parse(text).map(Some)
    }

    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// `BAD_DATA`. It says nothing of the contents.
    pub fn parse(text: &str) -> Result<Self> {
        with_root(text, Self::of_root)
    }

    fn of_root(root: &Object<'_>) -> Self {
        let mut config =
            Self { selection: Client::of(root), providers: provider_entry::read(root), ..Self::default() };
        if let Some(env) = object(root, "env") {
            config.take_env(env);
        }
        let Some(agents) = object(root, "agents") else { return config };
        if let Some(defaults) = object(agents, "defaults") {
            config.models = models(defaults);
            config.defaults = params(defaults);
            for entry in object(defaults, "models").map_or(&[][..], |models| models.properties.as_slice()) {
                if let Value::Object(model) = &entry.value {
                    config.of_models.push((entry.name.as_str().to_owned(), params(model)));
                }
            }
        }
        for agent in array(agents, "list") {
            if let Value::Object(agent) = agent
                && let Some(id) = string(agent, "id")
            {
                config.agents.push(AgentConfig {
                    id: id.to_owned(),
                    models: models(agent),
                    params: params(agent),
                });
            }
        }
        config
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
        // What stands in `env` itself counts before what stands in `env.vars`.
        for block in [Some(env), object(env, "vars")].into_iter().flatten() {
            for entry in block.properties.iter().rev() {
                let name = entry.name.as_str();
                if let Value::StringLit(text) = &entry.value
                    && !self.variables.iter().any(|(known, _)| known == name)
                {
                    self.variables.push((name.to_owned(), SecretString::from(text.value.as_ref())));
                }
            }
        }
    }

    /// The models that an agent may use and that have something to do with prompt caching, each
    /// with its parameters: those of the defaults, of the model and of the agent, the later over
    /// the earlier.
    #[must_use]
    pub fn cached_models(&self, agent: &str) -> Vec<(String, Params)> {
        let own = self.agents.iter().find(|one| one.id == agent);
        let mut names: Vec<&String> = match own {
            Some(own) if !own.models.is_empty() => own.models.iter().collect(),
            _ => self.models.iter().collect(),
        };
        names.extend(self.of_models.iter().map(|(name, _)| name));
        let mut models: Vec<(String, Params)> = Vec::new();
        for name in names {
            if models.iter().any(|(known, _)| known == name) {
                continue;
            }
            let of_model = self.of_models.iter().rev().find(|(known, _)| known == name);
            let params = self
                .defaults
                .under(of_model.map_or(Params::default(), |(_, params)| *params))
                .under(own.map_or(Params::default(), |own| own.params));
            models.push((name.clone(), params));
        }
        models
    }
}

fn models(of: &Object<'_>) -> Vec<String> {
    match member(of, "model") {
        Some(Value::StringLit(primary)) => vec![primary.value.to_string()],
        Some(Value::Object(model)) => {
            let fallbacks = array(model, "fallbacks").iter().filter_map(Value::as_string_lit);
            let fallbacks = fallbacks.map(|text| text.value.as_ref());
            string(model, "primary").into_iter().chain(fallbacks).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn params(of: &Object<'_>) -> Params {
    let Some(params) = object(of, "params") else { return Params::default() };
    Params {
        retention: string(params, "cacheRetention").and_then(Retention::of),
        ttl: string(params, "cacheControlTtl").and_then(Retention::of_ttl),
    }
}

#[cfg(test)]
mod tests {
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
            assert!(!format!("{error:?}").contains("canary"));
        }
        for text in ["{}", "{env: 1, agents: []}", "{env:{shellEnv:{enabled:'true'}},agents:{list:[1,{}]}}"] {
            let config = ClientConfig::parse(text).unwrap();
            assert!(config.variables.is_empty() && config.shell.is_none() && config.agents.is_empty());
        }
    }
}
