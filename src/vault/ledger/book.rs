//! A ledger together with its shards, which are read when they are needed.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde_json::Value;
use strongroom_backends::fs::dir::Dir;

use super::shard::{self, Digest, Entries};
use super::{Body, Entry, Heading, INLINE_MAX, Ledger, Next, Updates};
use crate::error::Result;
use crate::messages::vault::ledger as messages;
use crate::seal::keys::Ring;
use crate::vault::id::ProfileId;
use crate::vault::log::Head;

/// A verified ledger, and where its shards are.
#[derive(Debug)]
pub struct Book {
    /// The ledger.
    pub ledger: Ledger,
    /// Shards that are in memory, by file name.
    at_hand: Vec<(String, Vec<u8>)>,
    /// The directories to search for the others, in this order.
    dirs: Vec<Dir>,
    shards: Vec<OnceLock<Entries>>,
    /// The profiles with long ids, by the names of their records' files; filled when it is first needed.
    long: OnceLock<HashMap<String, ProfileId>>,
}

impl Book {
    /// Returns a book for a ledger whose shards are in these directories.
    #[must_use]
    pub fn new(ledger: Ledger, dirs: Vec<Dir>) -> Self {
        let many = match &ledger.body {
            Body::Inline(_) => 0,
            Body::Shards(digests) => digests.len(),
        };
        let shards = (0..many).map(|_| OnceLock::new()).collect();
        Self { ledger, at_hand: Vec::new(), dirs, shards, long: OnceLock::new() }
    }

    /// Adds shards that are in no directory yet, by file name.
    #[must_use]
    pub fn with(mut self, shards: Vec<(String, Vec<u8>)>) -> Self {
        self.at_hand = shards;
        self
    }

    /// Returns the entry of a profile.
    ///
    /// # Errors
    /// `TAMPERED` if the shard is missing or was altered; those of reading it.
    pub fn entry(&self, profile: &ProfileId) -> Result<Option<Entry>> {
        Ok(match &self.ledger.body {
            Body::Inline(entries) => entries.get(profile.as_str()).copied(),
            Body::Shards(digests) => {
                let at = shard::place(profile.as_str(), digests.len());
                self.shard(at, &digests[at])?.get(profile.as_str()).copied()
            }
        })
    }

    fn shard(&self, at: usize, digest: &Digest) -> Result<&Entries> {
        if let Some(read) = self.shards[at].get() {
            return Ok(read);
        }
        let read = self.read_shard(digest)?;
        Ok(self.shards[at].get_or_init(|| read))
    }

    fn read_shard(&self, digest: &Digest) -> Result<Entries> {
        let name = shard::file_name(digest);
        if let Some((_, bytes)) = self.at_hand.iter().find(|(there, _)| *there == name) {
            return shard::read(bytes, digest).ok_or_else(messages::part_altered);
        }
        for dir in &self.dirs {
            if let Some(bytes) = dir.read_if_any(&name, shard::MAX)? {
                return shard::read(&bytes, digest).ok_or_else(messages::part_altered);
            }
        }
        Err(messages::part_missing())
    }

    /// Returns all entries by id, including those of removed profiles.
    ///
    /// # Errors
    /// As [`Book::entry`].
    pub fn all(&self) -> Result<Entries> {
        match &self.ledger.body {
            Body::Inline(entries) => Ok(entries.clone()),
            Body::Shards(digests) => {
                let mut all = Entries::new();
                for (at, digest) in digests.iter().enumerate() {
                    all.extend(self.shard(at, digest)?.iter().map(|(id, entry)| (id.clone(), *entry)));
                }
                Ok(all)
            }
        }
    }

    /// Returns the profile whose record has this file name. A long id is found only if the ledger lists it.
    ///
    /// # Errors
    /// As [`Book::entry`].
    pub fn id_of_file(&self, name: &str) -> Result<Option<ProfileId>> {
        if !ProfileId::is_short_file_name(name) {
            return Ok(ProfileId::from_file_name(name));
        }
        if self.long.get().is_none() {
            let all = self.all()?;
            let ids = all.keys().filter_map(|id| id.parse::<ProfileId>().ok());
            let _ = self.long.set(ids.filter_map(|id| Some((id.short_file_name()?, id))).collect());
        }
        Ok(self.long.get().and_then(|long| long.get(name)).cloned())
    }

