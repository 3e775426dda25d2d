//! The order in which the profiles of a provider are used. Needs no unlocking.

use super::ambient::Ambient;
use super::list::Listing;
use crate::error::Result;
use crate::messages;
use crate::vault::home::{LockWait, Vault};
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::transaction::edit_index;

/// Returns the order that is set for a provider.
///
/// # Errors
/// Those of reading the index.
pub fn of_provider(
    vault: &Vault,
    agent: &AgentName,
    provider: &Provider,
    ambient: &Ambient,
) -> Result<Option<Vec<ProfileId>>> {
    Ok(Listing::of(vault, agent, ambient)?.index.order(provider))
}

/// Sets the order of a provider, or with `None` returns to the automatic one.
///
/// # Errors
/// `NOT_FOUND` if the agent lacks one of the profiles; those of locking, and of reading and writing the index.
pub fn set(
    vault: &Vault,
    agent: &AgentName,
    provider: &Provider,
    ids: Option<&[ProfileId]>,
    ambient: &Ambient,
    waits: &LockWait,
) -> Result<()> {
    if ids.is_none() && vault.agent(agent)?.is_none() {
        return Ok(());
    }
    let known = Listing::of(vault, agent, ambient)?.index;
    if let Some(id) = ids.unwrap_or_default().iter().find(|id| !known.contains(id.as_str())) {
        let directory = vault.home().path_of("agents").join(agent.as_str());
        return Err(messages::ops::not_in_order(id, &directory));
    }
    let (agent, _locks) = vault.lock_agent(agent, waits)?;
    edit_index(&agent, |index| {
        index.set_order(provider, ids);
        Ok(())
    })
}
