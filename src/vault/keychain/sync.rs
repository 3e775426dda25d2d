//! Brings the keychain up to date with what is committed: writes what is in `pending/`, confirms what was written
//! earlier, and removes obsolete items.
//!
//! An encrypted copy leaves `pending/` only after another process has read the same bytes back some time later, because
//! a keychain may keep the last seconds only in memory. What cannot be done now stays in `pending/`, is read from
//! there, and is retried by the next change.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use strongroom_backends::fs::dir::Dir;

use super::store::KeychainStore;
use crate::error::{Code, Error, Result};
use crate::keychain::{Keychain, Transport};
use crate::messages;
use crate::seal::keys::Ring;
use crate::seal::{RECORD_MAX, armor};
use crate::vault::agent::{Agent, GONE, PENDING};
use crate::vault::id::ProfileId;
use crate::vault::ledger::Entry;
use crate::vault::reader::Reader;
use crate::vault::record::Record;
use crate::vault::store::Store;
use crate::vault::transaction::change::Outcome;
use crate::vault::writer::Writer;

/// How old an encrypted copy must be before it is removed because the keychain has it. KWallet 5.103 writes to disk
/// about 5 s after it was told to, and its process can be killed before that.
pub const SETTLED_AFTER: Duration = Duration::from_secs(60);
/// From this many records on, the keychain is asked for all records of an agent at once.
const ALL_AT_ONCE: usize = 8;

/// How much was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Settled {
    /// The number of items that were written.
    pub written: usize,
    /// The number of encrypted copies that are no longer needed.
    pub confirmed: usize,
    /// The number of items that were removed.
    pub removed: usize,
}

/// Returns whether the keychain is not up to date.
///
/// # Errors
/// Those of reading the directory.
pub fn is_due(agent: &Agent) -> Result<bool> {
    Ok(match agent.dir.dir_if_any(PENDING)? {
        Some(kept) => !kept.names()?.is_empty(),
        None => false,
    })
}

impl Writer<'_> {
    /// Brings the keychain up to date after a commit. If the keychain fails, that is part of the outcome.
    ///
    /// # Errors
    /// Only those of the files in the home.
    pub fn settled(&self, mut outcome: Outcome) -> Result<Outcome> {
        if outcome.unfinished.is_none() && is_due(&self.agent)? {
            let put: Vec<_> = outcome.generations.iter().map(|(id, _)| id.clone()).collect();
            outcome.keychain = settle(self, &put).err();
        }
        Ok(outcome)
    }
}

/// Brings the keychain up to date for an agent. `written_now` are the profiles that this process has just committed.
///
/// # Errors
/// Those of the keychain, and of the files in `pending/`. What was not done is retried later.
pub fn settle(writer: &Writer<'_>, written_now: &[ProfileId]) -> Result<Settled> {
    let Writer { agent, ring, keychain, now, .. } = writer;
    let mut settled = Settled::default();
    let Some(kept) = agent.dir.dir_if_any(PENDING)? else { return Ok(settled) };
    let names = kept.names()?;
    if names.is_empty() {
        return Ok(settled);
    }
    keychain.ready()?;
    let written_now: HashSet<_> = written_now.iter().collect();
    let store = KeychainStore::new(keychain, ring);
    let mut to_write = Vec::new();
    let held = KeychainCopies::of(&names, ring, keychain)?;
    let book = writer.book()?;
    for name in &names {
        let Some(id) = book.id_of_file(name)? else { continue };
        // A damaged copy, or an old one that was put back, must not replace the right item.
        let Ok(sealed) = kept.read(name, RECORD_MAX) else { continue };
        let Ok(record) = Record::open(ring, &id, &sealed) else { continue };
        if !is_due_there(book.entry(&id)?, &record) {
            continue;
        }
        let text = armor::to_text(&sealed)?;
        if written_now.contains(&id) || !held.reads_back_as(&store.item(&id).attributes, &text)? {
            // The copy's age counts from when its item was written.
            kept.open_or_create(name)?
                .set_modified(SystemTime::now())
                .map_err(|error| Error::from(kept.io(name, error)))?;
            to_write.push(name.clone());
        } else if is_older(&kept, name, *now) {
            kept.remove_file(name)?;
            settled.confirmed += 1;
        }
    }
    if !to_write.is_empty() {
        store.put_staged(&kept, &to_write)?;
        settled.written += to_write.len();
    }
    let notes: Vec<_> = names.iter().filter_map(|name| Some((name, name.strip_suffix(GONE)?))).collect();
    if !notes.is_empty() {
        let reader = writer.reader()?;
        for (note, name) in notes {
            if let Some(id) = book.id_of_file(name)?
                && may_go(&reader, book.entry(&id)?, &id)?
            {
                keychain.remove(&store.item(&id))?;
                settled.removed += 1;
            }
            kept.remove_file(note)?;
        }
    }
    kept.sync()?;
    Ok(settled)
}

