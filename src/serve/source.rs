//! The open vault of a server: reads an agent's profiles again after each change, and holds that agent's key alone.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::snapshot::Snapshot;
use crate::error::{Code, Result};
use crate::messages::serve as messages;
use crate::ops::ambient::Ambient;
use crate::vault::anchor::accept_rollback;
use crate::vault::home::{Session, Setup, Vault};
use crate::vault::id::AgentName;

/// Returns what opening the vault again needs: a keychain that was not asked yet, and asks no one. What one knows of a
/// keychain, and the time that it has for it, is for one command; a server runs for days.
pub type Setups = Arc<dyn Fn() -> Setup + Send + Sync>;

/// A vault, and the key of one agent while it is unlocked.
pub(super) struct Source {
    home: PathBuf,
    setups: Setups,
    pub agent: AgentName,
    /// Reads the key again if it was changed, without asking anyone.
    pub ambient: Ambient,
    session: Mutex<Held>,
    dir: PathBuf,
}

/// The key.
struct Held<T = Session> {
    session: Option<T>,
    /// How often the server had been locked when this was read.
    locks: u64,
}

impl<T> Held<T> {
    /// Drops what was read before a lock.
    fn lock(&mut self, locks: u64) {
        if self.locks < locks {
            self.session = None;
        }
    }
}

impl Source {
    /// Returns the source of an agent's profiles. Of the session, only that agent's key is kept.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such agent; `LOCKED` for another agent's keys.
    pub fn new(
        vault: &Vault,
        session: Session,
        agent: AgentName,
        ambient: Ambient,
        setups: Setups,
    ) -> Result<Self> {
        let found = vault.agent(&agent)?.ok_or_else(|| messages::no_agent(&agent))?;
        let dir = found.dir().path().to_owned();
        let session = Mutex::new(Held { session: Some(alone(vault, session, &agent)?), locks: 0 });
        Ok(Self { home: vault.home().path().to_owned(), setups, agent, ambient, session, dir })
    }

    /// Opens the vault.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn vault(&self) -> Result<Vault> {
        Vault::open(&self.home, &(self.setups)(), Duration::ZERO)
    }

    /// Returns the agent's directory.
    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the time is over for which `strongroom unlock` keeps the key that it has.
    pub fn is_over(&self) -> bool {
        let now = self.ambient.env.now();
        // While it is being read with, that is looked at the next time.
        let session = self.session.try_lock().ok();
        session.is_some_and(|held| held.session.as_ref().and_then(Session::until).is_some_and(|at| at <= now))
    }

    /// Drops the key, which is wiped, unless it was read after this lock. `locks` counts it.
    pub fn lock(&self, locks: u64) {
        self.held().lock(locks);
    }

    /// Unlocks again without asking anyone. `locks` is how often the server had been locked before that.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn unlock(&self, locks: u64) -> Result<()> {
        let vault = self.vault()?;
        let opened = self.ambient.session(&vault)?;
        let session = Some(alone(&vault, opened, &self.agent)?);
        *self.held() = Held { session, locks };
        Ok(())
    }

    /// Reads the profiles. `before` is what was read last. Returns `None` if it is locked.
    ///
    /// # Errors
    /// `TAMPERED` if the agent's state was altered, or is older than one that this machine has seen; those of reading
    /// it.
    pub fn read(&self, before: Option<&Snapshot>) -> Result<Option<Snapshot>> {
        let mut held = self.held();
        let Some(current) = held.session.as_ref() else { return Ok(None) };
        let vault = self.vault()?;
        match self.read_with(&vault, current, before) {
            // The keys were changed: those that are held open nothing any more.
            Err(error) if error.code() == Code::Tampered && !current.is_current(vault.home())? => {
                let opened = self.ambient.session(&vault).map_err(|_| messages::keys_changed())?;
                let opened = held.session.insert(alone(&vault, opened, &self.agent)?);
                self.read_with(&vault, opened, None).map(Some)
            }
            read => read.map(Some),
        }
    }

    fn read_with(&self, vault: &Vault, session: &Session, before: Option<&Snapshot>) -> Result<Snapshot> {
        let found = vault.agent(&self.agent)?.ok_or_else(|| messages::no_agent(&self.agent))?;
        let ring = session.keys().agent(self.agent.as_str())?;
        // An older list of accesses may have one that was removed since.
        if let Some(refusal) = accept_rollback::of_agent(vault, &found, &ring)? {
            return Err(refusal.error());
        }
        Snapshot::read(&found.reader(ring, vault.keychain())?, &self.ambient.env, before)
    }
}

fn alone(vault: &Vault, session: Session, agent: &AgentName) -> Result<Session> {
    let store = vault.default_store(&session);
    session.alone(agent.as_str(), store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_comes_late_drops_no_key_that_was_read_after_it() {
        let mut held = Held { session: Some("first"), locks: 0 };
        held.lock(1);
        assert_eq!(held.session, None);
        held = Held { session: Some("unlocked after the first lock"), locks: 1 };
        held.lock(1);
        assert!(held.session.is_some());
        held.lock(2);
        assert_eq!(held.session, None);
    }
}
