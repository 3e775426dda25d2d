//! Reads the earlier versions of a profile.

use std::collections::BTreeSet;

use super::{Version, dir_if_any, dir_name, file_name, generation_of, staged_name};
use crate::error::{Error, Result};
use crate::seal::RECORD_MAX;
use crate::vault::agent::Agent;
use crate::vault::id::ProfileId;
use crate::vault::reader::Reader;

/// The earlier versions of a profile.
#[derive(Debug, Default)]
pub struct Versions {
    /// Those that can be decrypted, the oldest first.
    pub kept: Vec<Version>,
    /// The generations of the others, and why each cannot be decrypted.
    pub damaged: Vec<(u64, Error)>,
}

/// Returns the generations that have a file in `history/`, sorted. Nothing is decrypted.
///
/// # Errors
/// Those of reading the directory.
pub fn generations(agent: &Agent, profile: &ProfileId) -> Result<BTreeSet<u64>> {
    let Some(dir) = dir_if_any(agent.dir(), &dir_name(profile))? else { return Ok(BTreeSet::new()) };
    Ok(dir.names()?.iter().filter_map(|name| generation_of(name)).collect())
}

impl Reader<'_> {
    /// Returns the earlier versions of a profile, also of a removed one. Forgotten ones do not count.
    ///
    /// # Errors
    /// Those of reading the ledger and the directory.
    pub fn versions(&self, profile: &ProfileId) -> Result<Versions> {
        let from = self.entry(profile)?.map_or(0, |entry| entry.history_from);
        let mut found = Versions::default();
        let mut generations = generations(self.agent(), profile)?;
        generations.extend(self.staged_versions(profile)?);
        let dir = dir_if_any(self.agent().dir(), &dir_name(profile))?;
        for generation in generations.into_iter().filter(|generation| *generation >= from) {
            let in_place = dir.as_ref().map(|dir| dir.read_if_any(&file_name(generation), RECORD_MAX));
            let sealed = match self.staged(&staged_name(profile, generation))? {
                Some(sealed) => Ok(Some(sealed)),
                None => in_place.unwrap_or(Ok(None)).map_err(Error::from),
            };
            match sealed.and_then(|sealed| {
                sealed.map(|sealed| Version::open(self.ring(), profile, generation, &sealed)).transpose()
            }) {
                Ok(version) => found.kept.extend(version),
                Err(error) => found.damaged.push((generation, error)),
            }
        }
        Ok(found)
    }
}
