//! Names that are one letter away from the one that was given.

use super::Context;
use super::paste::Read;
use crate::env_names;
use crate::error::Result;
use crate::looks::Shape;
use crate::secret::ExposeSecret;
use crate::term::secret_input;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// Of shorter names many are one letter apart.
const LEAST: usize = 4;

/// The first name that one letter makes of another: added, left out, changed, or swapped with the next one.
fn near<'n>(given: &str, mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names.find(|name| strsim::osa_distance(given, name) == 1)
}

/// The known provider that is meant by one that is not known, as far as one letter tells.
pub(super) fn provider(given: &Provider) -> Option<Provider> {
    let known = || env_names::TABLE.iter().map(|names| names.provider);
    if given.as_str().len() < LEAST || known().any(|name| name == given.as_str()) {
        return None;
    }
    near(given.as_str(), known())?.parse().ok()
}

/// The profile of an agent that is meant by one that is not there, as far as one letter tells. Nothing is
/// unlocked.
pub(super) fn profile(vault: &Vault, agent: &AgentName, given: &ProfileId) -> Option<ProfileId> {
    let found = vault.agent(agent).ok()??;
    let index = found.index().ok()?;
    near(given.as_str(), index.ids())?.parse().ok()
}

/// Whether an agent has a profile, as far as its index and its files tell. Nothing is unlocked.
pub(super) fn is_there(vault: &Vault, agent: &AgentName, profile: &ProfileId) -> Result<bool> {
    let Some(found) = vault.agent(agent)? else { return Ok(false) };
    if found.has_unfinished()? {
        return Ok(true);
    }
    // What cannot be read says nothing.
    let listed = found.index().is_ok_and(|index| !index.contains(profile.as_str()));
    Ok(!listed || found.record_ids()?.0.contains(profile))
}

/// Asks which provider is meant if the one that was given is not known and one letter away from one that is.
/// The secret is read before: a question that is shown stands after one that is hidden.
///
/// # Errors
/// Those of reading the secret and of asking.
pub(super) fn ask(
    context: &Context,
    given: &Provider,
    read: impl FnOnce(&Context) -> Result<Read>,
) -> Result<(Read, Option<Provider>)> {
    let mut read = read(context)?;
    let shape = Shape::of(read.0.expose_secret());
    let fits = |known: &Provider| shape.is_none_or(|shape| shape.belongs_to(known.as_str()));
    let Some(known) = provider(given).filter(fits) else { return Ok((read, None)) };
    if !context.may_ask() {
        read.1.push(format!(
            "{given} is not a known provider; if you mean {known}, store it again with --provider {known}"
        ));
        return Ok((read, None));
    }
    let question = format!("{given} is not a known provider. Store it for {known} instead?");
    let meant = secret_input::confirm(&question)?;
    Ok((read, meant.then_some(known)))
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
