//! Sources of provider keys outside the vault: the environment, the client's `.env` files, its configuration, and the
//! login shell. They are ranked as in the client, and never changed. Strongroom's own settings are in none of them.

pub mod by_provider;
pub(crate) mod dotenv_lines;
pub(crate) mod dotenv_value;
pub mod login_shell;
mod origin;
mod rank;
pub(crate) mod stray_keys;
mod unserved;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

pub use origin::Origin;
pub use rank::{ProviderSources, rank};

use super::config::{self, ClientConfig};
use super::file;
use super::places::Places;
use super::provider_entry::{EntryKey, ProviderEntry};
use crate::env::Env;
use crate::env_names::{self, Pool};
use crate::error::{Code, Error};
use crate::looks::SETUP_TOKEN;
use crate::messages::client as messages;
use crate::secret::{ExposeSecret, SecretString};
use crate::secret_format::{self, Role, Shape};
use crate::vault::credential::CredentialType;
use dotenv_lines::Lines;
use dotenv_value::Value;

/// The largest file of variables that is read, in bytes.
const DOTENV_MAX: u64 = 1024 * 1024;

/// What a variable holds.
#[derive(Clone)]
pub enum Held {
    /// A value, which may be a secret.
    Text(SecretString),
    /// A reference that the client follows, for people.
    Reference(String),
    /// Nothing, although it is set: the client then passes over weaker places.
    Empty,
    /// Something that is not usable, and why.
    Unusable(&'static str),
}

/// The role of a variable for its provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rank {
    /// The key of the provider's entry in the configuration, if the client prefers it to profiles and variables.
    Preferred,
    /// One of the provider's own variables, by its position among them.
    Own(usize),
    /// The key of the provider's entry in the configuration.
    Entry,
    /// One of its pool.
    Pool(Pool),
}

/// A provider's variable that was found.
#[derive(Clone)]
pub struct Variable {
    /// The provider.
    pub provider: Cow<'static, str>,
    /// Its name, or the path of a key in the configuration.
    pub name: String,
    /// Its role for the provider.
    pub rank: Rank,
    /// Its origin.
    pub origin: Origin,
    /// What it holds.
    pub held: Held,
}

impl Variable {
    /// Returns the type of the credential that it holds.
    #[must_use]
    pub fn kind(&self) -> CredentialType {
        match &self.held {
            Held::Text(text) => kind(&self.name, text.expose_secret()),
            Held::Reference(_) | Held::Empty | Held::Unusable(_) => env_names::kind_of(&self.name),
        }
    }
}

/// Returns the type of a credential by its variable. A setup-token is a token in any variable.
#[must_use]
pub fn kind(name: &str, secret: &str) -> CredentialType {
    match Shape::of(secret) {
        Some(Shape { prefix: SETUP_TOKEN, role: Role::Token, .. }) => CredentialType::Token,
        _ => env_names::kind_of(name),
    }
}

/// Everything that was found outside the vault.
#[derive(Default)]
pub struct Found {
    /// The variables of providers.
    pub variables: Vec<Variable>,
    /// Warnings about files that could not be read, or that others can read.
    pub warnings: Vec<String>,
    /// The client's configuration, if it can be read.
    pub config: Option<ClientConfig>,
    /// Why the first unreadable file could not be read, if there is one.
    pub unread: Option<Error>,
    /// Messages about variables that look like keys and belong to no provider.
    pub untaken: Vec<String>,
    /// The names of all variables that are set to something.
    set: HashSet<String>,
}

impl Found {
    /// Looks everywhere but in the login shell. Files that cannot be read lead to warnings instead of errors.
    #[must_use]
    pub fn look(env: &Env, working_directory: Option<&Path>) -> Self {
        match ClientConfig::of(env) {
            Ok(config) => {
                let unread = config.as_ref().and_then(|config| config.unread(env));
                let mut found = Self::look_with(env, working_directory, config);
                found.warnings.extend(unread);
                found
            }
            Err(error) => {
                let mut found = Self::look_with(env, working_directory, None);
                found.warnings.push(format!("{}; {}", error.what(), error.remedy()));
                found.unread = Some(error);
                found
            }
        }
    }

