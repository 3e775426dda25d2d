//! Reads an agent's records by its ledger, from every store, and from an unfinished transaction.
//!
//! The ledger says which generation is current, which key it is encrypted with, and which store it is in. A record in
//! the keychain has an encrypted copy in `pending/` until a later process has seen it in the keychain. A record that
//! does not fit the ledger is read again, because a writer may just have changed both. If the ledger stays the same,
//! the record was put back, planted or lost.

mod committed;
mod fetched;

use std::sync::OnceLock;

use strongroom_backends::StoreError;
use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;

use super::agent::{Agent, OPS, PENDING, RECORDS, TXN};
use super::history;
use super::id::ProfileId;
use super::index::Index;
use super::ledger::{Book, Entry, RecordState};
use super::log;
use super::record::Record;
use super::store::Store;
use super::transaction::journal::{Journal, is_torn};
use super::transaction::operations::Ops;
use super::transaction::source::ChangeSource;
use committed::{Pending, read_book};
use fetched::Fetched;

use crate::error::{Code, Error, Result};
use crate::keychain::Keychain;
use crate::messages::vault as messages;
use crate::seal::RECORD_MAX;
use crate::seal::keys::{KeyId, Ring};
use crate::seal::record::{self, OPS_MAX};
use crate::seal::signed;

/// How often a reader tries again because a writer changed the ledger meanwhile.
const LOOKS: u32 = 64;

/// A record that was found and decrypted.
#[derive(Clone, Debug)]
pub struct Found {
    /// The record.
    pub record: Record,
    /// The encrypted bytes.
    pub sealed: Vec<u8>,
    /// The store that it is in.
    pub store: Store,
}

/// An agent's records.
#[derive(Debug)]
pub struct Reader<'k> {
    pub(super) agent: Agent,
    pub(super) ring: Ring,
    keychain: &'k Keychain,
    /// What is current, or why that is not known.
    book: Result<Book>,
    files: Option<FileStore>,
    /// `pending/`, which exists from this agent's first record in the keychain on.
    kept: Option<Dir>,
    pending: Option<Pending>,
    /// Everything that the keychain has for this agent, if it was fetched at once.
    in_keychain: OnceLock<Fetched>,
}

impl Agent {
    /// Opens the agent for reading records.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn reader(self, ring: Ring, keychain: &Keychain) -> Result<Reader<'_>> {
        // First what is committed, then what is in place, so that what moves meanwhile is found in one of them.
        let journal = Journal::unapplied(&self.dir)?.map(ChangeSource::Journal);
        let txn = self.dir.dir_if_any(TXN)?.map(ChangeSource::Dir);
        let (book, pending) = read_book(&self, &ring, [txn, journal])?;
        let files = self.dir.dir_if_any(RECORDS)?.map(FileStore::new);
        let kept = self.dir.dir_if_any(PENDING)?;
        Ok(Reader { agent: self, ring, keychain, book, files, kept, pending, in_keychain: OnceLock::new() })
    }
}

impl<'k> Reader<'k> {
    /// Returns the agent.
    #[must_use]
    pub const fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Returns the agent's keys.
    #[must_use]
    pub const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Returns the ledger.
    ///
    /// # Errors
    /// `TAMPERED` if it was altered, or is missing although there are records.
    pub fn book(&self) -> Result<&Book> {
        self.book.as_ref().map_err(Clone::clone)
    }

    /// Returns the ledger's entry of a profile.
    ///
    /// # Errors
    /// As [`Reader::book`].
    pub fn entry(&self, profile: &ProfileId) -> Result<Option<Entry>> {
        self.book()?.entry(profile)
    }

    /// Returns whether a profile has a record, even if it cannot be decrypted.
    ///
    /// # Errors
    /// As [`Reader::book`].
    pub fn holds(&self, profile: &ProfileId) -> Result<bool> {
        Ok(self.entry(profile)?.is_some_and(|entry| !entry.is_removed()))
    }

    /// Returns a profile's record.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `AMBIGUOUS`, `UNSAFE_FILE`, `IO`, and those of the keychain.
    pub fn record(&self, profile: &ProfileId) -> Result<Option<Record>> {
        Ok(self.found(profile)?.map(|found| found.record))
    }

    /// Returns a profile's record, with its encrypted bytes and its store.
    ///
    /// # Errors
    /// As [`Reader::record`].
    pub fn found(&self, profile: &ProfileId) -> Result<Option<Found>> {
        let mut looked = self.look(profile);
        let mut mac = self.mac();
        for _ in 0..LOOKS {
            if !looked.as_ref().is_err_and(|error| may_be_moving(error.code())) {
                return looked;
            }
            // A writer may have changed the ledger and the records since this reader was opened.
            let again = self.again()?;
            let now = again.mac();
            let moved = now != mac;
            let second = again.look(profile);
            if !moved {
                return second;
            }
            (looked, mac) = (second, now);
        }
        looked
    }

    fn mac(&self) -> Option<String> {
        self.book.as_ref().ok().map(|book| book.ledger.mac.clone())
    }

