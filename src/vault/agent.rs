//! One agent's directory, as it is read. Reading takes no lock and writes nothing.

use std::thread;
use std::time::Duration;

use strongroom_backends::SecretStore;
use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;

use super::id::{AgentName, ProfileId};
use super::index::{self, Index};
use super::journal::Journal;
pub use super::layout::{GONE, OPS, PENDING, RECORDS, STAGED_INDEX, STAGED_STATE, TXN, TXN_STAGE};
use super::ledger::{self, Book};
use super::log;
use crate::error::{Code, Result};

/// How often, and how long apart, a file of a foreign writer is read again that may be torn.
const TORN_READS: u32 = 3;
const TORN_PAUSE: Duration = Duration::from_millis(15);

/// An agent's directory.
#[derive(Debug)]
pub struct Agent {
    /// The agent's name.
    pub name: AgentName,
    /// Its directory.
    pub dir: Dir,
}

impl Agent {
    /// The same agent, opened again.
    ///
    /// # Errors
    /// Those of opening its directory.
    pub fn again(&self) -> Result<Self> {
        Ok(Self { name: self.name.clone(), dir: self.dir.dir(".")? })
    }

    /// The index as it stands in the file. An absent one is empty.
    ///
    /// # Errors
    /// `INDEX_UNREADABLE`, `DUPLICATE_KEY`, `NEWER_FORMAT`.
    pub fn index(&self) -> Result<Index> {
        self.index_and_bytes().map(|(index, _)| index)
    }

    /// The index, and the bytes it was read from.
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
                    return Err(error.with_remedy(format!(
                        "repair {}, or move it away and run `strongroom doctor --repair`: no credential is lost",
                        strongroom_backends::shown(&self.dir.path_of(index::FILE))
                    )));
                }
            }
        }
    }

    /// Whether an agent without a ledger had one: records, a log or a use of the keychain tell. Records
    /// that `but_for` lists do not count.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn had_ledger(&self, but_for: Option<&Book>) -> Result<bool> {
        let Some(but_for) = but_for else {
            return Ok(self.dir.kind(log::FILE)?.is_some_and(|_| self.has_log_lines())
                || self.dir.kind(PENDING)?.is_some()
                || !self.record_ids()?.0.is_empty());
        };
        for id in self.record_ids()?.0 {
            if but_for.entry(&id)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An empty log can be left by a first change that was cut short.
    fn has_log_lines(&self) -> bool {
        let file = self.dir.open_for_reading(log::FILE);
        file.is_ok_and(|file| file.metadata().is_ok_and(|meta| meta.len() > 0))
    }

    /// Whether there is a committed change that may not be in place.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn has_committed(&self) -> Result<bool> {
        Ok(self.dir.kind(TXN)?.is_some() || Journal::unapplied(&self.dir)?.is_some())
    }

    /// Whether a change was committed and is not in place. What a journal holds of one that is, only a
    /// loss of power can undo: its ledger is then in place too.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn has_unfinished(&self) -> Result<bool> {
        if let Some(journal) = Journal::unapplied(&self.dir)?
            && let Some(ledger) = journal.part(ledger::FILE)
        {
            let there = self.dir.read_if_any(ledger::FILE, ledger::MAX)?.unwrap_or_default();
            // One of before is done with.
            if there != ledger && ledger::number_of(&there) <= ledger::number_of(ledger) {
                return Ok(true);
            }
        }
        Ok(match self.dir.dir_if_any(TXN)? {
            Some(txn) => txn.kind(OPS)?.is_some(),
            None => false,
        })
    }

    /// The ids of all records that rest in the home, sorted; and names that are none of ours.
    ///
    /// # Errors
    /// Those of reading the directories.
    pub fn record_ids(&self) -> Result<(Vec<ProfileId>, Vec<String>)> {
        let mut ids = Vec::new();
        let mut strange = Vec::new();
        for place in [RECORDS, PENDING] {
            let Some(records) = self.dir.dir_if_any(place)? else { continue };
            for name in FileStore::new(records).names()? {
                match ProfileId::from_file_name(&name) {
                    Some(id) => ids.push(id),
                    None if place == PENDING && name.ends_with(GONE) => {}
                    None => strange.push(name),
                }
            }
        }
        // Not the order of the file names: there `a:b-c` stands before `a:b`.
        ids.sort_unstable();
        ids.dedup();
        Ok((ids, strange))
    }
}
