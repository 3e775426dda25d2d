//! Reads the earlier versions of a profile.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_backends::fs::dir::Dir;

use super::{Version, dir_if_any, dir_name, file_name, generation_of, staged_name};
use crate::error::{Error, Result};
use crate::seal::RECORD_MAX;
use crate::seal::keys::Ring;
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

/// A file in a profile's directory in `history/`, whatever the ledger says.
#[derive(Debug)]
pub struct InPlace {
    /// The generation that its name says.
    pub generation: u64,
    /// The encrypted bytes; none if they cannot be read.
    pub sealed: Vec<u8>,
    /// The version, or why it cannot be decrypted.
    pub opened: Result<Version>,
}

/// Returns the generations that have a file in `history/`, sorted. Nothing is decrypted.
///
/// # Errors
/// Those of reading the directory.
pub fn generations(agent: &Agent, profile: &ProfileId) -> Result<BTreeSet<u64>> {
    match dir_if_any(agent.dir(), &dir_name(profile))? {
        Some(dir) => generations_in(&dir),
        None => Ok(BTreeSet::new()),
    }
}

fn generations_in(dir: &Dir) -> Result<BTreeSet<u64>> {
    Ok(dir.names()?.iter().filter_map(|name| generation_of(name)).collect())
}

/// Reads and decrypts what a profile's directory in `history/` has, the oldest first.
///
/// # Errors
/// Those of reading the directory.
pub fn in_place(dir: &Dir, ring: &Ring, profile: &ProfileId) -> Result<Vec<InPlace>> {
    let read = |generation| match dir.read(&file_name(generation), RECORD_MAX) {
        Ok(sealed) => {
            let opened = Version::open(ring, profile, generation, &sealed);
            InPlace { generation, sealed, opened }
        }
        Err(error) => InPlace { generation, sealed: Vec::new(), opened: Err(error.into()) },
    };
    Ok(generations_in(dir)?.into_iter().map(read).collect())
}

impl Reader<'_> {
    /// Returns the earlier versions of a profile, also of a removed one. Forgotten ones do not count.
    ///
    /// # Errors
    /// Those of reading the ledger and the directory.
    pub fn versions(&self, profile: &ProfileId) -> Result<Versions> {
        let from = self.entry(profile)?.map_or(0, |entry| entry.history_from);
        let mut found = Versions::default();
        for (generation, opened) in self.all_versions(profile)?.split_off(&from) {
            match opened {
                Ok(version) => found.kept.push(version),
                Err(error) => found.damaged.push((generation, error)),
            }
        }
        Ok(found)
    }

    /// Returns all earlier versions of a profile by generation, also forgotten ones that were put back. What a change
    /// that is not fully applied has takes precedence over what is in place.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn all_versions(&self, profile: &ProfileId) -> Result<BTreeMap<u64, Result<Version>>> {
        let mut all = BTreeMap::new();
        if let Some(dir) = dir_if_any(self.agent().dir(), &dir_name(profile))? {
            let there = in_place(&dir, self.ring(), profile)?;
            all.extend(there.into_iter().map(|InPlace { generation, opened, .. }| (generation, opened)));
        }
        for generation in self.staged_versions(profile)? {
            if let Some(sealed) = self.staged(&staged_name(profile, generation))? {
                all.insert(generation, Version::open(self.ring(), profile, generation, &sealed));
            }
        }
        Ok(all)
    }
}
