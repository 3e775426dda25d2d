//! The home: its permissions, `vault.json`, and what does not belong there.

use super::Finding;

use crate::error::{Error, Result};
use crate::vault::home::{AGENTS, SETTINGS, Session, Vault, Waits};
use crate::vault::id::quoted;

const CHECK: &str = "home";

/// Checks the home's permissions and names.
///
/// # Errors
/// Those of reading it.
pub fn check(vault: &Vault, damaged: Option<&Error>) -> Result<Vec<Finding>> {
    let mut found = vec![Finding::ok(
        CHECK,
        format!(
            "{} is your own, and nobody else can write to it",
            strongroom_backends::shown(vault.home.path())
        ),
    )];
    found.extend(vault.notices.iter().map(|notice| Finding::note(CHECK, notice.clone())));
    if let Some(error) = damaged {
        found.push(Finding::wrong(CHECK, error.what(), "run `strongroom doctor --repair`"));
    }
    let ours = [SETTINGS, AGENTS, "lock", "lock.holder", "unlock", "log.jsonl"];
    for name in vault.home.names()? {
        if !ours.contains(&name.as_str()) {
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
pub fn settings(vault: &Vault, session: &mut Session, repair: bool, waits: &Waits) -> Result<Finding> {
    let due = session.settings();
    if vault.settings.as_ref() == Some(&due) {
        return Ok(Finding::ok(CHECK, "vault.json says what the unlock files say"));
    }
    let what = match vault.settings {
        Some(_) => "vault.json does not say what the unlock files say",
        None => "vault.json is missing or damaged",
    };
    let finding = Finding::wrong(CHECK, what, "run `strongroom doctor --repair`");
    if repair {
        let _lock = vault.keys_alone(session, waits)?;
        vault.home.replace(SETTINGS, &session.settings().to_bytes()?)?;
        return Ok(finding.mended());
    }
    Ok(finding)
}
