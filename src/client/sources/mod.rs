//! Sources of provider keys beside the vault: the environment, the client's `.env` files, its
//! configuration, the login shell. They are found, ranked as the client ranks them, and never
//! changed. Strongroom's own settings are in none of them.

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

use strongroom_backends::shown;

pub use origin::Origin;
pub use rank::{ProviderSources, rank};

use super::config::{self, ClientConfig};
use super::file;
use super::places::Places;
use super::provider_entry::{EntryKey, ProviderEntry};
use crate::env::Env;
use crate::env_names::{self, Pool};
use crate::error::{Code, Error};
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
    /// Nothing, but it is set: the client then passes over weaker places.
    Empty,
    /// Something that is no value, and why.
    Unusable(&'static str),
}

/// What a variable is to its provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rank {
    /// The key of the provider's entry in the configuration, which the client is told to take before
    /// profiles and variables.
    Preferred,
    /// One of the provider's own variables, by its place among them.
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
    /// What it is to its provider.
    pub rank: Rank,
    /// Where it was found.
    pub origin: Origin,
    /// What it holds.
    pub held: Held,
}

impl Variable {
    /// What it holds, as a credential.
    #[must_use]
    pub fn kind(&self) -> CredentialType {
        match &self.held {
            Held::Text(text) => kind(&self.name, text.expose_secret()),
            Held::Reference(_) | Held::Empty | Held::Unusable(_) => env_names::kind_of(&self.name),
        }
    }
}

/// What a value is, going by the variable that holds it. A setup-token is a token in whatever
/// variable it stands.
#[must_use]
pub fn kind(name: &str, secret: &str) -> CredentialType {
    match Shape::of(secret) {
        Some(Shape { prefix: "sk-ant-oat01-", role: Role::Token, .. }) => CredentialType::Token,
        _ => env_names::kind_of(name),
    }
}

/// All that was found beside the vault.
#[derive(Default)]
pub struct Found {
    /// The variables of providers.
    pub variables: Vec<Variable>,
    /// What could not be read, and what others may read, for people.
    pub warnings: Vec<String>,
    /// The client's configuration, where there is one that can be read.
    pub config: Option<ClientConfig>,
    /// Why the first file that is there could not be read, where one could not.
    pub unread: Option<Error>,
    /// Variables of the client's files that look like keys and are no provider's, for people.
    pub untaken: Vec<String>,
    /// The names of variables that are set to something, whatever they are for.
    set: HashSet<String>,
}

impl Found {
    /// Looks everywhere but in the login shell. Nothing here is an error: what cannot be read is
    /// told.
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

    /// Looks from the working directory; into the login shell only if that is asked for, and enabled.
    #[must_use]
    pub fn look_here(env: &Env, in_shell: bool) -> Self {
        let mut found = Self::look(env, std::env::current_dir().ok().as_deref());
        if in_shell {
            found.look_in_shell(env);
        }
        found
    }

    /// The same where the configuration was read already.
    #[must_use]
    pub fn look_with(env: &Env, working_directory: Option<&Path>, config: Option<ClientConfig>) -> Self {
        let mut found = Self { config, ..Self::default() };
        for (name, value) in env.variables() {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
                found.note(name, value);
                found.add(name, Origin::Process, || held_of(name, value));
                // Of all the variables of a process, only those that look like a provider's.
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
                // The client leaves both out.
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

    /// Looks in the login shell too, where the configuration or `OPENCLAW_LOAD_SHELL_ENV` enables
    /// that for the client.
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

    /// How long the client waits for the login shell, where it looks there.
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

    /// Tells of a variable that is not taken, if it looks like a key.
    fn leave(&mut self, name: &str, value: &str, origin: &Origin) {
        if self.untaken.len() <= stray_keys::SHOWN_MOST && stray_keys::is_one(name, value) {
            let told = if self.untaken.len() < stray_keys::SHOWN_MOST {
                stray_keys::told(name, value, &format!(" ({})", origin.told()))
            } else {
                Some("more variables look like keys and are not taken".to_owned())
            };
            self.untaken.extend(told);
        }
    }

    fn note(&mut self, name: &str, value: &str) {
        // A placeholder serves nothing.
        if !value.trim().is_empty() && !matches!(held_of(name, value), Held::Unusable(_)) {
            self.set.insert(name.to_owned());
        }
    }

    fn add_entry(&mut self, entry: &ProviderEntry, path: &Path) {
        let provider = entry.provider.as_str();
        let held = match &entry.key {
            EntryKey::Text(text) => Held::Text(text.clone()),
            EntryKey::Reference(label) => Held::Reference(label.clone()),
            // It stands there already, by its own name.
            EntryKey::Variable(name)
                if !entry.preferred && env_names::names_of(provider).contains(&name.as_str()) =>
            {
                return;
            }
            EntryKey::Variable(name) if self.set.contains(name) => Held::Reference(format!("${{{name}}}")),
            EntryKey::Variable(_) => Held::Unusable("refers to a variable that is not set"),
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
        self.warnings.push(format!("not read: {}", error.what()));
        self.unread.get_or_insert(error);
    }

    fn read_dotenv(&mut self, path: &Path, origin: &Origin) {
        // What is wrong with a file that gives no key stops nothing.
        let matters = !matches!(origin, Origin::WorkingDirectory(_));
        let (bytes, warnings) = match file::read(path, DOTENV_MAX) {
            Ok(read) => read,
            Err(error) if error.code() == Code::NoInput || !matters => return,
            Err(error) => return self.not_read(error),
        };
        let Some(text) = bytes.expose_str() else {
            let utf16 = matches!(bytes.expose(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
            let what = if utf16 { "is UTF-16, which OpenClaw does not read" } else { "is not a text file" };
            if matters {
                self.not_read(Error::new(Code::BadData, format!("{} {what}", shown(path))));
            }
            return;
        };
        let Lines { assignments, .. } = dotenv_lines::lines(text);
        let before = self.variables.len();
        // Of a name that is set twice the client takes the last.
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
        // Only of a file that matters.
        if matters && self.variables.len() > before {
            self.warnings.extend(warnings);
        }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The provider of a variable, and what it is to it.
fn provider_and_rank(name: &str) -> Option<(&'static str, Rank)> {
    if let Some(provider) = env_names::provider_of(name) {
        let place = env_names::names_of(provider).iter().position(|known| *known == name);
        return Some((provider, Rank::Own(place.unwrap_or_default())));
    }
    env_names::pool_of(name).map(|(provider, pool)| (provider, Rank::Pool(pool)))
}

/// What a variable holds. A placeholder is no key, but the marker of a local service is what it is taken for.
fn held_of(name: &str, value: &str) -> Held {
    if value.chars().all(secret_format::is_space) {
        return Held::Empty;
    }
    let marks = provider_and_rank(name).and_then(|(provider, _)| provider.parse().ok());
    let is_marker = marks.is_some_and(|provider| secret_format::is_local_marker(&provider, value));
    if secret_format::is_nothing(value) {
        return Held::Unusable("is a word that programs print for nothing");
    }
    match secret_format::is_mask(value).filter(|_| !is_marker) {
        Some(_) => Held::Unusable("is a placeholder or a mask, no key"),
        None => Held::Text(SecretString::from(value)),
    }
}
