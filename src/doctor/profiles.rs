//! Records, indexes, logs and unfinished changes of every agent.

use strongroom_backends::fs::dir::Dir;

use super::{Finding, Level};
use crate::error::{Code, Result};
use crate::vault::agent::TXN_STAGE;
use crate::vault::change::{Change, Outcome};
use crate::vault::home::{Session, Vault, Waits};
use crate::vault::init::{holds_nothing, log_event};
use crate::vault::log::{self, Event, Scope};
use crate::vault::reader::Found;
use crate::vault::rekey::anchored;
use crate::vault::settle;
use crate::vault::transaction::reader_of;
use crate::vault::verify;

const CHECK: &str = "profiles";

/// Checks what can be seen without a key.
///
/// # Errors
/// Those of reading the directories.
pub fn check_locked(vault: &Vault) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        let (ids, strange) = agent.record_ids()?;
        match agent.index() {
            Ok(index) => {
                let unlisted = ids.iter().filter(|id| !index.contains(id.as_str())).count();
                if unlisted > 0 {
                    found.push(Finding::wrong(
                        CHECK,
                        format!(
                            "agent {name}: records that the index does not list: {unlisted}; none is lost"
                        ),
                        "run `strongroom doctor --repair`",
                    ));
                }
            }
            Err(error) => {
                let what = format!("agent {name}: {}", error.what());
                found.push(Finding::wrong(CHECK, what, error.remedy().to_owned()));
            }
        }
        if agent.has_unfinished()? {
            found.push(Finding::note(
                CHECK,
                format!("agent {name}: a committed change is not yet put in place"),
            ));
        }
        if !strange.is_empty() {
            let what = format!(
                "agent {name}: files among the records that are none of Strongroom's: {}",
                strange.len()
            );
            found.push(Finding::note(CHECK, what));
        }
    }
    Ok(found)
}

/// Checks everything with the keys.
///
/// # Errors
/// Those of reading the home.
pub fn check(vault: &Vault, session: &Session, waits: &Waits) -> Result<Vec<Finding>> {
    let verified = verify::verify(vault, session, waits)?;
    let mut found: Vec<Finding> = verified
        .findings
        .iter()
        .map(|finding| {
            let of = finding.agent.as_ref().map_or_else(String::new, |agent| format!("agent {agent}: "));
            let what = format!("{of}{}", finding.what);
            if finding.notice {
                Finding::note(CHECK, what)
            } else {
                Finding::wrong(CHECK, what, remedy(finding.kind))
            }
        })
        .collect();
    if verified.is_clean() {
        found.push(Finding::ok(
            CHECK,
            format!(
                "records that open and are listed: {}; log lines that verify: {}",
                verified.records, verified.log_lines
            ),
        ));
    }
    Ok(found)
}

fn remedy(kind: &str) -> &'static str {
    match kind {
        "unlisted" => "run `strongroom doctor --repair`",
        "missing" => "paste it again, or remove it: strongroom remove <profile>",
        "rolled_back" | "removed" => {
            "somebody put an old file back; if it was not you, rotate this credential and look at who can write here"
        }
        "drift" => {
            "the index was edited; `strongroom rotate` or `rename` writes the entry anew, the record governs until then"
        }
        "plaintext" => "import the file, then remove the entry and revoke the secret at its provider",
        "keychain" => "see what is said of the keychain, and run `strongroom doctor` again",
        "index" => {
            "repair the index, or move it away and run `strongroom doctor --repair`: no credential is lost"
        }
        _ => "restore the file from a backup, or paste the credential again",
    }
}

