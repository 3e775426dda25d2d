//! Whether the vault can be changed: what its directories, their file system, their locks and this process's limits
//! allow. All of it is tried without changing anything.

use strongroom_backends::StoreError;
use strongroom_backends::fs::dir::{Dir, Kind};
use strongroom_backends::fs::lock;

use super::Finding;
use crate::messages;
use crate::vault::agent::{PENDING, RECORDS};
use crate::vault::home::{AGENTS, VAULT_FILE, Vault};
use crate::vault::transaction::journal;
use crate::vault::{index, ledger, log, settings};

const CHECK: &str = "writing";
/// The most that a change needs before it is committed, in bytes: its journal and the files that it names.
const ROOM: usize = 2 * journal::MAX;
/// The most findings: if ten thousand agents cannot be written, the first ones say enough.
const TOLD: usize = 20;

/// Tries whether the vault can be changed, and what its file system promises.
#[must_use]
pub fn check(vault: &Vault) -> Vec<Finding> {
    let home = vault.home();
    if let Err(error @ StoreError::ReadOnly(_)) = home.may_write() {
        // Everything in it would say the same.
        return vec![Finding::met(CHECK, &error.into())];
    }
    let mut found: Vec<Finding> = Vec::new();
    let mut tell = |tried: Result<(), StoreError>| {
        let finding = tried.err().map(|error| Finding::met(CHECK, &error.into()));
        // The same finding is reported once.
        if let Some(finding) = finding.filter(|finding| found.len() < TOLD && !found.contains(finding)) {
            found.push(finding);
        }
    };
    try_all(home, &[lock::FILE, log::FILE], &[VAULT_FILE, settings::FILE, ledger::FILE], &mut tell);
    inside(home, crate::unlock::unlock_files::DIR, &mut tell, &mut |unlock, tell| try_files(unlock, tell));
    inside(home, AGENTS, &mut tell, &mut |agents, tell| {
        // The next agent is created in it.
        tell(agents.may_write());
        for name in vault.agents().unwrap_or_default() {
            inside(agents, name.as_str(), tell, &mut |agent, tell| {
                let written = [lock::FILE, log::FILE, journal::FILE];
                try_all(agent, &written, &[ledger::FILE, index::FILE, "auth-state.json"], tell);
                for place in [RECORDS, PENDING] {
                    inside(agent, place, tell, &mut |place, tell| try_files(place, tell));
                }
            });
        }
    });
    tell(home.try_write(ROOM));
    // A shared lock is compatible with all others; a lock that is not free is a lock that works.
    tell(lock::is_held(home).map(|_| ()));
    if found.is_empty() {
        found.push(Finding::ok(CHECK, messages::doctor::VAULT_IS_WRITABLE));
    }
    found.extend(promises(home));
    found
}

/// Returns what this file system does not promise, unlike others.
fn promises(home: &Dir) -> Vec<Finding> {
    let mut found = Vec::new();
    match home.try_sync() {
        Ok(true) => {}
        Ok(false) => found.push(Finding::advice(CHECK, messages::doctor::not_durable())),
        Err(error) => found.push(Finding::met(CHECK, &error.into())),
    }
    let has_lock = matches!(home.kind(lock::FILE), Ok(Some(Kind::File)));
    if cfg!(target_os = "linux")
        && has_lock
        && home.may_open(lock::FILE, false).is_ok()
        && !lock::is_queued(home)
    {
        found.push(Finding::note(CHECK, messages::doctor::NO_QUEUE));
    }
    found
}

/// Takes the result of an attempt.
type Tell<'t> = dyn FnMut(Result<(), StoreError>) + 't;

/// Tries a directory, the files in it that are written, and the files that are read and replaced.
fn try_all(dir: &Dir, written: &[&str], read: &[&str], tell: &mut Tell<'_>) {
    tell(dir.may_write());
    for (names, writing) in [(written, true), (read, false)] {
        for name in names {
            tell(dir.may_open(name, writing));
        }
    }
}

/// Tries a directory and every file in it for reading.
fn try_files(dir: &Dir, tell: &mut Tell<'_>) {
    match dir.names() {
        Ok(names) => {
            let names: Vec<&str> =
                names.iter().map(String::as_str).filter(|n| n.strip_suffix(".age").is_some()).collect();
            try_all(dir, &[], &names, tell);
        }
        Err(error) => tell(Err(error)),
    }
}

/// Looks into a directory, if it exists.
fn inside(dir: &Dir, name: &str, tell: &mut Tell<'_>, look: &mut dyn FnMut(&Dir, &mut Tell<'_>)) {
    match dir.dir_if_any(name) {
        Ok(Some(inner)) => look(&inner, tell),
        Ok(None) => {}
        Err(error) => tell(Err(error)),
    }
}
