//! Changes: one mechanism with one commit point for paste, remove, rename, import and rekey.
//!
//! `txn.tmp/` gets the new sealed records and the sealed operations, and the new index and the
//! log's space are prepared beside it; all of it is made durable. The rename of `txn.tmp/` to
//! `txn/`, made durable, is the commit. Then everything is moved into place, and `txn/` goes.
//! Whoever takes the lock next finishes what a killed process left; each step can be repeated.

use strongroom_backends::SecretStore;
use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::Dir;

use super::agent::{Agent, GONE, OPS, PENDING, RECORDS, STAGED_INDEX, STAGED_STATE, TXN, TXN_STAGE};
use super::generation::Generations;
use super::id::ProfileId;
use super::index::{self, Index};
use super::log;
use super::ops::Ops;
use super::reader::Reader;
use super::record::Record;
use super::store::Store;
use crate::error::Result;
use crate::keychain::Keychain;
use crate::seal::RECORD_MAX;
use crate::seal::keys::Keys;
use crate::seal::record::OPS_MAX;

/// The new index, durable beside the old one, and the bytes from which it was made.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The index's bytes before.
    pub(super) based_on: Option<Vec<u8>>,
}

/// Applies a committed transaction. Repeatable. What readers look for comes before what they look
/// at next: records, then the index that names them, then what nothing names any more goes.
pub(super) fn apply(agent: &Agent, ops: &Ops, prepared: Option<&Prepared>) -> Result<()> {
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
    if let Some(staged) = txn.dir_if_any(RECORDS)? {
        files.put_staged(&staged, &file_names(&to_file))?;
        if let Some(kept) = &kept {
            kept.put_staged(&staged, &file_names(&to_keychain))?;
        }
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
    log::append(&agent.dir, &ops.log)?;
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

/// What [`finish_unfinished`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finished {
    /// There was nothing to do.
    Nothing,
    /// The remains of a change that was never committed were swept.
    Swept,
    /// A committed change was applied.
    Applied,
    /// A transaction that is none of now was set aside under this name, with all that is in it.
    SetAside(String),
}

/// Finishes what a killed process left. The caller holds the agent's lock.
///
/// A transaction is applied only where its log lines follow what the log holds: an old one that
/// somebody put back would undo what came after it. Such a one, and one whose operations are
/// damaged, is set aside with all that is in it, so that it keeps nobody from writing; records in
/// it that are newer than anything known of them are taken over.
///
/// # Errors
/// Those of applying the transaction; it stays for the next one.
pub fn finish_unfinished(agent: &Agent, keys: &Keys, now: i64) -> Result<Finished> {
    let mut done = Finished::Nothing;
    if agent.dir.kind(TXN_STAGE)?.is_some() || agent.dir.kind(STAGED_INDEX)?.is_some() {
        sweep(agent)?;
        done = Finished::Swept;
    }
    if agent.dir.kind(STAGED_STATE)?.is_some() {
        agent.dir.remove_file(STAGED_STATE)?;
        done = Finished::Swept;
    }
    let Some(txn) = agent.dir.dir_if_any(TXN)? else { return Ok(done) };
    let Some(sealed) = txn.read_if_any(OPS, OPS_MAX)? else {
        let staged = txn.dir_if_any(RECORDS)?.map_or_else(|| Ok(Vec::new()), |staged| staged.names())?;
        if staged.is_empty() {
            // Done, but for a sweep that a power cut undid in part.
            agent.dir.remove_tree(TXN)?;
            return Ok(Finished::Swept);
        }
        return salvage(agent, keys, "damaged", now);
    };
    match Ops::open(keys, &agent.name, &sealed) {
        Ok(ops) if log::follows(&agent.dir, &ops.log)? => {
            apply(agent, &ops, None)?;
            Ok(Finished::Applied)
        }
        Ok(_) => salvage(agent, keys, "stale", now),
        Err(_) => salvage(agent, keys, "damaged", now),
    }
}

/// Sets a transaction aside, with all that is in it.
///
/// # Errors
/// `IO`.
pub fn set_aside(agent: &Agent, why: &str, now: i64) -> Result<Finished> {
    let name = format!("{TXN}.{why}-{now}");
    agent.dir.rename(TXN, &agent.dir, &name)?;
    agent.dir.sync()?;
    Ok(Finished::SetAside(name))
}

/// Takes over the staged records that open and are newer than anything known of them, and sets the
/// rest of the transaction aside.
fn salvage(agent: &Agent, keys: &Keys, why: &str, now: i64) -> Result<Finished> {
    let generations = Generations::read(&agent.dir, now, true)?;
    if let Some(staged) = agent.dir.dir(TXN)?.dir_if_any(RECORDS)? {
        let store = FileStore::new(agent.dir.dir_or_create(RECORDS)?);
        let mut newer = Vec::new();
        for name in staged.names()? {
            let Some(id) = ProfileId::from_file_name(&name) else { continue };
            let opened = |sealed: Vec<u8>| Record::open(keys, &agent.name, &id, &sealed).ok();
            let Some(record) = staged.read_if_any(&name, RECORD_MAX)?.and_then(opened) else { continue };
            let in_place =
                store.copies(&name, RECORD_MAX)?.pop().and_then(opened).map(|record| record.generation);
            let known = generations.last_known(&id).map(|known| known.generation);
            if Some(record.generation) > in_place.max(known) {
                newer.push(name);
            }
        }
        store.put_staged(&staged, &newer)?;
        store.sync()?;
    }
    set_aside(agent, why, now)
}

/// Applies a committed transaction whose operations were opened by other means (`recover`).
///
/// # Errors
/// As [`finish_unfinished`].
pub fn apply_opened(agent: &Agent, ops: &Ops) -> Result<()> {
    apply(agent, ops, None)
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

/// A reader on the same agent, for a writer that holds the lock and finished what was unfinished.
///
/// # Errors
/// Those of reading the directory.
pub fn reader_of<'k>(
    agent: &Agent,
    home: &Dir,
    keys: &'k Keys,
    keychain: &'k Keychain,
) -> Result<Reader<'k>> {
    let dir = home.dir("agents")?.dir(agent.name.as_str())?;
    Agent { name: agent.name.clone(), dir }.reader(keys, keychain)
}