/// Returns whether an encrypted copy belongs in the keychain: whether it is the one that the ledger lists there.
fn is_due_there(entry: Option<Entry>, record: &Record) -> bool {
    entry.is_some_and(|entry| entry.store() == Some(Store::Keychain) && entry.generation == record.generation)
}

/// Returns whether the items of a profile may be removed from the keychain.
///
/// They may if the ledger says that the profile was removed and no item is newer than that, or if it says that the
/// profile is in a file and that file can be decrypted. An item that cannot be decrypted is not the vault's or is
/// damaged, so nothing is lost with it.
///
/// # Errors
/// Those of the keychain, and of reading the record.
pub fn may_go(reader: &Reader<'_>, entry: Option<Entry>, id: &ProfileId) -> Result<bool> {
    let Some(entry) = entry else { return Ok(false) };
    match entry.store() {
        Some(Store::Keychain) => Ok(false),
        Some(Store::File) => Ok(reader.found(id).is_ok_and(|found| found.is_some())),
        None => Ok(!reader.has_newer_item(id, entry.generation)?),
    }
}

/// Returns whether an encrypted copy was written at least [`SETTLED_AFTER`] ago. `now` is in Unix milliseconds.
fn is_older(kept: &Dir, name: &str, now: i64) -> bool {
    let Ok(file) = kept.open_for_reading(name) else { return false };
    let modified = file.metadata().and_then(|meta| meta.modified()).ok();
    let written = modified
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .map_or(i64::MAX, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let age = i64::try_from(SETTLED_AFTER.as_millis()).unwrap_or(i64::MAX);
    now.saturating_sub(written) >= age
}

/// What the keychain has of the profiles in `pending/`.
enum KeychainCopies<'a> {
    /// The texts of all items of the agent.
    All(HashSet<Vec<u8>>),
    /// The keychain, which is asked for each profile.
    Each(&'a Keychain),
}

impl<'a> KeychainCopies<'a> {
    fn of(names: &[String], ring: &Ring, keychain: &'a Keychain) -> Result<Self> {
        if names.len() < ALL_AT_ONCE {
            return Ok(Self::Each(keychain));
        }
        let all = keychain.records_of(ring.vault.as_str(), ring.scope.agent().unwrap_or_default());
        let found = keychain.get_here(&all, Transport::Sealed)?;
        Ok(Self::All(found.into_iter().map(|bytes| bytes.to_vec()).collect()))
    }

    /// Returns whether an item with these attributes has this text. Among all items, the text alone decides: no two
    /// encrypted records are alike.
    fn reads_back_as(&self, attributes: &crate::keychain::Attributes, text: &[u8]) -> Result<bool> {
        match self {
            Self::All(found) => Ok(found.contains(text)),
            Self::Each(keychain) => {
                let found = keychain.get_here(attributes, Transport::Sealed)?;
                Ok(found.iter().any(|bytes| bytes.as_slice() == text))
            }
        }
    }
}

/// Writes the records of a home that was moved to items for its new path. Returns their number.
///
/// # Errors
/// Those of the keychain.
pub fn take_over(writer: &Writer<'_>, profiles: &[ProfileId]) -> Result<usize> {
    let Writer { agent, ring, keychain, .. } = writer;
    let mut items = Vec::new();
    for id in profiles {
        let item = keychain.record(ring.vault.as_str(), agent.name.as_str(), id.as_str());
        if !keychain.find(&item.attributes)?.is_empty() {
            continue;
        }
        let opened = |text: &crate::keychain::Bytes| {
            let sealed = armor::from_text(text, "an item").ok()?;
            Record::open(ring, id, &sealed).ok().map(|record| record.generation)
        };
        // A home that was moved more than once has items of each of its paths.
        let found = keychain.get(&item.attributes, Transport::Sealed)?;
        let newest = found
            .into_iter()
            .filter_map(|text| Some((opened(&text)?, text)))
            .max_by_key(|(generation, _)| *generation);
        items.extend(newest.map(|(_, text)| (item, text)));
    }
    let many = items.len();
    if many > 0 {
        keychain.put(items, Transport::Sealed)?.into_iter().collect::<Result<Vec<()>>>()?;
    }
    Ok(many)
}

/// Returns the warning for a keychain that could not be brought up to date.
#[must_use]
pub fn told(error: &Error) -> String {
    let passes = matches!(
        error.code(),
        Code::KeychainTimeout | Code::KeychainUnavailable | Code::KeychainLocked | Code::KeychainNoCollection
    );
    messages::vault::keychain::not_written(error.what(), !passes)
}
