//! The secrets that the vault has, read back from its files. Only what is here may be removed from the client's files.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::ops::open::Open;
use crate::secret::{ExposeSecret, SecretString};
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider, Reference};

/// The secrets of all agents.
#[derive(Default)]
pub struct Holdings {
    holders: HashMap<(AgentName, [u8; 32]), Vec<Holder>>,
    all: Vec<Secret>,
}

/// A secret that a profile has, or had.
pub struct Secret {
    /// The agent whose profile it is.
    pub agent: AgentName,
    /// The profile.
    pub id: ProfileId,
    /// The secret.
    pub secret: SecretString,
}

struct Holder {
    id: ProfileId,
    is_current: bool,
}

impl Holdings {
    /// Reads the current and the earlier versions of every profile that can be decrypted.
    ///
    /// # Errors
    /// Those of reading the vault.
    pub fn read(open: &Open<'_>) -> Result<Self> {
        let mut all = Self::default();
        for agent in open.vault.agents()? {
            let Some(reader) = open.reader_of(&agent)? else { continue };
            for id in reader.record_ids()? {
                let Ok(Some(record)) = reader.record(&id) else { continue };
                if record.credential.kind == CredentialType::OAuth {
                    continue;
                }
                let secret = record.credential.secret;
                all.hold(&agent, &id, &secret, true);
                for version in reader.versions(&id)?.kept {
                    let secret = version.record.credential.secret;
                    all.hold(&agent, &id, &secret, false);
                    all.all.push(Secret { agent: agent.clone(), id: id.clone(), secret });
                }
                all.all.push(Secret { agent: agent.clone(), id, secret });
            }
        }
        Ok(all)
    }

    fn hold(&mut self, agent: &AgentName, id: &ProfileId, secret: &SecretString, is_current: bool) {
        let holders = self.holders.entry((agent.clone(), digest(secret))).or_default();
        holders.push(Holder { id: id.clone(), is_current });
    }

    /// Returns the profile of an agent that stands for a secret of the client: the one with the same id, if it has that
    /// secret or had it, or else any that has it now.
    #[must_use]
    pub fn profile(&self, agent: &AgentName, id: Option<&str>, secret: &SecretString) -> Option<&ProfileId> {
        let holders = self.holders.get(&(agent.clone(), digest(secret)))?;
        let same = holders.iter().find(|holder| Some(holder.id.as_str()) == id);
        same.or_else(|| holders.iter().find(|holder| holder.is_current)).map(|holder| &holder.id)
    }

    /// Returns whether a profile of a provider has a secret now, so that the client uses it for that provider.
    #[must_use]
    pub fn serves(&self, agent: &AgentName, provider: &Provider, secret: &SecretString) -> bool {
        let holders = self.holders.get(&(agent.clone(), digest(secret)));
        holders.into_iter().flatten().any(|holder| holder.is_current && holder.id.provider() == *provider)
    }

    /// Returns the id by which the client asks for that profile.
    #[must_use]
    pub fn reference(&self, agent: &AgentName, id: Option<&str>, secret: &SecretString) -> Option<String> {
        self.profile(agent, id, secret).map(|id| Reference::id_of(agent, id))
    }

    /// Returns whether any agent has a secret, or had it.
    #[must_use]
    pub fn has(&self, secret: &SecretString) -> bool {
        let digest = digest(secret);
        self.holders.keys().any(|(_, held)| *held == digest)
    }

    /// Returns all of them, also those of earlier versions.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.all.iter()
    }
}

/// Returns what tells secrets apart. The client ignores blanks around them, and the vault stores none.
fn digest(secret: &SecretString) -> [u8; 32] {
    Sha256::digest(secret.expose_secret().trim().as_bytes()).into()
}
