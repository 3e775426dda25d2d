//! An open vault as one value: what every use case works on.

use std::fmt;

use super::notice::Notice;
use crate::env::Env;
use crate::error::{Code, Error, Result};
use crate::unlock::{keychain_key, unlock_files};
use crate::vault::anchor::Remembered;
use crate::vault::home::{LockWait, Session, Vault, Writer};
use crate::vault::id::AgentName;
use crate::vault::reader::Reader;
use crate::vault::transaction::change::Outcome;

/// A vault that is unlocked, and the agent whose profiles are meant.
pub struct Open<'v> {
    /// The vault.
    pub vault: &'v Vault,
    /// What unlocked it, and the keys.
    pub session: Session,
    /// The agent that is meant.
    pub agent: AgentName,
    /// How locks are waited for; each use case waits under its command's name.
    pub waits: LockWait,
    /// The clock.
    pub env: Env,
    /// Hears each notice when it is due, also those before an error.
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

    /// Tells of something that stops nothing.
    pub fn tell(&self, notice: &Notice) {
        (self.hears)(notice);
    }

    /// Returns how a command waits for locks.
    #[must_use]
    pub fn waits(&self, command: &str) -> LockWait {
        LockWait { command: command.to_owned(), now: self.now(), ..self.waits.clone() }
    }

    /// Returns what reads the agent's profiles, if it has any.
    ///
    /// # Errors
    /// Those of reading the home, and of the agent's keys.
    pub fn reader(&self) -> Result<Option<Reader<'v>>> {
        self.reader_of(&self.agent)
    }

    /// Returns what reads the profiles of any agent, if it has any.
    ///
    /// # Errors
    /// Those of reading the home, and of the agent's keys.
    pub fn reader_of(&self, agent: &AgentName) -> Result<Option<Reader<'v>>> {
        let Some(found) = self.vault.agent(agent)? else { return Ok(None) };
        self.vault.reader(found, self.session.keys()).map(Some)
    }

    /// Takes the right to change the agent's profiles.
    ///
    /// # Errors
    /// Those of locking.
    pub fn writer(&mut self, command: &str) -> Result<Writer<'v>> {
        self.writer_by(command, Vault::writer)
    }

    /// Takes the right as [`Open::writer`], for a change that seals no secret ([`Vault::writer_without_secrets`]).
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
        // The clock may have moved on while the lock was waited for.
        let writer = writer.at(self.now());
        self.begun(&writer);
        Ok(writer)
    }

    /// Tells, before the first change on this machine, that it knows nothing of the home yet.
    fn tell_if_new(&self) -> Result<()> {
        let Ok(ring) = self.session.keys().own() else { return Ok(()) };
        // A machine that cannot remember would be told so at every change; `doctor` says it.
        let setup = self.vault.anchors().setup();
        // One that was named and knows nothing is not written: that is an error.
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

    /// Tells of a transaction that a writer had to set aside.
    pub fn begun(&self, writer: &Writer<'_>) {
        if let Some(name) = writer.set_aside() {
            self.tell(&Notice::SetAside { agent: writer.agent().name().clone(), name: name.to_owned() });
        }
    }

    /// Tells of a change that is committed and could not be applied in full.
    pub fn committed(&self, outcome: &Outcome) {
        if let Some(error) = &outcome.unfinished {
            self.tell(&Notice::Unfinished(error.clone()));
        }
        if let Some(error) = &outcome.keychain {
            self.tell(&Notice::KeychainBehind(error.clone()));
        }
    }
}

/// Reads from an unlocked vault, and again if another command changed the keys in between.
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
