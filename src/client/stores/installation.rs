//! Which agents the client has, and which of its stores exist.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::store::{Form, StoreFile};
use crate::client::config::ClientConfig;
use crate::client::places::{AGENTS, Places};
use crate::env::Env;
use crate::vault::id::AgentName;

const JSON: &str = "auth-profiles.json";
const DATABASE: &str = "openclaw-agent.sqlite";
/// The most agents on disk that are looked at.
const AGENTS_MAX: usize = 10_000;

/// The client's files of this user.
#[derive(Clone, Debug)]
pub struct Installation {
    places: Places,
    agents: Vec<ClientAgent>,
}

/// An agent of the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientAgent {
    /// Its name.
    pub name: AgentName,
    /// The directory of its own files, which need not exist.
    pub directory: PathBuf,
    /// Whether the client's configuration has it.
    pub is_configured: bool,
}

/// Which generation of the client wrote the stores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// No client stored anything.
    None,
    /// A client up to 2026.6.1.
    Json,
    /// A client from 2026.6.5 on.
    Sqlite,
    /// There are stores of both. A newer client does not use the older ones, and refuses to work without credentials of
    /// its own (`AUTH_PROFILE_MIGRATION_REQUIRED`) until they are migrated.
    Both,
}

impl Installation {
    /// Finds the agents: `main`, those of the configuration, and those on disk. Nothing is opened.
    #[must_use]
    pub fn of(env: &Env, config: Option<&ClientConfig>) -> Self {
        let places = Places::of(env);
        let mut agents: BTreeMap<AgentName, ClientAgent> = BTreeMap::new();
        let mut add = |name: AgentName, named: Option<&str>, is_configured| {
            if let Some(directory) = places.of_agent(&name, named) {
                agents.entry(name.clone()).or_insert(ClientAgent { name, directory, is_configured });
            }
        };
        for agent in config.map_or(&[][..], |config| &config.agents) {
            if let Some(name) = agent.name() {
                add(name, agent.directory.as_deref(), true);
            }
        }
        add(AgentName::default(), None, false);
        let on_disk = places.state.as_ref().and_then(|state| std::fs::read_dir(state.join(AGENTS)).ok());
        for entry in on_disk.into_iter().flatten().flatten().take(AGENTS_MAX) {
            if let Some(name) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                add(name, None, false);
            }
        }
        Self { agents: agents.into_values().collect(), places }
    }

    /// Returns the agents, in the order of their names.
    #[must_use]
    pub fn agents(&self) -> &[ClientAgent] {
        &self.agents
    }

    /// Returns the stores that exist: first the shared one, then those of each agent.
    #[must_use]
    pub fn stores(&self) -> Vec<StoreFile> {
        self.shared().into_iter().chain(self.agents.iter().flat_map(ClientAgent::stores)).collect()
    }

    /// Returns which generation of the client wrote the stores.
    #[must_use]
    pub fn generation(&self) -> Generation {
        let stores = self.stores();
        let has_json = stores.iter().any(|store| store.form == Form::Json);
        let has_database = stores.iter().any(|store| store.form != Form::Json);
        match (has_json, has_database) {
            (false, false) => Generation::None,
            (true, false) => Generation::Json,
            (false, true) => Generation::Sqlite,
            (true, true) => Generation::Both,
        }
    }

    /// Returns the places of its files.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the shared store, if it exists.
    #[must_use]
    pub fn shared(&self) -> Option<StoreFile> {
        let path = self.places.shared_database()?;
        path.exists().then_some(StoreFile { form: Form::SharedDatabase, path, agent: None })
    }

    /// Returns an agent.
    #[must_use]
    pub fn agent(&self, name: &AgentName) -> Option<&ClientAgent> {
        self.agents.iter().find(|agent| agent.name == *name)
    }
}

impl ClientAgent {
    /// Returns the file in which a client up to 2026.6.1 keeps its profiles. It need not exist.
    #[must_use]
    pub fn json(&self) -> PathBuf {
        self.directory.join(JSON)
    }

    /// Returns its own stores that exist.
    #[must_use]
    pub fn stores(&self) -> Vec<StoreFile> {
        [(Form::AgentDatabase, DATABASE), (Form::Json, JSON)]
            .into_iter()
            .map(|(form, name)| (form, self.directory.join(name)))
            .filter(|(_, path)| path.exists())
            .map(|(form, path)| StoreFile { form, path, agent: Some(self.name.clone()) })
            .collect()
    }
}
