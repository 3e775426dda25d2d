//! Records, indexes, logs and unfinished changes of every agent.

use strongroom_backends::fs::home::ANOTHERS;

use super::Finding;
use crate::error::{Code, Result};
use crate::permission;
use crate::vault::agent::TXN_STAGE;
use crate::vault::home::{LockWait, Session, Vault, Writer};
use crate::vault::index::{Index, Mark};
use crate::vault::keychain::sync;
use crate::vault::log;
use crate::vault::reader::Found;
use crate::vault::settings::Settings;
use crate::vault::transaction::change::{Change, Outcome};
use crate::vault::transaction::journal::{self, Journal};
use crate::vault::vault_ledger::{Edit, VaultLedger};
use crate::vault::verify;

const CHECK: &str = "profiles";

/// Checks what can be seen without a key.
///
/// # Errors
/// Those of reading the directories.
pub fn check_locked(vault: &Vault) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for agent in vault.each_agent()? {
        let agent = agent?;
        let name = agent.name();
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
                found.extend(index.exposed().into_iter().map(|(_, what)| {
                    Finding::wrong(CHECK, format!("agent {name}: {what}"), remedy("plaintext"))
                }));
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
pub fn check(vault: &Vault, session: &Session, waits: &LockWait) -> Result<Vec<Finding>> {
    let verified = verify::verify(vault, session, waits)?;
    // What the anchor or a ledger says is told by itself.
    let of_ledgers = |finding: &&verify::Finding| {
        finding.kind == "ledger" || (finding.kind == "rolled_back" && finding.profile.is_none())
    };
    let mut found: Vec<Finding> = verified
        .findings
        .iter()
        .filter(|finding| !of_ledgers(finding))
        .map(|finding| {
            let of = finding.agent.as_ref().map_or_else(String::new, |agent| format!("agent {agent}: "));
            let what = format!("{of}{}", finding.what);
            match (finding.notice, &finding.remedy) {
                (true, None) => Finding::note(CHECK, what),
                (true, Some(remedy)) => Finding::note(CHECK, what).with_remedy(remedy.clone()),
                (false, Some(remedy)) => Finding::wrong(CHECK, what, remedy.clone()),
                (false, None) if finding.what.contains(ANOTHERS) => {
                    Finding::wrong(CHECK, what, permission::give_back(vault.home().path()))
                }
                (false, None) => Finding::wrong(CHECK, what, remedy(finding.kind)),
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
        "missing" => "paste it again, or remove the profile",
        "lost" => "restore it from a backup, or remove the method and add it again",
        "unknown" => "look at it before you remove its file",
        "rolled_back" | "removed" => {
            "somebody put an old file back; if it was not you, paste this credential again and look at who can write here"
        }
        "writable" => "remove write access for others: chmod -R go-w, as the owner of the home",
        "method" => {
            "somebody put an unlock file there: it opens nothing; remove it, and look at who can write here"
        }
        "recovery" => "run `strongroom rekey`, and keep the new recovery key",
        "unlisted" | "log" | "settings" => "run `strongroom doctor --repair`",
        "drift" => "run `strongroom doctor --repair`; until then the record governs",
        "plaintext" => {
            "to keep it, run `strongroom rotate ID` for a profile of the vault, or `strongroom import` for an entry of another program; then remove it from the index, and renew it at its provider"
        }
        "keychain" => "see what is said of the keychain, and run `strongroom doctor` again",
        "index" => {
            "repair the index, or move it away and run `strongroom doctor --repair`: no credential is lost"
        }
        _ => "restore the file from a backup, or paste the credential again",
    }
}

/// Begins logs anew that are gone or damaged, and settings that are not as the vault made them. What is
/// there of a log is set by.
fn repair_own(vault: &Vault, session: &mut Session, waits: &LockWait) -> Result<Vec<Finding>> {
    let _lock = vault.keys_alone(session, waits)?;
    let Ok(ring) = session.keys().own() else { return Ok(Vec::new()) };
    let own: VaultLedger = match vault.own(&ring, false) {
        Ok(own) => own,
        // Told by itself, with its way out.
        Err(error) if matches!(error.code(), Code::Tampered) => return Ok(Vec::new()),
        Err(error) if error.code() == Code::Config => {
            vault.remember(&ring)?;
            vault.own(&ring, false)?
        }
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    let mut edit = Edit { now: waits.now, ..Edit::default() };
    if log::verify(&ring, &own.log_files(vault.home())?, &own.log)?.wrong > 0 {
        edit.restarts_log = Some(waits.now.to_string());
        found.push(
            Finding::note(CHECK, "began the vault's own change log anew; the old one is set by").mended(),
        );
    }
    // Those that cannot be read may be as the vault made them.
    if vault.settings(session.keys()).is_err_and(|error| error.code() != Code::Io) {
        edit.settings = Some(Settings::default().to_bytes(&ring)?);
        found.push(Finding::note(CHECK, "wrote settings.json anew, with the defaults").mended());
    }
    if !found.is_empty() {
        vault.commit_own(&ring, &own, &edit)?;
    }
    vault.remember(&ring)?;
    Ok(found)
}

/// Finishes what is unfinished, lists what an index has lost or says otherwise than the ledger, and begins
/// a damaged log anew.
///
/// # Errors
/// Those of locking and writing; an agent whose index or ledger cannot be read is left as it is.
pub fn repair(vault: &Vault, session: &mut Session, waits: &LockWait) -> Result<Vec<Finding>> {
    let mut found = repair_own(vault, session, waits)?;
    for agent in vault.each_agent()? {
        let agent = agent?;
        let name = agent.name().clone();
        let unfinished = agent.has_unfinished()? || agent.dir().kind(TXN_STAGE)?.is_some();
        drop(agent);
        let (agent, locks) = vault.lock_agent(&name, waits)?;
        let journal = Journal::read(agent.dir())?;
        if let Some(journal) = journal
            && !journal.is_in_place(agent.dir())?
        {
            journal::unmark(agent.dir())?;
        }
        drop((agent, locks));
        let writer = match vault.writer(session, &name, waits) {
            Ok(writer) => writer,
            Err(error) if matches!(error.code(), Code::IndexUnreadable | Code::Corrupt) => {
                found.push(Finding::wrong(
                    CHECK,
                    format!("agent {name}: {}", error.what()),
                    error.remedy().to_owned(),
                ));
                continue;
            }
            // Told by itself, with its way out.
            Err(error) if error.code() == Code::Tampered => continue,
            Err(error) => return Err(error),
        };
        if unfinished {
            found.push(
                Finding::note(CHECK, format!("agent {name}: finished a change that was cut short")).mended(),
            );
        }
        // A part of the ledger that is gone is told by itself, too.
        if writer.book()?.all().is_err() {
            continue;
        }
        let mut change = Change::default();
        if log_is_wrong(&writer)? {
            change.restart_log(&waits.now.to_string());
            let what = format!("agent {name}: began the change log anew; the old one is set by");
            found.push(Finding::note(CHECK, what).mended());
        }
        if let Ok(index) = writer.reader()?.index() {
            let listed = list_again(&writer, &index, &mut change)?;
            if !listed.is_empty() {
                let what = format!("agent {name}: listed {} again: {}", listed.len(), listed.join(", "));
                found.push(Finding::note(CHECK, what).mended());
            }
        }
        if change.is_empty() {
            let Outcome { keychain, .. } = writer.settled(Outcome::default())?;
            found.extend(keychain.map(|error| Finding::note(CHECK, sync::told(&error))));
            continue;
        }
        let Outcome { unfinished, .. } = writer.commit(change)?;
        if let Some(error) = unfinished {
            return Err(error);
        }
    }
    Ok(found)
}

fn log_is_wrong(writer: &Writer<'_>) -> Result<bool> {
    let head = &writer.book()?.ledger.log;
    Ok(log::verify(writer.ring(), &log::read(writer.agent().dir())?, head)?.wrong > 0)
}

/// Has a change list the profiles that an index does not name, or of which it says something else than the
/// ledger and the record.
fn list_again(writer: &Writer<'_>, index: &Index, change: &mut Change) -> Result<Vec<String>> {
    let reader = writer.reader()?;
    let ids = reader.record_ids()?;
    let as_it_is = |id: &str, found: &Found| {
        let entry = index.entry(id)?;
        let mark = Mark::of(found.store, found.record.generation);
        (entry.mark == Some(mark) && verify::drift(writer.agent(), &found.record, &entry).is_empty())
            .then_some(())
    };
    // What fails of it fails again for each profile.
    let _ = reader.fetch(&ids.iter().collect::<Vec<_>>());
    let mut listed = Vec::new();
    for id in ids {
        let Ok(Some(mut found)) = reader.found(&id) else { continue };
        found.store = reader.store_of(&id).unwrap_or(found.store);
        // Another program's secret or reference stands in its place, and would be lost.
        if index.lost_in(id.as_str()).next().is_some() {
            continue;
        }
        if as_it_is(id.as_str(), &found).is_none() {
            change.list(writer.agent().name(), &found.record, found.store);
            listed.push(id.to_string());
        }
    }
    Ok(listed)
}
