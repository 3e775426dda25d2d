//! Connects OpenClaw to the vault: its configuration says how to ask, and, up to 2026.6.1, its own files mirror the
//! index.
//!
//! What connecting writes is kept in the settings, under their MAC, with what undoes it. On every change of profiles the
//! client's files follow ([`follow`]). The order of writing is: orders that are read back, settings, configuration, mirrors. A
//! killed command is
//! finished by the next one, because each step can be repeated.

mod apply;
mod disconnect;
mod link;
mod mirror;
mod orders;
mod references;
mod served;
mod unconnected;

use std::path::PathBuf;

use super::client_file::ClientFile;
use super::notice::Notice;
use super::open::Open;
use crate::client::edit::{self, Change, Connection, Digest, EMPTY, Edited, ProfileStore, diff};
use crate::error::Result;
use crate::messages::client::edit as edit_messages;
use crate::messages::connect as messages;
use crate::secret::Buffer;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::index::EXEC_PROVIDER;
use crate::vault::settings;

pub use apply::apply;
pub use disconnect::{Disconnecting, disconnect};
pub use link::{Key, Link, NAME, Resolver, link};
pub use mirror::{Mirrored, lock_file};
pub use orders::ReadBack;
pub use references::{ClientReference, Differences};
pub use served::Served;

use self::unconnected::{Becomes, Unconnected};

/// What connecting is to do.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The client's configuration.
    pub config: PathBuf,
    /// How the client runs this program.
    pub resolver: Resolver,
    /// Where the client keeps its profiles.
    pub store: ProfileStore,
    /// The agents of the client, each with the file in which a client up to 2026.6.1 keeps its profiles.
    pub agents: Vec<(AgentName, PathBuf)>,
    /// The client's default agent. It counts if it is one of those.
    pub default_agent: Option<AgentName>,
    /// Keys in the configuration that become references.
    pub keys: Vec<Key>,
    /// What leaves the configuration for good.
    pub gone: Option<Gone>,
}

/// Members that leave a configuration for good, because the vault has what they held.
#[derive(Clone, Debug)]
pub struct Gone {
    /// The names that lead to each.
    pub members: Vec<Vec<String>>,
    /// The digest of the configuration in which they were found.
    pub read: Digest,
}

/// What connecting would do. Nothing has been written.
#[derive(Debug)]
pub struct Planned {
    /// The connection as it would be.
    pub link: Link,
    /// The profiles that the client would get from the vault.
    pub served: Vec<Served>,
    /// The client's own orders that the vault takes over.
    pub read_back: Vec<ReadBack>,
    /// What changes in the configuration, as a unified diff; empty if nothing does.
    pub diff: String,
    /// What changes in the client's own files.
    pub mirrored: Vec<Mirrored>,
    /// The agent of commands that name none, if it becomes another one.
    pub new_agent: Option<AgentName>,
    /// The plan for `openclaw secrets apply`, if the client keeps its profiles in SQLite.
    pub plan: Option<serde_json::Value>,
    /// The client's default agent until now.
    agent_was: Option<String>,
    config: ClientFile,
    edited: Edited,
    /// Whether a killed command did not put its text of the configuration back.
    restores: bool,
}

impl Planned {
    /// Returns whether everything is as it would be already.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let is_written = self.diff.is_empty()
            && self.read_back.is_empty()
            && self.mirrored.iter().all(|mirrored| !mirrored.changes);
        is_written && !self.changes_agent()
    }

    /// Returns whether the client has another default agent than it had when it was connected.
    #[must_use]
    pub fn changes_agent(&self) -> bool {
        self.link.default_agent != self.agent_was
    }
}