/// Begins logs anew that are gone or end in damage. Only where every record opens: otherwise the
/// keys may be old ones that somebody put back.
///
/// # Errors
/// Those of locking and writing.
fn repair_logs(vault: &Vault, session: &mut Session, waits: &Waits) -> Result<Vec<Finding>> {
    let _lock = vault.keys_alone(session, waits)?;
    let keys = &session.keys;
    let mut found = Vec::new();
    let ends = |scope: Scope<'_>, dir: &Dir| log::check_end(keys, scope, dir).unwrap_or(false);
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        if ends(Scope::Agent(&name), &agent.dir) || agent.has_unfinished()? {
            continue;
        }
        let log = agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
        let reader = reader_of(&agent, &vault.home, keys, &vault.keychain)?;
        let ids = match reader.record_ids() {
            Ok(ids) => ids,
            Err(error) => {
                let what = format!("agent {name}: the log is gone or damaged; {}", error.what());
                found.push(Finding::wrong(CHECK, what, error.remedy().to_owned()));
                continue;
            }
        };
        if ids.is_empty() && log.is_empty() {
            continue;
        }
        let mut change = Change::default();
        let mut unreadable = 0;
        change.note(anchored("log-restart", &log, 1));
        for id in &ids {
            match reader.record(id) {
                Ok(Some(record)) => change.note(Event::of("relist", id, Some(record.generation))),
                _ => unreadable += 1,
            }
        }
        if unreadable > 0 {
            found.push(Finding::wrong(
                CHECK,
                format!("agent {name}: the log is gone or damaged, and {unreadable} records do not open"),
                "restore the whole home from one backup; its unlock files, records and logs belong together",
            ));
            continue;
        }
        if let Some(error) = change.commit(&agent, keys, waits.now)?.unfinished {
            return Err(error);
        }
        found.push(Finding::note(CHECK, format!("agent {name}: began the change log anew")).mended());
    }
    if !ends(Scope::Vault, &vault.home) {
        if let Some(wrong) = found.iter().find(|finding| finding.level == Level::Wrong) {
            return Ok(vec![wrong.clone()]);
        }
        let log = vault.home.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
        // An empty log of a vault without records lost nothing: its `init` was cut short.
        let lost = !log.is_empty() || !holds_nothing(vault)?;
        log_event(vault, keys, waits.now, anchored("log-restart", &log, u64::from(lost)))?;
        found.push(Finding::note(CHECK, "began the vault's own change log anew").mended());
    }
    Ok(found)
}

/// Finishes what is unfinished and lists records that an index does not name, but for those that
/// the log says were removed.
///
/// # Errors
/// Those of locking and writing; `INDEX_UNREADABLE` leaves that agent as it is.
pub fn repair(vault: &Vault, session: &mut Session, waits: &Waits) -> Result<Vec<Finding>> {
    let mut found = repair_logs(vault, session, waits)?;
    for name in vault.agents()? {
        let Some(agent) = vault.agent(&name)? else { continue };
        let unfinished = agent.has_unfinished()? || agent.dir.kind(TXN_STAGE)?.is_some();
        drop(agent);
        let writer = match vault.writer(session, &name, waits) {
            Ok(writer) => writer,
            Err(error) if matches!(error.code(), Code::IndexUnreadable | Code::Corrupt | Code::Tampered) => {
                found.push(Finding::wrong(
                    CHECK,
                    format!("agent {name}: {}", error.what()),
                    error.remedy().to_owned(),
                ));
                continue;
            }
            Err(error) => return Err(error),
        };
        if unfinished {
            found.push(
                Finding::note(CHECK, format!("agent {name}: finished a change that was cut short")).mended(),
            );
        }
        let reader = reader_of(&writer.agent, &vault.home, writer.keys, &vault.keychain)?;
        let Ok(index) = reader.index() else { continue };
        let log = writer.agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
        let known = log::all_last_known(&log);
        let mut change = Change::default();
        let mut listed = Vec::new();
        // Without the keychain, what can be seen without it.
        let ids = reader.record_ids().or_else(|_| reader.local_ids())?;
        for id in ids.into_iter().filter(|id| !index.contains(id.as_str())) {
            let Ok(Some(Found { record, store, .. })) = reader.found(&id) else { continue };
            let removed =
                known.get(id.as_str()).is_some_and(|k| k.removed && k.generation >= record.generation);
            if !removed {
                change.list(&name, &record, store);
                listed.push(id.to_string());
            }
        }
        if listed.is_empty() {
            let Outcome { keychain, .. } = writer.settled(Outcome::default())?;
            found.extend(keychain.map(|error| Finding::note(CHECK, settle::told(&error))));
            continue;
        }
        let Outcome { unfinished, .. } = writer.commit(change)?;
        if let Some(error) = unfinished {
            return Err(error);
        }
        let what = format!("agent {name}: listed {} again: {}", listed.len(), listed.join(", "));
        found.push(Finding::note(CHECK, what).mended());
    }
    Ok(found)
}
