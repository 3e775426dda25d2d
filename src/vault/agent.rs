//! One agent's directory, as it is read. Reading takes no lock and writes nothing.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::{SecretStore, StoreError};

use super::id::{AgentName, ProfileId};
use super::index::{self, Index};
use super::log;
use super::marks;
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
/// The new index of a transaction, beside the one it replaces.
pub const STAGED_INDEX: &str = "auth-profiles.json.tmp";
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

    /// The sealed bytes that rest in the file store's place, whatever else is known of them.
    ///
    /// # Errors
    /// `UNSAFE_FILE`, `TOO_LARGE`, `IO`.
    pub fn sealed_in_place(&self, profile: &ProfileId) -> Result<Option<Vec<u8>>> {
        let Some(records) = self.dir.dir_if_any(RECORDS)? else { return Ok(None) };
        Ok(records.read_if_any(&profile.file_name(), RECORD_MAX)?)
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
            let ops = Ops::open(keys, &self.name, &sealed);
            // One that does not follow the log was applied meanwhile, or is an old one put back.
            let counts = match &ops {
                Ok(ops) => log::follows(&self.dir, &ops.log)?,
                Err(_) => true,
            };
            if counts {
                pending = Some(Pending { ops, staged: txn.dir_if_any(RECORDS)? });
            }
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
    /// Whether a profile has a record, be it one that does not open.
    ///
    /// # Errors
    /// `UNSAFE_FILE`, `IO`.
    pub fn holds(&self, profile: &ProfileId) -> Result<bool> {
        Ok(self.staged(profile)?.is_some() || self.in_place(profile)?.is_some())
    }

    /// A profile's record.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `UNSAFE_FILE`, `IO`.
    pub fn record(&self, profile: &ProfileId) -> Result<Option<Record>> {
        let open = |sealed: Vec<u8>| Record::open(self.keys, &self.agent.name, profile, &sealed);
        match self.staged(profile)? {
            None => self.in_place(profile)?.map(open).transpose(),
            Some(staged) if self.unfinished_error().is_none() => open(staged).map(Some),
            // Which of the two is meant is not known: the newer one that opens.
            Some(staged) => match (open(staged), self.in_place(profile)?.map(open).transpose()) {
                (Ok(staged), Ok(Some(placed))) if placed.generation > staged.generation => Ok(Some(placed)),
                (Ok(staged), _) => Ok(Some(staged)),
                (Err(_), placed) => placed,
            },
        }
    }

    /// What an unfinished transaction has staged for a profile.
    fn staged(&self, profile: &ProfileId) -> Result<Option<Vec<u8>>> {
        let Some(Pending { ops, staged: Some(staged) }) = &self.pending else { return Ok(None) };
        if let Ok(ops) = ops
            && ops.fate(profile) != Some(Fate::Put)
        {
            return Ok(None);
        }
        staged.read_if_any(&profile.file_name(), RECORD_MAX).map_err(in_place(profile))
    }

    fn in_place(&self, profile: &ProfileId) -> Result<Option<Vec<u8>>> {
        if let Some(Pending { ops: Ok(ops), .. }) = &self.pending
            && ops.fate(profile) == Some(Fate::Removed)
        {
            return Ok(None);
        }
        match &self.store {
            Some(store) => store.get(&profile.file_name(), RECORD_MAX).map_err(in_place(profile)),
            None => Ok(None),
        }
    }

    /// The change log as it will stand once an unfinished transaction is applied.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn log(&self) -> Result<Vec<u8>> {
        let mut log = self.agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
        if let Some(Pending { ops: Ok(ops), .. }) = &self.pending {
            log.truncate(usize::try_from(ops.log.base).unwrap_or(usize::MAX));
            log.extend_from_slice(ops.log.lines.as_bytes());
        }
        Ok(log)
    }

    /// The generations that the index notes for these profiles, as far as it can be read.
    #[must_use]
    pub fn marks(&self, profiles: &[&ProfileId]) -> HashMap<ProfileId, u64> {
        if self.pending.is_none()
            && let Ok(Some(bytes)) = self.agent.dir.read_if_any(index::FILE, index::MAX)
        {
            let wanted = profiles.iter().map(|id| id.as_str()).collect();
            if let Some(found) = marks::read(&bytes, &wanted) {
                let mark = |id: &&ProfileId| Some(((*id).clone(), *found.get(id.as_str())?));
                return profiles.iter().filter_map(mark).collect();
            }
        }
        let Ok(index) = self.index() else { return HashMap::new() };
        let mark = |id: &&ProfileId| Some(((*id).clone(), index.entry(id.as_str())?.mark?.generation));
        profiles.iter().filter_map(mark).collect()
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
