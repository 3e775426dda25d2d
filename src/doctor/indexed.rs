//! The profiles that indexes name, as far as they are known without a key.

use super::message::Profile;
use crate::messages;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::Index;

/// Returns an agent's profiles, as its index lists them.
#[must_use]
pub fn of_agent(vault: &Vault, agent: &AgentName) -> Vec<Profile> {
    let index = vault.agent(agent).ok().flatten().and_then(|found| found.index().ok());
    let entries = index.iter().flat_map(Index::entries);
    entries
        .filter_map(|entry| {
            let id: ProfileId = entry.id.parse().ok()?;
            let provider = entry.provider().unwrap_or_else(|| id.provider());
            Some(Profile { id, provider, kind: entry.kind?, expires: entry.expires })
        })
        .collect()
}

/// Returns whether an agent has a profile of a provider.
#[must_use]
pub fn has(vault: &Vault, agent: &AgentName, provider: &str) -> bool {
    of_agent(vault, agent).iter().any(|profile| profile.provider.as_str() == provider)
}

/// Returns a sentence that says which other agent has a profile of a provider, and what to do about it.
#[must_use]
pub fn elsewhere(vault: &Vault, agent: &AgentName, provider: &Provider) -> Option<String> {
    let others = vault.agents().ok()?;
    let (other, id) = others.into_iter().filter(|other| other != agent).find_map(|other| {
        let own = of_agent(vault, &other).into_iter().find(|profile| profile.provider == *provider)?;
        Some((other, own.id))
    })?;
    Some(messages::doctor::elsewhere(agent, other, id))
}