    fn again(&self) -> Result<Reader<'k>> {
        self.agent.again()?.reader(self.ring.clone(), self.keychain)
    }

    fn look(&self, profile: &ProfileId) -> Result<Option<Found>> {
        let Some(entry) = self.entry(profile)? else { return Ok(None) };
        let RecordState::Stored(store, key) = entry.state else { return Ok(None) };
        let mut sight = Sight::of(&self.ring, profile, entry.generation, key);
        for (store, sealed) in self.at_hand(profile, store)? {
            sight.see(store, Ok(sealed));
        }
        if sight.right.is_none() && store == Store::Keychain {
            let items = self.items_of(profile)?;
            if items.is_empty() && sight.other.is_none() && sight.failure.is_none() {
                return Err(messages::keychain::no_item(profile, self.agent.name.as_str()));
            }
            for sealed in items {
                sight.see(Store::Keychain, sealed);
            }
        }
        sight.verdict()
    }

    /// Returns the encrypted copies in the home: staged, in a file, and kept for the keychain.
    fn at_hand(&self, profile: &ProfileId, store: Store) -> Result<Vec<(Store, Vec<u8>)>> {
        let mut found = Vec::new();
        let name = profile.file_name();
        if let Some(pending) = &self.pending
            && let Some(sealed) = pending.source.read_if_any(&name, RECORD_MAX)?
        {
            // What it replaces is still in place and does not count.
            found.push((store, sealed));
            if let ChangeSource::Journal(_) = pending.source {
                found.extend(
                    self.in_place_too(profile, &name, &found[0].1)?.map(|sealed| (Store::File, sealed)),
                );
            }
            return Ok(found);
        }
        if let Some(files) = &self.files
            && let Some(sealed) = files.read_if_any(&name, RECORD_MAX).map_err(in_place(profile))?
        {
            found.push((Store::File, sealed));
        }
        if let Some(kept) = &self.kept
            && let Some(sealed) = kept.read_if_any(&name, RECORD_MAX).map_err(in_place(profile))?
        {
            found.push((Store::Keychain, sealed));
        }
        Ok(found)
    }

    /// Returns the record that is in place of one in a journal, if it is another one. It may be an older one. If it is
    /// torn because of a loss of power, it is ignored; if it cannot be decrypted otherwise, it was altered.
    fn in_place_too(&self, profile: &ProfileId, name: &str, held: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(files) = &self.files else { return Ok(None) };
        let there = files.read_if_any(name, RECORD_MAX).map_err(in_place(profile))?;
        let Some(there) = there.filter(|there| there != held && !is_torn(there)) else { return Ok(None) };
        Record::open(&self.ring, profile, &there)?;
        Ok(Some(there))
    }

    /// Returns whether a copy in the home can be decrypted, whatever the ledger says.
    #[must_use]
    pub fn opens(&self, profile: &ProfileId) -> bool {
        let copies = self.at_hand(profile, Store::File).unwrap_or_default();
        copies.iter().any(|(_, sealed)| Record::open(&self.ring, profile, sealed).is_ok())
    }

    /// Returns a profile's record whatever the ledger says: the newest copy that can be decrypted. For a user who wants
    /// whatever there is.
    ///
    /// # Errors
    /// As [`Reader::record`].
    pub fn found_anyhow(&self, profile: &ProfileId) -> Result<Option<Found>> {
        if let Ok(Some(found)) = self.found(profile) {
            return Ok(Some(found));
        }
        let mut copies: Vec<_> = self.at_hand(profile, Store::File)?;
        if self.kept.is_some()
            && let Ok(items) = self.items_of(profile)
        {
            copies.extend(items.into_iter().flatten().map(|sealed| (Store::Keychain, sealed)));
        }
        let (mut newest, mut failure): (Option<Found>, Option<Error>) = (None, None);
        for (store, sealed) in copies {
            match Record::open(&self.ring, profile, &sealed) {
                Ok(record) if newest.as_ref().is_none_or(|n| n.record.generation < record.generation) => {
                    newest = Some(Found { record, sealed, store });
                }
                Ok(_) => {}
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        match (newest, failure) {
            (None, Some(error)) => Err(error),
            (newest, _) => Ok(newest),
        }
    }

    /// Returns the generations of a profile's earlier versions in a committed change that is not fully applied.
    ///
    /// # Errors
    /// Those of reading the change.
    pub(super) fn staged_versions(&self, profile: &ProfileId) -> Result<Vec<u64>> {
        let Some(pending) = &self.pending else { return Ok(Vec::new()) };
        let dir = history::dir_name(profile);
        let names = pending.source.names()?;
        let places = names.iter().filter_map(|name| history::place_of(name));
        Ok(places
            .filter(|(of, _)| *of == dir)
            .filter_map(|(_, file)| history::generation_of(&file))
            .collect())
    }

    /// Returns a part of a committed change that is not fully applied.
    ///
    /// # Errors
    /// Those of reading the change.
    pub(super) fn staged(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match &self.pending {
            Some(pending) => pending.source.read_if_any(name, RECORD_MAX),
            None => Ok(None),
        }
    }

    /// Returns the store that a profile is in, as the ledger says.
    #[must_use]
    pub fn store_of(&self, profile: &ProfileId) -> Option<Store> {
        self.entry(profile).ok()??.store()
    }

    /// Returns whether a committed change is not fully applied.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.is_next)
    }

    /// Returns whether what is in place may be older than what is committed, because a change is unfinished or because
    /// a loss of power may have undone a part of it.
    #[must_use]
    pub fn may_be_behind(&self) -> bool {
        self.pending.is_some()
    }

    /// Returns the files of the log as they are after an unfinished transaction is applied.
    ///
    /// # Errors
    /// As [`log::read`].
    pub fn log(&self) -> Result<Vec<Vec<u8>>> {
        let files = log::read(&self.agent.dir)?;
        Ok(match (self.ops(), &self.book) {
            (Some(Ok(Some(ops))), Ok(book)) if signed::same(&ops.ledger, &book.ledger.mac) => {
                log::with(files, &ops.log)
            }
            _ => files,
        })
    }

    /// Returns what is wrong with an unfinished transaction, if anything.
    #[must_use]
    pub fn unfinished_error(&self) -> Option<&Error> {
        self.ops()?.as_ref().err()
    }

    fn ops(&self) -> Option<&Result<Option<Ops>>> {
        let pending = self.pending.as_ref()?;
        Some(pending.ops.get_or_init(|| {
            let sealed = pending.source.read_if_any(OPS, OPS_MAX)?;
            sealed.map(|sealed| Ops::open(&self.ring, &sealed)).transpose()
        }))
    }

    /// Returns the index as it is after an unfinished transaction is applied.
    ///
    /// # Errors
    /// As [`Agent::index`].
    pub fn index(&self) -> Result<Index> {
        let (mut index, bytes) = self.agent.index_and_bytes()?;
        if let (Some(Ok(Some(ops))), Ok(book)) = (self.ops(), &self.book)
            && signed::same(&ops.ledger, &book.ledger.mac)
        {
            ops.apply_missing(&mut index, bytes.as_deref())?;
        }
        Ok(index)
    }

    /// Returns the ids of all records, sorted.
    ///
    /// # Errors
    /// As [`Reader::book`].
    pub fn record_ids(&self) -> Result<Vec<ProfileId>> {
        self.book()?.ids()
    }
}

