//! References to this vault in the client's own databases, which only the client writes: those of a disconnected client, and
//! of profiles that were removed, stay there.

use std::collections::BTreeSet;

use super::{Link, Served};
use crate::client::config::ClientConfig;
use crate::client::stores::{ClientAgent, Form, Installation, Kept, StoreFile};
use crate::ops::open::Open;
use crate::vault::id::{AgentName, Named, ProfileId, Reference};

/// A profile of the client that refers to this vault.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ClientReference {
    /// The client's agent.
    pub agent: AgentName,
    /// Its profile.
    pub profile: ProfileId,
    /// The id by which the client asks for the secret.
    pub reference: String,
}

/// What the client's own databases lack, and what they have too much.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Differences {
    /// The profiles that the client does not know of yet.
    pub added: Vec<ProfileId>,
    /// The references to profiles that the vault no longer has.
    pub gone: Vec<ClientReference>,
}

impl ClientReference {
    /// Returns the command that removes it: the client asks before it does so.
    #[must_use]
    pub fn removal(&self) -> String {
        format!("openclaw models auth logout {} --agent {}", self.profile.word(), self.agent)
    }

    /// Reads one that a plan put into the client's store.
    fn applied(reference: &str) -> Option<Self> {
        let Ok(Reference::Profile(readings)) = reference.parse() else { return None };
        readings.into_iter().find_map(|reading| match (reading.agent, reading.profile) {
            (Some(agent), Named::Id(profile)) => {
                Some(Self { agent, profile, reference: reference.to_owned() })
            }
            _ => None,
        })
    }
}

/// Returns the references in the databases of the connected agents, sorted. If a database cannot be read or
/// was moved, they are those that connecting put there.
pub(super) fn of(open: &Open<'_>, link: &Link) -> Vec<ClientReference> {
    let mut all = BTreeSet::new();
    if !link.sqlite {
        return Vec::new();
    }
    for (agent, path) in link.agents().unwrap_or_default() {
        let directory = path.parent().unwrap_or(path).to_owned();
        let client = ClientAgent { name: agent.clone(), directory, is_configured: true };
        let database = client.stores().into_iter().find(|store| store.form == Form::AgentDatabase);
        if let Some(there) = database.and_then(|database| in_store(&database)) {
            all.extend(there);
        } else {
            let applied = link.applied.iter().filter_map(|reference| ClientReference::applied(reference));
            all.extend(applied.filter(|reference| reference.agent == agent));
        }
    }
    // A gateway moves the profiles of `main` there.
    let config = ClientConfig::of(&open.env).ok().flatten();
    let shared = Installation::of(&open.env, config.as_ref()).shared();
    all.extend(shared.and_then(|shared| in_store(&shared)).unwrap_or_default());
    all.into_iter().collect()
}

/// Returns how the client's databases differ from what it gets from the vault.
pub(super) fn differences(open: &Open<'_>, link: &Link, served: &[Served]) -> Differences {
    let is_new = |one: &&Served| !link.applied.contains(&one.reference);
    let is_gone = |there: &ClientReference| served.iter().all(|one| one.reference != there.reference);
    Differences {
        added: served.iter().filter(is_new).map(|one| one.id.clone()).collect(),
        gone: of(open, link).into_iter().filter(is_gone).collect(),
    }
}

fn in_store(store: &StoreFile) -> Option<Vec<ClientReference>> {
    let agent = store.agent.clone().unwrap_or_default();
    let profiles = store.read().ok()??.profiles.into_iter();
    let ours = profiles.filter_map(|profile| match profile.secret {
        Kept::Reference(to) if to.is_to_strongroom() => {
            let profile = profile.id.parse().ok()?;
            Some(ClientReference { agent: agent.clone(), profile, reference: to.id })
        }
        _ => None,
    });
    Some(ours.collect())
}
