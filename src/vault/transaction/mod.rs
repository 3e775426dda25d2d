//! Transactions: one mechanism with one commit point for paste, remove, rename, import and rekey.
//!
//! A change of few records is a [`crate::vault::transaction::journal`], which is one file. A larger one, and one that
//! has to be durable in its place, is a directory. `txn.tmp/` gets the new encrypted records, the new ledger and the
//! encrypted operations; the new index and the space for the log are prepared next to it, and everything is made
//! durable. Renaming `txn.tmp/` to `txn/`, durably, is the commit. Then everything is moved into place, the ledger
//! last, and `txn/` is removed. The next command that takes the lock finishes what a killed process left; each step can
//! be repeated.

pub mod change;
mod finish;
pub mod journal;
pub mod operations;
pub(in crate::vault) mod source;
pub(in crate::vault) mod staging;
pub mod state_step;

use std::collections::HashSet;

use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::{Dir, is_in_use};

use super::agent::{Agent, GONE, PENDING, RECORDS, STAGED_INDEX, TXN, TXN_BUSY, TXN_STAGE};
use super::history;
use super::id::ProfileId;
use super::index::{self, Index};
use super::ledger::{self, Book, Ledger, shard};
use super::log::{self, Durable};
use crate::error::{Code, Error, Result};
use crate::messages::vault::ledger::FREE_SPACE;
use crate::seal::keys::Ring;
use operations::{Effects, Ops};
use state_step::{Doing, Follow};

pub(in crate::vault) use finish::{Current, Standing, ledger_missing, standing};
pub use finish::{Finished, finish_unfinished, set_aside};

/// A new index that is durable next to the old one.
#[derive(Debug)]
pub(in crate::vault) struct Prepared {
    /// The bytes of the index that it was made from.
    pub(in crate::vault) based_on: Option<Vec<u8>>,
}

/// Applies a committed transaction. Repeatable.
///
/// The order keeps readers from missing anything: first the records, then the index that names them, then the removal
/// of what is obsolete, and the ledger last. Until the ledger is in place, readers take it from the transaction.
///
/// If a journal has the contents, they are made durable later, and are moved here from `txn.tmp/`.
pub(in crate::vault) fn apply(
    agent: &Agent,
    ops: &Ops,
    prepared: Option<&Prepared>,
    follow: Follow,
    durable: Durable,
) -> Result<()> {
    let txn = agent.dir.dir(if durable == Durable::Now { TXN } else { TXN_STAGE })?;
    let files = FileStore::new(agent.dir.dir_or_create(RECORDS)?);
    let Effects { to_file, to_keychain, mut removed } = ops.effects()?;
    let forgotten = ops.forgotten()?;
    // Records for the keychain are kept in the home until they were seen in the keychain.
    let kept = if to_keychain.is_empty() && forgotten.is_empty() {
        agent.dir.dir_if_any(PENDING)?.map(FileStore::new)
    } else {
        Some(FileStore::new(agent.dir.dir_or_create(PENDING)?))
    };
    history::apply(agent, &txn, ops, durable)?;
    files.put_staged(&txn, &file_names(&to_file))?;
    if let Some(kept) = &kept {
        kept.put_staged(&txn, &file_names(&to_keychain))?;
    }
    apply_index(agent, ops, prepared)?;
    if let Some(kept) = &kept {
        kept.remove(&file_names(&removed))?;
        kept.remove(&file_names(&to_file))?;
        let notes = agent.dir.dir(PENDING)?;
        for name in file_names(&forgotten) {
            notes.scribble(&format!("{name}{GONE}"), b"")?;
        }
        for name in file_names(&to_keychain) {
            notes.remove_file(&format!("{name}{GONE}"))?;
        }
    }
    removed.extend(to_keychain);
    files.remove(&file_names(&removed))?;
    if durable == Durable::Now {
        follow(&agent.dir, &ops.state, Doing::CarryOut)?;
    }
    log::append(&agent.dir, &ops.log, durable)?;
    for name in txn.names()?.iter().filter(|name| name.starts_with(shard::PREFIX)) {
        txn.rename(name, &agent.dir, name)?;
    }
    if txn.kind(ledger::FILE)?.is_some() {
        txn.rename(ledger::FILE, &agent.dir, ledger::FILE)?;
    }
    if durable == Durable::Later {
        return sweep(agent);
    }
    // Makes the renames durable before `txn/` is removed.
    if !to_file.is_empty() || !removed.is_empty() {
        files.sync()?;
    }
    if let Some(kept) = &kept {
        kept.sync()?;
    }
    agent.dir.sync()?;
    // One rename takes it out of the readers' way: files under the staging name are removed, never read.
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
    // Another program wrote the index meanwhile, so the operations are applied to what it wrote.
    let (mut index, bytes) = agent.index_and_bytes()?;
    match prepared {
        Some(_) => ops.apply(&mut index)?,
        None => ops.apply_missing(&mut index, bytes.as_deref())?,
    }
    let new = index.to_bytes();
    if bytes.as_deref() != Some(new.as_slice()) {
        agent.dir.replace(index::FILE, &new)?;
    }
    Ok(())
}