    /// Looks everywhere, starting in the working directory; in the login shell only if `in_shell` is set and it is
    /// enabled.
    #[must_use]
    pub fn look_here(env: &Env, in_shell: bool) -> Self {
        let mut found = Self::look(env, std::env::current_dir().ok().as_deref());
        if in_shell {
            found.look_in_shell(env);
        }
        found
    }

    /// Looks everywhere but in the login shell, with a configuration that was already read.
    #[must_use]
    pub fn look_with(env: &Env, working_directory: Option<&Path>, config: Option<ClientConfig>) -> Self {
        let mut found = Self { config, ..Self::default() };
        for (name, value) in env.variables() {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
                found.note(name, value);
                found.add(name, Origin::Process, || held_of(name, value));
                // In the process environment, only variables that look like a provider's are reported.
                if provider_and_rank(name).is_none() && stray_keys::names_provider(name) {
                    found.leave(name, value, &Origin::Process);
                }
            }
        }
        let places = Places::of(env);
        if let Some(path) = working_directory.map(|here| here.join(".env"))
            && !places.dotenv.iter().chain(&places.left_behind).any(|known| is_same_file(known, &path))
        {
            found.read_dotenv(&path, &Origin::WorkingDirectory(path.clone()));
        }
        if let Some(path) = &places.dotenv {
            found.read_dotenv(path, &Origin::File(path.clone()));
        }
        for path in &places.left_behind {
            found.read_dotenv(path, &Origin::LeftBehind(path.clone()));
        }
        if let (Some(config), Some(path)) = (found.config.take(), places.config) {
            for (name, value) in &config.variables {
                let value = value.expose_secret();
                // The client ignores both kinds.
                if !value.trim().is_empty() && !value.contains("${") {
                    found.note(name, value);
                    found.add(name, Origin::Config(path.clone()), || held_of(name, value));
                    if provider_and_rank(name).is_none() {
                        found.leave(name, value, &Origin::Config(path.clone()));
                    }
                }
            }
            for entry in &config.providers {
                found.add_entry(entry, &path);
            }
            found.config = Some(config);
        }
        found
    }

    /// Also looks in the login shell, if the configuration or `OPENCLAW_LOAD_SHELL_ENV` enables it for the client.
    pub fn look_in_shell(&mut self, env: &Env) {
        let Some(limit) = self.shell(env) else { return };
        match login_shell::variables(env, limit) {
            Ok(variables) => {
                for (name, value) in variables {
                    self.add(&name, Origin::Shell, || held_of(&name, value.expose_secret()));
                }
            }
            Err(error) => self.warnings.push(error.what().to_owned()),
        }
    }

    /// Returns how long the client waits for the login shell, if it looks there.
    #[must_use]
    pub fn shell(&self, env: &Env) -> Option<Duration> {
        let by_variable = env
            .var("OPENCLAW_LOAD_SHELL_ENV")
            .and_then(|value| value.to_str())
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"));
        let by_config = self.config.as_ref().and_then(|config| config.shell);
        by_config.or_else(|| by_variable.then_some(config::SHELL_TIMEOUT))
    }

    fn add(&mut self, name: &str, origin: Origin, held: impl FnOnce() -> Held) {
        let Some((provider, rank)) = provider_and_rank(name) else { return };
        self.variables.push(Variable {
            provider: provider.into(),
            name: name.to_owned(),
            rank,
            origin,
            held: held(),
        });
    }

    /// Reports a variable that is not imported, if it looks like a key.
    fn leave(&mut self, name: &str, value: &str, origin: &Origin) {
        if self.untaken.len() <= stray_keys::SHOWN_MOST && stray_keys::is_one(name, value) {
            let told = if self.untaken.len() < stray_keys::SHOWN_MOST {
                stray_keys::told(name, value, &format!(" ({})", origin.told()))
            } else {
                Some(messages::MORE_UNTAKEN.to_owned())
            };
            self.untaken.extend(told);
        }
    }

    fn note(&mut self, name: &str, value: &str) {
        // A placeholder is of no use.
        if !value.trim().is_empty() && !matches!(held_of(name, value), Held::Unusable(_)) {
            self.set.insert(name.to_owned());
        }
    }

    fn add_entry(&mut self, entry: &ProviderEntry, path: &Path) {
        let provider = entry.provider.as_str();
        let held = match &entry.key {
            EntryKey::Text(text) => Held::Text(text.clone()),
            EntryKey::Reference(label) => Held::Reference(label.clone()),
            // It was already found by its own name.
            EntryKey::Variable(name)
                if !entry.preferred && env_names::names_of(provider).contains(&name.as_str()) =>
            {
                return;
            }
            EntryKey::Variable(name) if self.set.contains(name) => Held::Reference(format!("${{{name}}}")),
            EntryKey::Variable(_) => Held::Unusable(messages::NOT_SET),
        };
        self.variables.push(Variable {
            provider: provider.to_owned().into(),
            name: format!("models.providers.{provider}.apiKey"),
            rank: if entry.preferred { Rank::Preferred } else { Rank::Entry },
            origin: Origin::Entry(path.to_path_buf()),
            held,
        });
    }

    fn not_read(&mut self, error: Error) {
        self.warnings.push(messages::skipped(&error));
        self.unread.get_or_insert(error);
    }

    fn read_dotenv(&mut self, path: &Path, origin: &Origin) {
        // A file whose keys are not used needs no warning.
        let matters = !matches!(origin, Origin::WorkingDirectory(_));
        let (bytes, warnings) = match file::read(path, DOTENV_MAX) {
            Ok(read) => read,
            Err(error) if error.code() == Code::NoInput || !matters => return,
            Err(error) => return self.not_read(error),
        };
        let Some(text) = bytes.expose_str() else {
            let utf16 = matches!(bytes.expose(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
            if matters {
                let error =
                    if utf16 { messages::dotenv_utf16(path) } else { messages::dotenv_not_text(path) };
                self.not_read(error);
            }
            return;
        };
        let Lines { assignments, .. } = dotenv_lines::lines(text);
        let before = self.variables.len();
        // If a name is set twice, the client uses the last value.
        let last: HashMap<_, _> = assignments.iter().enumerate().map(|(at, one)| (one.name, at)).collect();
        for (at, assignment) in assignments.into_iter().enumerate() {
            let name = assignment.name;
            if last.get(name) != Some(&at) {
                continue;
            }
            let value = match &assignment.value {
                Value::Text(value) => value.expose_secret(),
                Value::Reference(_) | Value::Refused(_) => "",
            };
            if origin.passed_over().is_none() {
                self.note(name, value);
                if provider_and_rank(name).is_none() {
                    self.leave(name, value, origin);
                }
            }
            self.add(name, origin.clone(), || match &assignment.value {
                Value::Text(value) => held_of(name, value.expose_secret()),
                Value::Reference(why) | Value::Refused(why) => Held::Unusable(why),
            });
        }
        // Only for a file that matters.
        if matters && self.variables.len() > before {
            self.warnings.extend(warnings);
        }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Returns the provider of a variable, and its role.
fn provider_and_rank(name: &str) -> Option<(&'static str, Rank)> {
    if let Some(provider) = env_names::provider_of(name) {
        let place = env_names::names_of(provider).iter().position(|known| *known == name);
        return Some((provider, Rank::Own(place.unwrap_or_default())));
    }
    env_names::pool_of(name).map(|(provider, pool)| (provider, Rank::Pool(pool)))
}

/// Returns what a variable holds. A placeholder is not a key, but the marker of a local service counts as one.
fn held_of(name: &str, value: &str) -> Held {
    if value.chars().all(secret_format::is_space) {
        return Held::Empty;
    }
    let marks = provider_and_rank(name).and_then(|(provider, _)| provider.parse().ok());
    let is_marker = marks.is_some_and(|provider| secret_format::is_local_marker(&provider, value));
    if secret_format::is_nothing(value) {
        return Held::Unusable(messages::WORD_FOR_NOTHING);
    }
    match secret_format::is_mask(value).filter(|_| !is_marker) {
        Some(_) => Held::Unusable(messages::PLACEHOLDER),
        None => Held::Text(SecretString::from(value)),
    }
}
