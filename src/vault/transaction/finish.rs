//! Finishes a change that a killed process or a stopped machine left unfinished.

use strongroom_backends::fs::dir::Dir;

use super::journal;
use super::journal::Journal;
use super::operations::Ops;
use super::source::ChangeSource;
use super::state_step::Follow;
use super::{apply, sweep, sweep_shards, undone};
use crate::error::{Error, Result};
use crate::messages;
use crate::seal::RECORD_MAX;
use crate::seal::keys::Ring;
use crate::seal::record::OPS_MAX;
use crate::seal::signed;
use crate::vault::agent::{Agent, OPS, STAGED_INDEX, STAGED_STATE, TXN, TXN_BUSY, TXN_STAGE};
use crate::vault::ledger::{self, Book, Ledger};
use crate::vault::log::Durable;
use crate::vault::record::Record;
use crate::vault::store::Store;

/// What [`finish_unfinished`] did.
#[derive(Debug)]
pub enum Finished {
    /// There was nothing to do.
    Nothing,
    /// The remains of a change that was never committed were removed.
    Swept,
    /// A committed change was applied.
    Applied,
    /// A transaction was set aside under this name because it is stale or damaged. If it was committed and only its
    /// operations are damaged, these are its records, which still have to be stored.
    SetAside(String, Vec<(Record, Store)>),
}

/// The ledger that is in place.
#[derive(Debug)]
pub(in crate::vault) enum Current {
    /// No ledger is in place.
    None,
    /// It verifies.
    Is(Ledger),
    /// It is what a loss of power leaves of a file: a part of it, or zeros. A journal may have the whole one.
    Torn(Error),
}

impl Current {
    /// Reads it.
    ///
    /// # Errors
    /// `TAMPERED` if it is whole and does not verify; those of reading it.
    pub(in crate::vault) fn read(dir: &Dir, ring: &Ring) -> Result<Self> {
        let Some(bytes) = dir.read_if_any(ledger::FILE, ledger::MAX)? else { return Ok(Self::None) };
        match Ledger::parse(&bytes, ring) {
            Ok(ledger) => Ok(Self::Is(ledger)),
            Err(error) if bytes.last() != Some(&b'\n') || bytes.contains(&0) => Ok(Self::Torn(error)),
            Err(error) => Err(error),
        }
    }

    /// Returns the ledger, if there is one.
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

/// How a committed change compares with the ledger that is in place.
#[derive(Debug)]
pub(in crate::vault) enum Standing {
    /// It comes next. This is its ledger, which is not in place yet.
    Next(Ledger),
    /// Its ledger is in place, and so is everything that readers use, or was until a loss of power.
    Placed,
    /// It is an old change that was put back, or one that was altered.
    Stale,
}

/// Compares a committed change with the ledger that is in place.
///
/// # Errors
/// Those of reading it.
pub(in crate::vault) fn standing(source: &ChangeSource, ring: &Ring, current: &Current) -> Result<Standing> {
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
    // It may include earlier changes, and only some of them were applied durably.
    let leads = || -> Result<bool> {
        let Some(sealed) = source.read_if_any(OPS, OPS_MAX)? else { return Ok(false) };
        let follows = |ops: Ops| signed::same(&ops.ledger, &next.mac) && ops.comes_after(&current.mac);
        Ok(next.number > current.number && Ops::open(ring, &sealed).is_ok_and(follows))
    };
    Ok(if current.precedes(&next) || leads()? { Standing::Next(next) } else { Standing::Stale })
}

/// Finishes a change that a killed process or a stopped machine left. The caller holds the agent's lock.
///
/// A change is applied only if its ledger comes right after the one that is in place: an old change that was put back
/// would undo later ones. Such a change, and one whose operations are damaged, is set aside with all its files, so that
/// it does not block later changes.
///
/// # Errors
/// `TAMPERED` if the ledger was altered, or is missing although there are records; those of applying the change, which
/// the next command tries again.
pub fn finish_unfinished(agent: &Agent, ring: &Ring, follow: Follow, now: i64) -> Result<Finished> {
    let mut done = Finished::Nothing;
    // Best effort: it may still be in use.
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
    let source = ChangeSource::Journal(journal);
    match (standing(&source, ring, &current)?, current, ledger) {
        (Standing::Next(_) | Standing::Placed, _, Some(_)) => {
            let aside = unpack(agent, ring, &source, now)?;
            let finished = finish_directory(agent, agent.dir.dir(TXN)?, ring, follow, now)?;
            let told = [finished, done].into_iter().find(|done| matches!(done, Finished::SetAside(..)));
            Ok(told.or(aside).unwrap_or(Finished::Applied))
        }
        // All of it was made durable in its place before the next change was committed.
        (_, Current::Is(current), Some(ledger)) if ledger.number < current.number => {
            agent.dir.remove_file(journal::FILE)?;
            Ok(done)
        }
        (_, Current::None, _) if agent.had_ledger(None)? => Err(ledger_missing(ring)),
        (_, Current::Torn(error), _) => Err(error),
        _ => Ok(Finished::SetAside(set_aside(agent, journal::FILE, "stale", now)?, Vec::new())),
    }
}

/// Converts a journal to a transaction's directory. Damaged records are left out, and the journal is then set aside.
fn unpack(agent: &Agent, ring: &Ring, source: &ChangeSource, now: i64) -> Result<Option<Finished>> {
    let ChangeSource::Journal(journal) = source else { return Ok(None) };
    // If the operations are damaged, the records that fit its ledger are salvaged later.
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
        // The change was applied, and a loss of power undid a part of its removal.
        agent.dir.remove_tree(TXN)?;
        return Ok(Finished::Swept);
    }
    let ops = sealed.map(|sealed| Ops::open(ring, &sealed));
    let source = ChangeSource::Dir(txn);
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
                (Standing::Next(next), ChangeSource::Dir(txn)) => salvage(agent, ring, txn, &names, next)?,
                _ => Vec::new(),
            };
            Ok(Finished::SetAside(set_aside(agent, TXN, "damaged", now)?, salvaged))
        }
    }
}

/// Returns the records of a committed transaction whose operations are damaged. Its ledger, which is whole, lists them.
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

/// Returns the error for a ledger that is missing although there are records.
pub(in crate::vault) fn ledger_missing(ring: &Ring) -> Error {
    messages::vault::ledger::missing_beside_profiles(&ring.scope)
}

/// Sets a committed change aside with all its files. `what` is [`TXN`] or a journal. Returns its new name.
///
/// # Errors
/// `IO`.
pub fn set_aside(agent: &Agent, what: &str, why: &str, now: i64) -> Result<String> {
    let name = format!("{TXN}.{why}-{now}");
    agent.dir.rename(what, &agent.dir, &name)?;
    agent.dir.sync()?;
    Ok(name)
}
