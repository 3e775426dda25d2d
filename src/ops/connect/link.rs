//! A connection to the client, as the settings keep it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::client::edit::InversePatch;
use crate::error::Result;
use crate::messages::connect as messages;
use crate::ops::connections;
use crate::ops::open::Open;
use crate::vault::id::AgentName;
use crate::vault::settings::Settings;

/// The client's name in the settings.
pub const NAME: &str = "openclaw";
/// The version of the form that is written.
pub(super) const VERSION: u32 = 1;

/// How the client runs this program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolver {
    /// The program, as an absolute path.
    pub command: PathBuf,
    /// The key file, if it is not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Whether the key or profiles are in the desktop's keychain.
    #[serde(default)]
    pub keychain: bool,
}

/// A key in the client's configuration that is a reference to this vault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// The id by which the client asks for it.
    pub reference: String,
}

/// A connection to OpenClaw.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The version of this form.
    pub version: u32,
    /// The client's configuration.
    pub config: PathBuf,
    /// How the client runs this program.
    pub resolver: Resolver,
    /// Whether the client keeps its profiles in SQLite: from 2026.6.5 on.
    pub sqlite: bool,
    /// The connected agents, each with the file in which a client up to 2026.6.1 keeps its profiles.
    pub agents: BTreeMap<String, PathBuf>,
    /// The client's default agent, if it is connected and not `main`. [`Settings::agent`] reads it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_agent: Option<String>,
    /// The agents whose file was made by connecting.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub made: BTreeSet<String>,
    /// The references that a plan put into the client's own store.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub applied: BTreeSet<String>,
    /// The keys in the configuration that gave way to references.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    /// The client's own orders that the vault took over, by agent and provider.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orders: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Whether migrating took secrets out of the configuration, which disconnecting does not put back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub migrated: bool,
    /// Whether someone else has changed the configuration since connecting.
    #[serde(default)]
    pub changed_by_others: bool,
    /// What undoes the changes of the configuration.
    pub undo: InversePatch,
}

impl Link {
    /// Returns the connected agents with their files.
    ///
    /// # Errors
    /// `INVALID_AGENT`, which a verified connection does not have.
    pub fn agents(&self) -> Result<Vec<(AgentName, &Path)>> {
        self.agents.iter().map(|(name, path)| Ok((name.parse()?, path.as_path()))).collect()
    }

    /// Returns the agent of commands that name none while this connection stands.
    ///
    /// # Errors
    /// `INVALID_AGENT`, which a verified connection does not have.
    pub fn agent_of_none(&self, settings: &Settings) -> Result<AgentName> {
        let of_client = || self.default_agent.as_ref().map(|name| name.parse()).transpose();
        Ok(settings.default_agent.clone().map_or_else(of_client, |own| Ok(Some(own)))?.unwrap_or_default())
    }
}

/// Returns the connection of verified settings, if there is one.
///
/// # Errors
/// `NEWER_FORMAT` if a later version made it.
pub fn link(settings: &Settings) -> Result<Option<Link>> {
    let Some(kept) = settings.connections.get(NAME) else { return Ok(None) };
    let link: Option<Link> = serde_json::from_value(kept.clone()).ok();
    link.filter(|link| link.version <= VERSION).map(Some).ok_or_else(messages::newer_link)
}

/// Returns the keys of a connection and further ones. Of two at the same place, the further one counts.
pub(super) fn with_keys(link: Option<&Link>, more: &[Key]) -> Vec<Key> {
    let kept = link.map_or(&[][..], |link| &link.keys).iter();
    let kept = kept.filter(|key| more.iter().all(|other| other.path != key.path));
    kept.chain(more).cloned().collect()
}

/// Keeps a connection in the settings, or removes it.
///
/// # Errors
/// `CONFIG` if a path is not text; those of writing the settings.
pub(super) fn keep(open: &mut Open<'_>, command: &str, link: Option<&Link>) -> Result<()> {
    connections::keep(open, command, NAME, link)
}
