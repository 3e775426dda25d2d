//! Finds what the client keeps in plain text, and which parts of it stay.

use std::path::PathBuf;

use strongroom_backends::shown;

use crate::client::config::ClientConfig;
use crate::client::edit::ProfileStore;
use crate::client::places::Places;
use crate::client::sources::{Found, Held, Origin};
use crate::client::stores::{Form, Installation, Kept, NamedSecret, Store, StoreFile};
use crate::env::Env;
use crate::env_names;
use crate::error::Result;
use crate::messages::connect as of_connect;
use crate::messages::migrate as messages;
use crate::secret::{ExposeSecret, SecretString};
use crate::transfer::environment::keys_of;
use crate::vault::id::AgentName;

/// The names of an agent's stores.
const STORES: [&str; 2] = ["auth-profiles.json", "openclaw-agent.sqlite"];

/// The client's files on this machine.
pub struct Client {
    /// Its agents and stores.
    pub installation: Installation,
    /// Keys that its files have beside the stores.
    pub found: Found,
    /// Its configuration.
    pub config: PathBuf,
    /// Its state directory, if it is known.
    pub state: Option<PathBuf>,
    /// Its files of variables that exist.
    pub dotenv: Vec<PathBuf>,
    /// How it keeps its profiles: in files or in databases.
    pub store: ProfileStore,
}

/// A secret in plain text.
pub struct Plain {
    /// The agent in whose store it is; main for those beside the stores.
    pub agent: AgentName,
    /// The client's id, if it is a profile.
    pub id: Option<String>,
    /// What it is, for people.
    pub what: String,
    /// The file.
    pub place: String,
    /// The secret.
    pub secret: SecretString,
}

/// Something in plain text that stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// What it is.
    pub what: String,
    /// The file.
    pub place: String,
    /// Why it stays.
    pub why: &'static str,
    /// Whether it does not count as left over: a sign-in, or a file that may hold no secret.
    pub is_expected: bool,
}

/// What was found.
#[derive(Default)]
pub struct Survey {
    /// What can go into the vault.
    pub plain: Vec<Plain>,
    /// What always stays.
    pub left: Vec<Left>,
}

impl Client {
    /// Finds the client of this user.
    ///
    /// # Errors
    /// `NOT_FOUND` if no variable says where its files are; `BAD_DATA` if its configuration cannot be read.
    pub fn of(env: &Env, store: ProfileStore) -> Result<Self> {
        let places = Places::of(env);
        let config = ClientConfig::of(env)?;
        let installation = Installation::of(env, config.as_ref());
        let mut found = Found::look_with(env, None, config);
        // What a process or a shell sets is not in the client's files.
        found.variables.retain(|variable| in_files(&variable.origin));
        // The client would wait for a FIFO, and has no secret from it.
        let dotenv = places.dotenv.iter().chain(&places.left_behind).filter(|path| path.is_file());
        Ok(Self {
            installation,
            found,
            dotenv: dotenv.cloned().collect(),
            config: places.config.ok_or_else(of_connect::no_client)?,
            state: places.state,
            store,
        })
    }

    /// Returns the values of the `store` source, if the client has that.
    ///
    /// # Errors
    /// Those of reading the shared store.
    pub fn named(&self) -> Result<Vec<NamedSecret>> {
        let shared = self.installation.shared().map(|shared| shared.read()).transpose()?.flatten();
        Ok(shared.map_or_else(Vec::new, |store| store.named))
    }

    /// Returns every directory and file of the client's in which a secret could be.
    pub fn places(&self) -> Vec<PathBuf> {
        let agents = self.installation.agents().iter().map(|agent| agent.directory.clone());
        let others = self.dotenv.iter().chain([&self.config]).cloned();
        let stores = self.installation.stores().into_iter().map(|store| store.path);
        self.state.iter().cloned().chain(agents).chain(others).chain(stores).collect()
    }

