//! The profiles that a client gets from the vault.

use std::collections::BTreeSet;

use super::ReadBack;
use crate::client::edit::Served as Profile;
use crate::error::Result;
use crate::ops::open::Open;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider, Reference};

/// A profile that a client gets from the vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Served {
    /// The agent whose profile it is.
    pub agent: AgentName,
    /// Its id.
    pub id: ProfileId,
    /// Its provider.
    pub provider: Provider,
    /// Its type.
    pub kind: CredentialType,
    /// Its e-mail address.
    pub email: Option<String>,
    /// The id by which the client asks for it.
    pub reference: String,
}

/// What a client gets from the vault.
#[derive(Debug, Default)]
pub(super) struct All {
    /// The profiles of all agents.
    pub profiles: Vec<Served>,
    /// The orders that are set; of two agents with one, the first agent's.
    pub orders: Vec<(Provider, Vec<ProfileId>)>,
}

impl Served {
    pub(super) fn as_profile(&self) -> Profile<'_> {
        Profile {
            agent: &self.agent,
            id: &self.id,
            provider: &self.provider,
            kind: self.kind,
            email: self.email.as_deref(),
            reference: &self.reference,
        }
    }
}

/// Returns what agents of the vault serve, with the orders that are being read back. OAuth sign-ins are left out: the client accepts no reference for one.
pub(super) fn of<'a>(
    open: &Open<'_>,
    agents: impl IntoIterator<Item = &'a AgentName>,
    read_back: &[ReadBack],
) -> Result<All> {
    let mut all = All::default();
    for agent in agents {
        let Some(reader) = open.reader_of(agent)? else { continue };
        let index = reader.index()?;
        for entry in index.entries().filter(|entry| entry.mark.is_some()) {
            let (Ok(id), Some(kind)) = (entry.id.parse::<ProfileId>(), entry.kind) else { continue };
            if kind == CredentialType::OAuth {
                continue;
            }
            all.profiles.push(Served {
                agent: agent.clone(),
                provider: entry.provider().unwrap_or_else(|| id.provider()),
                kind,
                email: entry.email.as_ref().map(ToString::to_string),
                reference: Reference::id_of(agent, &id),
                id,
            });
        }
        let read = read_back.iter().filter(|read| read.agent == *agent);
        let read: Vec<_> = read.map(|read| (read.provider.clone(), read.ids.clone())).collect();
        let is_set = |provider: &Provider| read.iter().all(|(other, _)| other != provider);
        let set: Vec<_> = index.orders().into_iter().filter(|(provider, _)| is_set(provider)).collect();
        for (provider, ids) in set.into_iter().chain(read) {
            if !all.orders.iter().any(|(other, _)| *other == provider) {
                all.orders.push((provider, ids));
            }
        }
    }
    Ok(all)
}

/// Returns the profiles without further ones of the same id: the client's configuration describes an id once, for all
/// of its agents.
pub(super) fn unique<'a>(profiles: &[Profile<'a>]) -> Vec<Profile<'a>> {
    let mut seen = BTreeSet::new();
    profiles.iter().filter(|profile| seen.insert(profile.id)).copied().collect()
}
