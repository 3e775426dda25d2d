//! What is seen of an agent's profiles without unlocking.

use serde::Serialize;

use super::ambient::Ambient;
use crate::error::Result;
use crate::vault::agent::Agent;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index::{Entry, Index};
use crate::vault::store::Store;

/// How often, and how long apart, is looked again.
const LOOKS: u32 = 3;
const LOOK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// An agent's index and which of its records are there, as far as that is seen without asking anyone.
#[derive(Debug, Default)]
pub struct Listing {
    /// The index; read through an unfinished transaction where a key is at hand.
    pub index: Index,
    /// The records, sorted.
    records: Vec<ProfileId>,
    /// Whether each of the index's entries has one, in the order of the index.
    has_record: Vec<bool>,
    /// Whether an unfinished transaction could not be read through.
    pub unfinished: bool,
}

impl Listing {
    /// What is seen of an agent; nothing if there is none. Nothing is locked, so beside a writer the index can name a record that is gone
    /// by now: then it is looked at again.
    ///
    /// # Errors
    /// Those of reading the agent's directory and index.
    pub fn of(vault: &Vault, agent: &AgentName, ambient: &Ambient) -> Result<Self> {
        vault.agent(agent)?.map_or_else(|| Ok(Self::default()), |found| Self::of_found(vault, found, ambient))
    }

    /// As [`Listing::of`], of an agent that was found.
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

    /// Whether every entry that should have a record has one. Only the others are read for that.
    fn is_complete(&self) -> bool {
        let without = self.index.ids().zip(&self.has_record).filter(|(_, has)| !**has);
        without
            .filter_map(|(id, _)| self.index.entry(id))
            .all(|entry| Holds::of(&entry, false) != Holds::Missing)
    }

    /// Records that the index does not name.
    #[must_use]
    pub fn unlisted(&self) -> Vec<String> {
        // Both name each id once.
        if self.has_record.iter().filter(|has| **has).count() == self.records.len() {
            return Vec::new();
        }
        let listed = |id: &&ProfileId| self.index.contains(id.as_str());
        self.records.iter().filter(|id| !listed(id)).map(ToString::to_string).collect()
    }

    /// The entries in order, and what each stands for.
    pub fn entries(&self) -> impl Iterator<Item = (Entry<'_>, Holds)> {
        let entries = self.index.entries().zip(&self.has_record);
        entries.map(|(entry, has_record)| {
            let holds = Holds::of(&entry, *has_record);
            (entry, holds)
        })
    }
}

/// What an entry of an index stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// A record of the vault.
    Sealed,
    /// A record that is not there.
    Missing,
    /// A reference to another secret provider.
    Reference,
    /// A secret in plain text.
    Plaintext,
    /// Nothing that is understood.
    Unknown,
}

impl Holds {
    fn of(entry: &Entry<'_>, has_record: bool) -> Self {
        if entry.plaintext {
            Self::Plaintext
        } else if has_record || entry.mark.as_ref().is_some_and(|mark| mark.is_in(Store::Keychain)) {
            // Whether the keychain has it is not asked here: it could take long, or be locked.
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
