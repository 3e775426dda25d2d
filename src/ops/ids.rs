//! Ids that exist, ids that are free, and ids that are one letter away from the given one.

use crate::env_names;
use crate::error::{Error, Result};
use crate::messages;
use crate::vault::history;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::other_agents::{OtherAgents, told};

/// The highest number that is tried as a suffix of an id that is in use.
const FREE_MAX: u32 = 1000;
/// The shortest name for which another is proposed: many shorter ones are one letter apart.
const LEAST: usize = 4;

/// Returns the first name that differs from the given one by one letter: added, left out, changed, or swapped with
/// the next one.
fn near<'n>(given: &str, mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names.find(|name| strsim::osa_distance(given, name) == 1)
}

/// Returns the known provider whose name is one letter away from an unknown one.
pub fn provider(given: &Provider) -> Option<Provider> {
    let known = || env_names::TABLE.iter().map(|names| names.provider);
    if given.as_str().len() < LEAST || known().any(|name| name == given.as_str()) {
        return None;
    }
    near(given.as_str(), known())?.parse().ok()
}

/// Returns the profile of an agent whose id is one letter away from one that does not exist. Nothing is unlocked.
pub fn profile(vault: &Vault, agent: &AgentName, given: &ProfileId) -> Option<ProfileId> {
    let found = vault.agent(agent).ok()??;
    let index = found.index().ok()?;
    near(given.as_str(), index.ids())?.parse().ok()
}

/// Returns whether an agent has a profile, judged by its index and its files. Nothing is unlocked.
pub fn is_there(vault: &Vault, agent: &AgentName, profile: &ProfileId) -> Result<bool> {
    let Some(found) = vault.agent(agent)? else { return Ok(false) };
    if found.has_unfinished()? {
        return Ok(true);
    }
    // An index that cannot be read does not prove that the profile is missing.
    let listed = found.index().is_ok_and(|index| !index.contains(profile.as_str()));
    Ok(!listed || found.record_ids()?.0.contains(profile))
}

/// Returns the first free id of the form `<profile>-<number>`.
///
/// # Errors
/// Those of reading what is there.
pub fn free_beside(vault: &Vault, agent: &AgentName, profile: &ProfileId) -> Result<ProfileId> {
    for number in 2..=FREE_MAX {
        let id = ProfileId::new(&profile.provider(), &format!("{}-{number}", profile.name()))?;
        if !is_there(vault, agent, &id)? {
            return Ok(id);
        }
    }
    Err(messages::ops::no_free_id(profile, FREE_MAX))
}

/// Returns the error for a profile that an agent does not have. Its remedy says which other agents have it.
#[must_use]
pub fn not_found(vault: &Vault, agent: &AgentName, profile: &ProfileId) -> Error {
    let elsewhere = OtherAgents::new(vault).of_profiles(agent, std::slice::from_ref(profile));
    if let Some(near) = self::profile(vault, agent, profile) {
        return messages::ops::not_found_but_near(profile, agent, near);
    }
    if let Some(told) = told(&elsewhere) {
        return messages::ops::not_found_but_elsewhere(profile, agent, &told, &elsewhere[0]);
    }
    if let Some(found) = vault.agent(agent).ok().flatten()
        && history::generations(&found, profile).is_ok_and(|generations| !generations.is_empty())
    {
        let undo = format!("strongroom{} undo {}", agent.option(), profile.word());
        return messages::ops::not_found_but_removed(profile, agent, &undo);
    }
    // Only Anthropic gives people tokens to paste.
    let provider = profile.provider();
    let verb = if provider.as_str() == "anthropic" { "paste-token" } else { "paste-api-key" };
    let (option, id) = (agent.option(), profile.word());
    let paste = format!("{verb} --provider {provider} --profile-id {id}");
    messages::ops::not_found(profile, agent, &option, &paste)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_tells_a_provider() {
        for (given, meant) in [
            ("antropic", Some("anthropic")),
            ("anthropci", Some("anthropic")),
            ("openrouterr", Some("openrouter")),
            ("openay", Some("openai")),
            ("anthropic", None),
            ("made-up", None),
            ("qai", None),
        ] {
            let meant = meant.map(|name| name.parse::<Provider>().unwrap());
            assert_eq!(provider(&given.parse().unwrap()), meant, "{given}");
        }
    }
}
