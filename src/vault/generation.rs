//! Generations: each write of a profile has a higher one than every write before it.

use sha2::{Digest, Sha256};

use super::credential::Credential;
use super::id::ProfileId;
use super::ledger::{Book, Entry, GENERATION_MAX};
use super::reader::Found;
use super::record::{Record, Replaced};
use crate::error::Result;
use crate::messages;

/// What the ledger knows of generations, at hand for a change.
#[derive(Debug)]
pub struct Generations {
    book: Book,
    now: u64,
}

impl Generations {
    /// Goes by a ledger.
    #[must_use]
    pub fn new(book: Book, now: i64) -> Self {
        Self { book, now: u64::try_from(now).unwrap_or(0) }
    }

    /// What the ledger says of a profile.
    ///
    /// # Errors
    /// Those of reading the ledger.
    pub fn last_known(&self, profile: &ProfileId) -> Result<Option<Entry>> {
        self.book.entry(profile)
    }

    /// The next generation of a profile: above its current one, above the last one that is known
    /// even if it was removed since, and at least the time.
    ///
    /// # Errors
    /// `TAMPERED` beyond the highest generation; those of reading the ledger.
    pub fn next(&self, profile: &ProfileId, current: Option<u64>) -> Result<u64> {
        let known = self.last_known(profile)?.map(|known| known.generation);
        let next = current.max(known).map_or(0, |last| last.saturating_add(1)).max(self.now);
        if next > GENERATION_MAX {
            return Err(messages::vault::records::generation_too_high(profile));
        }
        Ok(next)
    }
}

/// A record for a profile that has, or had, the given one.
///
/// # Errors
/// As [`Generations::next`].
pub fn next_record(
    profile: &ProfileId,
    credential: Credential,
    current: Option<&Found>,
    generations: &Generations,
    now: i64,
) -> Result<Record> {
    let before = current.map(|found| &found.record);
    Ok(Record {
        profile: profile.clone(),
        generation: generations.next(profile, before.map(|record| record.generation))?,
        created: before.map_or(now, |record| record.created),
        updated: now,
        replaces: current.map(replaced),
        by: None,
        credential,
        details: before.map(|record| record.details.clone()).unwrap_or_default(),
    })
}

/// What a record that follows this one says of it.
#[must_use]
pub fn replaced(found: &Found) -> Replaced {
    Replaced {
        generation: found.record.generation,
        sha256: crate::seal::keys::hex(&Sha256::digest(&found.sealed)),
    }
}
