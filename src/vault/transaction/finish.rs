//! Finishes what a killed process, or a machine that stopped, left.

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
    let source = ChangeSource::Journal(journal);
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
fn unpack(agent: &Agent, ring: &Ring, source: &ChangeSource, now: i64) -> Result<Option<Finished>> {
    let ChangeSource::Journal(journal) = source else { return Ok(None) };
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
    messages::vault::ledger::missing_beside_profiles(&ring.scope)
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
