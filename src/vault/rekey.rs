//! A new vault key: every record sealed anew, one transaction an agent.
//!
//! The unlock files first carry both keys; then the new one becomes current; then the records are
//! sealed anew; then the old key and the old recovery identity are dropped. Each step can be
//! repeated: a rekey that was cut short is finished by running it again.

use strongroom_backends::fs::lock::{self, Mode};

use super::agent::Agent;
use super::home::{Session, Vault, Waits};
use super::init::log_event;
use super::log::{self, Event, Scope};
use super::record::Record;
use super::transaction::{self, Change, Generations};
use crate::error::{Code, Error, Result, fail};
use crate::seal::keys::Keys;
use crate::seal::unlock_file::MethodKey;
use crate::unlock::payload::{Payload, Pending};
use crate::unlock::slots;

/// What a rekey did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rekeyed {
    /// How many records were sealed anew.
    pub records: usize,
    /// How many agents they belong to.
    pub agents: usize,
    /// Whether it finished one that was cut short.
    pub resumed: bool,
}

/// Gives the vault a new key.
///
/// `methods` are the unlock methods that stay, each with the key for its new file; every other
/// unlock file is removed.
///
/// # Errors
/// `CONFIG` when no method stays; the reason of a record that does not open, before anything is
/// changed; those of writing.
pub fn rekey(
    vault: &Vault,
    session: &mut Session,
    methods: &[(String, MethodKey)],
    waits: &Waits,
    tell: &(dyn Fn() + Sync),
) -> Result<Rekeyed> {
    if methods.is_empty() {
        return fail(Code::Config, "no unlock method would be left");
    }
    let _lock = vault.lock(Mode::Exclusive, waits)?;
    if !session.unlocked.is_current(&vault.home)? {
        vault.refresh(session)?;
    }
    let mut payload = session.unlocked.payload.clone();
    if payload.pending == Some(Pending::Recover) {
        return fail(Code::Config, "a recovery is not finished")
            .map_err(|e: Error| e.with_remedy("run `strongroom recover` again first"));
    }
    log::tail(&vault.home)?;
    let agents = open_all(vault, &session.keys, waits)?;
    let mut done = Rekeyed { resumed: payload.pending.is_some(), ..Rekeyed::default() };
    if payload.pending.is_none() {
        payload.add_key()?;
        payload.pending = Some(Pending::Rekey);
    }
    write_all(vault, &mut payload, methods)?;
    for slot in vault.slots()? {
        if !methods.iter().any(|(method, _)| *method == slot.method) {
            slots::remove(&vault.home, &slot.method)?;
        }
    }
    payload.current = payload.keys.len() - 1;
    write_all(vault, &mut payload, methods)?;
    let keys = payload.keys()?;
    for (agent, _lock) in &agents {
        let count = reseal(agent, &keys, waits.now, tell)?;
        done.records += count;
        done.agents += 1;
    }
    note_in_vault_log(vault, &keys, waits.now, "rekey")?;
    payload.keys.drain(..payload.current);
    payload.current = 0;
    payload.pending = None;
    write_all(vault, &mut payload, methods)?;
    session.keys = payload.keys()?;
    session.unlocked.payload = payload;
    Ok(done)
}

/// Notes a change of keys, with an anchor for the lines before it.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn note_in_vault_log(vault: &Vault, keys: &Keys, now: i64, op: &str) -> Result<()> {
    let before = vault.home.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    log_event(vault, keys, now, anchored(op, &before))
}

/// An event that vouches for what stands before it.
#[must_use]
pub fn anchored(op: &str, before: &[u8]) -> Event {
    Event { op: op.to_owned(), anchor: Some(log::anchor(before)), ..Event::default() }
}

fn write_all(vault: &Vault, payload: &mut Payload, methods: &[(String, MethodKey)]) -> Result<()> {
    for (method, key) in methods {
        payload.method.clone_from(method);
        slots::write(&vault.home, payload, key)?;
    }
    Ok(())
}

/// Locks every agent, finishes what is unfinished, and makes sure that every record opens and
/// every log verifies under the keys that are about to go.
fn open_all(vault: &Vault, keys: &Keys, waits: &Waits) -> Result<Vec<(Agent, lock::Lock)>> {
    let mut agents = Vec::new();
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        let me = lock::Holder { pid: std::process::id(), since: waits.now, command: waits.command.clone() };
        let lock = lock::take(&agent.dir, Mode::Exclusive, waits.limit, &me)?;
        transaction::finish_unfinished(&agent, keys)?;
        agent.check_changeable()?;
        let reader = transaction::reader_of(&agent, &vault.home, keys)?;
        for id in reader.record_ids()? {
            reader.record(&id).map_err(|error| {
                let what = format!("agent {name}: {}; nothing was changed", error.what());
                Error::new(error.code(), what).with_remedy(
                    "restore that record or remove it first: after a rekey it could never be opened",
                )
            })?;
        }
        agents.push((agent, lock));
    }
    Ok(agents)
}

fn reseal(agent: &Agent, keys: &Keys, now: i64, tell: &(dyn Fn() + Sync)) -> Result<usize> {
    let current = keys.current().id().to_string();
    let log = agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    let generations = Generations::read(&agent.dir, now, true)?;
    let mut change = Change::default();
    let mut count = 0;
    let dir = agent.dir.dir_if_any(super::agent::RECORDS)?;
    if dir.is_some() {
        for id in agent.record_ids()?.0 {
            let Some(sealed) = read_sealed(agent, &id)? else { continue };
            if sealed_under(&sealed, &current) {
                continue;
            }
            let mut record = Record::open(keys, &agent.name, &id, &sealed)?;
            record.generation = generations.next(&id, Some(record.generation));
            change.put("rekey", record, "file");
            count += 1;
        }
    }
    let told = log_tells_of(&log, &current);
    if count == 0 && told {
        return Ok(0);
    }
    let mut noted = Change::default();
    noted.note(anchored("rekey", &log));
    noted.absorb(change);
    match noted.commit_telling(agent, keys, now, tell)?.unfinished {
        Some(error) => Err(error),
        None => Ok(count),
    }
}

fn read_sealed(agent: &Agent, id: &super::id::ProfileId) -> Result<Option<Vec<u8>>> {
    let records = agent.dir.dir(super::agent::RECORDS)?;
    Ok(records.read_if_any(&id.file_name(), crate::seal::RECORD_MAX)?)
}

/// Whether a record's stanza names that key. Only decides whether work is left; opening checks.
fn sealed_under(sealed: &[u8], key: &str) -> bool {
    memchr::memmem::find(sealed, format!("-> strongroom {key} ").as_bytes()).is_some()
}

fn log_tells_of(log: &[u8], key: &str) -> bool {
    log.is_empty() || memchr::memmem::find(log, format!("\"key\":\"{key}\"").as_bytes()).is_some()
}

/// Verifies that a log is whole before its key goes.
///
/// # Errors
/// `INTERNAL`.
pub fn log_findings(agent: &Agent, keys: &Keys) -> Result<Vec<String>> {
    let log = agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    Ok(log::verify(keys, Scope::Agent(&agent.name), &log)?.findings)
}