/// Plans a connection. Takes no locks and writes nothing.
///
/// # Errors
/// Those of reading the vault and the client's files, and those of [`Connection::changes`] and [`edit::edit`].
pub fn plan(open: &Open<'_>, wanted: &Wanted) -> Result<Planned> {
    let settings = open.vault.settings(open.session.keys())?;
    let before = link(&settings)?;
    let config = ClientFile::read(&wanted.config)?;
    // A command that was killed as the client wrote did not put its text back.
    let ours = before.as_ref().map(|link| apply::before_client(&config, link)).transpose()?.flatten();
    let text = ours.as_ref().map_or_else(|| config.text(), |ours| Ok(ours.expose_str()))?;
    // A configuration that is connected already is edited as if it were not, so that one patch undoes everything.
    let undone = match (&before, text) {
        (Some(link), Some(text)) if link.config == wanted.config => Some(Unconnected::of(text, link)?),
        _ => None,
    };
    let base = undone.as_ref().map_or(text, |undone| undone.text(text));
    // What held a secret is not part of what disconnecting restores.
    let without =
        wanted.gone.as_ref().map(|gone| without_secrets(&config, base, gone)).transpose()?.flatten();
    let base = without.as_ref().map_or(base, Buffer::expose_str);
    // A connection that was not written yet is not one that someone changed.
    let changed_by_others = undone.as_ref().is_some_and(|undone| {
        !undone.identical && (!undone.left.is_empty() || !matches!(undone.becomes, Becomes::Same))
    });
    let read_back = orders::plan(open, wanted, before.as_ref())?;
    let served = served::of(open, wanted.agents.iter().map(|(agent, _)| agent), &read_back)?;
    let profiles: Vec<_> = served.profiles.iter().map(Served::as_profile).collect();
    let connection = Connection {
        alias: EXEC_PROVIDER,
        resolver: &wanted.resolver.command,
        home: open.vault.home().path(),
        key_file: wanted.resolver.key_file.as_deref(),
        keychain: wanted.resolver.keychain,
    };
    let unique = served::unique(&profiles);
    let mut changes = connection.changes(base, text, wanted.store, &unique, &served.orders)?;
    let keys = link::with_keys(before.as_ref(), &wanted.keys);
    let migrated = before.as_ref().is_some_and(|link| link.migrated);
    changes.extend(refer_keys(base, &keys)?);
    let edited = edit::edit(base, &changes)?;
    let now = config.text()?.unwrap_or(EMPTY);
    let diff = match edited.text.expose_str() {
        Some(text) if text != now => diff(now, text)?,
        _ => String::new(),
    };
    let sqlite = wanted.store == ProfileStore::Sqlite;
    let plan = if sqlite { Some(connection.plan(config.text()?, &profiles)?) } else { None };
    let mirrors = if sqlite { Vec::new() } else { wanted.agents.clone() };
    let mirrored: Vec<Mirrored> =
        mirrors.iter().map(|(agent, path)| mirror::plan(open, agent, path)).collect::<Result<_>>()?;
    let mut made = before.as_ref().map(|link| link.made.clone()).unwrap_or_default();
    made.extend(mirrored.iter().filter(|of| of.made).map(|of| of.agent.to_string()));
    let main = AgentName::default();
    let is_connected = |agent: &&AgentName| wanted.agents.iter().any(|(connected, _)| connected == *agent);
    let default_agent = wanted.default_agent.as_ref().filter(is_connected).filter(|agent| **agent != main);
    let agent_was = before.as_ref().and_then(|link| link.default_agent.clone());
    let link = Link {
        version: link::VERSION,
        default_agent: default_agent.map(ToString::to_string),
        made,
        config: wanted.config.clone(),
        resolver: wanted.resolver.clone(),
        sqlite,
        agents: wanted.agents.iter().map(|(agent, path)| (agent.to_string(), path.clone())).collect(),
        orders: orders::known(before.as_ref(), &read_back),
        applied: before.map(|link| link.applied).unwrap_or_default(),
        keys,
        migrated: migrated || without.is_some(),
        changed_by_others,
        undo: edited.inverse.clone(),
    };
    let agent = link.agent_of_none(&settings)?;
    let new_agent = (agent != settings.agent()).then_some(agent);
    Ok(Planned {
        link,
        served: served.profiles,
        read_back,
        diff,
        mirrored,
        new_agent,
        plan,
        agent_was,
        restores: ours.is_some(),
        config,
        edited,
    })
}

/// Returns the configuration without what held a secret; nothing if nothing did.
///
/// # Errors
/// `CHANGED` if it is another one than the one in which that was found: another secret may be there by now.
fn without_secrets(config: &ClientFile, base: Option<&str>, gone: &Gone) -> Result<Option<Buffer>> {
    if base.is_none() || gone.members.is_empty() {
        return Ok(None);
    }
    if config.digest().as_ref() != Some(&gone.read) {
        return Err(edit_messages::changed_since(&config.path));
    }
    let changes: Vec<_> = gone.members.iter().map(|path| Change::Remove { path: path.clone() }).collect();
    Ok(Some(edit::edit(base, &changes)?.text))
}

