//! Generations: each write of a profile has a higher one than all writes before it.

use sha2::{Digest, Sha256};

use super::credential::Credential;
use super::id::ProfileId;
use super::ledger::{Book, Entry, GENERATION_MAX};
use super::reader::Found;
use super::record::{Details, Record, Replaced};
use crate::error::Result;
use crate::messages;

/// How far a generation may be ahead of the clock, in milliseconds, before a clock must have been wrong: one day.
const AHEAD: u64 = 24 * 3_600 * 1_000;

/// Returns whether a generation is so far ahead of `now`, in Unix milliseconds, that a clock must have been wrong.
#[must_use]
pub fn is_ahead(generation: u64, now: i64) -> bool {
    generation > u64::try_from(now).unwrap_or(0).saturating_add(AHEAD)
}

/// The generations that a ledger knows.
#[derive(Debug)]
pub struct Generations {
    book: Book,
    now: u64,
}

impl Generations {
    /// Returns the generations in a ledger. `now` is in Unix milliseconds.
    #[must_use]
    pub fn new(book: Book, now: i64) -> Self {
        Self { book, now: u64::try_from(now).unwrap_or(0) }
    }

    /// Returns the ledger's entry of a profile.
    ///
    /// # Errors
    /// Those of reading the ledger.
    pub fn last_known(&self, profile: &ProfileId) -> Result<Option<Entry>> {
        self.book.entry(profile)
    }

    /// Returns the next generation of a profile: above its current one, above the last known one even if the profile
    /// was removed since, and at least the current time.
    ///
    /// # Errors
    /// `TAMPERED` above [`GENERATION_MAX`]; those of reading the ledger.
    pub fn next(&self, profile: &ProfileId, current: Option<u64>) -> Result<u64> {
        let known = self.last_known(profile)?.map(|known| known.generation);
        let next = current.max(known).map_or(0, |last| last.saturating_add(1)).max(self.now);
        if next > GENERATION_MAX {
            return Err(messages::vault::records::generation_too_high(profile));
        }
        Ok(next)
    }
}

/// Returns a new record for a profile; `current` is the one that it replaces, if there is one.
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
        rotated: before
            .filter(|record| record.credential.same_secret_as(&credential))
            .map(Record::rotated_at),
        replaces: current.map(replaced),
        by: None,
        details: Details::carried(before, &credential),
        credential,
    })
}

/// Returns what the next record says of this one.
#[must_use]
pub fn replaced(found: &Found) -> Replaced {
    Replaced {
        generation: found.record.generation,
        sha256: crate::seal::keys::hex(&Sha256::digest(&found.sealed)),
    }
}
