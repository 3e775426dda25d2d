//! The operations of a transaction, as they are sealed into `txn/ops`.
//!
//! They name what changes, not what the index will look like: they are applied to the index as it
//! stands when they are applied, and applying them twice is the same as once. The ledger that is
//! staged beside them says which records are current then.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::state_step::StateStep;
use crate::error::{Error, Result};
use crate::json;
use crate::messages::vault::ledger as messages;
use crate::seal::keys::{Ring, Scope, hex};
use crate::seal::record::{self, Purpose};
use crate::seal::signed;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::index::{Index, NewEntry};
use crate::vault::log::LogPart;
use crate::vault::store::Store;

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
        /// The other fields of the entry before it that are sealed with the record now.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        taken: Vec<String>,
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

/// Which index a change was made on, and which it makes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IndexStep {
    /// How many of the operations are the change's.
    ops: usize,
    /// The SHA-256 of the index before, in hex; of no index that of no bytes.
    before: String,
    /// That of the index after it.
    after: String,
}

/// A transaction of one agent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ops {
    format: u32,
    vault: String,
    agent: String,
    /// The MAC of the ledger that the transaction makes current.
    pub ledger: String,
    /// The MACs of the ledgers that may be in place before it: the one that it followed, and if it took
    /// over earlier changes, the one before each of them.
    pub follows: Vec<String>,
    /// The operations, in the order in which they are applied.
    pub ops: Vec<Op>,
    /// For each change among them, the index that it was made on and the one that it makes.
    pub index: Vec<IndexStep>,
    /// Of a journal, the SHA-256 of each sealed record that it holds, by file name, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<BTreeMap<String, String>>,
    /// What follows in the run-time state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<StateStep>,
    /// What the change log gets.
    pub log: LogPart,
}

impl Ops {
    /// Whether a ledger of this MAC is one that the change follows.
    #[must_use]
    pub fn comes_after(&self, mac: &str) -> bool {
        self.follows.iter().any(|follows| signed::same(follows, mac))
    }

    /// The operations of a transaction.
    #[must_use]
    pub fn new(ring: &Ring, (follows, ledger): (String, String), ops: Vec<Op>, log: LogPart) -> Self {
        let agent = ring.scope.agent().unwrap_or_default().to_owned();
        let (vault, follows) = (ring.vault.to_string(), vec![follows]);
        let (index, state) = (Vec::new(), Vec::new());
        Self { format: FORMAT, vault, agent, ledger, follows, ops, index, records: None, state, log }
    }

    /// Notes the index that they were made on, and the one that they make.
    pub fn lead(&mut self, before: Option<&[u8]>, after: &[u8]) {
        let before = digest(before.unwrap_or_default());
        self.index = vec![IndexStep { ops: self.ops.len(), before, after: digest(after) }];
    }

    /// These operations after earlier ones, as one transaction.
    #[must_use]
    pub fn after(self, mut earlier: Self) -> Self {
        earlier.follows.push(earlier.ledger);
        earlier.ops.extend(self.ops);
        earlier.index.extend(self.index);
        earlier.state.extend(self.state);
        earlier.log.lines.push_str(&self.log.lines);
        Self { ledger: self.ledger, ..earlier }
    }

    /// Seals them.
    ///
    /// # Errors
    /// `TOO_LARGE`, `INTERNAL`.
    pub fn seal(&self, ring: &Ring) -> Result<Vec<u8>> {
        let plaintext = serde_json::to_vec(self).map_err(|_| messages::transaction_not_serialized())?;
        record::seal(ring, Purpose::Txn, &plaintext)
    }

    /// Opens them.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`.
    pub fn open(ring: &Ring, sealed: &[u8]) -> Result<Self> {
        let what = messages::transaction_of(&ring.scope);
        let plaintext = record::open(ring, Purpose::Txn, sealed, &what)?;
        let ops = Self::parse(plaintext.expose(), &ring.scope)?;
        if ops.vault != ring.vault.as_str() {
            return Err(messages::transaction_of_another_vault(&what));
        }
        Ok(ops)
    }

    /// The operations in an opened plaintext.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`.
    pub fn parse(plaintext: &[u8], scope: &Scope) -> Result<Self> {
        let what = messages::transaction_of(scope);
        let ops: Self = json::parse(plaintext, &what).map_err(|_| messages::transaction_invalid(&what))?;
        if ops.format > FORMAT {
            return Err(messages::transaction_newer(&what));
        }
        if Some(ops.agent.as_str()) != scope.agent() {
            return Err(messages::transaction_of_another_agent(&what));
        }
        Ok(ops)
    }

