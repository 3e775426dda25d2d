//! Changes: one mechanism with one commit point for paste, remove, rename, import and rekey.
//!
//! `txn.tmp/` gets the new sealed records, the new ledger and the sealed operations, and the new
//! index and the log's space are prepared beside it; all of it is made durable. The rename of
//! `txn.tmp/` to `txn/`, made durable, is the commit. Then everything is moved into place, the ledger
//! last, and `txn/` goes. Whoever takes the lock next finishes what a killed process left; each step
//! can be repeated.

use std::collections::HashSet;

use strongroom_backends::SecretStore;
use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;

use super::agent::{Agent, GONE, OPS, PENDING, RECORDS, STAGED_INDEX, STAGED_STATE, TXN, TXN_STAGE};
use super::id::ProfileId;
use super::index::{self, Index};
use super::ledger::{self, Book, Ledger, shard};
use super::log;
use super::ops::Ops;
use super::record::Record;
use super::state_step::Follow;
use super::store::Store;
use crate::error::{Code, Error, Result, fail};
use crate::seal::RECORD_MAX;
use crate::seal::keys::Ring;
use crate::seal::record::OPS_MAX;

/// The new index, durable beside the old one, and the bytes from which it was made.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The index's bytes before.
    pub(super) based_on: Option<Vec<u8>>,
}

/// Applies a committed transaction. Repeatable. What readers look for comes before what they look
/// at next: records, then the index that names them, then what nothing names any more goes, and the
/// ledger comes last: until it is in its place, readers take it from the transaction.
pub(super) fn apply(agent: &Agent, ops: &Ops, prepared: Option<&Prepared>, follow: Follow) -> Result<()> {
    let txn = agent.dir.dir(TXN)?;
    let files = FileStore::new(agent.dir.dir_or_create(RECORDS)?);
    let (to_file, to_keychain) = (ops.puts_into(Store::File)?, ops.puts_into(Store::Keychain)?);
    let (mut removals, forgotten) = (ops.removals()?, ops.forgotten()?);
    // What goes to the keychain is kept in the home until it was seen there.
    let kept = if to_keychain.is_empty() && forgotten.is_empty() {
        agent.dir.dir_if_any(PENDING)?.map(FileStore::new)
    } else {
        Some(FileStore::new(agent.dir.dir_or_create(PENDING)?))
    };
    files.put_staged(&txn, &file_names(&to_file))?;
    if let Some(kept) = &kept {
        kept.put_staged(&txn, &file_names(&to_keychain))?;
    }
    apply_index(agent, ops, prepared)?;
    if let Some(kept) = &kept {
        kept.remove(&file_names(&removals))?;
        kept.remove(&file_names(&to_file))?;
        let notes = agent.dir.dir(PENDING)?;
        for name in file_names(&forgotten) {
            notes.scribble(&format!("{name}{GONE}"), b"")?;
        }
        for name in file_names(&to_keychain) {
            notes.remove_file(&format!("{name}{GONE}"))?;
        }
    }
    removals.extend(to_keychain.iter().cloned());
    files.remove(&file_names(&removals))?;
    follow(agent, &ops.state)?;
    log::append(&agent.dir, &ops.log)?;
    for name in txn.names()?.iter().filter(|name| name.starts_with(shard::PREFIX)) {
        txn.rename(name, &agent.dir, name)?;
    }
    if txn.kind(ledger::FILE)?.is_some() {
        txn.rename(ledger::FILE, &agent.dir, ledger::FILE)?;
    }
    // The names that were moved; all of it is durable before `txn/` goes.
    if !to_file.is_empty() || !removals.is_empty() {
        files.sync()?;
    }
    if let Some(kept) = &kept {
        kept.sync()?;
    }
    agent.dir.sync()?;
    // Back to the staging name in one step: what is left of it there is only swept, never read.
    agent.dir.rename(TXN, &agent.dir, TXN_STAGE)?;
    sweep(agent)
}

fn file_names(ids: &[ProfileId]) -> Vec<String> {
    ids.iter().map(ProfileId::file_name).collect()
}

