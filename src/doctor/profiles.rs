//! Stored profiles, indexes, logs and unfinished changes of every agent.

use strongroom_backends::fs::home::ANOTHERS;

use super::Finding;
use crate::error::{Code, Error, Result};
use crate::messages::doctor as messages;
use crate::messages::doctor::Problem;
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

/// Checks what can be checked without a key.
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
                    found.push(Finding::wrong(CHECK, messages::unlisted(name, unlisted)));
                }
                let exposed = index.exposed().into_iter();
                found.extend(exposed.map(|(_, what)| Finding::wrong(CHECK, messages::exposed(name, &what))));
            }
            Err(error) => found.push(Finding::wrong(CHECK, messages::of_agent(name, &error))),
        }
        if agent.has_unfinished()? {
            found.push(Finding::note(CHECK, messages::unfinished(name)));
        }
        if !strange.is_empty() {
            found.push(Finding::note(CHECK, messages::foreign_files(name, strange.len())));
        }
    }
    Ok(found)
}

/// Checks everything that needs the keys.
///
/// # Errors
/// Those of reading the home.
pub fn check(vault: &Vault, session: &Session, waits: &LockWait) -> Result<Vec<Finding>> {
    let verified = verify::verify(vault, session, waits)?;
    // Findings of the anchor and of ledgers are reported by their own checks.
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
                (true, Some(remedy)) => Finding::advice(CHECK, Problem::new(what, remedy.clone())),
                (false, Some(remedy)) => Finding::wrong(CHECK, Problem::new(what, remedy.clone())),
                (false, None) if finding.what.contains(ANOTHERS) => {
                    Finding::wrong(CHECK, Problem::new(what, permission::give_back(vault.home().path())))
                }
                (false, None) => Finding::wrong(CHECK, Problem::new(what, messages::remedy_of(finding.kind))),
            }
        })
        .collect();
    if verified.is_clean() {
        found.push(Finding::ok(CHECK, messages::verified(verified.records, verified.log_lines)));
    }
    Ok(found)
}

/// Starts the vault's log again if it is missing or damaged, and resets settings that the vault did not write. What is
/// left of the log is kept.
fn repair_own(vault: &Vault, session: &mut Session, waits: &LockWait) -> Result<Vec<Finding>> {
    let _lock = vault.keys_alone(session, waits)?;
    let Ok(ring) = session.keys().own() else { return Ok(Vec::new()) };
    let own: VaultLedger = match vault.own(&ring, false) {
        Ok(own) => own,
        // Reported by its own check, with a remedy.
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
        found.push(Finding::note(CHECK, messages::VAULT_LOG_RESTARTED).as_repaired());
    }
    // Settings that cannot be read, or that a later version wrote, are as the vault wrote them.
    let altered = |error: Error| !matches!(error.code(), Code::Io | Code::NewerFormat);
    if vault.settings(session.keys()).is_err_and(altered) {
        edit.settings = Some(Settings::default().to_bytes(&ring)?);
        found.push(Finding::note(CHECK, messages::SETTINGS_RESET).as_repaired());
    }
    if !found.is_empty() {
        vault.commit_own(&ring, &own, &edit)?;
    }
    vault.remember(&ring)?;
    Ok(found)
}

/// Finishes interrupted changes, lists profiles that an index has lost or describes differently than the ledger, and
/// starts a damaged log again.
///
/// # Errors
/// Those of locking and writing. An agent whose index or ledger cannot be read is left as it is.
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
                found.push(Finding::wrong(CHECK, messages::of_agent(&name, &error)));
                continue;
            }
            // Reported by its own check, with a remedy.
            Err(error) if error.code() == Code::Tampered => continue,
            Err(error) => return Err(error),
        };
        if unfinished {
            found.push(Finding::note(CHECK, messages::change_finished(&name)).as_repaired());
        }
        // A missing part of the ledger is also reported by its own check.
        if writer.book()?.all().is_err() {
            continue;
        }
        let mut change = Change::default();
        if log_is_wrong(&writer)? {
            change.restart_log(&waits.now.to_string());
            found.push(Finding::note(CHECK, messages::log_restarted(&name)).as_repaired());
        }
        if let Ok(index) = writer.reader()?.index() {
            let listed = list_again(&writer, &index, &mut change)?;
            if !listed.is_empty() {
                found.push(Finding::note(CHECK, messages::listed_again(&name, &listed)).as_repaired());
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

/// Adds to a change the profiles that an index does not list, or describes differently than the ledger and the stored
/// profile. Returns their ids.
fn list_again(writer: &Writer<'_>, index: &Index, change: &mut Change) -> Result<Vec<String>> {
    let reader = writer.reader()?;
    let ids = reader.record_ids()?;
    let as_it_is = |id: &str, found: &Found| {
        let entry = index.entry(id)?;
        let mark = Mark::of(found.store, found.record.generation);
        (entry.mark == Some(mark) && verify::drift(writer.agent(), &found.record, &entry).is_empty())
            .then_some(())
    };
    // A failure is met again for each profile below.
    let _ = reader.fetch(&ids.iter().collect::<Vec<_>>());
    let mut listed = Vec::new();
    for id in ids {
        let Ok(Some(mut found)) = reader.found(&id) else { continue };
        found.store = reader.store_of(&id).unwrap_or(found.store);
        // Another program's secret or reference has taken its place, and would be lost.
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
