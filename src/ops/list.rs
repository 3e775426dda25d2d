//! An agent's profiles, as far as they are known without unlocking.

use serde::Serialize;

use super::ambient::Ambient;
use crate::error::Result;
use crate::vault::agent::Agent;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index::{Entry, Index};
use crate::vault::record::Record;
use crate::vault::store::Store;

/// How often an incomplete listing is read again.
const LOOKS: u32 = 3;
/// The pause before it is read again.
const LOOK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// An agent's index, and which of its records exist, as far as that is known without asking anyone.
#[derive(Debug, Default)]
pub struct Listing {
    /// The index. If a key is at hand, an unfinished transaction is already applied to it.
    pub index: Index,
    /// The records, sorted.
    records: Vec<ProfileId>,
    /// Whether each of the index's entries has one, in the order of the index.
    has_record: Vec<bool>,
    /// Whether there is an unfinished transaction that could not be read.
    pub unfinished: bool,
}

impl Listing {
    /// Lists an agent's profiles; none if there is no such agent. No lock is taken, so the index may name a record that
    /// a writer has just removed; it is then read again.
    ///
    /// # Errors
    /// Those of reading the agent's directory and index.
    pub fn of(vault: &Vault, agent: &AgentName, ambient: &Ambient) -> Result<Self> {
        vault.agent(agent)?.map_or_else(|| Ok(Self::default()), |found| Self::of_found(vault, found, ambient))
    }

    /// Lists the profiles of an agent that was found.
    ///
    /// # Errors
    /// Those of reading its directory and index.
    pub fn of_found(vault: &Vault, agent: Agent, ambient: &Ambient) -> Result<Self> {
        let unfinished = agent.has_unfinished()?;
        if unfinished && let Ok(session) = ambient.session(vault) {
            let ring = session.keys().agent(agent.name().as_str())?;
            let reader = agent.reader(ring, vault.keychain())?;
            return Ok(Self::new(reader.index()?, reader.record_ids()?, false));
        }
        let mut tries = 0;
        loop {
            let seen = Self::new(agent.index()?, agent.record_ids()?.0, unfinished);
            if seen.is_complete() || tries == LOOKS {
                return Ok(seen);
            }
            tries += 1;
            std::thread::sleep(LOOK_PAUSE);
        }
    }

    fn new(index: Index, records: Vec<ProfileId>, unfinished: bool) -> Self {
        let has = |id: &str| records.binary_search_by(|record| record.as_str().cmp(id)).is_ok();
        let has_record = index.ids().map(has).collect();
        Self { index, records, has_record, unfinished }
    }

    /// Returns whether every entry that should have a record has one. Only entries without a record are parsed.
    fn is_complete(&self) -> bool {
        let without = self.index.ids().zip(&self.has_record).filter(|(_, has)| !**has);
        without
            .filter_map(|(id, _)| self.index.entry(id))
            .all(|entry| Holds::of(&entry, false) != Holds::Missing)
    }

    /// Returns the ids of records that the index does not name.
    #[must_use]
    pub fn unlisted(&self) -> Vec<String> {
        // Index and records name each id once, so equal counts mean that all are listed.
        if self.has_record.iter().filter(|has| **has).count() == self.records.len() {
            return Vec::new();
        }
        let listed = |id: &&ProfileId| self.index.contains(id.as_str());
        self.records.iter().filter(|id| !listed(id)).map(ToString::to_string).collect()
    }

    /// Returns the entries in order, and what each stands for.
    pub fn entries(&self) -> impl Iterator<Item = (Entry<'_>, Holds)> {
        let entries = self.index.entries().zip(&self.has_record);
        entries.map(|(entry, has_record)| {
            let holds = Holds::of(&entry, *has_record);
            (entry, holds)
        })
    }
}

/// Reads the records of an agent's profiles, each on its own: one that cannot be read does not hide the others.
///
/// # Errors
/// Those of reading the agent's directory and its ledger.
pub fn records(
    vault: &Vault,
    session: &Session,
    agent: &AgentName,
    ids: &[ProfileId],
) -> Result<Vec<(ProfileId, Result<Option<Record>>)>> {
    let Some(found) = vault.agent(agent)? else { return Ok(Vec::new()) };
    let reader = vault.reader(found, session.keys())?;
    // A failure happens again, and is reported, for each record.
    let _ = reader.fetch(&ids.iter().collect::<Vec<_>>());
    Ok(ids.iter().map(|id| (id.clone(), reader.record(id))).collect())
}

/// What an entry of an index stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// A record of the vault.
    Sealed,
    /// A record that does not exist.
    Missing,
    /// A reference to another secret provider.
    Reference,
    /// A secret in plain text.
    Plaintext,
    /// Something that is not understood.
    Unknown,
}

impl Holds {
    fn of(entry: &Entry<'_>, has_record: bool) -> Self {
        if entry.plaintext {
            Self::Plaintext
        } else if has_record || entry.mark.as_ref().is_some_and(|mark| mark.is_in(Store::Keychain)) {
            // The keychain is not asked: it may be slow or locked.
            Self::Sealed
        } else if entry.mark.is_some() || entry.reference().is_some() {
            Self::Missing
        } else if entry.foreign_reference().is_some() {
            Self::Reference
        } else {
            Self::Unknown
        }
    }
}
