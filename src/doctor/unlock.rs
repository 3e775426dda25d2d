//! The unlock methods, and whether the key is at hand.

use std::path::PathBuf;

use strongroom_backends::{StoreError, key_file, shown};

use super::Finding;
use crate::error::{Code, Error, Result};
use crate::seal::unlock_file::Kind;
use crate::time::rfc3339;
use crate::unlock::{Opened, keychain_key};
use crate::vault::home::{Session, Vault};

const CHECK: &str = "unlock";

/// What is said of a key that the keychain alone holds, and that no later command has read back.
pub const ONLY_KEYCHAIN: &str =
    "the keychain alone opens this vault, and no later command has confirmed yet that it kept the key";

/// Checks the unlock files.
///
/// # Errors
/// Those of reading them.
pub fn check(vault: &Vault) -> Result<Vec<Finding>> {
    let slots = vault.slots()?;
    let mut found = Vec::new();
    for slot in &slots {
        found.push(match &slot.kind {
            Ok((Kind::Key, _)) => Finding::ok(CHECK, format!("{}: opened by a 32-byte key", slot.method)),
            Ok((Kind::Passphrase, _)) => {
                Finding::ok(CHECK, format!("{}: opened by a passphrase", slot.method))
            }
            Err(error) => Finding::wrong(
                CHECK,
                format!("{}: {}", slot.method, error.what()),
                "restore the file, or unlock by another method and add this one again",
            ),
        });
    }
    // Where there is none at all, unlocking says so.
    if slots.len() == 1 && keychain_key::is_unseen(vault.home()) {
        found.push(Finding::note(CHECK, ONLY_KEYCHAIN).with_remedy(
            "keep the output of `strongroom recovery-key` in a safe place, or add another method",
        ));
    } else if slots.len() == 1 {
        found.push(Finding::note(CHECK, "there is one unlock method only").with_remedy(
            "keep the output of `strongroom recovery-key` in a safe place, or add another method",
        ));
    }
    Ok(found)
}

/// Notes the files among these that others can read, and that are accepted because a container's runtime mounts
/// them so.
#[must_use]
pub fn mounted(files: &[(&str, PathBuf)]) -> Vec<Finding> {
    let note = |(what, path): &(&str, PathBuf)| {
        let mount = key_file::mount(path)?;
        let told = format!(
            "the {what} {} can be read by other users; accepted because {}",
            shown(path),
            mount.told()
        );
        Some(Finding::note(CHECK, told).with_remedy(
            "if programs of other users run in this container, mount it with `mode: 0400` and the `uid` of the user that runs strongroom (Kubernetes: `defaultMode: 0400`)",
        ))
    };
    files.iter().filter_map(note).collect()
}

/// Finds the files among these that lie where another user could replace them.
#[must_use]
pub fn places(files: &[(&str, PathBuf)]) -> Vec<Finding> {
    let found = files.iter().filter(|(_, path)| key_file::exists(path)).filter_map(|(what, path)| {
        let Err(StoreError::Unsafe { path: at, why }) = key_file::check_place(path) else { return None };
        let told = format!("the {what} {} can be replaced: {} {why}", shown(path), shown(&at));
        Some(Finding::wrong(
            CHECK,
            told,
            "move it into a directory that only you can write, and name it there",
        ))
    });
    found.collect()
}

/// Whether the vault opened, and how.
#[must_use]
pub fn opened(session: &std::result::Result<Session, Error>, by_passphrase: bool) -> Finding {
    match session {
        Ok(session) if session.pending().is_some() => Finding::wrong(
            CHECK,
            "a change of keys was cut short",
            "run `strongroom rekey` (or `recover`) again to finish it",
        ),
        Ok(session) => match session.opened() {
            Opened::By(unlocked) => Finding::ok(CHECK, format!("opened by {}", unlocked.from)),
            Opened::Cached(cache) => {
                Finding::ok(CHECK, format!("opened by the cache, until {}", rfc3339(cache.until)))
            }
        },
        // Without its passphrase a vault is as it should be while nobody is there.
        Err(error) if error.code() == Code::Locked && by_passphrase => {
            Finding::note(CHECK, error.what()).with_remedy(error.remedy().to_owned())
        }
        Err(error) => Finding::wrong(CHECK, error.what(), error.remedy().to_owned()),
    }
}