fn apply_index(agent: &Agent, ops: &Ops, prepared: Option<&Prepared>) -> Result<()> {
    if let Some(prepared) = prepared {
        let unchanged = agent.dir.read_if_any(index::FILE, index::MAX)? == prepared.based_on;
        if unchanged {
            return Ok(agent.dir.rename(STAGED_INDEX, &agent.dir, index::FILE)?);
        }
    }
    // Somebody else wrote the index meanwhile: the operations go upon what stands there now.
    let (mut index, bytes) = agent.index_and_bytes()?;
    ops.apply(&mut index)?;
    let new = index.to_bytes();
    if bytes.as_deref() != Some(new.as_slice()) {
        agent.dir.replace(index::FILE, &new)?;
    }
    Ok(())
}

/// Removes what was prepared for a change that was never committed, or is done.
pub(super) fn sweep(agent: &Agent) -> Result<()> {
    agent.dir.remove_any(TXN_STAGE)?;
    agent.dir.remove_file(STAGED_INDEX)?;
    Ok(())
}

/// Removes the parts of ledgers that are no longer current.
pub(super) fn sweep_shards(agent: &Agent, ledger: &Ledger) -> Result<()> {
    let current: HashSet<String> = ledger.shard_names().collect();
    for name in agent.dir.names()? {
        if name.starts_with(shard::PREFIX) && !current.contains(&name) {
            agent.dir.remove_file(&name)?;
        }
    }
    Ok(())
}

/// What [`finish_unfinished`] did.
#[derive(Debug)]
pub enum Finished {
    /// There was nothing to do.
    Nothing,
    /// The remains of a change that was never committed were swept.
    Swept,
    /// A committed change was applied.
    Applied,
    /// A transaction that is none of now was set aside under this name, with all that is in it. Of one
    /// that was committed, and of which only the operations are damaged, these records are to be stored.
    SetAside(String, Vec<(Record, Store)>),
}

/// A transaction that was committed, as it stands to the ledger in its place.
#[derive(Debug)]
pub(super) enum Standing {
    /// It comes next: its ledger, which is not in its place yet.
    Next(Ledger),
    /// Its ledger is in its place: all that readers look at is.
    Placed,
    /// It is none of now: an old one that somebody put back, or one that was altered.
    Stale,
}

/// How a transaction in `txn` stands to the ledger that is in its place.
///
/// # Errors
/// Those of reading it.
pub(super) fn standing(txn: &Dir, ring: &Ring, current: Option<&Ledger>) -> Result<Standing> {
    let Some(bytes) = txn.read_if_any(ledger::FILE, ledger::MAX)? else { return Ok(Standing::Placed) };
    let first = Ledger::default();
    Ok(match Ledger::parse(&bytes, ring) {
        Ok(next) if current.unwrap_or(&first).precedes(&next) => Standing::Next(next),
        _ => Standing::Stale,
    })
}

