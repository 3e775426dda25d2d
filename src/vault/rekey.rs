//! A new vault key: every record sealed anew, one transaction an agent.
//!
//! The unlock files first carry both keys; then the new one becomes current; then the records are
//! sealed anew; then the old key and the old recovery identity are dropped. Each step can be
//! repeated: a rekey that was cut short is finished by running it again.

use strongroom_backends::fs::lock::{self, Mode};

use super::agent::Agent;
use super::change::Change;
use super::generation::Generations;
use super::home::{Session, Vault, Waits, finish_agent};
use super::init::log_event;
use super::log::{self, Event, Scope};
use super::reader::Found;
use super::settle::settle;
use super::transaction::reader_of;
use crate::error::{Code, Error, Result, fail};
use crate::seal::keys::Keys;
use crate::seal::unlock_file::MethodKey;
use crate::unlock::Opened;
use crate::unlock::payload::{Payload, Pending};
use crate::unlock::slots::{self, Slot};

/// What a rekey did.
#[derive(Clone, Debug, Default)]
pub struct Rekeyed {
    /// How many records were sealed anew.
    pub records: usize,
    /// How many agents they belong to.
    pub agents: usize,
    /// Whether it finished one that was cut short.
    pub resumed: bool,
    /// Why the keychain does not hold all of the new records yet.
    pub keychain: Option<Error>,
}

/// Gives the vault a new key.
///
/// `methods` are the unlock methods that stay, each with the key for its new file; every other
/// unlock file is removed. `judged` are the unlock files as the caller saw them.
///
/// # Errors
/// `CONFIG` when no method stays; the reason of a record that does not open, before anything is
/// changed; those of writing.
pub fn rekey(
    vault: &Vault,
    session: &mut Session,
    judged: &[Slot],
    methods: &[(String, MethodKey)],
    waits: &Waits,
    tell: &(dyn Fn() + Sync),
) -> Result<Rekeyed> {
    if methods.is_empty() {
        return fail(Code::Config, "no unlock method would be left");
    }
    let _lock = vault.lock(Mode::Exclusive, waits)?;
    // Whoever added, changed or removed a method meanwhile would find that undone.
    if !session.is_current(&vault.home)? || !slots::same(judged, &vault.slots()?) {
        return fail(Code::Changed, "the unlock methods were changed while this command waited")
            .map_err(|e: Error| e.with_remedy("look at `strongroom unlock-method list` and repeat"));
    }
    vault.check_end(&session.keys)?;
    let mut payload = session.unlocked()?.payload.clone();
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
        let (count, behind) = reseal(agent, vault, &keys, waits.now, tell)?;
        done.keychain = done.keychain.or(behind);
        done.records += count;
        done.agents += 1;
    }
    note_in_vault_log(vault, &keys, waits.now, "rekey")?;
    payload.keys.drain(..payload.current);
    payload.current = 0;
    payload.pending = None;
    write_all(vault, &mut payload, methods)?;
    session.keys = payload.keys()?;
    if let Opened::By(unlocked) = &mut session.opened {
        unlocked.payload = payload;
    }
    Ok(done)
}

/// Notes a change of keys, with an anchor for the lines before it.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn note_in_vault_log(vault: &Vault, keys: &Keys, now: i64, op: &str) -> Result<()> {
    let before = vault.home.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    // Lines under keys that are lost are no finding of a recovery: the anchor is there for them.
    let wrong = if op == "recover" { 0 } else { log::verify(keys, Scope::Vault, &before)?.wrong };
    log_event(vault, keys, now, anchored(op, &before, wrong))
}

/// An event that vouches for what stands before it, and tells how much was wrong with it.
#[must_use]
pub fn anchored(op: &str, before: &[u8], findings: u64) -> Event {
    Event {
        op: op.to_owned(),
        anchor: Some(log::anchor(before)),
        findings: (findings > 0).then_some(findings),
        ..Event::default()
    }
}

fn write_all(vault: &Vault, payload: &mut Payload, methods: &[(String, MethodKey)]) -> Result<()> {
    for (method, key) in methods {
        payload.method.clone_from(method);
        slots::write(&vault.home, payload, key)?;
    }
    Ok(())
}

/// Locks every agent, finishes what is unfinished, and makes sure that every record opens under the
/// keys that are about to go, and is the one that the log knows last. What is wrong with a log is
/// told by the line that anchors it.
fn open_all(vault: &Vault, keys: &Keys, waits: &Waits) -> Result<Vec<(Agent, lock::Lock)>> {
    let mut agents = Vec::new();
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        let lock = lock::take(&agent.dir, Mode::Exclusive, waits.limit, &waits.holder())?;
        finish_agent(&agent, keys, waits.now)?;
        agent.check_changeable()?;
        let generations = Generations::read(&agent.dir, waits.now, true)?;
        let reader = reader_of(&agent, &vault.home, keys, &vault.keychain)?;
        for id in reader.record_ids()? {
            let record = reader.record(&id).map_err(|error| {
                let what = format!("agent {name}: {}; nothing was changed", error.what());
                Error::new(error.code(), what).with_remedy(
                    "restore that record or remove it first: after a rekey it could never be opened",
                )
            })?;
            let known = generations.last_known(&id);
            if record.zip(known).is_some_and(|(record, known)| known.outdates(record.generation)) {
                let what = format!(
                    "agent {name}: somebody put an old record of {id} back; nothing was changed: sealed anew it would pass for a new one"
                );
                return fail(Code::Tampered, what).map_err(|e: Error| {
                    e.with_remedy("rotate or remove that profile first; `strongroom verify` tells more")
                });
            }
        }
        agents.push((agent, lock));
    }
    Ok(agents)
}

fn reseal(
    agent: &Agent,
    vault: &Vault,
    keys: &Keys,
    now: i64,
    tell: &(dyn Fn() + Sync),
) -> Result<(usize, Option<Error>)> {
    let current = keys.current().id().to_string();
    let log = agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    let generations = Generations::read(&agent.dir, now, true)?;
    let reader = reader_of(agent, &vault.home, keys, &vault.keychain)?;
    let mut change = Change::default();
    let mut resealed = Vec::new();
    for id in reader.record_ids()? {
        let Some(Found { mut record, sealed, store }) = reader.found(&id)? else { continue };
        if sealed_under(&sealed, &current) {
            continue;
        }
        record.generation = generations.next(&id, Some(record.generation));
        change.put("rekey", record, reader.store_of(&id).unwrap_or(store));
        resealed.push(id);
    }
    let told = log_tells_of(&log, &current);
    if resealed.is_empty() && told {
        return Ok((0, None));
    }
    let mut noted = Change::default();
    noted.note(anchored("rekey", &log, log::verify(keys, Scope::Agent(&agent.name), &log)?.wrong));
    noted.absorb(change);
    match noted.stage(agent, keys, now, tell)?.commit()?.unfinished {
        Some(error) => Err(error),
        None => Ok((resealed.len(), settle(agent, keys, &vault.keychain, now, &resealed).err())),
    }
}

/// Whether a record's stanza names that key. Only decides whether work is left; opening checks.
fn sealed_under(sealed: &[u8], key: &str) -> bool {
    memchr::memmem::find(sealed, format!("-> strongroom {key} ").as_bytes()).is_some()
}

/// Whether a log has a line under that key, or needs none.
pub(super) fn log_tells_of(log: &[u8], key: &str) -> bool {
    log.is_empty() || memchr::memmem::find(log, format!("\"key\":\"{key}\"").as_bytes()).is_some()
}
