//! An agent's records as they are read: through an unfinished transaction, and from every store.
//!
//! A record in the keychain has a sealed copy in `pending/` until a later process has seen it
//! there. Wherever copies differ, the highest generation counts.

mod fetched;

use std::collections::HashMap;
use std::sync::OnceLock;

use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::{SecretStore, StoreError};

use super::agent::{Agent, OPS, PENDING, RECORDS, TXN};
use super::id::ProfileId;
use super::index::{self, Index, Mark};
use super::log;
use super::marks;
use super::ops::{Fate, Ops};
use super::record::Record;
use super::store::Store;
use fetched::Fetched;

use crate::error::{Code, Error, Result, fail};
use crate::keychain::Keychain;
use crate::seal::RECORD_MAX;
use crate::seal::keys::Keys;
use crate::seal::record::OPS_MAX;

/// A record that was found and opened.
#[derive(Clone, Debug)]
pub struct Found {
    /// The record.
    pub record: Record,
    /// The bytes that were opened.
    pub sealed: Vec<u8>,
    /// Where it rests.
    pub store: Store,
}

#[derive(Debug)]
struct Pending {
    /// Damaged operations must not keep anyone from the records beside them.
    ops: Result<Ops>,
    staged: Option<Dir>,
}

/// An agent's records.
#[derive(Debug)]
pub struct Reader<'k> {
    /// The agent.
    pub agent: Agent,
    keys: &'k Keys,
    keychain: &'k Keychain,
    files: Option<FileStore>,
    /// `pending/`: there from the first record on that this agent had in the keychain.
    kept: Option<Dir>,
    pending: Option<Pending>,
    marks: OnceLock<HashMap<String, Mark>>,
    /// Everything that the keychain holds for this agent, where it was asked for at once.
    in_keychain: OnceLock<Fetched>,
}

impl Agent {
    /// Opens the agent for reading records.
    ///
    /// # Errors
    /// Those of reading the directory, and of an unfinished transaction.
    pub fn reader<'k>(self, keys: &'k Keys, keychain: &'k Keychain) -> Result<Reader<'k>> {
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
        let files = self.dir.dir_if_any(RECORDS)?.map(FileStore::new);
        let kept = self.dir.dir_if_any(PENDING)?;
        let (marks, in_keychain) = (OnceLock::new(), OnceLock::new());
        Ok(Reader { agent: self, keys, keychain, files, kept, pending, marks, in_keychain })
    }
}