/// Removes what was prepared for a change that was never committed, or is applied.
pub(in crate::vault) fn sweep(agent: &Agent) -> Result<()> {
    match agent.dir.remove_any(TXN_STAGE) {
        Err(error) if is_in_use(&error) => out_of_the_way(&agent.dir)?,
        removed => removed?,
    }
    agent.dir.remove_file(STAGED_INDEX)?;
    agent.dir.remove_file(journal::STAGE)?;
    Ok(())
}

/// Moves away a staging directory that cannot be removed because a backup or a virus scanner has a file in it open. The
/// next change needs its name, and a later change removes it.
fn out_of_the_way(dir: &Dir) -> Result<()> {
    let busy = dir.dir_or_make(TXN_BUSY)?;
    let mut number = 0;
    while busy.kind(&number.to_string())?.is_some() {
        number += 1;
    }
    Ok(dir.rename(TXN_STAGE, &busy, &number.to_string())?)
}

/// Removes what was prepared by a change that failed before its commit point. Returns its error, which says that
/// nothing was changed.
pub(in crate::vault) fn undone(agent: &Agent, error: Error) -> Error {
    // Best effort: the next change removes what a full disk leaves.
    let _ = sweep(agent);
    match error.code() {
        Code::NoSpace => error.with_remedy(FREE_SPACE),
        _ => error,
    }
}

/// Removes the parts of ledgers that are no longer current.
pub(in crate::vault) fn sweep_shards(agent: &Agent, ledger: &Ledger) -> Result<()> {
    let current: HashSet<String> = ledger.shard_names().collect();
    for name in agent.dir.names()? {
        if name.starts_with(shard::PREFIX) && !current.contains(&name) {
            agent.dir.remove_file(&name)?;
        }
    }
    Ok(())
}

/// Edits only the index: orders need no unlocking. The caller holds the agent's lock.
///
/// # Errors
/// `INDEX_UNREADABLE` and those of writing.
pub fn edit_index(agent: &Agent, edit: impl FnOnce(&mut Index) -> Result<()>) -> Result<()> {
    let (mut index, bytes) = agent.index_and_bytes()?;
    edit(&mut index)?;
    let new = index.to_bounded_bytes()?;
    if bytes.as_deref() != Some(new.as_slice()) {
        agent.dir.replace(index::FILE, &new)?;
    }
    Ok(())
}

/// Reads the ledger of an agent. The caller holds its lock, and no change is unfinished.
///
/// # Errors
/// `TAMPERED`, and those of reading it.
pub fn book(agent: &Agent, ring: &Ring) -> Result<Book> {
    match Ledger::read(&agent.dir, ring)? {
        Some(ledger) => Ok(Book::new(ledger, vec![agent.dir.dir(".")?])),
        None if agent.had_ledger(None)? => Err(ledger_missing(ring)),
        None => Ok(Book::new(Ledger::default(), Vec::new())),
    }
}
