//! What is known of OpenClaw on this machine, read once for all checks of it.

use std::path::PathBuf;

use super::{
    Finding, client_exposed, client_leftovers, client_locks, client_migration, client_mirror,
    client_references, client_shadows, client_stores, client_units,
};
use crate::client::config::ClientConfig;
use crate::client::leftovers::{self, Leftover};
use crate::client::services::UnitPlaces;
use crate::client::stores::{ClientAgent, Generation, Installation, Store, StoreFile};
use crate::client::version::ClientVersion;
use crate::env::Env;
use crate::error::Result;
use crate::messages::doctor::FindingCode;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;

/// The name of these checks.
pub(super) const CHECK: &str = "client";

/// The client on this machine.
pub struct Client<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The vault, if there is one.
    pub vault: Option<&'a Vault>,
    /// The only agent whose own files are looked at; without one, all are.
    pub only: Option<&'a AgentName>,
    /// Where systemd's units are.
    pub units: UnitPlaces,
    /// Its configuration, if it can be read.
    pub(super) config: Option<ClientConfig>,
    /// Whether it has a configuration that cannot be read, which another check reports.
    pub(super) is_config_unread: bool,
    /// Its files.
    pub(super) installation: Installation,
    /// The stores that exist.
    pub(super) stores: Vec<ReadStore>,
    /// The copies that it left.
    pub(super) leftovers: Vec<Leftover>,
    /// The installed version, if it is known.
    pub(super) version: Option<ClientVersion>,
}

/// A store of the client, and what is in it.
pub(super) struct ReadStore {
    /// Its place.
    pub file: StoreFile,
    /// Its contents.
    pub read: Result<Store>,
}

impl<'a> Client<'a> {
    /// Reads the client's files: those of all its agents, or of `only` one and the shared ones. Nothing is changed.
    #[must_use]
    pub fn look(env: &'a Env, vault: Option<&'a Vault>, only: Option<&'a AgentName>) -> Self {
        let (config, is_config_unread) = match ClientConfig::of(env) {
            Ok(config) => (config, false),
            Err(_) => (None, true),
        };
        let installation = Installation::of(env, config.as_ref());
        let stores = installation.stores().into_iter();
        let stores = stores
            .filter(|file| file.agent.as_ref().is_none_or(|agent| only.is_none_or(|only| only == agent)));
        let read = |file: StoreFile| ReadStore { read: file.read().map(Option::unwrap_or_default), file };
        Self {
            env,
            vault,
            only,
            units: UnitPlaces::of(env),
            stores: stores.map(read).collect(),
            leftovers: leftovers::find(&installation, only),
            version: ClientVersion::installed(env),
            config,
            is_config_unread,
            installation,
        }
    }

    /// Runs every check of the client's files.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = client_stores::check(self);
        findings.extend(client_leftovers::check(self));
        findings.extend(client_migration::check(self));
        findings.extend(client_shadows::check(self));
        findings.extend(client_references::check(self));
        findings.extend(client_mirror::check(self));
        findings.extend(client_locks::check(self));
        findings.extend(client_exposed::check(self));
        findings.extend(client_units::check(self));
        findings
    }

    /// Returns the programs that the client's configuration runs to ask this vault, with whether the client up to
    /// 2026.6.1 is told to accept one that it would refuse.
    #[must_use]
    pub fn resolvers(&self) -> Vec<(PathBuf, bool)> {
        let ours = self.config.iter().flat_map(|config| config.secrets.ours());
        ours.filter_map(|provider| Some((provider.command.clone()?, provider.is_lenient))).collect()
    }

    /// Returns whether the client is installed or has files.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.version.is_some() || self.config.is_some() || self.is_config_unread || !self.stores.is_empty()
    }

    /// Returns whether the client's files hold a credential in plain text that Strongroom could keep instead.
    #[must_use]
    pub fn has_plaintext(&self) -> bool {
        let mut found = client_stores::check(self).into_iter().chain(client_leftovers::check(self));
        found.any(|finding| finding.code.is_some_and(FindingCode::is_plaintext))
    }

    /// Returns whether the client's configuration asks this vault.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.secrets.ours().next().is_some())
    }

    /// Returns whether it keeps its profiles in databases: as its version does or, if that is not known, as the stores
    /// say that it has made.
    pub(super) fn is_sqlite(&self) -> bool {
        self.version.map_or_else(
            || matches!(self.installation.generation(), Generation::Sqlite | Generation::Both),
            ClientVersion::is_sqlite,
        )
    }

    /// Returns the agents that are looked at.
    pub(super) fn agents(&self) -> impl Iterator<Item = &ClientAgent> {
        let is_meant = |agent: &&ClientAgent| self.only.is_none_or(|only| *only == agent.name);
        self.installation.agents().iter().filter(is_meant)
    }
}
