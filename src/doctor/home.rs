//! The home: its permissions, `vault.json`, and what does not belong there.

use strongroom_backends::StoreError;
use strongroom_backends::fs::{lock, queue};

use super::{Finding, Level};
use crate::error::{Error, Result};
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
    let mut found = vec![Finding::ok(
        CHECK,
        format!(
            "{} is your own, and nobody else can write to it",
            strongroom_backends::shown(vault.home().path())
        ),
    )];
    found.extend(vault.notices().iter().map(|notice| Finding::note(CHECK, notice.clone())));
    if let Some(error) = damaged {
        found.push(Finding::wrong(CHECK, error.what(), "run `strongroom doctor --repair`"));
    }
    let locks = [lock::FILE, lock::HOLDER, queue::FILE];
    let ours = [VAULT_FILE, settings::FILE, ledger::FILE, AGENTS, "unlock", log::FILE];
    for name in vault.home().names()? {
        if !ours.contains(&name.as_str()) && !locks.contains(&name.as_str()) && !name.starts_with("log-") {
            found
                .push(Finding::note(CHECK, format!("{} in the home is none of Strongroom's", quoted(&name))));
        }
    }
    Ok(found)
}

/// Whether `vault.json` says what an opened unlock file says; with `repair` it is written again.
///
/// # Errors
/// Those of writing it.
pub fn vault_file(vault: &Vault, session: &mut Session, repair: bool, waits: &LockWait) -> Result<Finding> {
    let due = VaultFile::of(&session.keys().vault);
    if vault.file() == Some(&due) {
        return Ok(Finding::ok(CHECK, "vault.json says what the unlock files say"));
    }
    let what = match vault.file() {
        Some(_) => "vault.json does not say what the unlock files say",
        None => "vault.json is missing or damaged",
    };
    let finding = Finding::wrong(CHECK, what, "run `strongroom doctor --repair`");
    if repair {
        let _lock = vault.keys_alone(session, waits)?;
        vault.home().replace(VAULT_FILE, &VaultFile::of(&session.keys().vault).to_bytes()?)?;
        return Ok(finding.mended());
    }
    Ok(finding)
}

/// What this machine remembers of the home, and what it refuses to write for that.
///
/// # Errors
/// Those of reading the home.
pub fn standing(vault: &Vault, session: &Session) -> Result<Vec<Finding>> {
    let refusals = accept_rollback::refusals(vault, session)?;
    let mut found: Vec<Finding> = refusals
        .iter()
        .map(|refusal| {
            let what = format!("{}; it is read, and not written", refusal.what);
            Finding::wrong(ANCHOR, what, refusal.remedy())
        })
        .collect();
    let Ok(ring) = session.keys().own() else { return Ok(found) };
    // What is no directory at all is told below, as on a machine that keeps nothing.
    let denied = vault.anchors().denied(ring.vault.as_str());
    if let Some(error) = denied.filter(|error| !matches!(error, StoreError::Unsafe { .. })) {
        let is_frozen = matches!(error, StoreError::ReadOnly(_));
        let error = Error::from(error);
        let what = format!("this machine cannot remember the home's state: {}", error.what());
        let finding = Finding::wrong(ANCHOR, what, error.remedy().to_owned());
        found.push(if is_frozen { Finding { level: Level::Note, ..finding } } else { finding });
        return Ok(found);
    }
    let dir = vault.anchors().setup().dir.as_deref().map(strongroom_backends::shown);
    match (vault.anchors().of(&ring)?, dir) {
        (Remembered::Nowhere, _) | (_, None) => found.push(
            Finding::note(ANCHOR, "no place is known where this machine could remember the home's state")
                .with_remedy("name one with --anchor DIR, so that an older copy of the home is noticed"),
        ),
        (Remembered::NoHome | Remembered::Nothing, Some(dir)) if !vault.anchors().setup().can_remember() => {
            found.push(
                Finding::note(
                    ANCHOR,
                    format!("{dir} cannot be written, so an older copy of the home is not noticed"),
                )
                .with_remedy("make it a directory that you can write, or name another with --anchor DIR"),
            );
        }
        (Remembered::NoHome | Remembered::Nothing, Some(dir)) => found.push(
            Finding::note(ANCHOR, format!("{dir} remembers nothing of this home yet"))
                .with_remedy("the next change, or `strongroom doctor --repair`, begins it"),
        ),
        (_, Some(dir)) if refusals.is_empty() => {
            found.push(Finding::ok(ANCHOR, format!("the home is the latest that {dir} remembers")));
        }
        _ => {}
    }
    Ok(found)
}