    /// Returns the profiles that are not removed, sorted.
    ///
    /// # Errors
    /// As [`Book::entry`]; `CORRUPT` for an invalid id.
    pub fn ids(&self) -> Result<Vec<ProfileId>> {
        let held = self.all()?.into_iter().filter(|(_, entry)| !entry.is_removed());
        let mut ids = held.map(|(id, _)| id.parse()).collect::<Result<Vec<ProfileId>>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Returns the ledger after some updates. Its number is one more than this one's or than `above`, whichever is
    /// higher. Without `accesses`, those stay.
    ///
    /// # Errors
    /// As [`Book::entry`]; `TOO_LARGE`.
    pub fn next(
        &self,
        ring: &Ring,
        updates: &Updates,
        log: Head,
        above: u64,
        accesses: Option<Vec<Value>>,
    ) -> Result<Next> {
        let number = self.ledger.number.max(above) + 1;
        let accesses = accesses.unwrap_or_else(|| self.ledger.accesses.clone());
        if let Body::Shards(digests) = &self.ledger.body {
            let added = updates.keys().filter(|id| !self.knows(id, digests)).count();
            let count = self.ledger.count + added;
            if shard::how_many(count) == digests.len() {
                return self.next_of_shards(Heading { ring, number, log, accesses, count }, updates);
            }
        }
        let mut all = self.all()?;
        all.extend(updates.iter().map(|(id, entry)| (id.clone(), *entry)));
        let count = all.len();
        let heading = Heading { ring, number, log, accesses, count };
        if count <= INLINE_MAX {
            return self.ledger.next_text(heading, Body::Inline(all));
        }
        let mut parts = vec![Entries::new(); shard::how_many(count)];
        let many = parts.len();
        for (id, entry) in all {
            parts[shard::place(&id, many)].insert(id, entry);
        }
        let written: Vec<Vec<u8>> = parts.iter().map(shard::write).collect();
        let digests: Vec<Digest> = written.iter().map(|bytes| shard::digest(bytes)).collect();
        let names: Vec<String> = digests.iter().map(shard::file_name).collect();
        let mut next = self.ledger.next_text(heading, Body::Shards(digests))?;
        next.shards = names.into_iter().zip(written).collect();
        // Equal shards, and shards that exist already, are one file.
        next.shards.sort_unstable();
        next.shards.dedup();
        let there: Vec<String> = self.ledger.shard_names().collect();
        next.shards.retain(|(name, _)| !there.contains(name));
        bounded(next)
    }

    fn knows(&self, id: &str, digests: &[Digest]) -> bool {
        let at = shard::place(id, digests.len());
        self.shard(at, &digests[at]).is_ok_and(|entries| entries.contains_key(id))
    }

    fn next_of_shards(&self, heading: Heading<'_>, updates: &Updates) -> Result<Next> {
        let Body::Shards(digests) = &self.ledger.body else {
            return Err(messages::no_parts());
        };
        let mut digests = digests.clone();
        let mut changed: BTreeMap<usize, Entries> = BTreeMap::new();
        for (id, entry) in updates {
            let at = shard::place(id, digests.len());
            let entries = match changed.entry(at) {
                Slot::Occupied(there) => there.into_mut(),
                Slot::Vacant(none) => none.insert(self.shard(at, &digests[at])?.clone()),
            };
            entries.insert(id.clone(), *entry);
        }
        let mut shards = Vec::new();
        for (at, entries) in changed {
            let bytes = shard::write(&entries);
            let digest = shard::digest(&bytes);
            if digest != digests[at] {
                shards.push((shard::file_name(&digest), bytes));
                digests[at] = digest;
            }
        }
        let mut next = self.ledger.next_text(heading, Body::Shards(digests))?;
        next.shards = shards;
        bounded(next)
    }
}

fn bounded(next: Next) -> Result<Next> {
    if next.shards.iter().any(|(_, bytes)| bytes.len() > shard::MAX) {
        return Err(messages::part_too_large());
    }
    Ok(next)
}
