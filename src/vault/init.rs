//! Making a vault: the key, the unlock file, and `vault.json` last.

use std::path::Path;

use strongroom_backends::fs::home;
use strongroom_backends::fs::lock::Mode;
use strongroom_backends::shown;

use super::agent::{PENDING, TXN};
use super::home::{AGENTS, SETTINGS, Session, Vault, Waits, of_home};
use super::index;
use super::log::{self, Event, Scope};
use crate::error::{Code, Error, Result, fail};
use crate::keychain::{Keychain, Setup};
use crate::seal::keys::Keys;
use crate::unlock::MethodSecret;
use crate::unlock::payload::Payload;
use crate::unlock::slots;

/// Makes a vault in a home that holds none, of a payload that was generated for it.
///
/// # Errors
/// `EXISTS` when there is a vault, or the remains of one: a new key is never made over it.
pub fn init(path: &Path, payload: Payload, secret: &MethodSecret, waits: &Waits) -> Result<Payload> {
    let home = home::create(path).map_err(of_home)?.dir;
    let keychain = Keychain::new(&Setup::default(), home.path());
    let vault = Vault { home, notices: Vec::new(), settings: None, keychain };
    let _lock = vault.lock(Mode::Exclusive, waits)?;
    refuse_existing(&vault)?;
    slots::write(&vault.home, &payload, &secret.method_key(None)?)?;
    log_init(&vault, &payload, waits.now)?;
    Vault::write_settings(&vault.home, &payload)?;
    Ok(payload)
}

fn log_init(vault: &Vault, payload: &Payload, now: i64) -> Result<()> {
    let event = Event { op: "init".into(), method: Some(payload.method.clone()), ..Event::default() };
    log_event(vault, &payload.keys()?, now, event)
}

/// Whether no agent holds anything yet: what is there of the vault is its `init`, whole or cut short.
///
/// # Errors
/// Those of reading the home.
pub fn holds_nothing(vault: &Vault) -> Result<bool> {
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        let has = |file| agent.dir.kind(file).map(|kind| kind.is_some());
        if !agent.record_ids()?.0.is_empty()
            || has(log::FILE)?
            || has(index::FILE)?
            || has(PENDING)?
            || has(TXN)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Finishes an `init` that was cut short behind the unlock file. Where there is more than that, nothing is
/// done.
///
/// # Errors
/// Those of locking and writing.
pub fn finish(vault: &Vault, session: &Session, waits: &Waits) -> Result<()> {
    let Ok(unlocked) = session.unlocked() else { return Ok(()) };
    if vault.settings.is_some() {
        return Ok(());
    }
    let _lock = vault.lock(Mode::Exclusive, waits)?;
    if vault.home.kind(SETTINGS)?.is_some() || !holds_nothing(vault)? {
        return Ok(());
    }
    let payload = &unlocked.payload;
    let log = vault.home.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
    if !log.contains(&b'\n') {
        log_init(vault, payload, waits.now)?;
    }
    Vault::write_settings(&vault.home, payload)
}

/// Whether a home could be made there, or is there.
///
/// # Errors
/// `UNSAFE_HOME`, `IO`.
pub fn check_place(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    home::check_place(path).map_err(of_home)
}

/// Makes the home's directory, so that its path is known for certain.
///
/// # Errors
/// `UNSAFE_HOME`, `IO`.
pub fn prepare(path: &Path) -> Result<()> {
    home::create(path).map_err(of_home).map(|_| ())
}

/// Refuses a home that holds a vault or the remains of one. Remains can be of a vault that is just being
/// made: whoever makes it is waited for.
///
/// # Errors
/// `EXISTS`, `LOCK_TIMEOUT`.
pub fn refuse_taken(vault: &Vault, waits: &Waits) -> Result<()> {
    let refused = refuse_existing(vault);
    if refused.is_ok() || vault.home.kind(SETTINGS)?.is_some() {
        return refused;
    }
    match vault.lock(Mode::Exclusive, waits) {
        Ok(_lock) => refuse_existing(vault),
        Err(error) if error.code() == Code::LockTimeout => Err(error),
        Err(_) => refused,
    }
}

fn refuse_existing(vault: &Vault) -> Result<()> {
    let home = &vault.home;
    if home.kind(SETTINGS)?.is_some() {
        return fail(Code::Exists, format!("there is a vault in {} already", shown(home.path())))
            .map_err(|e: Error| e.with_remedy("use it, or name another home with --home"));
    }
    if !vault.slots()?.is_empty() || home.kind(AGENTS)?.is_some() {
        return fail(
            Code::Exists,
            format!("{} holds unlock files or records of a vault without vault.json", shown(home.path())),
        )
        .map_err(|e: Error| {
            e.with_remedy(
                "run `strongroom doctor --repair`; where the unlock files are lost, `strongroom recover`",
            )
        });
    }
    Ok(())
}

/// Appends an event to the vault's own log. The caller holds the vault's lock exclusively.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn log_event(vault: &Vault, keys: &Keys, now: i64, event: Event) -> Result<()> {
    let tail = log::tail(&vault.home)?;
    log::append(&vault.home, &log::lines(keys, Scope::Vault, &tail, now, &[event])?)?;
    vault.home.sync()?;
    Ok(())
}
