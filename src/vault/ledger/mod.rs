//! An agent's ledger: an authenticated list of what is current.
//!
//! For each profile it has the generation, the key id and the store of its record, or says that the profile was
//! removed. It has a number that only grows, names the ledger before it, and has the head of the change log. Readers
//! and writers rely on it; the index, the log, notes and file names only repeat it.
//!
//! It is one signed text ([`signed`]) with up to 256 entries inline. With more, the entries are in shards: files that
//! are named by their own digest and never changed. To find one profile, only the ledger and one shard are read
//! ([`shard`]).

pub mod book;
pub mod shard;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_backends::fs::dir::Dir;

use super::log::Head;
use super::store::Store;
use crate::error::Result;
use crate::messages::vault::ledger as messages;
use crate::seal::keys::{KeyId, Ring, hex, label};
use crate::seal::signed::{self, Use};
use shard::{Digest, Entries};

pub use book::Book;

/// The file's name in an agent's directory, and in the home for the vault's own.
pub const FILE: &str = "ledger";
/// The largest ledger, in bytes.
pub const MAX: usize = 1024 * 1024;
/// The most entries in the ledger itself.
pub const INLINE_MAX: usize = 256;
/// The highest generation of a record: every JSON parser represents numbers up to it exactly.
pub const GENERATION_MAX: u64 = 1 << 52;
const FORMAT: u32 = 1;

/// The ledger's entry of a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The generation of its record, or the last one of a removed profile.
    pub generation: u64,
    /// Where the record is.
    pub state: RecordState,
    /// Earlier versions below this generation were forgotten; 0 if none was.
    pub history_from: u64,
}

/// The place of a profile's record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordState {
    /// In a store, encrypted with the key that has this id.
    Stored(Store, KeyId),
    /// Nowhere: the profile was removed.
    Removed,
}

impl Entry {
    /// Returns an entry of a profile whose earlier versions all count.
    #[must_use]
    pub const fn new(generation: u64, state: RecordState) -> Self {
        Self { generation, state, history_from: 0 }
    }

    /// Returns the store, unless the profile was removed.
    #[must_use]
    pub const fn store(&self) -> Option<Store> {
        match self.state {
            RecordState::Stored(store, _) => Some(store),
            RecordState::Removed => None,
        }
    }

    /// Returns whether the profile was removed.
    #[must_use]
    pub const fn is_removed(&self) -> bool {
        matches!(self.state, RecordState::Removed)
    }
}

/// An agent's ledger, verified. If its entries are not inline, a [`Book`] reads them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    /// The number of changes so far; 0 before the first.
    pub number: u64,
    /// Its MAC, in Base64. The next ledger names this one by it.
    pub mac: String,
    /// The MAC of the ledger before it; empty for the first.
    pub previous: String,
    /// The head of the change log.
    pub log: Head,
    /// The number of entries, including those of removed profiles.
    pub count: usize,
    /// The id of the vault key that it was signed with.
    pub key: String,
    /// Who may ask the proxy, each as [`Access`](super::access::Access) writes it.
    pub accesses: Vec<Value>,
    body: Body,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Body {
    Inline(Entries),
    /// The digests of the shards; their number is a power of two.
    Shards(Vec<Digest>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Inline(Entries::default())
    }
}

#[derive(Serialize, Deserialize)]
struct Text {
    format: u32,
    vault: String,
    agent: String,
    machine: String,
    key: String,
    number: u64,
    previous: String,
    log: Head,
    count: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accesses: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entries: Option<Entries>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shards: Option<String>,
}

/// What the next ledger says, apart from its entries.
struct Heading<'a> {
    ring: &'a Ring,
    number: u64,
    log: Head,
    accesses: Vec<Value>,
    count: usize,
}

/// A ledger that is to be written.
#[derive(Debug)]
pub struct Next {
    /// The ledger.
    pub ledger: Ledger,
    /// Its text.
    pub text: String,
    /// Its new shards, by file name.
    pub shards: Vec<(String, Vec<u8>)>,
}

impl Ledger {
    /// Reads the ledger in a directory. An agent that never had profiles has none.
    ///
    /// # Errors
    /// `TAMPERED` if it does not verify, `NEWER_FORMAT`, those of reading it.
    pub fn read(dir: &Dir, ring: &Ring) -> Result<Option<Self>> {
        dir.read_if_any(FILE, MAX)?.map(|bytes| Self::parse(&bytes, ring)).transpose()
    }

    /// Verifies and parses a ledger.
    ///
    /// # Errors
    /// `TAMPERED`, `NEWER_FORMAT`.
    pub fn parse(bytes: &[u8], ring: &Ring) -> Result<Self> {
        let (json, mac) = open(bytes, ring)?;
        let damaged = || messages::damaged(&ring.scope);
        let text: Text = serde_json::from_str(&json).map_err(|_| damaged())?;
        if Some(text.agent.as_str()) != ring.scope.agent() {
            return Err(messages::of_another_agent(&ring.scope));
        }
        let body = match (text.entries, text.shards) {
            (Some(entries), None) => Body::Inline(entries),
            (None, Some(digests)) => Body::Shards(shard::digests(&digests).ok_or_else(damaged)?),
            _ => return Err(damaged()),
        };
        Ok(Self {
            number: text.number,
            mac,
            previous: text.previous,
            log: text.log,
            count: text.count,
            key: text.key,
            accesses: text.accesses,
            body,
        })
    }

