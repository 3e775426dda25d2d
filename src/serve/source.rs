//! The open vault of a server: reads an agent's profiles again after each change, and holds that agent's key alone.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::snapshot::Snapshot;
use crate::error::{Code, Result};
use crate::messages::serve as messages;
use crate::ops::ambient::Ambient;
use crate::vault::agent::Agent;
use crate::vault::anchor::accept_rollback;
use crate::vault::home::{Session, Vault};
use crate::vault::id::AgentName;

/// A vault, and the key of one agent while it is unlocked.
#[derive(Debug)]
pub(super) struct Source {
    pub vault: Vault,
    pub agent: AgentName,
    /// Reads the key again if it was changed, without asking anyone.
    pub ambient: Ambient,
    session: Mutex<Option<Session>>,
    dir: PathBuf,
}

impl Source {
    /// Returns the source of an agent's profiles. Of the session, only that agent's key is kept.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such agent; `LOCKED` for another agent's keys.
    pub fn new(vault: Vault, session: Session, agent: AgentName, ambient: Ambient) -> Result<Self> {
        let found = vault.agent(&agent)?.ok_or_else(|| messages::no_agent(&agent))?;
        let dir = found.dir().path().to_owned();
        let session = Mutex::new(Some(alone(&vault, session, &agent)?));
        Ok(Self { vault, agent, ambient, session, dir })
    }

    /// Returns the agent's directory.
    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the key, which is wiped.
    pub fn lock(&self) {
        *self.session() = None;
    }

    /// Unlocks again without asking anyone.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn unlock(&self) -> Result<()> {
        let opened = self.ambient.session(&self.vault)?;
        *self.session() = Some(alone(&self.vault, opened, &self.agent)?);
        Ok(())
    }

    /// Reads the profiles. `before` is what was read last. Returns `None` if it is locked.
    ///
    /// # Errors
    /// `TAMPERED` if the agent's state was altered, or is older than one that this machine has seen; those of reading
    /// it.
    pub fn read(&self, before: Option<&Snapshot>) -> Result<Option<Snapshot>> {
        let mut session = self.session();
        let Some(current) = session.as_ref() else { return Ok(None) };
        match self.read_with(current, before) {
            // The keys were changed: those that are held open nothing any more.
            Err(error) if error.code() == Code::Tampered && !current.is_current(self.vault.home())? => {
                let opened = self.ambient.session(&self.vault).map_err(|_| messages::keys_changed())?;
                let opened = session.insert(alone(&self.vault, opened, &self.agent)?);
                self.read_with(opened, None).map(Some)
            }
            read => read.map(Some),
        }
    }

    fn read_with(&self, session: &Session, before: Option<&Snapshot>) -> Result<Snapshot> {
        let found = self.agent()?;
        let ring = session.keys().agent(self.agent.as_str())?;
        // An older list of accesses may have one that was removed since.
        if let Some(refusal) = accept_rollback::of_agent(&self.vault, &found, &ring)? {
            return Err(refusal.error());
        }
        Snapshot::read(found.reader(ring, self.vault.keychain())?, &self.ambient.env, before)
    }

    fn agent(&self) -> Result<Agent> {
        self.vault.agent(&self.agent)?.ok_or_else(|| messages::no_agent(&self.agent))
    }
}

fn alone(vault: &Vault, session: Session, agent: &AgentName) -> Result<Session> {
    let store = vault.default_store(&session);
    session.alone(agent.as_str(), store)
}
