//! What `status` says of providers that are in use and have no key.

use std::collections::BTreeSet;

use crate::client::alias::ALIASES;
use crate::client::sources::Found;
use crate::env::Env;
use crate::select::report::{Lacking, Only};
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Provider};
use crate::vault::other_agents::OtherAgents;

/// The providers that have neither one of the profiles in the vault (those `served`) nor a key beside
/// it: the one that is asked for, else those that the client is configured to use. Who asks for one
/// profile asks for no provider.
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

/// Whether a key beside the vault serves what is asked for: the provider, or any if none is named.
pub(super) fn is_served_beside(found: &Found, lacking: &[Lacking], only: &Only) -> bool {
    match only {
        Only::All => found.has_key(),
        Only::Provider(_) => lacking.is_empty(),
        Only::Profile(_) => false,
    }
}

/// Agents that have what this one lacks: what is missing or asked for, or any profile where there is
/// none at all.
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