impl Reader<'_> {
    /// Whether a profile has a record, be it one that does not open.
    ///
    /// # Errors
    /// `UNSAFE_FILE`, `IO`, and those of the keychain where it would have it.
    pub fn holds(&self, profile: &ProfileId) -> Result<bool> {
        if self.staged(profile)?.is_some() || !self.at_hand(profile)?.is_empty() {
            return Ok(true);
        }
        if self.is_removed(profile) || self.kept.is_none() {
            return Ok(false);
        }
        match self.store_of(profile) {
            Some(Store::Keychain) => Ok(true),
            Some(Store::File) => Ok(false),
            None => Ok(!self.items_of(profile)?.is_empty()),
        }
    }

    /// A profile's record.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `AMBIGUOUS`, `UNSAFE_FILE`, `IO`, and those of the keychain.
    pub fn record(&self, profile: &ProfileId) -> Result<Option<Record>> {
        Ok(self.found(profile)?.map(|found| found.record))
    }

    /// A profile's record, and where it rests.
    ///
    /// # Errors
    /// As [`Reader::record`].
    pub fn found(&self, profile: &ProfileId) -> Result<Option<Found>> {
        match self.look(profile)? {
            // It is listed, and was moved to the other store between the look here and the look there.
            None if self.mark(profile).is_some() && !self.is_removed(profile) => {
                let dir = self.agent.dir.dir(".")?;
                Agent { name: self.agent.name.clone(), dir }.reader(self.keys, self.keychain)?.look(profile)
            }
            found => Ok(found),
        }
    }

    fn look(&self, profile: &ProfileId) -> Result<Option<Found>> {
        let Some(staged) = self.staged(profile)? else { return self.resting(profile) };
        let store = self.store_of(profile).unwrap_or_default();
        let staged = self.open(profile, store, staged);
        if self.unfinished_error().is_none() {
            return staged.map(Some);
        }
        // Which of the two is meant is not known: the newer one that opens.
        match (staged, self.resting(profile)) {
            (Ok(staged), Ok(Some(placed))) if placed.record.generation > staged.record.generation => {
                Ok(Some(placed))
            }
            (Ok(staged), _) => Ok(Some(staged)),
            (Err(_), placed) => placed,
        }
    }

    fn open(&self, profile: &ProfileId, store: Store, sealed: Vec<u8>) -> Result<Found> {
        let record = Record::open(self.keys, &self.agent.name, profile, &sealed)?;
        Ok(Found { record, sealed, store })
    }

    /// The record in its place, wherever that is.
    fn resting(&self, profile: &ProfileId) -> Result<Option<Found>> {
        if self.is_removed(profile) {
            return Ok(None);
        }
        let at_hand = self.at_hand(profile)?;
        let mut found =
            at_hand.into_iter().map(|(store, sealed)| self.open(profile, store, sealed)).collect();
        if self.kept.is_none() {
            return best(profile, found);
        }
        let known = best(profile, found.clone());
        let mark = self.mark(profile);
        let generation = known.as_ref().ok().and_then(Option::as_ref).map(|found| found.record.generation);
        let ask = match mark.map(|mark| (mark.store.parse(), mark.generation)) {
            Some((Ok(Store::Keychain), marked)) => generation.is_none_or(|generation| generation < marked),
            Some(_) => false,
            // What the index has lost, the log may know still.
            None => match generation {
                None => true,
                Some(generation) => log::last_known(&self.log()?, profile)
                    .is_some_and(|known| !known.removed && known.outdates(generation)),
            },
        };
        if !ask {
            return known;
        }
        let listed = mark.is_some();
        let items = self.items_of(profile)?;
        if items.is_empty() && listed {
            return match known {
                Ok(Some(_)) => known,
                _ => fail(
                    Code::KeychainLost,
                    format!(
                        "the keychain holds no item for {profile} of agent {} in this home",
                        self.agent.name
                    ),
                ),
            };
        }
        found.extend(items.into_iter().map(|sealed| self.open(profile, Store::Keychain, sealed?)));
        let best = best(profile, found)?;
        // What was removed while the keychain could not be reached may still lie there.
        if !listed && let Some(found) = &best {
            let log = self.log()?;
            if log::last_known(&log, profile)
                .is_some_and(|known| known.removed && known.generation >= found.record.generation)
            {
                return Ok(None);
            }
        }
        Ok(best)
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

    fn is_removed(&self, profile: &ProfileId) -> bool {
        matches!(&self.pending, Some(Pending { ops: Ok(ops), .. }) if ops.fate(profile) == Some(Fate::Removed))
    }

    /// The sealed bytes in the home: of the file store, and kept for the keychain.
    fn at_hand(&self, profile: &ProfileId) -> Result<Vec<(Store, Vec<u8>)>> {
        let mut found = Vec::new();
        if self.is_removed(profile) {
            return Ok(found);
        }
        let name = profile.file_name();
        if let Some(files) = &self.files
            && let Some(sealed) = files.copies(&name, RECORD_MAX).map_err(in_place(profile))?.pop()
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

    /// What the index notes of a profile's record, as far as it can be read.
    fn mark(&self, profile: &ProfileId) -> Option<&Mark> {
        self.all_marks().get(profile.as_str())
    }

    fn all_marks(&self) -> &HashMap<String, Mark> {
        self.marks.get_or_init(|| {
            let entries = self.index().map(|index| index.entries().collect::<Vec<_>>()).unwrap_or_default();
            entries.into_iter().filter_map(|entry| Some((entry.id, entry.mark?))).collect()
        })
    }

    /// The store in which a profile rests, as the index notes it.
    #[must_use]
    pub fn store_of(&self, profile: &ProfileId) -> Option<Store> {
        self.mark(profile)?.store.parse().ok()
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

    /// The ids of all records, as they will be once an unfinished transaction is applied; those among
    /// them that the keychain has lost.
    ///
    /// # Errors
    /// Those of reading the directory, and those of the keychain where this agent uses it.
    pub fn record_ids(&self) -> Result<Vec<ProfileId>> {
        let mut ids = self.local_ids()?;
        if self.kept.is_some() {
            ids.extend(self.ids_in_keychain()?);
            ids.retain(|id| !self.is_removed(id));
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(ids)
    }

    /// The ids of the records in the home, those that wait for the keychain among them.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn local_ids(&self) -> Result<Vec<ProfileId>> {
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

/// The one of several copies that counts: the highest generation.
fn best(profile: &ProfileId, found: Vec<Result<Found>>) -> Result<Option<Found>> {
    let mut failure = None;
    let mut best: Option<Found> = None;
    for one in found {
        let one = match one {
            Ok(one) => one,
            Err(error) => {
                failure.get_or_insert(error);
                continue;
            }
        };
        match &best {
            Some(other) if other.record.generation > one.record.generation => {}
            Some(other) if other.record.generation == one.record.generation && other.sealed != one.sealed => {
                return fail(
                    Code::Ambiguous,
                    format!("two different records of {profile} have the same generation"),
                );
            }
            _ => best = Some(one),
        }
    }
    match (best, failure) {
        (None, Some(error)) => Err(error),
        (best, _) => Ok(best),
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
