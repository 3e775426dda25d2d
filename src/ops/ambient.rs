//! What a use case that asks no one goes by.

use crate::env::Env;
use crate::error::Result;
use crate::unlock::key_sources::Named;
use crate::vault::home::{Session, Vault};

/// The variables and the clock, and the sources of a key that were named.
#[derive(Clone, Debug)]
pub struct Ambient {
    /// Variables, clock, terminal.
    pub env: Env,
    /// The sources of a key that were named, and the agent that is meant.
    pub named: Named,
}

impl Ambient {
    /// Unlocks a vault without asking anyone.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session(&self, vault: &Vault) -> Result<Session> {
        vault.unlock(&self.named, &self.env, None)
    }
}
