//! Sources of provider keys beside the vault: the environment, the client's `.env` files, its
//! configuration, the login shell. They are found, ranked as the client ranks them, and never
//! changed. Strongroom's own settings are in none of them.

mod client_store;
pub mod config;
pub(crate) mod dotenv_lines;
pub mod endpoint;
pub mod file;
mod in_use;
pub mod model_choice;
pub mod places;
pub mod provider_entry;
mod rank;
pub mod shell;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use strongroom_backends::shown;

pub use rank::{ProviderSources, rank};

use crate::env::Env;
use crate::env_names::{self, Pool};
use crate::error::{Code, Error};
use crate::secret::{ExposeSecret, SecretString};
use crate::shape::{self, Role, Shape};
use crate::vault::credential::CredentialType;
use config::ClientConfig;
use dotenv_lines::{Lines, Value};
use places::Places;
use provider_entry::{EntryKey, ProviderEntry};

/// The largest file of variables that is read, in bytes.
const DOTENV_MAX: u64 = 1024 * 1024;

/// Where a variable was found, the strongest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Origin {
    /// The environment of this process.
    Process,
    /// A file `.env` in the working directory. Some versions of the client leave out the keys of
    /// providers there.
    WorkingDirectory(PathBuf),
    /// The file `.env` in the client's directory.
    File(PathBuf),
    /// The `env` block of the client's configuration.
    Config(PathBuf),
    /// A provider's entry in the client's configuration.
    Entry(PathBuf),
    /// The login shell.
    Shell,
    /// A file `.env` in an older directory of the client, which it no longer reads.
    LeftBehind(PathBuf),
}

impl Origin {
    /// The origin for people.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Process => "the process environment".to_owned(),
            Self::WorkingDirectory(path) | Self::File(path) | Self::Entry(path) | Self::LeftBehind(path) => {
                shown(path)
            }
            Self::Config(path) => format!("the env block of {}", shown(path)),
            Self::Shell => "the login shell".to_owned(),
        }
    }

    /// The origin for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::WorkingDirectory(_) => "working_directory",
            Self::File(_) => "dotenv",
            Self::Config(_) => "config",
            Self::Entry(_) => "config_provider",
            Self::Shell => "login_shell",
            Self::LeftBehind(_) => "left_behind",
        }
    }

    /// The file, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::WorkingDirectory(path)
            | Self::File(path)
            | Self::Config(path)
            | Self::Entry(path)
            | Self::LeftBehind(path) => Some(path),
            Self::Process | Self::Shell => None,
        }
    }

    /// Whether a service reads it that was started by nobody's shell.
    #[must_use]
    pub const fn reaches_services(&self) -> bool {
        matches!(self, Self::File(_) | Self::Config(_) | Self::Entry(_) | Self::Shell)
    }
}

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

    /// The same where the configuration was read already.
    #[must_use]
    pub fn look_with(env: &Env, working_directory: Option<&Path>, config: Option<ClientConfig>) -> Self {
        let mut found = Self { config, ..Self::default() };
        for (name, value) in env.variables() {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
                found.note(name, value);
                found.add(name, Origin::Process, || text(value));
            }
        }
        let places = Places::of(env);
        if let Some(here) = working_directory {
            let path = here.join(".env");
            if places.dotenv.as_ref() != Some(&path) && !places.left_behind.contains(&path) {
                found.read_dotenv(&path, &Origin::WorkingDirectory(path.clone()));
            }
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
                    found.add(name, Origin::Config(path.clone()), || text(value));
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
        match shell::variables(env, limit) {
            Ok(variables) => {
                for (name, value) in variables {
                    self.add(&name, Origin::Shell, || text(value.expose_secret()));
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
        let (provider, rank) = match (env_names::provider_of(name), env_names::pool_of(name)) {
            (Some(provider), _) => {
                let place = env_names::names_of(provider).iter().position(|known| *known == name);
                (provider, Rank::Own(place.unwrap_or_default()))
            }
            (None, Some((provider, pool))) => (provider, Rank::Pool(pool)),
            (None, None) => return,
        };
        self.variables.push(Variable {
            provider: provider.into(),
            name: name.to_owned(),
            rank,
            origin,
            held: held(),
        });
    }

    fn note(&mut self, name: &str, value: &str) {
        if !value.trim().is_empty() {
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
        let (bytes, warnings) = match file::read(path, DOTENV_MAX) {
            Ok(read) => read,
            Err(error) if error.code() == Code::NoInput => return,
            Err(error) => return self.not_read(error),
        };
        let Some(text) = bytes.expose_str() else {
            return self.not_read(Error::new(Code::BadData, format!("{} is not a text file", shown(path))));
        };
        let Lines { assignments, .. } = dotenv_lines::lines(text);
        let before = self.variables.len();
        // Of a name that is set twice the client takes the last.
        let last: HashMap<_, _> = assignments.iter().map(|one| (one.name, one.line)).collect();
        for assignment in assignments.into_iter().filter(|one| last.get(one.name) == Some(&one.line)) {
            if let (Value::Text(value), false) = (&assignment.value, matches!(origin, Origin::LeftBehind(_)))
            {
                self.note(assignment.name, value.expose_secret());
            }
            self.add(assignment.name, origin.clone(), || match assignment.value {
                Value::Text(value) if value.expose_secret().chars().all(shape::is_space) => Held::Empty,
                Value::Text(value) => Held::Text(value),
                Value::Reference(why) | Value::Bad(why) => Held::Unusable(why),
            });
        }
        // Only of a file that matters.
        if self.variables.len() > before {
            self.warnings.extend(warnings);
        }
    }
}

fn text(value: &str) -> Held {
    if value.chars().all(shape::is_space) { Held::Empty } else { Held::Text(SecretString::from(value)) }
}
