//! The operations of a transaction, which are encrypted in `txn/ops`.
//!
//! They say what changes, and not what the index looks like after that: they are applied to whatever the index contains
//! at that time, and applying them twice has the same effect as once. The ledger that is staged with them says which
//! records are current then.

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
    /// Renames a profile in the index. Other operations put its new record and remove the old one.
    Rename {
        /// The old id.
        from: String,
        /// The new id.
        to: String,
    },
    /// Puts a staged record in place, and its entry into the index.
    Put {
        /// The profile.
        profile: String,
        /// The index entry, which names store and generation.
        entry: NewEntry,
        /// Fields of the previous entry that are now encrypted with the record.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        taken: Vec<String>,
    },
    /// Adds an entry for a record that is already in place.
    List {
        /// The profile.
        profile: String,
        /// The index entry.
        entry: NewEntry,
    },
    /// Removes the keychain item of a profile, because its record is elsewhere or was removed.
    Forget {
        /// The profile.
        profile: String,
    },
    /// Removes a record and its entry.
    Remove {
        /// The profile.
        profile: String,
    },
    /// Puts a staged earlier version in place.
    Keep {
        /// The profile.
        profile: String,
        /// The generation of the version.
        generation: u64,
    },
    /// Removes an earlier version.
    Drop {
        /// The profile.
        profile: String,
        /// The generation of the version.
        generation: u64,
        /// Whether no copy of it may stay in a journal.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        everywhere: bool,
    },
    /// Sets a provider's order, unless it has one.
    Order {
        /// The provider.
        provider: String,
        /// The ids in order.
        ids: Vec<String>,
    },
}

/// The index that a change was made on, and the one that it makes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IndexStep {
    /// The number of operations that belong to the change.
    ops: usize,
    /// The SHA-256 of the index before the change, in hex. An absent index counts as an empty file.
    before: String,
    /// The SHA-256 of the index after the change, in hex.
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
    /// The MACs of the ledgers that it may follow: of the one before it and, if it includes earlier changes, of the one
    /// before each of them.
    pub follows: Vec<String>,
    /// The operations, in the order in which they are applied.
    pub ops: Vec<Op>,
    /// The index before and after each of the changes that it includes.
    pub index: Vec<IndexStep>,
    /// The SHA-256 of each encrypted record in a journal, by file name, in hex; `None` without a journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<BTreeMap<String, String>>,
    /// The changes of the run-time state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<StateStep>,
    /// The addition to the change log.
    pub log: LogPart,
}

impl Ops {
    /// Returns whether the change follows a ledger with this MAC.
    #[must_use]
    pub fn comes_after(&self, mac: &str) -> bool {
        self.follows.iter().any(|follows| signed::same(follows, mac))
    }

    /// Returns the operations of a transaction. The pair is the MACs of the ledgers before and after it.
    #[must_use]
    pub fn new(ring: &Ring, (follows, ledger): (String, String), ops: Vec<Op>, log: LogPart) -> Self {
        let agent = ring.scope.agent().unwrap_or_default().to_owned();
        let (vault, follows) = (ring.vault.to_string(), vec![follows]);
        let (index, state) = (Vec::new(), Vec::new());
        Self { format: FORMAT, vault, agent, ledger, follows, ops, index, records: None, state, log }
    }

    /// Sets the index that they were made on, and the one that they make.
    pub fn lead(&mut self, before: Option<&[u8]>, after: &[u8]) {
        let before = digest(before.unwrap_or_default());
        self.index = vec![IndexStep { ops: self.ops.len(), before, after: digest(after) }];
    }

    /// Returns earlier operations and these as one transaction.
    #[must_use]
    pub fn after(self, mut earlier: Self) -> Self {
        earlier.follows.push(earlier.ledger);
        earlier.ops.extend(self.ops);
        earlier.index.extend(self.index);
        earlier.state.extend(self.state);
        earlier.log.lines.push_str(&self.log.lines);
        Self { ledger: self.ledger, ..earlier }
    }

