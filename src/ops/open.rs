//! An unlocked vault as one value, which every use case works on.

use std::fmt;

use super::connect;
use super::notice::Notice;
use crate::env::Env;
use crate::error::{Code, Error, Result};
use crate::unlock::{keychain_key, unlock_files};
use crate::vault::anchor::Remembered;
use crate::vault::home::{LockWait, Session, Vault, Writer};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::reader::Reader;
use crate::vault::transaction::change::Outcome;

/// An unlocked vault, and the agent whose profiles are used.
pub struct Open<'v> {
    /// The vault.
    pub vault: &'v Vault,
    /// The unlocked session, with the keys.
    pub session: Session,
    /// The agent.
    pub agent: AgentName,
    /// How to wait for locks. Each use case waits under the name of its command.
    pub waits: LockWait,
    /// The clock.
    pub env: Env,
    /// Is called with each notice as soon as it is known, even if an error follows.
    pub hears: Box<dyn Fn(&Notice)>,
}

impl fmt::Debug for Open<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("session", &self.session)
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

impl<'v> Open<'v> {
    /// Returns the current time, in Unix milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.env.now()
    }

    /// Returns a command about a profile of the agent, to paste.
    #[must_use]
    pub fn command(&self, verb: &str, profile: &ProfileId) -> String {
        format!("strongroom{} {verb} {}", self.agent.option(), profile.word())
    }

    /// Passes a notice on.
    pub fn tell(&self, notice: &Notice) {
        (self.hears)(notice);
    }

    /// Returns how a command waits for locks.
    #[must_use]
    pub fn waits(&self, command: &str) -> LockWait {
        LockWait { command: command.to_owned(), now: self.now(), ..self.waits.clone() }
    }

    /// Returns a reader of the agent's profiles, if the agent exists.
    ///
    /// # Errors
    /// Those of reading the home, and of the agent's keys.
    pub fn reader(&self) -> Result<Option<Reader<'v>>> {
        self.reader_of(&self.agent)
    }

    /// Returns a reader of the profiles of any agent, if that agent exists.
    ///
    /// # Errors
    /// Those of reading the home, and of the agent's keys.
    pub fn reader_of(&self, agent: &AgentName) -> Result<Option<Reader<'v>>> {
        let Some(found) = self.vault.agent(agent)? else { return Ok(None) };
        self.vault.reader(found, self.session.keys()).map(Some)
    }

    /// Returns a writer for the agent's profiles.
    ///
    /// # Errors
    /// Those of locking.
    pub fn writer(&mut self, command: &str) -> Result<Writer<'v>> {
        self.writer_by(command, Vault::writer)
    }

    /// Returns a writer for a change that encrypts no secret; see [`Vault::writer_without_secrets`].
    ///
    /// # Errors
    /// Those of locking.
    pub fn writer_without_secrets(&mut self, command: &str) -> Result<Writer<'v>> {
        self.writer_by(command, Vault::writer_without_secrets)
    }

    fn writer_by(
        &mut self,
        command: &str,
        take: impl FnOnce(&'v Vault, &mut Session, &AgentName, &LockWait) -> Result<Writer<'v>>,
    ) -> Result<Writer<'v>> {
        let waits = self.waits(command);
        let by_keychain =
            self.session.unlocked().is_ok_and(|unlocked| unlocked.payload.method == unlock_files::KEYCHAIN);
        self.tell_if_new()?;
        let writer = take(self.vault, &mut self.session, &self.agent, &waits)?;
        if by_keychain {
            keychain_key::note_seen(self.vault.home(), false);
        }
        // Waiting for the lock took time.
        let writer = writer.at(self.now());
        self.begun(&writer);
        Ok(writer)
    }

    /// Notifies before the first change on this machine that it has not seen the home yet.
    fn tell_if_new(&self) -> Result<()> {
        let Ok(ring) = self.session.keys().own() else { return Ok(()) };
        // On a machine that cannot remember, this would be repeated at every change; `doctor` reports that.
        let setup = self.vault.anchors().setup();
        // If the directory was named and does not know the home, the change fails anyway.
        if setup.named_by.is_some() {
            return Ok(());
        }
        if let (Remembered::NoHome, Some(dir), true) =
            (self.vault.anchors().of(&ring)?, &setup.dir, setup.can_remember())
        {
            let denied = self.vault.anchors().denied(ring.vault.as_str()).map(Error::from);
            self.tell(&Notice::NewHome(denied.map_or_else(|| Ok(dir.clone()), Err)));
        }
        Ok(())
    }

    /// Notifies of a transaction that the writer had to set aside.
    pub fn begun(&self, writer: &Writer<'_>) {
        if let Some(name) = writer.set_aside() {
            self.tell(&Notice::SetAside { agent: writer.agent().name().clone(), name: name.to_owned() });
        }
    }

    /// Keeps a connected client in step with a change that is committed, and notifies if it could not be applied in full.
    /// The caller holds no lock.
    pub fn committed(&mut self, outcome: &Outcome) {
        if let Some(error) = &outcome.unfinished {
            self.tell(&Notice::Unfinished(error.clone()));
        }
        if let Some(error) = &outcome.keychain {
            self.tell(&Notice::KeychainBehind(error.clone()));
        }
        connect::follow(self);
    }
}

/// Reads from an unlocked vault, and retries if another command changed the keys meanwhile.
///
/// # Errors
/// Those of the reading.
pub fn reading<T>(vault: &Vault, session: &mut Session, read: impl Fn(&Session) -> Result<T>) -> Result<T> {
    for _ in 0..2 {
        match read(session) {
            Err(error) if error.code() == Code::Tampered && !session.is_current(vault.home())? => {
                vault.refresh(session)?;
            }
            done => return done,
        }
    }
    read(session)
}
