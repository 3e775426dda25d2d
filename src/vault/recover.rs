//! A vault whose unlock files are lost, rebuilt with the recovery key.
//!
//! Whoever knew the recovery recipient could have made the records that are found, so their origin
//! is not vouched for. They are sealed anew under a new vault key and a new recovery key.

use age::x25519;
use strongroom_backends::fs::lock::{self, Mode};
use strongroom_backends::shown;

use super::agent::{Agent, OPS, TXN};
use super::home::{Vault, Waits};
use super::id::ProfileId;
use super::log;
use super::ops::Ops;
use super::record::Record;
use super::rekey::{anchored, note_in_vault_log};
use super::transaction::{self, Change, Generations};
use crate::error::{Code, Error, Result, fail};
use crate::seal::RECORD_MAX;
use crate::seal::keys::Keys;
use crate::seal::record::{OPS_MAX, Purpose};
use crate::seal::recovery::open_unvouched;
use crate::unlock::MethodSecret;
use crate::unlock::payload::{Payload, Pending};
use crate::unlock::slots;

/// What a recovery did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    /// How many records were sealed anew.
    pub records: usize,
    /// Records that did not open, and why; their files stay.
    pub failed: Vec<String>,
    /// Whether it finished one that was cut short.
    pub resumed: bool,
}

/// Rebuilds a vault.
///
/// # Errors
/// `EXISTS` when there are unlock files and `discard` does not say to set them aside; `NOT_FOUND`
/// when no record opens with the key; those of writing.
pub fn recover(
    vault: &Vault,
    identity: &x25519::Identity,
    method: &str,
    secret: &MethodSecret,
    discard: bool,
    waits: &Waits,
) -> Result<Recovered> {
    let _lock = vault.lock(Mode::Exclusive, waits)?;
    let agents = vault.agents()?;
    let mut done = Recovered::default();
    let existing = vault.slots()?;
    let resumed = match slots::open(&existing, take(secret), "the new key") {
        Ok(unlocked) if unlocked.payload.pending == Some(Pending::Recover) => Some(unlocked.payload),
        _ => None,
    };
    let mut payload = if let Some(payload) = resumed {
        done.resumed = true;
        payload
    } else {
        if !existing.is_empty() && !discard {
            return fail(
                Code::Exists,
                format!("{} has unlock files: they may still open it", shown(vault.home.path())),
            )
            .map_err(|e: Error| {
                e.with_remedy("if their secrets are lost for good, add --discard-unlock-files: they are set aside, not deleted")
            });
        }
        if !opens_any(vault, identity)? {
            return fail(Code::NotFound, "no record of this home opens with this recovery key")
                .map_err(|e: Error| e.with_remedy("check the recovery key and --home; nothing was changed"));
        }
        log::tail(&vault.home)?;
        for name in &agents {
            if let Some(agent) = vault.agent(name)? {
                agent.check_changeable()?;
            }
        }
        for slot in &existing {
            slots::set_aside(&vault.home, &slot.method, waits.now)?;
        }
        let mut payload = Payload::generate(method, "file")?;
        payload.pending = Some(Pending::Recover);
        payload
    };
    let key = secret.method_key(None)?;
    slots::write(&vault.home, &payload, &key)?;
    Vault::write_settings(&vault.home, &payload)?;
    let keys = payload.keys()?;
    for name in agents {
        let Some(agent) = vault.agent(&name)? else { continue };
        let me = lock::Holder { pid: std::process::id(), since: waits.now, command: waits.command.clone() };
        let _lock = lock::take(&agent.dir, Mode::Exclusive, waits.limit, &me)?;
        finish_unvouched(&agent, identity, &keys)?;
        recover_agent(&agent, identity, &keys, waits.now, &mut done)?;
    }
    note_in_vault_log(vault, &keys, waits.now, "recover")?;
    payload.pending = None;
    slots::write(&vault.home, &payload, &key)?;
    Ok(done)
}

fn take(secret: &MethodSecret) -> MethodSecret {
    use secrecy::{ExposeSecret, SecretBox};
    match secret {
        MethodSecret::Key(key) => MethodSecret::Key(SecretBox::init_with_mut(|k: &mut [u8; 32]| {
            k.copy_from_slice(key.expose_secret());
        })),
        MethodSecret::Passphrase(text) => {
            let mut copy = crate::secret::Buffer::with_capacity(text.len());
            copy.extend(text.expose());
            MethodSecret::Passphrase(copy)
        }
    }
}

fn opens_any(vault: &Vault, identity: &x25519::Identity) -> Result<bool> {
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        for id in agent.record_ids()?.0 {
            let Some(sealed) = sealed(&agent, &id)? else { continue };
            if open_unvouched(identity, Purpose::Record, &sealed, "the record").is_ok() {
                return Ok(true);
            }
        }
        if unfinished(&agent, identity)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sealed(agent: &Agent, id: &ProfileId) -> Result<Option<Vec<u8>>> {
    let records = agent.dir.dir(super::agent::RECORDS)?;
    Ok(records.read_if_any(&id.file_name(), RECORD_MAX)?)
}

fn unfinished(agent: &Agent, identity: &x25519::Identity) -> Result<Option<Ops>> {
    let Some(txn) = agent.dir.dir_if_any(TXN)? else { return Ok(None) };
    let Some(sealed) = txn.read_if_any(OPS, OPS_MAX)? else { return Ok(None) };
    match open_unvouched(identity, Purpose::Txn, &sealed, "the unfinished transaction") {
        Ok(plaintext) => Ok(Some(Ops::parse(plaintext.expose(), &agent.name)?)),
        Err(_) => Ok(None),
    }
}

/// Applies a committed transaction by the recovery key, or, when this recovery was cut short, by
/// the new keys.
fn finish_unvouched(agent: &Agent, identity: &x25519::Identity, keys: &Keys) -> Result<()> {
    match unfinished(agent, identity)? {
        Some(ops) => transaction::apply_opened(agent, &ops),
        None => transaction::finish_unfinished(agent, keys).map(|_| ()),
    }
}

fn recover_agent(
    agent: &Agent,
    identity: &x25519::Identity,
    keys: &Keys,
    now: i64,
    done: &mut Recovered,
) -> Result<()> {
    let log = agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    let generations = Generations::read(&agent.dir, now, true)?;
    let mut change = Change::default();
    change.note(anchored("recover", &log));
    let mut count = 0;
    for id in agent.record_ids()?.0 {
        let Some(sealed) = sealed(agent, &id)? else { continue };
        if Record::open(keys, &agent.name, &id, &sealed).is_ok() {
            continue;
        }
        let opened = open_unvouched(identity, Purpose::Record, &sealed, &format!("the record of {id}"))
            .and_then(|plaintext| Record::parse(plaintext.expose(), &agent.name, &id));
        match opened {
            Ok((_, mut record)) => {
                record.generation = generations.next(&id, Some(record.generation));
                change.put("recover", record, "file");
                count += 1;
            }
            Err(error) => done.failed.push(format!("agent {}: {}", agent.name, error.what())),
        }
    }
    if count == 0 {
        return Ok(());
    }
    if let Some(error) = change.commit(agent, keys, now)?.unfinished {
        return Err(error);
    }
    done.records += count;
    Ok(())
}
