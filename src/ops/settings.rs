//! Reads and changes the settings.

use super::notice::Notice;
use super::open::Open;
use crate::error::{Code, Error, Result};
use crate::unlock::cache;
use crate::vault::home::{Session, Vault};
use crate::vault::settings::{Key, Settings};
use crate::vault::store::Store;

/// The settings, and why they were not verified.
#[derive(Debug)]
pub struct Read {
    /// What applies.
    pub settings: Settings,
    /// Why they are not verified, if they are not.
    pub unverified: Option<Unverified>,
}

/// Why settings are not verified.
#[derive(Debug)]
pub enum Unverified {
    /// The vault could not be unlocked without asking; the settings are what the file says.
    Locked(Error),
    /// They are not as this version of the vault wrote them; the defaults apply, except to output.
    Refused(Error),
}

/// Returns the settings, verified if there is a session. `claimed` is what the file says.
#[must_use]
pub fn read(vault: &Vault, session: Result<Session>, claimed: &Settings) -> Read {
    let error = match session.and_then(|session| vault.settings(session.keys())) {
        Ok(settings) => return Read { settings, unverified: None },
        Err(error) => error,
    };
    if matches!(error.code(), Code::Tampered | Code::NewerFormat) {
        let settings =
            Settings { time_zone: claimed.time_zone.clone(), color: claimed.color, ..Settings::default() };
        return Read { settings, unverified: Some(Unverified::Refused(error)) };
    }
    Read { settings: claimed.clone(), unverified: Some(Unverified::Locked(error)) }
}

/// Changes a setting; without a value, to the default. Returns the settings before, or `None` if it had that value.
///
/// # Errors
/// `USAGE` or `INVALID_AGENT` for a value that the setting cannot have; those of the keychain, if it becomes the default
/// store; those of the vault.
pub fn set(open: &mut Open<'_>, key: Key, value: Option<&str>) -> Result<Option<Settings>> {
    if key == Key::DefaultStore && value == Some(Store::Keychain.as_str()) {
        open.vault.keychain().ready()?;
    }
    put(open, "settings", key, value)
}

/// Changes a setting for a command, without asking whether its value can be used.
pub(super) fn put(
    open: &mut Open<'_>,
    command: &str,
    key: Key,
    value: Option<&str>,
) -> Result<Option<Settings>> {
    let waits = open.waits(command);
    let before = open.vault.set(&mut open.session, key, value, &waits)?;
    // Keys that are cached for one agent alone come with the old default store.
    if let (Key::DefaultStore, Some(before)) = (key, &before)
        && let Err(error) = cache::forget_agents(&open.session.keys().vault, open.vault.home().path())
        && error.code() != Code::KeyringUnavailable
    {
        open.tell(&Notice::CachedStoreStays { before: before.default_store, error });
    }
    Ok(before)
}
