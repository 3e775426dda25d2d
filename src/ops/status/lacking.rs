//! The providers that are in use and have no key, for `status`.

use std::collections::BTreeSet;

use super::{Asked, Surroundings};
use crate::client::alias::ALIASES;
use crate::client::own_profiles::OwnProviders;
use crate::client::sources::Found;
use crate::select::report::{Lacking, Only};
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Provider};
use crate::vault::other_agents::OtherAgents;

/// Returns the providers that have neither a profile in the vault (those are `served`) nor a key outside of it: of the
/// requested provider, or else of those that the client is configured to use. A request for one profile is about no
/// provider. If every agent is looked at, only what the client has an agent uses is missing.
pub(super) fn lacking(
    vault: Option<&Vault>,
    agent: &AgentName,
    around: &Surroundings,
    own: &OwnProviders,
    served: &BTreeSet<Provider>,
    asked: &Asked,
) -> Vec<Lacking> {
    let found = &around.found;
    let has = |provider: &Provider| has_one(served, provider);
    let mut missing = match asked.only() {
        Only::Profile(_) => BTreeSet::new(),
        Only::Provider(provider) if !asked.all_agents => {
            let mut asked = BTreeSet::from([provider]);
            asked.retain(|provider| found.lacks(provider, own, has));
            asked
        }
        _ if asked.all_agents && around.installation.agent(agent).is_none() => BTreeSet::new(),
        Only::Provider(_) | Only::All => found.unserved(agent, own, has),
    };
    missing.retain(|missing| asked.provider.as_ref().is_none_or(|provider| missing == provider));
    let others = OtherAgents::new(vault);
    let lacking = |provider: Provider| {
        let elsewhere = others.of_providers(agent, std::slice::from_ref(&provider));
        Lacking { provider, elsewhere }
    };
    missing.into_iter().map(lacking).collect()
}

/// Returns whether the requested provider has a profile or a key outside the vault, or whether there is any such key if
/// none is requested. What the client's stores may have counts only if they were read.
pub(super) fn is_served(
    found: &Found,
    own: &OwnProviders,
    has_own: bool,
    served: &BTreeSet<Provider>,
    only: &Only,
) -> bool {
    match only {
        Only::All => found.has_key() || has_own,
        Only::Provider(provider) => {
            let none = OwnProviders::Known(BTreeSet::new());
            let own = if *own == OwnProviders::Unknown { &none } else { own };
            !found.lacks(provider, own, |provider| has_one(served, provider))
        }
        Only::Profile(_) => false,
    }
}

fn has_one(served: &BTreeSet<Provider>, provider: &Provider) -> bool {
    served.iter().any(|own| ALIASES.shared(own, provider))
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
