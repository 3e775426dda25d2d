//! A new vault key: every record sealed anew, one transaction an agent.
//!
//! The unlock files first carry both keys; then the new one becomes current; then the records are
//! sealed anew; then the old key and the old recovery identity are dropped. Each step can be
//! repeated: a rekey that was cut short is finished by running it again.

use super::accept;
use super::change::Change;
use super::home::{Session, Vault, Waits};
use super::ledger::{Book, Entry, State};
use super::log::{self, Event};
use super::own::{Edit, Own};
use super::reader::Found;
use super::record::Record;
use super::writer::Writer;
use strongroom_backends::fs::lock::Lock;

use crate::error::{Code, Error, Result, fail};
use crate::seal::keys::{KeyId, Keys, Ring};
use crate::seal::record;
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

/// Makes sure that the unlock files are as they were judged: whoever added, changed or removed a method
/// meanwhile would find that undone.
///
/// # Errors
/// `CHANGED`.
pub fn check_same(vault: &Vault, judged: &[Slot]) -> Result<()> {
    if slots::same(judged, &vault.slots()?) {
        return Ok(());
    }
    fail(Code::Changed, "the unlock methods were changed while this command waited")
        .map_err(|e: Error| e.with_remedy("look at `strongroom unlock-method list` and repeat"))
}

/// Gives the vault a new key.
///
/// `methods` are the unlock methods that stay, each with the key for its new file; every other one
/// is removed. The caller holds the vault's lock alone ([`Vault::keys_alone`]), and the unlock files are those that it
/// judged ([`check_same`]).
///
/// # Errors
/// `CONFIG` when no method stays; the reason of a record that does not open, before anything is
/// changed; those of writing.
pub fn rekey(
    vault: &Vault,
    session: &mut Session,
    _lock: &Lock,
    methods: &[(String, MethodKey)],
    waits: &Waits,
    tell: &(dyn Fn() + Sync),
) -> Result<Rekeyed> {
    if methods.is_empty() {
        return fail(Code::Config, "no unlock method would be left");
    }
    let mut payload = session.unlocked()?.payload.clone();
    if payload.pending == Some(Pending::Recover) {
        return fail(Code::Config, "a recovery is not finished")
            .map_err(|e: Error| e.with_remedy("run `strongroom recover` again first"));
    }
    let ring = session.keys.own()?;
    // A home from before a change of keys that was undone: this is what gives the old key up again.
    let mut own = vault.own(&ring, true)?;
    if let Some(gone) = accept::gone(vault, &session.keys)?.first() {
        return Err(gone.error());
    }
    if !own.is_settled(&vault.home)? {
        own.settle(&vault.home)?;
    }
    let above = vault.anchored_at(&ring)?;
    let dropped: Vec<String> =
        own.methods.keys().filter(|m| !methods.iter().any(|(k, _)| k == *m)).cloned().collect();
    check_all(vault, &session.keys, waits)?;
    let mut done = Rekeyed { resumed: payload.pending.is_some(), ..Rekeyed::default() };
    let settings = vault.settings(&session.keys).unwrap_or_default();
    let write = |own: &Own, payload: &mut Payload, removed: Vec<String>, events: Vec<Event>| -> Result<Own> {
        let ring = payload.keys()?.own()?;
        let edit = Edit {
            methods: sealed_for(payload, methods)?,
            removed,
            settings: Some(settings.to_bytes(&ring)?),
            events,
            above,
            now: waits.now,
            ..Edit::default()
        };
        vault.commit_own(&ring, own, &edit)
    };
    if payload.pending.is_none() {
        payload.add_key(waits.now)?;
        payload.pending = Some(Pending::Rekey);
    }
    own = write(&own, &mut payload, dropped, Vec::new())?;
    payload.current = payload.keys.len() - 1;
    own = write(&own, &mut payload, Vec::new(), Vec::new())?;
    let keys = payload.keys()?;
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        let writer = vault.writer_alone(&keys, agent, waits, true)?;
        let above = vault.anchored_at(&writer.ring)?;
        let (count, behind) = reseal(&writer, above, done.resumed, tell)?;
        done.keychain = done.keychain.or(behind);
        done.records += count;
        done.agents += 1;
    }
    vault.anchors.sync(session.keys.vault.as_str());
    let event = vouching(&payload.keys()?.own()?, &own, vault, "rekey")?;
    payload.drop_old_keys();
    payload.pending = None;
    write(&own, &mut payload, Vec::new(), vec![event])?;
    session.keys = payload.keys()?;
    if let Opened::By(unlocked) = &mut session.opened {
        unlocked.payload = payload;
    }
    Ok(done)
}

