//! Collects the profiles of a bundle.

use std::collections::HashSet;

use super::ids::not_found;
use super::versions::Changes;
use crate::error::{Error, Result};
use crate::messages;
use crate::transfer::bounds::ENTRIES_MAX;
use crate::transfer::bundle::Outgoing;
use crate::vault::history::{Imported, Version};
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::reader::Reader;
use crate::vault::record::Record;

/// What is to be exported.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The agents.
    pub agents: &'a [AgentName],
    /// The profiles; without any, all of them.
    pub ids: &'a [ProfileId],
    /// Whether their earlier versions go with them.
    pub with_history: bool,
}

/// Returns the profiles of a selection. With `skip`, what cannot be decrypted is left out, and it is called with the
/// error of each.
///
/// # Errors
/// `NOT_FOUND` if one is missing or there is nothing to export, `TOO_LARGE`, and those of reading.
pub fn collect(
    vault: &Vault,
    session: &Session,
    selection: &Selection<'_>,
    skip: Option<&dyn Fn(&Error)>,
) -> Result<Vec<Outgoing>> {
    let Selection { agents, ids, with_history } = *selection;
    let mut all: Vec<Outgoing> = Vec::new();
    let mut versions = 0;
    for agent in agents {
        let Some(found) = vault.agent(agent)? else { continue };
        let reader = vault.reader(found, session.keys())?;
        let wanted: Vec<ProfileId> = if ids.is_empty() { reader.record_ids()? } else { ids.to_vec() };
        if all.len() + wanted.len() > ENTRIES_MAX {
            return Err(messages::ops::bundle_too_large(ENTRIES_MAX));
        }
        let changes = if with_history { Some(Changes::read(&reader)?) } else { None };
        for id in wanted {
            match (reader.record(&id), skip) {
                (Ok(Some(record)), _) => {
                    let history = changes.as_ref().map(|changes| earlier(&reader, changes, &record, skip));
                    let history = history.transpose()?.unwrap_or_default();
                    versions += history.len();
                    if versions > ENTRIES_MAX {
                        return Err(messages::ops::too_many_versions(ENTRIES_MAX));
                    }
                    all.push(Outgoing { agent: agent.clone(), record, versions: history });
                }
                (Ok(None), _) => return Err(not_found(vault, agent, &id)),
                (Err(error), Some(skip)) => skip(&error),
                (Err(error), None) => return Err(messages::ops::not_exported(error)),
            }
        }
    }
    let taken: HashSet<&ProfileId> = all.iter().map(|outgoing| &outgoing.record.profile).collect();
    if let (Some(id), Some(agent)) = (ids.iter().find(|id| !taken.contains(id)), agents.first()) {
        return Err(not_found(vault, agent, id));
    }
    if all.is_empty() {
        return Err(messages::ops::nothing_to_export());
    }
    Ok(all)
}

/// Returns the earlier versions of a profile that an undo could bring back, the oldest first.
fn earlier(
    reader: &Reader<'_>,
    changes: &Changes,
    record: &Record,
    skip: Option<&dyn Fn(&Error)>,
) -> Result<Vec<Version>> {
    let mut versions = reader.versions(&record.profile)?;
    for (_, error) in versions.damaged {
        match skip {
            Some(skip) => skip(&error),
            None => return Err(messages::ops::version_not_exported(error)),
        }
    }
    let revoked = |record: &Record| record.details.revoked == Some(true);
    if revoked(record) {
        return Ok(Vec::new());
    }
    if let Some(last) = versions.kept.iter().rposition(|version| revoked(&version.record)) {
        versions.kept.drain(..last);
    }
    if versions.kept.is_empty() {
        return Ok(versions.kept);
    }
    let mut ops = changes.of(&record.profile);
    for version in &mut versions.kept {
        // An imported one keeps what its bundle said.
        let op = || Imported { op: ops.remove(&version.record.generation) };
        version.imported = Some(version.imported.take().unwrap_or_else(op));
    }
    Ok(versions.kept)
}
