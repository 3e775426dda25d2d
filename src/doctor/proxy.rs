//! The servers of agents that run, and who may ask them.

use super::Finding;
use crate::error::Result;
use crate::messages::doctor::proxy as messages;
use crate::seal::keys::Keys;
use crate::vault::access::{Access, name_of};
use crate::vault::home::Vault;
use crate::vault::serving::running;

const CHECK: &str = "proxy";

/// Returns a finding for each server that runs.
///
/// # Errors
/// Those of reading the directories.
pub fn check(vault: &Vault) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for agent in vault.each_agent()? {
        let agent = agent?;
        let Some(running) = running(&agent)? else { continue };
        found.push(if running.locked {
            Finding::advice(CHECK, messages::server_locked(agent.name()))
        } else {
            Finding::ok(CHECK, messages::server_runs(agent.name(), &running.listeners.join(", ")))
        });
    }
    Ok(found)
}

/// Returns a finding for each access that no request can use.
///
/// # Errors
/// Those of reading the ledgers.
pub fn accesses(vault: &Vault, keys: &Keys, now: i64) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for agent in vault.each_agent()? {
        let agent = agent?;
        let name = agent.name().clone();
        let Ok(reader) = vault.reader(agent, keys) else { continue };
        // A ledger that cannot be read is a finding of its own.
        let Ok(book) = reader.book() else { continue };
        for value in &book.ledger.accesses {
            match Access::read(value) {
                None => {
                    let access = name_of(value).unwrap_or_default();
                    found.push(Finding::note(CHECK, messages::access_newer(&name, access)));
                }
                Some(access) if access.has_expired(now) => {
                    found.push(Finding::advice(CHECK, messages::access_expired(&name, &access.name)));
                }
                Some(access) if access.providers.is_empty() => {
                    let is_there = |id| reader.holds(id).unwrap_or(true);
                    if !access.profiles.iter().any(|profile| is_there(&profile.id)) {
                        found.push(Finding::advice(CHECK, messages::access_for_nothing(&name, &access.name)));
                    }
                }
                Some(_) => {}
            }
        }
    }
    Ok(found)
}