    /// What becomes of each record that they name: where it is put, or that it goes. Of several
    /// operations on one the last counts.
    ///
    /// # Errors
    /// `CORRUPT` for an id outside the grammar, `NEWER_FORMAT` for a store that is not known.
    pub fn effects(&self) -> Result<Effects> {
        let mut last: IndexMap<&str, Option<Store>> = IndexMap::new();
        for op in &self.ops {
            match op {
                Op::Put { profile, entry, .. } => last.insert(profile, Some(entry.store()?)),
                Op::Remove { profile } => last.insert(profile, None),
                _ => None,
            };
        }
        let mut effects = Effects::default();
        for (profile, store) in last {
            let ids = match store {
                Some(Store::File) => &mut effects.to_file,
                Some(Store::Keychain) => &mut effects.to_keychain,
                None => &mut effects.removed,
            };
            ids.push(parse_id(profile)?);
        }
        Ok(effects)
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

    fn ids(&self, pick: impl Fn(&Op) -> Option<&String>) -> Result<Vec<ProfileId>> {
        self.ops.iter().filter_map(pick).map(|id| parse_id(id)).collect()
    }

    /// Applies those to an index that are not in it yet. `bytes` are what it was read from.
    ///
    /// If the index was written since by something else, it is in none of the steps. A transaction's operations are
    /// applied then. A journal stays after it is in place, so of its operations those are applied that the marks
    /// of the entries do not have yet.
    ///
    /// # Errors
    /// As [`Ops::apply`].
    pub fn apply_missing(&self, index: &mut Index, bytes: Option<&[u8]>) -> Result<()> {
        let there = digest(bytes.unwrap_or_default());
        let (mut done, mut at) = (None, 0);
        for step in &self.index {
            if step.before == there {
                done = Some(at);
            }
            at += step.ops;
            if step.after == there {
                done = Some(at);
            }
        }
        match done {
            Some(done) => apply(self.ops.get(done..).unwrap_or_default(), index),
            None if self.records.is_none() => apply(&self.ops, index),
            // If the whole file is gone, no one took single profiles out of it.
            None if bytes.is_none() => Ok(()),
            None => self.apply_by_marks(index),
        }
    }

    /// Applies what the marks of the entries show to be missing. An entry that another program wrote stays.
    fn apply_by_marks(&self, index: &mut Index) -> Result<()> {
        let mut last: IndexMap<&str, &Op> = IndexMap::new();
        for op in &self.ops {
            match op {
                Op::Put { profile, .. } | Op::List { profile, .. } | Op::Remove { profile } => {
                    last.insert(profile, op);
                }
                Op::Rename { .. } | Op::Forget { .. } | Op::Order { .. } => {}
            }
        }
        for (id, op) in last {
            let there = index.entry(id).map(|entry| entry.mark.map(|mark| mark.generation));
            let is_missing = match (op, there) {
                (Op::Remove { .. }, there) => there.flatten().is_some(),
                (_, None) => true,
                (Op::Put { entry, .. } | Op::List { entry, .. }, Some(Some(generation))) => {
                    generation < entry.generation()
                }
                _ => false,
            };
            if is_missing {
                apply(std::slice::from_ref(op), index)?;
            }
        }
        Ok(())
    }

    /// Applies them to an index.
    ///
    /// # Errors
    /// `CORRUPT` for an id outside the grammar.
    pub fn apply(&self, index: &mut Index) -> Result<()> {
        apply(&self.ops, index)
    }
}

fn apply(ops: &[Op], index: &mut Index) -> Result<()> {
    for op in ops {
        match op {
            Op::Rename { from, to } => index.rename(&parse_id(from)?, &parse_id(to)?),
            Op::Put { profile, entry, taken } => index.put(&parse_id(profile)?, entry, taken)?,
            Op::List { profile, entry } => index.put(&parse_id(profile)?, entry, &[])?,
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

/// The SHA-256 of some bytes, in hex.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What becomes of records.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// Those that are put into files.
    pub to_file: Vec<ProfileId>,
    /// Those that are put into the keychain.
    pub to_keychain: Vec<ProfileId>,
    /// Those that go.
    pub removed: Vec<ProfileId>,
}

fn damaged(_: Error) -> Error {
    messages::transaction_invalid_id()
}

fn parse_id(text: &str) -> Result<ProfileId> {
    text.parse().map_err(damaged)
}
