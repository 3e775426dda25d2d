//! The unlock methods, and whether the key is at hand.

use super::Finding;
use crate::error::{Error, Result};
use crate::seal::unlock_file::Kind;
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
    if slots.len() == 1 {
        found.push(Finding::note(CHECK, "there is one unlock method only").with_remedy(
            "keep the output of `strongroom recovery-key` in a safe place, or add another method",
        ));
    }
    Ok(found)
}

/// Whether the vault opened, and how.
#[must_use]
pub fn opened(session: &std::result::Result<Session, Error>) -> Finding {
    match session {
        Ok(session) if session.unlocked.payload.pending.is_some() => Finding::wrong(
            CHECK,
            "a change of keys was cut short",
            "run `strongroom rekey` (or `recover`) again to finish it",
        ),
        Ok(session) => Finding::ok(CHECK, format!("opened by {}", session.unlocked.from)),
        Err(error) => Finding::wrong(CHECK, error.what(), error.remedy().to_owned()),
    }
}
