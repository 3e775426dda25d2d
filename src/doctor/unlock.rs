//! The unlock methods, and whether the vault can be unlocked.

use std::path::PathBuf;

use strongroom_backends::{StoreError, key_file};

use super::Finding;
use crate::error::{Code, Error, Result};
use crate::messages;
pub use crate::messages::doctor::ONLY_KEYCHAIN;
use crate::messages::doctor::Problem;
use crate::seal::unlock_file::Kind;
use crate::time::local;
use crate::unlock::{Opened, keychain_key};
use crate::vault::home::{Session, Vault};

const CHECK: &str = "unlock";

/// Checks the unlock files.
///
/// # Errors
/// Those of reading them.
pub fn check(vault: &Vault) -> Result<Vec<Finding>> {
    let slots = vault.slots()?;
    let mut found = Vec::new();
    for slot in &slots {
        found.push(match &slot.kind {
            Ok((Kind::Key, _)) => Finding::ok(CHECK, messages::doctor::by_key(&slot.method)),
            Ok((Kind::Passphrase, _)) => Finding::ok(CHECK, messages::doctor::by_passphrase(&slot.method)),
            Err(error) => Finding::wrong(CHECK, messages::doctor::damaged_method(&slot.method, error)),
        });
    }
    // If there is no method at all, unlocking says so.
    if slots.len() == 1 && keychain_key::is_unseen(vault.home()) {
        found.push(Finding::advice(CHECK, messages::doctor::only_keychain()));
    } else if slots.len() == 1 {
        found.push(Finding::advice(CHECK, messages::doctor::only_one_method()));
    }
    Ok(found)
}

/// Notes which of these files others can read; they are accepted because a container's runtime mounts them so.
#[must_use]
pub fn mounted(files: &[(&str, PathBuf)]) -> Vec<Finding> {
    let note = |(what, path): &(&str, PathBuf)| {
        let mount = key_file::mount(path)?;
        Some(Finding::advice(CHECK, messages::doctor::mounted(what, path, mount.told())))
    };
    files.iter().filter_map(note).collect()
}

/// Finds which of these files another user could replace.
#[must_use]
pub fn places(files: &[(&str, PathBuf)]) -> Vec<Finding> {
    let found = files.iter().filter(|(_, path)| key_file::exists(path)).filter_map(|(what, path)| {
        let Err(StoreError::Unsafe { path: at, why }) = key_file::check_place(path) else { return None };
        Some(Finding::wrong(CHECK, messages::doctor::replaceable(what, path, &at, why)))
    });
    found.collect()
}

/// Says whether the vault was unlocked, and how.
#[must_use]
pub fn opened(session: &std::result::Result<Session, Error>, by_passphrase: bool) -> Finding {
    match session {
        Ok(session) if session.pending().is_some() => {
            Finding::wrong(CHECK, messages::doctor::unfinished_keys())
        }
        Ok(session) => match session.opened() {
            Opened::By(unlocked) => Finding::ok(CHECK, messages::doctor::unlocked_with(&unlocked.from)),
            Opened::Cached(cache) => {
                Finding::ok(CHECK, messages::doctor::unlocked_from_cache(&local(cache.until)))
            }
        },
        // A vault that needs a passphrase is fine, even if there is no one to type it.
        Err(error) if error.code() == Code::Locked && by_passphrase => {
            Finding::advice(CHECK, Problem::new(error.what(), error.remedy()))
        }
        Err(error) => Finding::met(CHECK, error),
    }
}
