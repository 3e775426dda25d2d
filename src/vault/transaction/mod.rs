//! Changes: one mechanism with one commit point for paste, remove, rename, import and rekey.
//!
//! A change of few records is a [`crate::vault::transaction::journal`]: one file. A larger one, and one that has to be durable
//! in its place, is a directory: `txn.tmp/` gets the new sealed records, the new ledger and the sealed
//! operations, and the new index and the log's space are prepared beside it; all of it is made durable. The
//! rename of `txn.tmp/` to `txn/`, made durable, is the commit. Then everything is moved into place, the
//! ledger last, and `txn/` goes. Whoever takes the lock next finishes what a killed process left; each
//! step can be repeated.

pub mod change;
pub mod journal;
pub mod operations;
pub(in crate::vault) mod source;
pub(in crate::vault) mod staging;
pub mod state_step;

use std::collections::HashSet;

use strongroom_backends::file::FileStore;
use strongroom_backends::fs::dir::{Dir, is_in_use};

use super::agent::{
    Agent, GONE, OPS, PENDING, RECORDS, STAGED_INDEX, STAGED_STATE, TXN, TXN_BUSY, TXN_STAGE,
};
use super::id::ProfileId;
use super::index::{self, Index};
use super::ledger::{self, Book, Ledger, shard};
use super::log::{self, Durable};
use super::record::Record;
use super::store::Store;
use crate::error::{Code, Error, Result, fail};
use crate::seal::RECORD_MAX;
use crate::seal::keys::Ring;
use crate::seal::record::OPS_MAX;
use crate::seal::signed;
use journal::Journal;
use operations::{Effects, Ops};
use source::Source;
use state_step::{Doing, Follow};

/// The new index, durable beside the old one, and the bytes from which it was made.
#[derive(Debug)]
pub(in crate::vault) struct Prepared {
    /// The index's bytes before.
    pub(in crate::vault) based_on: Option<Vec<u8>>,
}