/// A line that vouches for those before it in the vault's own log.
pub(super) fn vouching(ring: &Ring, own: &Own, vault: &Vault, op: &str) -> Result<Event> {
    let wrong = log::verify(ring, &own.log_files(&vault.home)?, &own.log)?.wrong;
    log::anchored(op, &vault.home, wrong)
}

fn sealed_for(payload: &mut Payload, methods: &[(String, MethodKey)]) -> Result<Vec<(String, Vec<u8>)>> {
    methods
        .iter()
        .map(|(method, key)| {
            payload.method.clone_from(method);
            Ok((method.clone(), slots::seal(payload, key)?))
        })
        .collect()
}

/// Makes sure that every record opens under the keys that are about to go and is the one that its
/// ledger names. What is wrong with a log is told by the line that anchors it.
fn check_all(vault: &Vault, keys: &Keys, waits: &Waits) -> Result<()> {
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        let writer = vault.writer_alone(keys, agent, waits, true)?;
        writer.agent.index()?;
        let reader = writer.reader()?;
        let ids = reader.record_ids()?;
        reader.fetch(&ids.iter().collect::<Vec<_>>())?;
        for id in ids {
            reader.record(&id).map_err(|error| {
                let what = format!("agent {name}: {}; nothing was changed", error.what());
                Error::new(error.code(), what).with_remedy(
                    "restore that record, paste it again or remove it first: after a rekey it could never be opened",
                )
            })?;
        }
        for id in writer.agent.record_ids()?.0 {
            if writer.book()?.entry(&id)?.is_none() && reader.opens(&id) {
                let what = format!(
                    "agent {name}: a record of {id} is there that the ledger does not know; nothing was changed"
                );
                return Err(Error::new(Code::Tampered, what).with_remedy(format!(
                    "after a rekey it could never be opened: look at it with `strongroom get {id} --agent {name} --accept-rollback`, then paste it again, or remove its file from records/"
                )));
            }
        }
    }
    Ok(())
}

/// Seals anew what is not under the current key. Each record is judged by itself: a change that came
/// between a rekey that was cut short and this one wrote the ledger under the new key already.
fn reseal(
    writer: &Writer<'_>,
    above: u64,
    resumed: bool,
    tell: &(dyn Fn() + Sync),
) -> Result<(usize, Option<Error>)> {
    let current = writer.ring.current().id();
    let book = writer.book()?;
    if book.ledger.number == 0 || (!resumed && is_under(&book, current)?) {
        return Ok((0, None));
    }
    let generations = writer.generations()?;
    let reader = writer.reader()?;
    let mut change = Change::default();
    let wrong = log::verify(&writer.ring, &log::read(&writer.agent.dir)?, &book.ledger.log)?.wrong;
    change.note(log::anchored("rekey", &writer.agent.dir, wrong)?);
    change.above(above);
    let ids = reader.record_ids()?;
    reader.fetch(&ids.iter().collect::<Vec<_>>())?;
    let mut resealed = 0;
    for id in ids {
        let Some(Found { record, sealed, store }) = reader.found(&id)? else { continue };
        if record::is_under(&sealed, &current.to_string()) {
            continue;
        }
        let generation = generations.next(&id, Some(record.generation))?;
        change.put("rekey", Record { generation, ..record }, reader.store_of(&id).unwrap_or(store));
        resealed += 1;
    }
    let outcome = writer.stage(change, tell)?.commit()?;
    if let Some(error) = outcome.unfinished {
        return Err(error);
    }
    // The old key goes after this: no record may still need it.
    if !is_under(&writer.book()?, current)? {
        let what = format!("a record of agent {} is still under the old key", writer.agent.name);
        return fail(Code::Internal, what);
    }
    Ok((resealed, outcome.keychain))
}

/// Whether a ledger, and every record that it names, is under that key.
fn is_under(book: &Book, key: KeyId) -> Result<bool> {
    let of_others = |entry: &Entry| matches!(entry.state, State::Held(_, held) if held != key);
    Ok(book.ledger.key == key.to_string() && !book.all()?.values().any(of_others))
}
