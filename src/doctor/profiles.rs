//! Records, indexes, logs and unfinished changes of every agent.

use super::Finding;
use crate::error::{Code, Result};
use crate::vault::agent::TXN_STAGE;
use crate::vault::home::{Session, Vault, Waits};
use crate::vault::log;
use crate::vault::transaction::{Change, Outcome, reader_of};
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
pub fn check(vault: &Vault, session: &Session) -> Result<Vec<Finding>> {
    let verified = verify::verify(vault, session)?;
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
        "index" => {
            "repair the index, or move it away and run `strongroom doctor --repair`: no credential is lost"
        }
        _ => "restore the file from a backup, or paste the credential again",
    }
}

/// Finishes what is unfinished and lists records that an index does not name, but for those that
/// the log says were removed.
///
/// # Errors
/// Those of locking and writing; `INDEX_UNREADABLE` leaves that agent as it is.
pub fn repair(vault: &Vault, session: &mut Session, waits: &Waits) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
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
        let reader = reader_of(&writer.agent, &vault.home, writer.keys)?;
        let Ok(index) = reader.index() else { continue };
        let log = writer.agent.dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
        let known = log::all_last_known(&log);
        let mut change = Change::default();
        let mut listed = Vec::new();
        for id in reader.record_ids()?.into_iter().filter(|id| !index.contains(id.as_str())) {
            let Ok(Some(record)) = reader.record(&id) else { continue };
            let removed =
                known.get(id.as_str()).is_some_and(|k| k.removed && k.generation >= record.generation);
            if !removed {
                change.list(&name, &record, "file");
                listed.push(id.to_string());
            }
        }
        if listed.is_empty() {
            continue;
        }
        let Outcome { unfinished, .. } = change.commit(&writer.agent, writer.keys, writer.now)?;
        if let Some(error) = unfinished {
            return Err(error);
        }
        let what = format!("agent {name}: listed {} again: {}", listed.len(), listed.join(", "));
        found.push(Finding::note(CHECK, what).mended());
    }
    Ok(found)
}
