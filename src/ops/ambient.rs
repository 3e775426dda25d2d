//! The surroundings of a use case that asks no one.

use crate::env::Env;
use crate::error::Result;
use crate::unlock::key_sources::Named;
use crate::vault::home::{Session, Vault};
use crate::vault::id::AgentName;

/// The environment and the named sources of a key.
#[derive(Clone, Debug)]
pub struct Ambient {
    /// Variables, clock, terminal.
    pub env: Env,
    /// The sources of a key that were named, and the agent.
    pub named: Named,
}

impl Ambient {
    /// Returns the same for another agent.
    #[must_use]
    pub fn of_agent(&self, agent: &AgentName) -> Self {
        Self { env: self.env.clone(), named: Named { agent: Some(agent.to_string()), ..self.named.clone() } }
    }

    /// Unlocks a vault without asking anyone.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session(&self, vault: &Vault) -> Result<Session> {
        vault.unlock(&self.named, &self.env, None)
    }
}