    /// Looks for what is in plain text.
    ///
    /// # Errors
    /// Those of reading a store: what cannot be read cannot be said to hold nothing.
    pub fn survey(&self) -> Result<Survey> {
        let mut survey = Survey::default();
        for file in self.installation.stores() {
            if let Some(store) = file.read()? {
                survey.take_store(&file, &store);
            }
        }
        survey.left.extend(self.odd_agents());
        survey.left.extend(self.included());
        for variable in &self.found.variables {
            let Held::Text(text) = &variable.held else { continue };
            for key in keys_of(variable.rank, text.expose_secret()) {
                survey.plain.push(Plain {
                    agent: AgentName::default(),
                    id: None,
                    what: variable.name.clone(),
                    place: variable.origin.told(),
                    secret: SecretString::from(key),
                });
            }
        }
        Ok(survey)
    }

    /// Returns the files that the configuration includes, which are neither read nor changed.
    fn included(&self) -> Option<Left> {
        let includes = self.found.config.as_ref().is_some_and(|config| config.includes);
        includes.then(|| Left {
            what: messages::INCLUDED.to_owned(),
            place: shown(&self.config),
            why: messages::NOT_READ,
            is_expected: true,
        })
    }

    /// Returns the stores in directories whose names no agent can have.
    fn odd_agents(&self) -> Vec<Left> {
        let agents = self.state.as_ref().and_then(|state| std::fs::read_dir(state.join("agents")).ok());
        let odd = |entry: &std::fs::DirEntry| {
            let name = entry.file_name();
            name.to_str().is_none_or(|name| name.parse::<AgentName>().is_err())
        };
        let directories = agents.into_iter().flatten().flatten().filter(odd);
        let stores = directories.flat_map(|entry| {
            STORES.map(|name| entry.path().join("agent").join(name)).into_iter().filter(|path| path.exists())
        });
        stores
            .map(|path| Left {
                what: messages::A_STORE.to_owned(),
                place: shown(&path),
                why: messages::NO_AGENT,
                is_expected: false,
            })
            .collect()
    }
}

impl Survey {
    fn take_store(&mut self, file: &StoreFile, store: &Store) {
        let agent = file.agent.clone().unwrap_or_default();
        let place = shown(&file.path);
        for (at, profile) in store.profiles.iter().enumerate() {
            let what = profile.shown(at);
            if !profile.others.is_empty() {
                self.left.push(Left {
                    what: what.clone(),
                    place: place.clone(),
                    why: messages::SEVERAL,
                    is_expected: false,
                });
            }
            match &profile.secret {
                Kept::Plain(secret) if profile.holds_secret() => self.plain.push(Plain {
                    agent: agent.clone(),
                    id: Some(profile.id.clone()),
                    what,
                    place: place.clone(),
                    secret: secret.clone(),
                }),
                Kept::SignIn => {
                    self.left.push(Left {
                        what,
                        place: place.clone(),
                        why: messages::SIGN_IN,
                        is_expected: true,
                    });
                }
                Kept::Plain(_) | Kept::Reference(_) | Kept::Nowhere => {}
            }
        }
        if file.form != Form::SharedDatabase {
            return;
        }
        for (at, named) in store.named.iter().enumerate().filter(|(_, named)| !named.deleted) {
            let what = named.shown(at);
            match &named.value {
                Some(secret) if named.is_inert => self.plain.push(Plain {
                    agent: agent.clone(),
                    id: None,
                    what,
                    place: place.clone(),
                    secret: secret.clone(),
                }),
                _ => self.left.push(Left {
                    what,
                    place: place.clone(),
                    why: messages::USED_BY_COMMANDS,
                    is_expected: false,
                }),
            }
        }
    }
}

/// Returns whether a place is one of the client's own files.
fn in_files(origin: &Origin) -> bool {
    match origin {
        Origin::File(_) | Origin::Config(_) | Origin::Entry(_) | Origin::LeftBehind(_) => true,
        Origin::Process | Origin::Shell | Origin::WorkingDirectory(_) => false,
    }
}

/// Returns the provider whose key a variable, or an entry of the `store` source, has by its name.
pub(super) fn provider_of(name: &str) -> Option<&'static str> {
    env_names::provider_of(name).or_else(|| env_names::pool_of(name).map(|(provider, _)| provider))
}
