//! Makes a vault: the key, the unlock file, and `vault.json` last.

use std::path::Path;

use strongroom_backends::fs::home;
use strongroom_backends::fs::lock::Mode;

use crate::error::{Code, Result};
use crate::messages;
use crate::unlock::MethodSecret;
use crate::unlock::payload::Payload;
use crate::unlock::unlock_files;
use crate::vault::home::{AGENTS, LockWait, Session, Setup, VAULT_FILE, Vault, of_home};
use crate::vault::log::Event;
use crate::vault::settings::Settings;
use crate::vault::vault_ledger::{Edit, VaultLedger};

/// A vault that is to be made.
#[derive(Debug)]
pub struct NewVault<'a> {
    /// The generated keys, which go into the unlock file.
    pub payload: Payload,
    /// The secret that unlocks it.
    pub secret: &'a MethodSecret,
    /// Its settings.
    pub settings: Settings,
}

/// Makes a vault in a home that has none. What an `init` leaves that was interrupted before its commit does not count.
///
/// # Errors
/// `EXISTS` if there is a vault, or the remains of one: its key is never overwritten.
pub fn init(path: &Path, made_of: NewVault<'_>, setup: &Setup, waits: &LockWait) -> Result<Payload> {
    let NewVault { payload, secret, settings } = made_of;
    let home = home::create(path).map_err(of_home)?.dir;
    let vault = Vault::at(home, setup);
    let _lock = vault.lock(Mode::Exclusive, waits)?;
    refuse_existing(&vault)?;
    let ring = payload.keys()?.own()?;
    let edit = Edit {
        methods: vec![(payload.method.clone(), unlock_files::seal(&payload, &secret.method_key(None)?)?)],
        settings: Some(settings.to_bytes(&ring)?),
        events: vec![Event::of_method("init", &payload.method)],
        now: waits.now,
        ..Edit::default()
    };
    vault.commit_own(&ring, &VaultLedger::default(), &edit)?;
    Ok(payload)
}

/// Finishes an `init` that was interrupted after its commit. Does nothing if `vault.json` exists.
///
/// # Errors
/// Those of locking and writing.
pub fn finish(vault: &Vault, session: &mut Session, waits: &LockWait) -> Result<()> {
    if vault.file.is_none() {
        drop(vault.keys_alone(session, waits)?);
    }
    Ok(())
}

/// Makes sure that there is something at a path, or that a home can be made there.
///
/// # Errors
/// `UNSAFE_HOME`, `IO`.
pub fn check_place(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    home::check_place(path).map_err(of_home)
}

/// Makes the home's directory, so that its canonical path is known.
///
/// # Errors
/// `UNSAFE_HOME`, `IO`.
pub fn prepare(path: &Path) -> Result<()> {
    home::create(path).map_err(of_home).map(|_| ())
}

/// Refuses a home that has a vault or the remains of one. Another command may be making the vault, so this waits for
/// its lock before it judges remains.
///
/// # Errors
/// `EXISTS`, `LOCK_TIMEOUT`.
pub fn refuse_taken(vault: &Vault, waits: &LockWait) -> Result<()> {
    let refused = refuse_existing(vault);
    if refused.is_ok() || vault.home.kind(VAULT_FILE)?.is_some() {
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
    if home.kind(VAULT_FILE)?.is_some() {
        return Err(messages::vault::home::vault_exists(home.path()));
    }
    if !vault.slots()?.is_empty() || home.kind(AGENTS)?.is_some() {
        return Err(messages::vault::home::remains_exist(home.path()));
    }
    Ok(())
}
