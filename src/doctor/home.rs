//! The home: its permissions, `vault.json`, and what does not belong there.

use strongroom_backends::StoreError;
use strongroom_backends::fs::{lock, queue};

use super::{Finding, Level};
use crate::error::{Error, Result};
use crate::messages;
use crate::vault::anchor::Remembered;
use crate::vault::anchor::accept_rollback;
use crate::vault::home::{AGENTS, LockWait, Session, VAULT_FILE, Vault, VaultFile};
use crate::vault::id::quoted;
use crate::vault::{ledger, log, settings};

const CHECK: &str = "home";
const ANCHOR: &str = "anchor";

/// Checks the home's permissions and names.
///
/// # Errors
/// Those of reading it.
pub fn check(vault: &Vault, damaged: Option<&Error>) -> Result<Vec<Finding>> {
    let mut found = vec![Finding::ok(CHECK, messages::doctor::home_is_private(vault.home().path()))];
    found.extend(vault.notices().iter().map(|notice| Finding::note(CHECK, notice.clone())));
    if let Some(error) = damaged {
        found.push(Finding::wrong(CHECK, messages::doctor::damaged_vault_file(error)));
    }
    let locks = [lock::FILE, lock::HOLDER, queue::FILE];
    let ours = [VAULT_FILE, settings::FILE, ledger::FILE, AGENTS, "unlock", log::FILE];
    for name in vault.home().names()? {
        if !ours.contains(&name.as_str()) && !locks.contains(&name.as_str()) && !name.starts_with("log-") {
            found.push(Finding::note(CHECK, messages::doctor::foreign_name(&quoted(&name))));
        }
    }
    Ok(found)
}

/// Checks whether `vault.json` matches an unlock file that was opened; with `repair`, writes it again.
///
/// # Errors
/// Those of writing it.
pub fn vault_file(vault: &Vault, session: &mut Session, repair: bool, waits: &LockWait) -> Result<Finding> {
    let due = VaultFile::of(&session.keys().vault);
    if vault.file() == Some(&due) {
        return Ok(Finding::ok(CHECK, messages::doctor::VAULT_FILE_MATCHES));
    }
    let problem = match vault.file() {
        Some(_) => messages::doctor::vault_file_differs(),
        None => messages::doctor::no_vault_file(),
    };
    let finding = Finding::wrong(CHECK, problem);
    if repair {
        let _lock = vault.keys_alone(session, waits)?;
        vault.home().replace(VAULT_FILE, &VaultFile::of(&session.keys().vault).to_bytes()?)?;
        return Ok(finding.as_repaired());
    }
    Ok(finding)
}

/// Checks what this machine remembers of the home, and what it therefore refuses to write.
///
/// # Errors
/// Those of reading the home.
pub fn standing(vault: &Vault, session: &Session) -> Result<Vec<Finding>> {
    let refusals = accept_rollback::refusals(vault, session)?;
    let mut found: Vec<Finding> = refusals
        .iter()
        .map(|refusal| Finding::wrong(ANCHOR, messages::doctor::read_only(&refusal.what, refusal.remedy())))
        .collect();
    let Ok(ring) = session.keys().own() else { return Ok(found) };
    // If it is not a directory at all, that is reported below, as on a machine that keeps nothing.
    let denied = vault.anchors().denied(ring.vault.as_str());
    if let Some(error) = denied.filter(|error| !matches!(error, StoreError::Unsafe { .. })) {
        let is_frozen = matches!(error, StoreError::ReadOnly(_));
        let finding = Finding::wrong(ANCHOR, messages::doctor::no_anchor(&Error::from(error)));
        found.push(if is_frozen { Finding { level: Level::Note, ..finding } } else { finding });
        return Ok(found);
    }
    let dir = vault.anchors().setup().dir.as_deref().map(strongroom_backends::shown);
    match (vault.anchors().of(&ring)?, dir) {
        (Remembered::Nowhere, _) | (_, None) => {
            found.push(Finding::advice(ANCHOR, messages::doctor::anchor_unknown()));
        }
        (Remembered::NoHome | Remembered::Nothing, Some(dir)) if !vault.anchors().setup().can_remember() => {
            found.push(Finding::advice(ANCHOR, messages::doctor::anchor_not_writable(&dir)));
        }
        (Remembered::NoHome | Remembered::Nothing, Some(dir)) => {
            found.push(Finding::advice(ANCHOR, messages::doctor::anchor_empty(&dir)));
        }
        (_, Some(dir)) if refusals.is_empty() => {
            found.push(Finding::ok(ANCHOR, messages::doctor::anchor_matches(&dir)));
        }
        _ => {}
    }
    Ok(found)
}