    /// Returns whether `other` is the ledger that was written right after this one.
    #[must_use]
    pub fn precedes(&self, other: &Self) -> bool {
        other.number > self.number && signed::same(&other.previous, &self.mac)
    }

    /// Returns the file names of its shards.
    pub fn shard_names(&self) -> impl Iterator<Item = String> {
        let digests: &[Digest] = match &self.body {
            Body::Inline(_) => &[],
            Body::Shards(digests) => digests,
        };
        digests.iter().map(shard::file_name)
    }

    fn next_text(&self, heading: Heading<'_>, body: Body) -> Result<Next> {
        let Heading { ring, number, log, accesses, count } = heading;
        let (entries, shards) = match &body {
            Body::Inline(entries) => (Some(entries.clone()), None),
            Body::Shards(digests) => (None, Some(digests.iter().map(|digest| hex(digest)).collect())),
        };
        let text = Text {
            format: FORMAT,
            vault: ring.vault.to_string(),
            agent: ring.scope.agent().unwrap_or_default().to_owned(),
            machine: ring.machine.to_string(),
            key: ring.current().id().to_string(),
            number,
            previous: self.mac.clone(),
            log: log.clone(),
            count,
            accesses: accesses.clone(),
            entries,
            shards,
        };
        let key = text.key.clone();
        let (text, mac) = write(&text, ring)?;
        let ledger = Self { number, mac, previous: self.mac.clone(), log, count, key, accesses, body };
        Ok(Next { ledger, text, shards: Vec::new() })
    }
}

/// Returns the number in a ledger's text, unverified.
#[must_use]
pub fn number_of(text: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Numbered {
        number: u64,
    }
    serde_json::from_str::<Numbered>(signed::split(text)?.json).ok().map(|text| text.number)
}

fn purpose(salt: &str) -> Use<'_> {
    Use { salt, label: label::LEDGER }
}

/// What the ledgers of agents and of the vault have in common.
#[derive(Deserialize)]
struct Common<'a> {
    format: u32,
    vault: &'a str,
    machine: &'a str,
    key: &'a str,
}

/// Verifies a ledger's text, and returns its JSON and its MAC.
///
/// # Errors
/// `TAMPERED`, `NEWER_FORMAT`.
pub(super) fn open(bytes: &[u8], ring: &Ring) -> Result<(String, String)> {
    let whose = &ring.scope;
    let parts = signed::split(bytes).ok_or_else(|| messages::damaged(whose))?;
    let common: Common<'_> = serde_json::from_str(parts.json).map_err(|_| messages::damaged(whose))?;
    if common.format > FORMAT {
        return Err(messages::newer(whose));
    }
    if common.vault != ring.vault.as_str() {
        return Err(messages::of_another_vault(whose));
    }
    let Some(key) = ring.get(common.key) else {
        return Err(if ring.is_retired(common.key) {
            messages::under_retired_key(whose)
        } else {
            messages::under_unknown_key(whose)
        });
    };
    let salt = format!("machine:{}", common.machine);
    if !signed::verifies(key, purpose(&salt), &parts)? {
        return Err(messages::altered(whose));
    }
    if common.machine != ring.machine.as_str() {
        return Err(messages::of_another_machine(whose));
    }
    Ok((parts.json.to_owned(), parts.mac.to_owned()))
}

/// Signs a ledger, and returns its text and its MAC.
pub(super) fn write(text: &impl Serialize, ring: &Ring) -> Result<(String, String)> {
    let json = serde_json::to_string(text).map_err(|_| messages::not_serialized())?;
    let salt = ring.machine_salt();
    let (text, mac) = signed::sign(ring.current(), purpose(&salt), &json)?;
    if text.len() > MAX {
        return Err(messages::too_large(&ring.scope));
    }
    Ok((text, mac))
}

/// Entries by profile id, as updates of a ledger.
pub type Updates = BTreeMap<String, Entry>;

/// The contents of a ledger that cannot be verified because the keys are lost. They tell a recovery what to look for;
/// nothing is deleted or replaced because of them.
#[derive(Debug, Default)]
pub struct Unverified {
    /// Its MAC.
    pub mac: String,
    /// Its entries, without those of missing or altered shards.
    pub entries: Entries,
}

impl Unverified {
    /// Reads the ledger in a directory without verifying it.
    #[must_use]
    pub fn read(dir: &Dir) -> Option<Self> {
        let bytes = dir.read(FILE, MAX).ok()?;
        let parts = signed::split(&bytes)?;
        let text: Text = serde_json::from_str(parts.json).ok()?;
        let mut entries = text.entries.unwrap_or_default();
        for digest in text.shards.and_then(|digests| shard::digests(&digests)).unwrap_or_default() {
            let bytes = dir.read(&shard::file_name(&digest), shard::MAX).ok();
            entries.extend(bytes.and_then(|bytes| shard::read(&bytes, &digest)).unwrap_or_default());
        }
        Some(Self { mac: parts.mac.to_owned(), entries })
    }
}

impl Book {
    /// Returns a new ledger without entries, at the end of an existing log.
    #[must_use]
    pub fn begun_at(log: Head) -> Self {
        Self::new(Ledger { log, ..Ledger::default() }, Vec::new())
    }
}
