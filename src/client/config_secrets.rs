//! The places in the client's configuration in which people write keys of providers: `env`, and `apiKey` in
//! `models.providers`.

use jsonc_parser::ast::{Object, Value};

use crate::env_names;
use crate::error::Result;
use crate::json::json5::{member, object, with_root};
use crate::messages::client as messages;
use crate::secret::SecretString;

const ENV: &str = "env";
const VARS: &str = "vars";
const MODELS: &str = "models";
const PROVIDERS: &str = "providers";
const API_KEY: &str = "apiKey";
/// How people write the name of a variable in place of a key.
const PREFIXES: [&str; 3] = ["$", "secretref-env:", "__env__:"];

/// A place in a configuration.
pub struct Spot {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// What is there.
    pub holds: Holds,
}

/// What a place in a configuration holds.
pub enum Holds {
    /// A variable of a provider, by its name, with its value.
    Variable(String, SecretString),
    /// The key of a provider's entry.
    Key(SecretString),
    /// The name of a variable in place of a key.
    NameOf(String),
    /// A reference to an entry of the client's `store` source, by its name.
    Stored(String),
}

impl Spot {
    /// Returns the place for people.
    #[must_use]
    pub fn shown(&self) -> String {
        super::edit::shown(&self.path)
    }
}

/// Returns the places of a configuration, in the order of the text.
///
/// # Errors
/// `BAD_DATA` if it is not JSON5; the message quotes nothing.
pub fn spots(text: &str) -> Result<Vec<Spot>> {
    with_root(text, messages::CONFIG, |root| {
        let mut found = Vec::new();
        if let Some(env) = object(root, ENV) {
            variables(&mut found, env, &[ENV]);
            if let Some(vars) = object(env, VARS) {
                variables(&mut found, vars, &[ENV, VARS]);
            }
        }
        if let Some(models) = object(root, MODELS) {
            keys(&mut found, models, &[MODELS]);
        }
        found
    })
    .map_err(|error| error.with_remedy(messages::FIX_CONFIG))
}

/// Returns the keys of an agent's `models.json`, in which 2026.2.26 repeats those of the configuration and of profiles.
///
/// # Errors
/// `BAD_DATA` if it is not JSON; the message quotes nothing.
pub fn model_keys(text: &str) -> Result<Vec<Spot>> {
    with_root(text, "models.json", |root| {
        let mut found = Vec::new();
        keys(&mut found, root, &[]);
        found
    })
}

/// Finds the keys of the providers in `models`.
fn keys(found: &mut Vec<Spot>, models: &Object<'_>, path: &[&str]) {
    let providers = object(models, PROVIDERS);
    for entry in providers.iter().flat_map(|providers| &providers.properties) {
        if let Value::Object(provider) = &entry.value
            && let Some(holds) = member(provider, API_KEY).and_then(of_key)
        {
            let path = path.iter().copied().chain([PROVIDERS, entry.name.as_str(), API_KEY]);
            found.push(Spot { path: path.map(str::to_owned).collect(), holds });
        }
    }
}

fn variables(found: &mut Vec<Spot>, block: &Object<'_>, path: &[&str]) {
    for entry in &block.properties {
        let name = entry.name.as_str();
        let is_key = env_names::provider_of(name).is_some() || env_names::pool_of(name).is_some();
        if let Value::StringLit(value) = &entry.value
            && is_key
            && !value.value.contains("${")
        {
            let path = path.iter().copied().chain([name]).map(str::to_owned).collect();
            let value = SecretString::from(value.value.as_ref());
            found.push(Spot { path, holds: Holds::Variable(name.to_owned(), value) });
        }
    }
}

fn of_key(value: &Value<'_>) -> Option<Holds> {
    match value {
        Value::StringLit(text) => {
            let text = text.value.trim();
            let template = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            let prefixed = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
            let name = template.or(prefixed).or_else(|| env_names::known(text));
            Some(match name {
                Some(name) => Holds::NameOf(name.to_owned()),
                None => Holds::Key(SecretString::from(text)),
            })
        }
        Value::Object(reference) => {
            let word = |name| crate::json::json5::string(reference, name).map(str::trim);
            match (word("source"), word("id")) {
                (Some("env"), Some(id)) => Some(Holds::NameOf(id.to_owned())),
                (Some("store"), Some(id)) => Some(Holds::Stored(id.to_owned())),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;

    #[test]
    fn keys_variables_and_names_of_variables_are_found_where_they_are_written() {
        let text = "{ env: { OPENAI_API_KEY: 'made-up-1', PATH: '/x', vars: { GROQ_API_KEY: 'made-up-2', A: '${B}' } },
            models: { providers: { Lab: { apiKey: ' made-up-3 ' }, groq: { apiKey: '${GROQ_API_KEY}' },
            xai: { apiKey: { source: 'store', provider: 'default', id: 'XAI' } }, zai: { apiKey: 7 } } } }";
        let told = |spot: &Spot| {
            let what = match &spot.holds {
                Holds::Variable(name, value) => format!("{name}={}", value.expose_secret()),
                Holds::Key(value) => value.expose_secret().to_owned(),
                Holds::NameOf(name) => format!("${name}"),
                Holds::Stored(name) => format!("store {name}"),
            };
            format!("{} {what}", spot.shown())
        };
        assert_eq!(
            spots(text).unwrap().iter().map(told).collect::<Vec<_>>(),
            [
                "env.OPENAI_API_KEY OPENAI_API_KEY=made-up-1",
                "env.vars.GROQ_API_KEY GROQ_API_KEY=made-up-2",
                "models.providers.Lab.apiKey made-up-3",
                "models.providers.groq.apiKey $GROQ_API_KEY",
                "models.providers.xai.apiKey store XAI",
            ]
        );
    }
}
