//! What a command line can name, for completions: profiles, agents, providers and unlock methods. Nothing is unlocked,
//! no lock is taken, nothing is asked, and what cannot be read is left out.
//!
//! Shells insert what they are offered, some of them as it is, and other programs write the index. So only ids that no
//! shell takes for anything else are offered.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::env_names;
use crate::looks::looks_secret;
use crate::vault::history;
use crate::vault::home::{Setup, Vault};
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::{FILE, Index, MAX};

/// The most ids that are offered. If more match, none is: a shell would complete what the first ones have in common.
pub const OFFERED_MAX: usize = 10_000;

/// A vault that is only looked at.
#[derive(Debug)]
pub struct Nameable(Vault);

impl Nameable {
    /// Returns the vault of a home, if it passes its checks.
    #[must_use]
    pub fn at(home: &Path) -> Option<Self> {
        Vault::open(home, &Setup::default(), Duration::ZERO).ok().map(Self)
    }

    /// Returns the ids of an agent's profiles that begin with `start`, sorted; of one provider, if it is given.
    #[must_use]
    pub fn profiles(&self, agent: &AgentName, start: &str, provider: Option<&str>) -> Vec<String> {
        let Some(index) = self.index(agent) else { return Vec::new() };
        let matching = index.ids().filter(|id| is_asked_for(id, start, provider));
        // An entry without a mark is another program's.
        let ours = matching.filter(|id| index.entry(id).is_some_and(|entry| entry.mark.is_some()));
        let mut ids: Vec<_> = ours.take(OFFERED_MAX + 1).map(str::to_owned).collect();
        if ids.len() > OFFERED_MAX {
            ids.clear();
        }
        ids.sort_unstable();
        ids
    }

    /// Returns what [`Nameable::profiles`] does, and the ids of removed profiles of which earlier versions are kept. Of
    /// an id that is too long for a file's name, the name does not tell it.
    #[must_use]
    pub fn profiles_and_removed(
        &self,
        agent: &AgentName,
        start: &str,
        provider: Option<&str>,
    ) -> Vec<String> {
        let mut ids = self.profiles(agent, start, provider);
        let kept = || history::dir_names(self.0.agent(agent).ok()??.dir()).ok();
        let removed = kept().unwrap_or_default().into_iter().filter_map(|name| {
            let id = ProfileId::from_file_name(&history::file_name_of(&name))?;
            is_asked_for(id.as_str(), start, provider).then(|| id.to_string())
        });
        ids.extend(removed.take(OFFERED_MAX));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Returns the names of all agents, sorted.
    #[must_use]
    pub fn agents(&self) -> Vec<String> {
        let agents = self.0.agents().unwrap_or_default();
        let names = agents.iter().map(AgentName::as_str).filter(|name| !looks_secret(name));
        names.take(OFFERED_MAX).map(str::to_owned).collect()
    }

    /// Returns the providers of an agent's profiles, sorted.
    #[must_use]
    pub fn providers(&self, agent: &AgentName) -> Vec<String> {
        let Some(index) = self.index(agent) else { return Vec::new() };
        let named: BTreeSet<_> = index.ids().filter_map(|id| Some(id.split_once(':')?.0)).collect();
        let valid = named.into_iter().filter(|name| name.parse::<Provider>().is_ok() && !looks_secret(name));
        valid.take(OFFERED_MAX).map(str::to_owned).collect()
    }

    /// Returns the names of the unlock methods, sorted.
    #[must_use]
    pub fn unlock_methods(&self) -> Vec<String> {
        self.0.slots().unwrap_or_default().into_iter().map(|slot| slot.method).collect()
    }

    fn index(&self, agent: &AgentName) -> Option<Index> {
        let agent = self.0.agent(agent).ok()??;
        Index::parse(&agent.dir().read_if_any(FILE, MAX).ok()??).ok()
    }
}

/// Returns the providers that Strongroom knows by name.
pub fn known_providers() -> impl Iterator<Item = &'static str> {
    env_names::TABLE.iter().map(|row| row.provider)
}

/// Returns whether an id begins with `start`, is of the provider, if one is given, and may be offered.
fn is_asked_for(id: &str, start: &str, provider: Option<&str>) -> bool {
    let of = id.split_once(':').map(|(provider, _)| provider);
    id.starts_with(start) && provider.is_none_or(|wanted| of == Some(wanted)) && may_be_offered(id)
}

/// Returns whether a text is a profile's id that every shell leaves as it is and that is not a secret itself.
fn may_be_offered(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":.@_+-/=%".contains(&byte);
    id.bytes().all(is_plain) && id.parse::<ProfileId>().is_ok() && !looks_secret(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_every_shell_leaves_alone_are_offered() {
        for id in ["anthropic:work", "openai-codex:Me.too+x@example.com", "a:b/c=d%e_f-g"] {
            assert!(may_be_offered(id), "{id}");
        }
        let long = format!("a:{}", "b".repeat(400));
        for id in [
            "a:`id`",
            "a:$HOME",
            "a:b$(id)",
            "a:b;id",
            "a:b&id",
            "a:b|id",
            "a:o'brien@x",
            "a:b!!",
            "a:b*",
            "a:{b}",
            "a:b^c",
            "a:b#c",
            "a:~b",
            "a:b?",
            "a:b c",
            "a:b\n",
            "a:\u{1b}[2J",
            "a:é",
            "a:",
            ":b",
            "a",
            "",
            "-a:b",
            &long,
        ] {
            assert!(!may_be_offered(id), "{id:?}");
        }
    }
}
