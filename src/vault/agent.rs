//! One agent's directory, as it is read. Reading takes no lock and writes nothing.

use std::thread;
use std::time::Duration;

use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::{SecretStore, StoreError};

use super::id::{AgentName, ProfileId};
use super::index::{self, Index};
use super::log;
use super::ops::{Fate, Ops};
use super::record::Record;
use crate::error::{Code, Error, Result};
use crate::seal::RECORD_MAX;
use crate::seal::keys::Keys;
use crate::seal::record::OPS_MAX;

/// The directory of the file store's records.
pub const RECORDS: &str = "records";
/// A committed transaction that is being applied.
pub const TXN: &str = "txn";
/// A transaction that is being prepared, or is done with.
pub const TXN_STAGE: &str = "txn.tmp";
/// The operations in either.
pub const OPS: &str = "ops";

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

    /// Whether index and log can be changed: a command of several steps looks before the first.
    ///
    /// # Errors
    /// Those of reading them.
    pub fn check_changeable(&self) -> Result<()> {
        self.index()?;
        log::tail(&self.dir)?;
        Ok(())
    }

    /// Whether a transaction was committed and is not yet applied.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn has_unfinished(&self) -> Result<bool> {
        Ok(match self.dir.dir_if_any(TXN)? {
            Some(txn) => txn.kind(OPS)?.is_some(),
            None => false,
        })
    }

    /// The ids of all records that rest here, sorted; and names that are none of ours.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn record_ids(&self) -> Result<(Vec<ProfileId>, Vec<String>)> {
        let Some(records) = self.dir.dir_if_any(RECORDS)? else { return Ok(Default::default()) };
        let mut ids = Vec::new();
        let mut strange = Vec::new();
        for name in FileStore::new(records).names()? {
            match ProfileId::from_file_name(&name) {
                Some(id) => ids.push(id),
                None => strange.push(name),
            }
        }
        // Not the order of the file names: there `a:b-c` stands before `a:b`.
        ids.sort_unstable();
        Ok((ids, strange))
    }

    /// Opens the agent for reading records.
    ///
    /// # Errors
    /// Those of reading the directory, and of an unfinished transaction.
    pub fn reader(self, keys: &Keys) -> Result<Reader<'_>> {
        // First the transaction, then the records: a record that moves meanwhile is then found in
        // its new place.
        let mut pending = None;
        if let Some(txn) = self.dir.dir_if_any(TXN)?
            && let Some(sealed) = txn.read_if_any(OPS, OPS_MAX)?
        {
            pending =
                Some(Pending { ops: Ops::open(keys, &self.name, &sealed), staged: txn.dir_if_any(RECORDS)? });
        }
        let store = self.dir.dir_if_any(RECORDS)?.map(FileStore::new);
        Ok(Reader { agent: self, keys, store, pending })
    }
}

#[derive(Debug)]
struct Pending {
    /// Damaged operations must not keep anyone from the records beside them.
    ops: Result<Ops>,
    staged: Option<Dir>,
}

/// An agent's records, read through an unfinished transaction.
#[derive(Debug)]
pub struct Reader<'k> {
    /// The agent.
    pub agent: Agent,
    keys: &'k Keys,
    store: Option<FileStore>,
    pending: Option<Pending>,
}

impl Reader<'_> {
    /// The sealed bytes of a profile's record.
    ///
    /// # Errors
    /// `UNSAFE_FILE`, `TOO_LARGE`, `IO`.
    pub fn sealed(&self, profile: &ProfileId) -> Result<Option<Vec<u8>>> {
        let name = profile.file_name();
        if let Some(pending) = &self.pending {
            let fate = match &pending.ops {
                Ok(ops) => ops.fate(profile),
                Err(_) => Some(Fate::Put),
            };
            match (fate, &pending.staged) {
                (Some(Fate::Removed), _) => return Ok(None),
                (Some(Fate::Put), Some(staged)) => {
                    if let Some(sealed) = staged.read_if_any(&name, RECORD_MAX).map_err(in_place(profile))? {
                        return Ok(Some(sealed));
                    }
                }
                _ => {}
            }
        }
        match &self.store {
            Some(store) => store.get(&name, RECORD_MAX).map_err(in_place(profile)),
            None => Ok(None),
        }
    }

    /// A profile's record.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, and those of [`Reader::sealed`].
    pub fn record(&self, profile: &ProfileId) -> Result<Option<Record>> {
        self.sealed(profile)?
            .map(|sealed| Record::open(self.keys, &self.agent.name, profile, &sealed))
            .transpose()
    }

    /// What is wrong with an unfinished transaction.
    #[must_use]
    pub fn unfinished_error(&self) -> Option<&Error> {
        self.pending.as_ref().and_then(|pending| pending.ops.as_ref().err())
    }

    /// The index as it will stand once an unfinished transaction is applied.
    ///
    /// # Errors
    /// As [`Agent::index`].
    pub fn index(&self) -> Result<Index> {
        let mut index = self.agent.index()?;
        if let Some(Pending { ops: Ok(ops), .. }) = &self.pending {
            ops.apply(&mut index)?;
        }
        Ok(index)
    }

    /// The ids of all records, as they will be once an unfinished transaction is applied.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn record_ids(&self) -> Result<Vec<ProfileId>> {
        let mut ids = self.agent.record_ids()?.0;
        if let Some(Pending { ops: Ok(ops), .. }) = &self.pending {
            ids.extend(ops.puts()?);
            let removed = ops.removals()?;
            ids.retain(|id| !removed.contains(id));
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(ids)
    }
}

fn in_place(profile: &ProfileId) -> impl Fn(StoreError) -> Error {
    move |error| {
        let mended = Error::from(error);
        if mended.code() == Code::TooLarge {
            return Error::new(Code::Corrupt, format!("the record of {profile} is larger than any record"));
        }
        mended
    }
}