/// Finishes what a killed process left. The caller holds the agent's lock.
///
/// A transaction is applied only if its ledger comes right after the one that is in its place: an old
/// one that somebody put back would undo what came after it. Such a one, and one whose operations are
/// damaged, is set aside with all that is in it, so that it keeps nobody from writing.
///
/// # Errors
/// `TAMPERED` for a ledger that is altered, or missing where there are records; those of applying
/// the transaction, which stays for the next one.
pub fn finish_unfinished(agent: &Agent, ring: &Ring, follow: Follow, now: i64) -> Result<Finished> {
    let mut done = Finished::Nothing;
    if agent.dir.kind(TXN_STAGE)?.is_some() || agent.dir.kind(STAGED_INDEX)?.is_some() {
        sweep(agent)?;
        done = Finished::Swept;
    }
    if agent.dir.kind(STAGED_STATE)?.is_some() {
        agent.dir.remove_file(STAGED_STATE)?;
        done = Finished::Swept;
    }
    let current = Ledger::read(&agent.dir, ring)?;
    let Some(txn) = agent.dir.dir_if_any(TXN)? else {
        if current.is_none() && agent.had_ledger(None)? {
            return Err(ledger_missing(ring));
        }
        return Ok(done);
    };
    let sealed = txn.read_if_any(OPS, OPS_MAX)?;
    let names = txn.names()?;
    if sealed.is_none() && names.is_empty() {
        // Done, but for a sweep that a power cut undid in part.
        agent.dir.remove_tree(TXN)?;
        return Ok(Finished::Swept);
    }
    let ops = sealed.map(|sealed| Ops::open(ring, &sealed));
    let staged = standing(&txn, ring, current.as_ref())?;
    if let (Standing::Next(next), None) = (&staged, &current)
        && agent.had_ledger(Some(&Book::new(next.clone(), vec![agent.dir.dir(TXN)?])))?
    {
        return Err(ledger_missing(ring));
    }
    let mac = match &staged {
        Standing::Next(next) => Some(next.mac.clone()),
        Standing::Placed => current.as_ref().map(|ledger| ledger.mac.clone()),
        Standing::Stale => None,
    };
    match ops {
        Some(Ok(ops)) if mac.as_ref() == Some(&ops.ledger) => {
            apply(agent, &ops, None, follow)?;
            if let Some(ledger) = Ledger::read(&agent.dir, ring)? {
                sweep_shards(agent, &ledger)?;
            }
            Ok(Finished::Applied)
        }
        Some(Ok(_)) => set_aside(agent, "stale", now, Vec::new()),
        Some(Err(_)) | None => {
            let salvaged = match staged {
                Standing::Next(next) => salvage(agent, ring, &txn, &names, next)?,
                _ => Vec::new(),
            };
            set_aside(agent, "damaged", now, salvaged)
        }
    }
}

/// The records of a committed transaction whose operations are damaged: its ledger, which is whole, says
/// which they are.
fn salvage(
    agent: &Agent,
    ring: &Ring,
    txn: &Dir,
    names: &[String],
    next: Ledger,
) -> Result<Vec<(Record, Store)>> {
    let book = Book::new(next, vec![agent.dir.dir(TXN)?, agent.dir.dir(".")?]);
    let mut records = Vec::new();
    for name in names {
        let Some(id) = ProfileId::from_file_name(name) else { continue };
        let Some(entry) = book.entry(&id)? else { continue };
        let Some(sealed) = txn.read_if_any(name, RECORD_MAX)? else { continue };
        if let (Ok(record), Some(store)) = (Record::open(ring, &id, &sealed), entry.store())
            && record.generation == entry.generation
        {
            records.push((record, store));
        }
    }
    Ok(records)
}

/// That a ledger is not there which has to be.
pub(super) fn ledger_missing(ring: &Ring) -> Error {
    Error::new(Code::Tampered, format!("the ledger of {} is missing, and records are there", ring.scope))
}

/// Sets a transaction aside, with all that is in it.
///
/// # Errors
/// `IO`.
pub fn set_aside(agent: &Agent, why: &str, now: i64, salvaged: Vec<(Record, Store)>) -> Result<Finished> {
    let name = format!("{TXN}.{why}-{now}");
    agent.dir.rename(TXN, &agent.dir, &name)?;
    agent.dir.sync()?;
    Ok(Finished::SetAside(name, salvaged))
}

/// Replaces only the index, under the agent's lock: orders need no unlocking.
///
/// # Errors
/// `INDEX_UNREADABLE` and those of writing.
pub fn edit_index(agent: &Agent, edit: impl FnOnce(&mut Index) -> Result<()>) -> Result<()> {
    let (mut index, bytes) = agent.index_and_bytes()?;
    edit(&mut index)?;
    let new = index.to_bytes();
    if bytes.as_deref() != Some(new.as_slice()) {
        agent.dir.replace(index::FILE, &new)?;
    }
    Ok(())
}

/// The ledger of an agent whose lock is held and of which nothing is unfinished.
///
/// # Errors
/// `TAMPERED`, and those of reading it.
pub fn book(agent: &Agent, ring: &Ring) -> Result<Book> {
    match Ledger::read(&agent.dir, ring)? {
        Some(ledger) => Ok(Book::new(ledger, vec![agent.dir.dir(".")?])),
        None if agent.had_ledger(None)? => fail(Code::Tampered, ledger_missing(ring).what().to_owned()),
        None => Ok(Book::new(Ledger::default(), Vec::new())),
    }
}
