//! The providers that are in use and have no key, for `status`.

use std::collections::BTreeSet;

use crate::client::alias::ALIASES;
use crate::client::sources::Found;
use crate::env::Env;
use crate::select::report::{Lacking, Only};
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Provider};
use crate::vault::other_agents::OtherAgents;

/// Returns the providers that have neither a profile in the vault (those are `served`) nor a key outside of it: of the
/// requested provider, or else of those that the client is configured to use. A request for one profile is about no
/// provider.
pub(super) fn lacking(
    env: &Env,
    vault: Option<&Vault>,
    agent: &AgentName,
    found: &Found,
    served: &BTreeSet<Provider>,
    only: &Only,
) -> Vec<Lacking> {
    let has = |provider: &Provider| served.iter().any(|own| ALIASES.shared(own, provider));
    let missing = match only {
        Only::All => found.unserved(env, agent, has),
        Only::Provider(provider) => {
            let mut asked = BTreeSet::from([provider.clone()]);
            asked.retain(|provider| found.lacks(env, agent, provider, has));
            asked
        }
        Only::Profile(_) => BTreeSet::new(),
    };
    let others = OtherAgents::new(vault);
    let lacking = |provider: Provider| {
        let elsewhere = others.of_providers(agent, std::slice::from_ref(&provider));
        Lacking { provider, elsewhere }
    };
    missing.into_iter().map(lacking).collect()
}

/// Returns whether there is a key outside the vault for the requested provider, or for any if none is requested.
pub(super) fn is_served_beside(found: &Found, lacking: &[Lacking], only: &Only) -> bool {
    match only {
        Only::All => found.has_key(),
        Only::Provider(_) => lacking.is_empty(),
        Only::Profile(_) => false,
    }
}

/// Returns the agents that have what this one lacks: the missing or requested profiles, or any profile if this agent
/// has none at all.
pub(super) fn elsewhere(
    vault: Option<&Vault>,
    agent: &AgentName,
    none: bool,
    lacking: &[Lacking],
    only: &Only,
) -> Vec<AgentName> {
    let others = OtherAgents::new(vault);
    let mut agents: Vec<AgentName> = match only {
        _ if !lacking.is_empty() => lacking.iter().flat_map(|lacking| lacking.elsewhere.clone()).collect(),
        _ if !none => Vec::new(),
        Only::All => others.of_providers(agent, &[]),
        Only::Provider(provider) => others.of_providers(agent, std::slice::from_ref(provider)),
        Only::Profile(profile) => others.of_profiles(agent, std::slice::from_ref(profile)),
    };
    agents.sort();
    agents.dedup();
    agents
}
