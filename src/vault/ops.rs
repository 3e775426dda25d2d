//! The operations of a transaction, as they are sealed into `txn/ops`.
//!
//! They name what changes, not what the index will look like: they are applied to the index as it
//! stands when they are applied, and applying them twice is the same as once.

use serde::{Deserialize, Serialize};

use super::id::{AgentName, ProfileId, Provider};
use super::index::{Index, NewEntry};
use super::store::Store;
use crate::error::{Code, Error, Result, fail};
use crate::json;
use crate::seal::keys::Keys;
use crate::seal::record::{self, Purpose};

const FORMAT: u32 = 1;

/// One operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Op {
    /// A profile takes another id in the index. Its record is put and removed besides.
    Rename {
        /// The old id.
        from: String,
        /// The new id.
        to: String,
    },
    /// A staged record takes its place, and its entry the index.
    Put {
        /// The profile.
        profile: String,
        /// The index entry, which names store and generation.
        entry: NewEntry,
    },
    /// An entry is listed for a record that is in its place already.
    List {
        /// The profile.
        profile: String,
        /// The index entry.
        entry: NewEntry,
    },
    /// The keychain's item of a profile is to go: its record rests elsewhere, or was removed.
    Forget {
        /// The profile.
        profile: String,
    },
    /// A record and its entry go.
    Remove {
        /// The profile.
        profile: String,
    },
    /// A provider's order is set, where there is none.
    Order {
        /// The provider.
        provider: String,
        /// The ids in order.
        ids: Vec<String>,
    },
}

/// What the change log gets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogPart {
    /// How long the log was before, in bytes, without a torn last line.
    pub base: u64,
    /// The lines to be appended.
    pub lines: String,
}

/// A transaction of one agent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ops {
    format: u32,
    vault: String,
    agent: String,
    /// The operations, in the order in which they are applied.
    pub ops: Vec<Op>,
    /// What the change log gets.
    pub log: LogPart,
}

/// What a transaction says of one profile's record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is staged, or already in its place.
    Put,
    /// It is removed.
    Removed,
}

impl Ops {
    /// The operations of a transaction in this vault.
    #[must_use]
    pub fn new(keys: &Keys, agent: &AgentName, ops: Vec<Op>, log: LogPart) -> Self {
        Self { format: FORMAT, vault: keys.vault.to_string(), agent: agent.to_string(), ops, log }
    }

    /// Seals them.
    ///
    /// # Errors
    /// `TOO_LARGE`, `INTERNAL`.
    pub fn seal(&self, keys: &Keys) -> Result<Vec<u8>> {
        let plaintext = serde_json::to_vec(self)
            .map_err(|_| Error::new(Code::Internal, "a transaction cannot be written"))?;
        record::seal(keys, Purpose::Txn, &plaintext)
    }

    /// Opens them.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`.
    pub fn open(keys: &Keys, agent: &AgentName, sealed: &[u8]) -> Result<Self> {
        let what = format!("the unfinished transaction of agent {agent}");
        let plaintext = record::open(keys, Purpose::Txn, sealed, &what)?;
        let ops = Self::parse(plaintext.expose(), agent)?;
        if ops.vault != keys.vault.as_str() {
            return fail(Code::Tampered, format!("{what} belongs to another vault"));
        }
        Ok(ops)
    }

    /// The operations in an opened plaintext.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`.
    pub fn parse(plaintext: &[u8], agent: &AgentName) -> Result<Self> {
        let what = format!("the unfinished transaction of agent {agent}");
        let damaged = |_| Error::new(Code::Corrupt, format!("{what} has contents that are not understood"));
        let ops: Self = json::parse(plaintext, &what).map_err(damaged)?;
        if ops.format > FORMAT {
            return fail(Code::NewerFormat, format!("{what} was made by a newer strongroom"));
        }
        if ops.agent != agent.as_str() {
            return fail(Code::Tampered, format!("{what} belongs to another agent"));
        }
        Ok(ops)
    }

    /// What they say of a profile's record; the last word counts.
    #[must_use]
    pub fn fate(&self, profile: &ProfileId) -> Option<Fate> {
        self.ops.iter().rev().find_map(|op| match op {
            Op::Put { profile: id, .. } if id == profile.as_str() => Some(Fate::Put),
            Op::Remove { profile: id } if id == profile.as_str() => Some(Fate::Removed),
            _ => None,
        })
    }

    /// The ids of the records they put.
    ///
    /// # Errors
    /// `CORRUPT` for an id outside the grammar.
    pub fn puts(&self) -> Result<Vec<ProfileId>> {
        self.ids(|op| match op {
            Op::Put { profile, .. } => Some(profile),
            _ => None,
        })
    }

    /// The ids of the records they put into a store.
    ///
    /// # Errors
    /// `CORRUPT` for an id outside the grammar, `NEWER_FORMAT` for a store that is not known.
    pub fn puts_into(&self, store: Store) -> Result<Vec<ProfileId>> {
        let mut ids = Vec::new();
        for op in &self.ops {
            if let Op::Put { profile, entry } = op
                && entry.store()? == store
            {
                ids.push(parse_id(profile)?);
            }
        }
        Ok(ids)
    }

    /// The ids whose items in the keychain are to go.
    ///
    /// # Errors
    /// `CORRUPT` for an id outside the grammar.
    pub fn forgotten(&self) -> Result<Vec<ProfileId>> {
        self.ids(|op| match op {
            Op::Forget { profile } => Some(profile),
            _ => None,
        })
    }

    /// The ids of the records they remove.
    ///
    /// # Errors
    /// `CORRUPT` for an id outside the grammar.
    pub fn removals(&self) -> Result<Vec<ProfileId>> {
        self.ids(|op| match op {
            Op::Remove { profile } => Some(profile),
            _ => None,
        })
    }

    fn ids(&self, pick: impl Fn(&Op) -> Option<&String>) -> Result<Vec<ProfileId>> {
        self.ops.iter().filter_map(pick).map(|id| parse_id(id)).collect()
    }

    /// Applies them to an index.
    ///
    /// # Errors
    /// `CORRUPT` for an id outside the grammar.
    pub fn apply(&self, index: &mut Index) -> Result<()> {
        for op in &self.ops {
            match op {
                Op::Rename { from, to } => index.rename(&parse_id(from)?, &parse_id(to)?),
                Op::Put { profile, entry } | Op::List { profile, entry } => {
                    index.put(&parse_id(profile)?, entry)?;
                }
                Op::Forget { .. } => {}
                Op::Remove { profile } => index.remove(&parse_id(profile)?),
                Op::Order { provider, ids } => {
                    let provider: Provider = provider.parse().map_err(damaged)?;
                    let ids = ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>>>()?;
                    // An order that was set meanwhile is a choice of its own.
                    if index.order(&provider).is_none() {
                        index.set_order(&provider, Some(&ids));
                    }
                }
            }
        }
        Ok(())
    }
}

fn damaged(_: Error) -> Error {
    Error::new(Code::Corrupt, "the unfinished transaction names an invalid id")
}

fn parse_id(text: &str) -> Result<ProfileId> {
    text.parse().map_err(damaged)
}