/// The copies of a profile that were read, and how they fit the ledger.
struct Sight<'a> {
    ring: &'a Ring,
    profile: &'a ProfileId,
    /// The generation and the key id in the ledger.
    due: (u64, String),
    /// The record that the ledger lists.
    right: Option<Found>,
    /// The generation of another record.
    other: Option<u64>,
    failure: Option<Error>,
    ambiguous: bool,
}

impl<'a> Sight<'a> {
    fn of(ring: &'a Ring, profile: &'a ProfileId, generation: u64, key: KeyId) -> Self {
        let due = (generation, key.to_string());
        Self { ring, profile, due, right: None, other: None, failure: None, ambiguous: false }
    }

    /// Decrypts a copy and compares it with the ledger.
    fn see(&mut self, store: Store, sealed: Result<Vec<u8>>) {
        let opened = sealed.and_then(|sealed| Ok((Record::open(self.ring, self.profile, &sealed)?, sealed)));
        match opened {
            Ok((record, sealed)) => {
                if record.generation != self.due.0 || !record::is_under(&sealed, &self.due.1) {
                    self.other = Some(record.generation);
                } else if let Some(found) = &self.right {
                    self.ambiguous |= found.sealed != sealed;
                } else {
                    self.right = Some(Found { record, sealed, store });
                }
            }
            Err(error) => {
                self.failure.get_or_insert(error);
            }
        }
    }

    /// Returns the record that the ledger lists, or why it cannot be returned.
    fn verdict(self) -> Result<Option<Found>> {
        let profile = self.profile;
        match self {
            Self { ambiguous: true, .. } => Err(messages::records::ambiguous(profile)),
            Self { right: Some(found), .. } => Ok(Some(found)),
            Self { other: Some(other), due, .. } if other < due.0 => {
                Err(messages::records::rolled_back(profile))
            }
            Self { other: Some(_), .. } => Err(messages::records::not_the_listed_one(profile)),
            Self { failure: Some(error), .. } => Err(error),
            _ => Err(messages::records::missing(profile)),
        }
    }
}

/// Returns whether a concurrent writer may be the reason for an error.
fn may_be_moving(code: Code) -> bool {
    matches!(code, Code::Tampered | Code::Corrupt | Code::KeychainLost)
}

fn in_place(profile: &ProfileId) -> impl Fn(StoreError) -> Error {
    move |error| {
        let error = Error::from(error);
        if error.code() == Code::TooLarge { messages::records::too_large(profile) } else { error }
    }
}
