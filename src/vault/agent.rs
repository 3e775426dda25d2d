//! One agent's directory, for reading. Reading takes no lock and writes nothing.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;

use super::id::{AgentName, ProfileId};
use super::index::{self, Index};
pub use super::layout::{
    GONE, HISTORY, OPS, PENDING, RECORDS, STAGED_INDEX, STAGED_STATE, TXN, TXN_BUSY, TXN_STAGE,
};
use super::ledger::{self, Book, Unverified};
use super::log;
use super::transaction::journal::Journal;
use crate::error::{Code, Result};
use crate::messages;
use crate::seal::RECORD_MAX;

/// How often a file is read again that another program may just be writing.
const TORN_READS: u32 = 3;
/// The pause before it is read again.
const TORN_PAUSE: Duration = Duration::from_millis(15);

/// An agent's directory.
#[derive(Debug)]
pub struct Agent {
    pub(super) name: AgentName,
    pub(super) dir: Dir,
}

impl Agent {
    /// Returns the agent's name.
    #[must_use]
    pub const fn name(&self) -> &AgentName {
        &self.name
    }

    /// Returns the agent's directory.
    #[must_use]
    pub const fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Opens the same agent again.
    ///
    /// # Errors
    /// Those of opening its directory.
    pub fn again(&self) -> Result<Self> {
        Ok(Self { name: self.name.clone(), dir: self.dir.dir(".")? })
    }

    /// Reads the index as it is in the file. An absent one is empty.
    ///
    /// # Errors
    /// `INDEX_UNREADABLE`, `DUPLICATE_KEY`, `NEWER_FORMAT`.
    pub fn index(&self) -> Result<Index> {
        self.index_and_bytes().map(|(index, _)| index)
    }

    /// Reads the index, and returns it with the bytes that it was read from.
    ///
    /// # Errors
    /// As [`Agent::index`].
    pub fn index_and_bytes(&self) -> Result<(Index, Option<Vec<u8>>)> {
        let mut tries = 0;
        loop {
            let Some(bytes) = self.dir.read_if_any(index::FILE, index::MAX)? else {
                return Ok((Index::default(), None));
            };
            match Index::parse(&bytes) {
                Ok(index) => return Ok((index, Some(bytes))),
                Err(error) if error.code() == Code::IndexUnreadable && tries < TORN_READS => {
                    tries += 1;
                    thread::sleep(TORN_PAUSE);
                }
                Err(error) if error.code() == Code::NewerFormat => return Err(error),
                Err(error) => {
                    let remedy = messages::vault::index::repair(&self.dir.path_of(index::FILE));
                    return Err(error.with_remedy(remedy));
                }
            }
        }
    }

    /// Returns whether an agent without a ledger must have had one, judged by its records, its log and its use of the
    /// keychain. With `but_for`, only records that are not in that ledger count.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn had_ledger(&self, but_for: Option<&Book>) -> Result<bool> {
        let Some(but_for) = but_for else {
            return Ok(self.dir.kind(log::FILE)?.is_some_and(|_| self.has_log_lines())
                || self.dir.kind(PENDING)?.is_some()
                || self.has_records()?);
        };
        let there = self.records(&|_| None)?;
        for id in there.ids {
            if but_for.entry(&id)?.is_none() {
                return Ok(true);
            }
        }
        for name in there.unnamed {
            let id = but_for.id_of_file(&name)?;
            if id.map(|id| but_for.entry(&id)).transpose()?.flatten().is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether the log has lines. An empty one may be left by a first change that was interrupted.
    fn has_log_lines(&self) -> bool {
        let file = self.dir.open_for_reading(log::FILE);
        file.is_ok_and(|file| file.metadata().is_ok_and(|meta| meta.len() > 0))
    }

    /// Returns whether there is a committed change that may not be applied.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn has_committed(&self) -> Result<bool> {
        Ok(self.dir.kind(TXN)?.is_some() || Journal::unapplied(&self.dir)?.is_some())
    }

