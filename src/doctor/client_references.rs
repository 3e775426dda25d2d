//! References of OpenClaw's profiles that cannot be resolved: to profiles that the vault does not have, and to secret
//! providers that its configuration does not have. A gateway up to 2026.6.1 does not start with one.

use std::collections::{BTreeMap, HashMap};

use super::Finding;
use super::client::{CHECK, Client};
use super::client_stores::joined;
use crate::client::stores::{Kept, Reference as Ref};
use crate::messages::doctor::client as messages;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Named, Reading, Reference, ShortId};
use crate::vault::index::Index;

/// Finds the references of each store that cannot be resolved.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    let mut vault = client.vault.map(Indexes::of);
    let config = client.installation.places().config.as_deref().unwrap_or("openclaw.json".as_ref());
    let mut findings = Vec::new();
    for store in &client.stores {
        let Ok(read) = &store.read else { continue };
        let mut gone = Vec::new();
        let mut unknown: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
        for (at, profile) in read.profiles.iter().enumerate() {
            let Kept::Reference(reference) = &profile.secret else { continue };
            if is_unknown(client, reference) {
                unknown.entry(reference.shown_provider()).or_default().push(profile.shown(at));
            }
            if reference.is_to_strongroom()
                && !vault.as_mut().is_some_and(|vault| vault.may_have(&reference.id))
            {
                gone.push(profile.shown(at));
            }
        }
        let path = &store.file.path;
        findings.extend(joined(gone).map(|ids| {
            let has_vault = client.vault.is_some();
            Finding::wrong(CHECK, messages::unresolved(path, &ids, has_vault))
        }));
        for (provider, ids) in unknown {
            let ids = joined(ids).unwrap_or_default();
            let problem = messages::unknown_provider(path, &ids, provider.as_deref(), config);
            findings.push(Finding::wrong(CHECK, problem));
        }
    }
    findings
}

/// Returns whether a reference names a secret provider that the configuration does not have. The client itself has one
/// for variables and one for its own store, which it calls `default`.
fn is_unknown(client: &Client<'_>, reference: &Ref) -> bool {
    let is_named = match reference.source.as_str() {
        "exec" | "file" => !reference.provider.is_empty(),
        _ => !matches!(reference.provider.as_str(), "" | "default"),
    };
    let may_have = || match &client.config {
        Some(config) => config.secrets.may_have(&reference.provider),
        None => client.is_config_unread,
    };
    is_named && !may_have()
}

/// The vault's indexes, each read when a reference names its agent. One that cannot be read may have any profile.
struct Indexes<'v> {
    vault: &'v Vault,
    read: HashMap<AgentName, Option<Index>>,
}

impl<'v> Indexes<'v> {
    fn of(vault: &'v Vault) -> Self {
        Self { vault, read: HashMap::new() }
    }

    /// Returns whether `resolve` could answer a reference id, as far as the indexes tell.
    fn may_have(&mut self, text: &str) -> bool {
        match text.parse() {
            Ok(Reference::Profile(readings)) => readings.iter().any(|reading| self.has(reading)),
            Ok(Reference::BestOf(provider)) => {
                let index = self.index(&AgentName::default());
                index.is_none_or(|index| {
                    index.entries().any(|entry| entry.provider().as_ref() == Some(&provider))
                })
            }
            Err(_) => false,
        }
    }

    fn has(&mut self, reading: &Reading) -> bool {
        // Without an agent, `main` is meant: the client passes on no variable that names another.
        let index = self.index(&reading.agent.clone().unwrap_or_default());
        let is_short = |short: &ShortId, id: &str| id.parse().is_ok_and(|id| ShortId::of(&id) == *short);
        index.is_none_or(|index| match &reading.profile {
            Named::Id(id) => index.contains(id.as_str()),
            Named::Short(short) => index.ids().any(|id| is_short(short, id)),
        })
    }

    fn index(&mut self, agent: &AgentName) -> Option<&Index> {
        let vault = self.vault;
        let read = || match vault.agent(agent) {
            Ok(None) => Some(Index::default()),
            Ok(Some(found)) => found.index().ok(),
            Err(_) => None,
        };
        self.read.entry(agent.clone()).or_insert_with(read).as_ref()
    }
}