/// Applies a committed transaction. Repeatable. What readers look for comes before what they look
/// at next: records, then the index that names them, then what nothing names any more goes, and the
/// ledger comes last: until it is in its place, readers take it from the transaction.
///
/// What is made durable later, because a journal holds it, is moved from `txn.tmp/`.
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
    // The names that were moved; all of it is durable before `txn/` goes.
    if !to_file.is_empty() || !removed.is_empty() {
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

/// Removes what was prepared for a change that was never committed, or is done.
pub(in crate::vault) fn sweep(agent: &Agent) -> Result<()> {
    match agent.dir.remove_any(TXN_STAGE) {
        Err(error) if is_in_use(&error) => out_of_the_way(&agent.dir)?,
        removed => removed?,
    }
    agent.dir.remove_file(STAGED_INDEX)?;
    agent.dir.remove_file(journal::STAGE)?;
    Ok(())
}

/// Moves a stage aside that cannot be removed, because a backup or a virus scanner has a file in it open: the next
/// change needs its name. A later one removes it.
fn out_of_the_way(dir: &Dir) -> Result<()> {
    let busy = dir.dir_or_make(TXN_BUSY)?;
    let mut number = 0;
    while busy.kind(&number.to_string())?.is_some() {
        number += 1;
    }
    Ok(dir.rename(TXN_STAGE, &busy, &number.to_string())?)
}

/// Sweeps what was prepared by something that failed before its commit point, and says that.
pub(in crate::vault) fn undone(agent: &Agent, error: Error) -> Error {
    // Best effort: the next change sweeps what a full disk leaves.
    let _ = sweep(agent);
    match error.code() {
        Code::NoSpace => error.with_remedy("free some space and try again; nothing was changed"),
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

/// The ledger in its place.
#[derive(Debug)]
pub(in crate::vault) enum Current {
    /// There is none.
    None,
    /// It verifies.
    Is(Ledger),
    /// It is what a machine that lost its power leaves of a file: a part of it, or zeros. A journal may
    /// hold the whole one.
    Torn(Error),
}

impl Current {
    /// Reads it.
    ///
    /// # Errors
    /// `TAMPERED` for one that is whole and does not verify; those of reading it.
    pub(in crate::vault) fn read(dir: &Dir, ring: &Ring) -> Result<Self> {
        let Some(bytes) = dir.read_if_any(ledger::FILE, ledger::MAX)? else { return Ok(Self::None) };
        match Ledger::parse(&bytes, ring) {
            Ok(ledger) => Ok(Self::Is(ledger)),
            Err(error) if bytes.last() != Some(&b'\n') || bytes.contains(&0) => Ok(Self::Torn(error)),
            Err(error) => Err(error),
        }
    }

    /// The ledger, if there is one.
    ///
    /// # Errors
    /// `TAMPERED` if it is torn.
    pub(in crate::vault) fn known(self) -> Result<Option<Ledger>> {
        match self {
            Self::None => Ok(None),
            Self::Is(ledger) => Ok(Some(ledger)),
            Self::Torn(error) => Err(error),
        }
    }
}

/// A change that was committed, as it stands to the ledger in its place.
#[derive(Debug)]
pub(in crate::vault) enum Standing {
    /// It comes next: its ledger, which is not in its place yet.
    Next(Ledger),
    /// Its ledger is in its place: all that readers look at is, or was before a loss of power.
    Placed,
    /// It is none of now: an old one that somebody put back, or one that was altered.
    Stale,
}

/// How a committed change stands to the ledger that is in its place.
///
/// # Errors
/// Those of reading it.
pub(in crate::vault) fn standing(source: &Source, ring: &Ring, current: &Current) -> Result<Standing> {
    let Some(bytes) = source.read_if_any(ledger::FILE, ledger::MAX)? else { return Ok(Standing::Placed) };
    let Ok(next) = Ledger::parse(&bytes, ring) else { return Ok(Standing::Stale) };
    let first = Ledger::default();
    let current = match current {
        Current::Is(ledger) => ledger,
        Current::None => &first,
        Current::Torn(_) => return Ok(Standing::Next(next)),
    };
    if signed::same(&current.mac, &next.mac) {
        return Ok(Standing::Placed);
    }
    // It may have taken over changes before it, of which only some were put in place durably.
    let leads = || -> Result<bool> {
        let Some(sealed) = source.read_if_any(OPS, OPS_MAX)? else { return Ok(false) };
        let follows = |ops: Ops| signed::same(&ops.ledger, &next.mac) && ops.comes_after(&current.mac);
        Ok(next.number > current.number && Ops::open(ring, &sealed).is_ok_and(follows))
    };
    Ok(if current.precedes(&next) || leads()? { Standing::Next(next) } else { Standing::Stale })
}

/// Finishes what a killed process, or a machine that stopped, left. The caller holds the agent's lock.
///
/// A change is applied only if its ledger comes right after the one that is in its place: an old
/// one that somebody put back would undo what came after it. Such a one, and one whose operations are
/// damaged, is set aside with all that is in it, so that it keeps nobody from writing.
///
/// # Errors
/// `TAMPERED` for a ledger that is altered, or missing where there are records; those of applying
/// the change, which stays for the next one.
pub fn finish_unfinished(agent: &Agent, ring: &Ring, follow: Follow, now: i64) -> Result<Finished> {
    let mut done = Finished::Nothing;
    // Best effort: it may be in use still.
    let _ = agent.dir.remove_any(TXN_BUSY);
    let swept = [TXN_STAGE, STAGED_INDEX, STAGED_STATE, journal::STAGE];
    let kinds = swept.iter().map(|name| agent.dir.kind(name)).collect::<std::result::Result<Vec<_>, _>>()?;
    if kinds.iter().any(Option::is_some) {
        sweep(agent)?;
        agent.dir.remove_file(STAGED_STATE)?;
        done = Finished::Swept;
    }
    if let Some(txn) = agent.dir.dir_if_any(TXN)? {
        done = finish_directory(agent, txn, ring, follow, now)?;
    }
    let Some(journal) = Journal::unapplied(&agent.dir)? else {
        if Current::read(&agent.dir, ring)?.known()?.is_none() && agent.had_ledger(None)? {
            return Err(ledger_missing(ring));
        }
        return Ok(done);
    };
    let current = Current::read(&agent.dir, ring)?;
    let ledger = journal.part(ledger::FILE).and_then(|bytes| Ledger::parse(bytes, ring).ok());
    let source = Source::Journal(journal);
    match (standing(&source, ring, &current)?, current, ledger) {
        (Standing::Next(_) | Standing::Placed, _, Some(_)) => {
            let aside = unpack(agent, ring, &source, now)?;
            let finished = finish_directory(agent, agent.dir.dir(TXN)?, ring, follow, now)?;
            let told = [finished, done].into_iter().find(|done| matches!(done, Finished::SetAside(..)));
            Ok(told.or(aside).unwrap_or(Finished::Applied))
        }
        // Everything of it was made durable in its place before what came after it was committed.
        (_, Current::Is(current), Some(ledger)) if ledger.number < current.number => {
            agent.dir.remove_file(journal::FILE)?;
            Ok(done)
        }
        (_, Current::None, _) if agent.had_ledger(None)? => Err(ledger_missing(ring)),
        (_, Current::Torn(error), _) => Err(error),
        _ => Ok(Finished::SetAside(set_aside(agent, journal::FILE, "stale", now)?, Vec::new())),
    }
}

/// Makes a transaction's directory of a journal. A record of it that is damaged takes the place of none; the
/// journal is then kept aside.
fn unpack(agent: &Agent, ring: &Ring, source: &Source, now: i64) -> Result<Option<Finished>> {
    let Source::Journal(journal) = source else { return Ok(None) };
    // Without the operations, the records that fit its ledger are taken over one by one.
    let ops = journal.part(OPS).and_then(|sealed| Ops::open(ring, sealed).ok());
    let damaged: Vec<&str> = ops.iter().flat_map(|ops| journal.damaged(ops)).collect();
    let keep = |name: &str| !damaged.contains(&name);
    journal.unpack(&agent.dir, keep).map_err(|error| undone(agent, error))?;
    if damaged.is_empty() {
        agent.dir.remove_file(journal::FILE)?;
        return Ok(None);
    }
    Ok(Some(Finished::SetAside(set_aside(agent, journal::FILE, "damaged", now)?, Vec::new())))
}

fn finish_directory(agent: &Agent, txn: Dir, ring: &Ring, follow: Follow, now: i64) -> Result<Finished> {
    let current = Current::read(&agent.dir, ring)?;
    let sealed = txn.read_if_any(OPS, OPS_MAX)?;
    let names = txn.names()?;
    if sealed.is_none() && names.is_empty() {
        // Done, but for a sweep that a power cut undid in part.
        agent.dir.remove_tree(TXN)?;
        return Ok(Finished::Swept);
    }
    let ops = sealed.map(|sealed| Ops::open(ring, &sealed));
    let source = Source::Dir(txn);
    let staged = standing(&source, ring, &current)?;
    if let (Standing::Next(next), Current::None) = (&staged, &current)
        && agent.had_ledger(Some(&Book::new(next.clone(), vec![agent.dir.dir(TXN)?])))?
    {
        return Err(ledger_missing(ring));
    }
    let mac = match (&staged, &current) {
        (Standing::Next(next), _) => Some(&next.mac),
        (Standing::Placed, Current::Is(ledger)) => Some(&ledger.mac),
        _ => None,
    };
    match ops {
        Some(Ok(ops)) if mac.is_some_and(|mac| signed::same(mac, &ops.ledger)) => {
            apply(agent, &ops, None, follow, Durable::Now)?;
            if let Some(ledger) = Ledger::read(&agent.dir, ring)? {
                sweep_shards(agent, &ledger)?;
            }
            Ok(Finished::Applied)
        }
        Some(Ok(_)) => Ok(Finished::SetAside(set_aside(agent, TXN, "stale", now)?, Vec::new())),
        Some(Err(_)) | None => {
            let salvaged = match (staged, &source) {
                (Standing::Next(next), Source::Dir(txn)) => salvage(agent, ring, txn, &names, next)?,
                _ => Vec::new(),
            };
            Ok(Finished::SetAside(set_aside(agent, TXN, "damaged", now)?, salvaged))
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
        let Some(id) = book.id_of_file(name)? else { continue };
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
pub(in crate::vault) fn ledger_missing(ring: &Ring) -> Error {
    Error::new(Code::Tampered, format!("the ledger of {} is missing, and records are there", ring.scope))
}

/// Sets a committed change aside, with all that is in it: [`TXN`] or a journal. Gives its new name.
///
/// # Errors
/// `IO`.
pub fn set_aside(agent: &Agent, what: &str, why: &str, now: i64) -> Result<String> {
    let name = format!("{TXN}.{why}-{now}");
    agent.dir.rename(what, &agent.dir, &name)?;
    agent.dir.sync()?;
    Ok(name)
}

/// Replaces only the index, under the agent's lock: orders need no unlocking.
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