    /// Returns whether there is a committed change that is not applied. A journal whose ledger is in place is applied,
    /// and only a loss of power can undo that.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn has_unfinished(&self) -> Result<bool> {
        if let Some(journal) = Journal::unapplied(&self.dir)?
            && let Some(ledger) = journal.part(ledger::FILE)
        {
            let there = self.dir.read_if_any(ledger::FILE, ledger::MAX)?.unwrap_or_default();
            // An older ledger in the journal belongs to a change that is done.
            if there != ledger && ledger::number_of(&there) <= ledger::number_of(ledger) {
                return Ok(true);
            }
        }
        Ok(match self.dir.dir_if_any(TXN)? {
            Some(txn) => txn.kind(OPS)?.is_some(),
            None => false,
        })
    }

    /// Returns whether the home has any record of the agent.
    ///
    /// # Errors
    /// Those of reading the directories.
    pub fn has_records(&self) -> Result<bool> {
        let there = self.records(&|_| None)?;
        Ok(!there.ids.is_empty() || !there.unnamed.is_empty())
    }

    /// Returns the ids of all records in the home, sorted, and the names of files that are not known to be records
    /// without a key.
    ///
    /// # Errors
    /// Those of reading the directories.
    pub fn record_ids(&self) -> Result<(Vec<ProfileId>, Vec<String>)> {
        let RecordFiles { ids, unnamed, mut strange } = self.records(&|_| None)?;
        strange.extend(unnamed);
        Ok((ids, strange))
    }

    /// Returns the records in the home.
    ///
    /// The name of a file does not contain a long id. If neither the ledger nor the index has that id, `whose` is
    /// called with the encrypted record; it returns the profile if it can decrypt the record.
    ///
    /// # Errors
    /// Those of reading the directories.
    pub fn records(&self, whose: &dyn Fn(&[u8]) -> Option<ProfileId>) -> Result<RecordFiles> {
        let mut found = RecordFiles::default();
        let mut short = Vec::new();
        for place in [RECORDS, PENDING] {
            let Some(records) = self.dir.dir_if_any(place)? else { continue };
            for name in FileStore::new(records).names()? {
                match ProfileId::from_file_name(&name) {
                    Some(id) => found.ids.push(id),
                    None if ProfileId::is_short_file_name(&name) => short.push((place, name)),
                    None if place == PENDING && name.ends_with(GONE) => {}
                    None => found.strange.push(name),
                }
            }
        }
        if !short.is_empty() {
            let known = self.long_ids();
            for (place, name) in short {
                let sealed = || self.dir.dir_if_any(place).ok()??.read_if_any(&name, RECORD_MAX).ok()?;
                let opened = || ProfileId::of_file(&name, || whose(&sealed()?));
                match known.get(&name).cloned().or_else(opened) {
                    Some(id) => found.ids.push(id),
                    None => found.unnamed.push(name),
                }
            }
        }
        // The order of file names is another one: it has `a:b-c` before `a:b`.
        found.ids.sort_unstable();
        found.ids.dedup();
        Ok(found)
    }

    /// Returns the long ids in the ledger and the index, by the names of their files. Neither is verified, but a name
    /// contains the digest of its id.
    fn long_ids(&self) -> HashMap<String, ProfileId> {
        let ledger = Unverified::read(&self.dir).map(|ledger| ledger.entries).unwrap_or_default();
        let index = self.index().unwrap_or_default();
        let ids = ledger.keys().map(String::as_str).chain(index.ids());
        let long = ids.filter_map(|id| Some((id.parse::<ProfileId>().ok()?.short_file_name()?, id)));
        long.filter_map(|(name, id)| Some((name, id.parse().ok()?))).collect()
    }
}

/// The files among an agent's records.
#[derive(Debug, Default)]
pub struct RecordFiles {
    /// The ids of the records, sorted.
    pub ids: Vec<ProfileId>,
    /// The names of files of long ids that are not known.
    pub unnamed: Vec<String>,
    /// The names of files that are no records.
    pub strange: Vec<String>,
}