/// Returns the changes that put references in the place of keys. A key that someone has written there since stays.
fn refer_keys(config: Option<&str>, keys: &[Key]) -> Result<Vec<Change>> {
    let text = config.unwrap_or(EMPTY);
    let mut changes = Vec::new();
    for Key { path, reference } in keys {
        if !edit::has(text, path)? {
            let value = serde_json::json!({ "source": "exec", "provider": EXEC_PROVIDER, "id": reference });
            changes.push(Change::Set { path: path.clone(), value });
        }
    }
    Ok(changes)
}

/// Writes what was planned, but for what only the client can write.
///
/// # Errors
/// `CHANGED` if the configuration was changed since; those of locking and writing.
pub fn carry_out(open: &mut Open<'_>, planned: &Planned) -> Result<Vec<Mirrored>> {
    orders::set(open, &planned.read_back)?;
    link::keep(open, "connect", Some(&planned.link))?;
    planned.config.write(&planned.edited.text)?;
    if planned.restores {
        apply::remove_copy(&planned.config.path, &planned.edited.text);
    }
    let mut done = Vec::new();
    if !planned.link.sqlite {
        for (agent, path) in planned.link.agents()? {
            done.push(mirror::write(open, &agent, path)?);
        }
    }
    Ok(done)
}

/// Returns whether a client may be connected, as far as that is known without a key.
#[must_use]
pub fn may_be_connected(vault: &Vault) -> bool {
    settings::names_connections(vault.home())
}

/// Keeps a connected client in step after a change of the agent's profiles. What does not succeed is a notice, because
/// the change itself is done.
pub fn follow(open: &mut Open<'_>) {
    if !may_be_connected(open.vault) {
        return;
    }
    match followed(open) {
        Ok(None) => {}
        Ok(Some(notice)) => open.tell(&notice),
        Err(error) => open.tell(&Notice::ClientBehind(error)),
    }
}

fn followed(open: &mut Open<'_>) -> Result<Option<Notice>> {
    let Some(link) = link(&open.vault.settings(open.session.keys())?)? else { return Ok(None) };
    let agents = link.agents()?;
    let is_connected = agents.iter().any(|(agent, _)| *agent == open.agent);
    let store = if link.sqlite { ProfileStore::Sqlite } else { ProfileStore::Json };
    let wanted = Wanted {
        config: link.config.clone(),
        resolver: link.resolver.clone(),
        store,
        agents: agents.into_iter().map(|(agent, path)| (agent, path.to_owned())).collect(),
        // Not what the client's configuration says now: anyone who can write it could send the next paste elsewhere.
        default_agent: link.default_agent.as_ref().map(|name| name.parse()).transpose()?,
        keys: Vec::new(),
        gone: None,
    };
    let planned = plan(open, &wanted)?;
    orders::set(open, &planned.read_back)?;
    for read in &planned.read_back {
        open.tell(&Notice::ClientOrder(read.clone()));
    }
    if planned.link != link {
        link::keep(open, "connect", Some(&planned.link))?;
    }
    planned.config.write(&planned.edited.text)?;
    if link.sqlite && is_connected {
        let now = planned.served.iter().map(|served| &served.reference);
        let knows_all = now.clone().all(|reference| link.applied.contains(reference));
        let is_all = now.count() == link.applied.len();
        if knows_all && is_all {
            return Ok(Some(Notice::ClientReload));
        }
        return Ok(Some(Notice::ClientPlan(references::differences(open, &link, &planned.served))));
    }
    // An import changes several agents at once.
    let changed: Vec<_> = planned.mirrored.iter().filter(|mirrored| mirrored.changes).collect();
    let mut plaintext = Vec::new();
    for mirrored in &changed {
        plaintext.extend(mirror::write(open, &mirrored.agent, &mirrored.path)?.kept.plaintext);
    }
    Ok(match (changed.is_empty(), plaintext.is_empty()) {
        (true, _) => None,
        (false, true) => Some(Notice::ClientReload),
        (false, false) => Some(Notice::ClientPlaintext(plaintext)),
    })
}

/// Makes sure that the vault and the client have an agent in common.
///
/// # Errors
/// `NOT_FOUND` if they have not. `vault` are the vault's agents.
pub fn must_share_an_agent(wanted: &Wanted, vault: &[AgentName]) -> Result<()> {
    if !wanted.agents.is_empty() {
        return Ok(());
    }
    Err(messages::no_common_agent(&vault.iter().map(AgentName::as_str).collect::<Vec<_>>().join(", ")))
}
