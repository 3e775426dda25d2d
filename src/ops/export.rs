//! Collects the profiles of a bundle.

use std::collections::HashSet;

use super::ids::not_found;
use crate::error::{Error, Result};
use crate::messages;
use crate::transfer::bounds::ENTRIES_MAX;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Record;

/// Returns the records of these agents with these ids; without ids, all of them. With `skip`, records that cannot be
/// decrypted are left out, and it is called with the error of each.
///
/// # Errors
/// `NOT_FOUND` if one is missing or there is nothing to export, `TOO_LARGE`, and those of reading.
pub fn collect(
    vault: &Vault,
    session: &Session,
    agents: &[AgentName],
    ids: &[ProfileId],
    skip: Option<&dyn Fn(&Error)>,
) -> Result<Vec<(AgentName, Record)>> {
    let mut records: Vec<(AgentName, Record)> = Vec::new();
    for agent in agents {
        let Some(found) = vault.agent(agent)? else { continue };
        let reader = vault.reader(found, session.keys())?;
        let wanted: Vec<ProfileId> = if ids.is_empty() { reader.record_ids()? } else { ids.to_vec() };
        if records.len() + wanted.len() > ENTRIES_MAX {
            return Err(messages::ops::bundle_too_large(ENTRIES_MAX));
        }
        for id in wanted {
            match (reader.record(&id), skip) {
                (Ok(Some(record)), _) => records.push((agent.clone(), record)),
                (Ok(None), _) => return Err(not_found(vault, agent, &id)),
                (Err(error), Some(skip)) => skip(&error),
                (Err(error), None) => return Err(messages::ops::not_exported(error)),
            }
        }
    }
    let taken: HashSet<&ProfileId> = records.iter().map(|(_, record)| &record.profile).collect();
    if let (Some(id), Some(agent)) = (ids.iter().find(|id| !taken.contains(id)), agents.first()) {
        return Err(not_found(vault, agent, id));
    }
    if records.is_empty() {
        return Err(messages::ops::nothing_to_export());
    }
    Ok(records)
}
