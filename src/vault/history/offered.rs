//! Which of the earlier versions that a bundle offers become versions of this vault.

use std::collections::BTreeSet;

use super::{Version, prune};
use crate::error::Result;
use crate::vault::generation::is_ahead;
use crate::vault::id::ProfileId;
use crate::vault::reader::Reader;

/// What an agent has of a profile before versions are imported.
#[derive(Debug, Default)]
pub struct Held {
    /// The generation from which on versions count.
    from: u64,
    /// All generations that are in use.
    generations: BTreeSet<u64>,
    /// The earlier versions, and what the import replaces.
    versions: Vec<Version>,
}

impl Held {
    /// Returns what an agent has of a profile.
    ///
    /// # Errors
    /// Those of reading the ledger and the directory.
    pub fn of(reader: &Reader<'_>, profile: &ProfileId) -> Result<Self> {
        let entry = reader.entry(profile)?;
        let from = entry.as_ref().map_or(0, |entry| entry.history_from);
        let mut all = reader.all_versions(profile)?;
        let mut generations: BTreeSet<u64> = all.keys().copied().collect();
        generations.extend(entry.map(|entry| entry.generation));
        let mut versions: Vec<Version> = all.split_off(&from).into_values().filter_map(Result::ok).collect();
        versions.extend(reader.found(profile).unwrap_or_default().map(Version::from));
        Ok(Self { from, generations, versions })
    }

    /// Makes the versions that count no more for another profile not count for this one either.
    pub fn starts_with(&mut self, other: &Self) {
        self.from = self.from.max(other.from);
    }

    /// Returns the offered versions that are taken, the oldest first. `now` is in Unix milliseconds; versions are kept
    /// for `days` at least.
    ///
    /// Left out are: those from before a revocation or a `forget` in this vault, those with a generation or a secret that
    /// it has already, those so far ahead of the clock that later changes could not follow them, and those that would be
    /// the first to give way.
    #[must_use]
    pub fn takes(&self, offered: &[Version], now: i64, days: u32) -> Vec<Version> {
        let is_new = |version: &&Version| {
            let Version { record, .. } = version;
            record.generation >= self.from
                && !self.generations.contains(&record.generation)
                && !is_ahead(record.generation, now)
                && !self.versions.iter().any(|held| held.record.credential.same_secret_as(&record.credential))
        };
        let new: Vec<Version> = offered.iter().filter(is_new).cloned().collect();
        let mut all = [self.versions.clone(), new.clone()].concat();
        all.sort_by_key(|version| version.record.generation);
        let due = prune::due_among(&all, now, days);
        new.into_iter().filter(|version| !due.contains(&version.record.generation)).collect()
    }
}