    /// Encrypts them.
    ///
    /// # Errors
    /// `TOO_LARGE`, `INTERNAL`.
    pub fn seal(&self, ring: &Ring) -> Result<Vec<u8>> {
        let plaintext = serde_json::to_vec(self).map_err(|_| messages::transaction_not_serialized())?;
        record::seal(ring, Purpose::Txn, &plaintext)
    }

    /// Decrypts them.
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

    /// Parses decrypted operations.
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

    /// Returns the effects on each record that they name. If there are several operations on a record, the last one
    /// counts.
    ///
    /// # Errors
    /// `CORRUPT` for an invalid id, `NEWER_FORMAT` for an unknown store.
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

    /// Returns the ids of profiles whose keychain items are to be removed.
    ///
    /// # Errors
    /// `CORRUPT` for an invalid id.
    pub fn forgotten(&self) -> Result<Vec<ProfileId>> {
        self.ids(|op| match op {
            Op::Forget { profile } => Some(profile),
            _ => None,
        })
    }

    /// Returns whether each earlier version that they name is kept or removed. If there are several operations on a
    /// version, the last one counts.
    ///
    /// # Errors
    /// `CORRUPT` for an invalid id.
    pub fn versions(&self) -> Result<BTreeMap<(ProfileId, u64), bool>> {
        let mut versions = BTreeMap::new();
        for op in &self.ops {
            match op {
                Op::Keep { profile, generation } => versions.insert((parse_id(profile)?, *generation), true),
                Op::Drop { profile, generation, .. } => {
                    versions.insert((parse_id(profile)?, *generation), false)
                }
                _ => None,
            };
        }
        Ok(versions)
    }

    fn ids(&self, pick: impl Fn(&Op) -> Option<&String>) -> Result<Vec<ProfileId>> {
        self.ops.iter().filter_map(pick).map(|id| parse_id(id)).collect()
    }

    /// Applies the operations that an index lacks. `bytes` are what it was read from.
    ///
    /// If another program has written the index since, its digest is in none of the steps. Then the operations of a
    /// transaction's directory are all applied. A journal stays after it was applied, so only those of its operations
    /// are applied that the marks of the entries show to be missing.
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
            // If the whole file is gone, it is not this change that is missing in it.
            None if bytes.is_none() => Ok(()),
            None => self.apply_by_marks(index),
        }
    }

    /// Applies the operations that the marks of the entries show to be missing. Entries of other programs stay.
    fn apply_by_marks(&self, index: &mut Index) -> Result<()> {
        let mut last: IndexMap<&str, &Op> = IndexMap::new();
        for op in &self.ops {
            match op {
                Op::Put { profile, .. } | Op::List { profile, .. } | Op::Remove { profile } => {
                    last.insert(profile, op);
                }
                Op::Rename { .. }
                | Op::Forget { .. }
                | Op::Keep { .. }
                | Op::Drop { .. }
                | Op::Order { .. } => {}
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
    /// `CORRUPT` for an invalid id.
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
            Op::Forget { .. } | Op::Keep { .. } | Op::Drop { .. } => {}
            Op::Remove { profile } => index.remove(&parse_id(profile)?),
            Op::Order { provider, ids } => {
                let provider: Provider = provider.parse().map_err(damaged)?;
                let ids = ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>>>()?;
                // An order that was set meanwhile takes precedence.
                if index.order(&provider).is_none() {
                    index.set_order(&provider, Some(&ids));
                }
            }
        }
    }
    Ok(())
}

/// Returns the SHA-256 of some bytes, in hex.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The effects of operations on records.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// Records that are put into files.
    pub to_file: Vec<ProfileId>,
    /// Records that are put into the keychain.
    pub to_keychain: Vec<ProfileId>,
    /// Records that are removed.
    pub removed: Vec<ProfileId>,
}

fn damaged(_: Error) -> Error {
    messages::transaction_invalid_id()
}

fn parse_id(text: &str) -> Result<ProfileId> {
    text.parse().map_err(damaged)
}
