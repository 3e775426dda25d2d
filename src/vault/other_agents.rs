//! Which other agents have a profile. Agents do not share profiles, so a message about a missing one says who has it.
//! Nothing is unlocked for that.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::home::Vault;
use super::id::{AgentName, ProfileId, Provider};
use crate::messages;

/// How long agents are read. An answer without the rest of them is still useful.
const LIMIT: Duration = Duration::from_millis(150);
/// The number of agents that are read however long that takes.
const ALWAYS: usize = 8;

/// The profiles of all agents, from their files and indexes. They are read when they are first needed.
#[derive(Debug)]
pub struct OtherAgents<'v> {
    vault: Option<&'v Vault>,
    agents: OnceLock<Vec<Has>>,
}

#[derive(Debug)]
struct Has {
    agent: AgentName,
    profiles: HashSet<ProfileId>,
    providers: HashSet<Provider>,
}

impl<'v> OtherAgents<'v> {
    /// Returns the agents of a vault without reading anything yet.
    #[must_use]
    pub fn new(vault: impl Into<Option<&'v Vault>>) -> Self {
        Self { vault: vault.into(), agents: OnceLock::new() }
    }

    /// Returns the agents other than `agent` that have one of these profiles.
    #[must_use]
    pub fn of_profiles(&self, agent: &AgentName, profiles: &[ProfileId]) -> Vec<AgentName> {
        self.others(agent, |has| profiles.iter().any(|profile| has.profiles.contains(profile)))
    }

    /// Returns the agents other than `agent` that have a profile for one of these providers; without providers, those
    /// that have any profile.
    #[must_use]
    pub fn of_providers(&self, agent: &AgentName, providers: &[Provider]) -> Vec<AgentName> {
        self.others(agent, |has| {
            let any = providers.is_empty() && !has.providers.is_empty();
            any || providers.iter().any(|provider| has.providers.contains(provider))
        })
    }

    fn others(&self, agent: &AgentName, has: impl Fn(&Has) -> bool) -> Vec<AgentName> {
        let all = self.agents.get_or_init(|| self.look());
        all.iter().filter(|one| one.agent != *agent && has(one)).map(|one| one.agent.clone()).collect()
    }

    fn look(&self) -> Vec<Has> {
        let Some(vault) = self.vault else { return Vec::new() };
        let begun = Instant::now();
        let agents = vault.agents().unwrap_or_default();
        let in_time = |n: usize| n < ALWAYS || begun.elapsed() < LIMIT;
        let looked_at = agents.into_iter().enumerate().take_while(|(n, _)| in_time(*n));
        looked_at.map(|(_, agent)| Has::of(vault, agent)).collect()
    }
}

impl Has {
    /// Reads what an agent has. What cannot be read counts as missing.
    fn of(vault: &Vault, agent: AgentName) -> Self {
        let (mut profiles, mut providers) = (HashSet::new(), HashSet::new());
        if let Ok(Some(found)) = vault.agent(&agent) {
            profiles.extend(found.record_ids().unwrap_or_default().0);
            let index = found.index().unwrap_or_default();
            for entry in index.entries().filter(|entry| entry.mark.is_some()) {
                profiles.extend(entry.id.parse::<ProfileId>());
                providers.extend(entry.provider());
            }
        }
        providers.extend(profiles.iter().map(ProfileId::provider));
        Self { agent, profiles, providers }
    }
}

/// Returns a phrase for people, such as `agent ops has one`; `None` without agents.
#[must_use]
pub fn told(agents: &[AgentName]) -> Option<String> {
    let names: Vec<_> = agents.iter().map(AgentName::as_str).collect();
    messages::vault::names::agents_have_one(&names)
}
