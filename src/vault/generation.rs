//! Generations: each write of a profile has a higher one than every write before it.

use std::collections::HashMap;

use strongroom_backends::fs::dir::Dir;

use super::credential::Credential;
use super::id::ProfileId;
use super::log::{self, LastKnown};
use super::record::Record;
use crate::error::Result;

/// What the log and the records know of generations, looked up once for a change.
#[derive(Debug)]
pub struct Generations {
    log: Vec<u8>,
    all: Option<HashMap<String, LastKnown>>,
    now: u64,
}

impl Generations {
    /// Reads the log of an agent. `many` says that more than a few profiles will be asked for.
    ///
    /// # Errors
    /// Those of reading the log.
    pub fn read(dir: &Dir, now: i64, many: bool) -> Result<Self> {
        let log = dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
        let all = many.then(|| log::all_last_known(&log));
        Ok(Self { log, all, now: u64::try_from(now).unwrap_or(0) })
    }

    /// What the log knows last of a profile.
    #[must_use]
    pub fn last_known(&self, profile: &ProfileId) -> Option<LastKnown> {
        match &self.all {
            Some(all) => all.get(profile.as_str()).copied(),
            None => log::last_known(&self.log, profile),
        }
    }

    /// The next generation of a profile: above its current one, above the last one that is known
    /// even when it was removed since, and at least the time.
    #[must_use]
    pub fn next(&self, profile: &ProfileId, current: Option<u64>) -> u64 {
        let known = self.last_known(profile).map(|known| known.generation);
        current.max(known).map_or(0, |last| last.saturating_add(1)).max(self.now)
    }
}

/// A record for a profile that has, or had, the given one.
#[must_use]
pub fn next_record(
    profile: &ProfileId,
    credential: Credential,
    current: Option<&Record>,
    generations: &Generations,
    now: i64,
) -> Record {
    Record {
        profile: profile.clone(),
        generation: generations.next(profile, current.map(|record| record.generation)),
        created: current.map_or(now, |record| record.created),
        updated: now,
        credential,
    }
}
