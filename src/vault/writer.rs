//! Writers: the exclusive right to change an agent's profiles.

use strongroom_backends::fs::lock::Lock;

use super::agent::Agent;
use super::anchor::Anchors;
use super::anchor::rollback::{self, LedgerState, Standing, WayOut};
use super::generation::Generations;
use super::ledger::{Book, Ledger};
use super::reader::Reader;
use super::transaction::change::{Change, Outcome};
use super::transaction::staging::{self, Place};
use super::transaction::state_step::Follow;
use super::transaction::{self, Finished};
use super::watch::{Unwatched, Watch};
use crate::error::{Code, Result};
use crate::keychain::Keychain;
use crate::seal::keys::Ring;

/// The right to change an agent's profiles. Its locks are held until it is dropped.
#[derive(Debug)]
pub struct Writer<'s> {
    pub(super) agent: Agent,
    /// The agent's keys, which cannot change while the lock is held.
    pub(super) ring: Ring,
    pub(super) keychain: &'s Keychain,
    /// In Unix milliseconds.
    pub(super) now: i64,
    set_aside: Option<String>,
    anchors: &'s Anchors,
    follow: Follow,
    history_days: u32,
    remembers: Remembers,
    _locks: Vec<Lock>,
}

/// The parts of a writer that come from the vault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means<'s> {
    pub(super) keychain: &'s Keychain,
    pub(super) anchors: &'s Anchors,
    pub(super) follow: Follow,
    pub(super) now: i64,
    /// Set if a state from before a change of keys is allowed.
    pub(super) over_rekey: Option<Remembers>,
    /// How long earlier versions are kept at least, in days.
    pub(super) history_days: u32,
}

/// Whether this machine remembers a change of a state from before a change of keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Remembers {
    /// Yes: this is the change of keys that follows.
    Yes,
    /// No: the change of keys has yet to follow.
    No,
}

/// A change that is durable up to its commit point. If it is dropped without a commit, what was prepared is removed.
#[derive(Debug)]
pub struct Staged<'w> {
    writer: &'w Writer<'w>,
    staged: staging::Staged<'w>,
}

impl<'s> Writer<'s> {
    /// Returns a writer for the locks that are held. Before that, it finishes what a killed process left, and makes
    /// sure that the agent is not older than this machine remembers.
    ///
    /// # Errors
    /// `TAMPERED`, and those of finishing.
    pub(super) fn begin(agent: Agent, ring: Ring, means: Means<'s>, locks: Vec<Lock>) -> Result<Self> {
        let Means { anchors, follow, now, over_rekey, keychain, .. } = means;
        // A committed change that is not applied may belong to an older state. That must not replace a newer one.
        if agent.has_committed()?
            && let Ok(book) = agent.again()?.reader(ring.clone(), keychain)?.book()
            && let Standing::Refused(refusal) =
                rollback::judge(anchors, &ring, &agent.dir, LedgerState::from(&book.ledger))?
            && !(over_rekey.is_some() && refusal.way_out == WayOut::Rekey)
        {
            return Err(refusal.error());
        }
        let finished = match transaction::finish_unfinished(&agent, &ring, follow, now) {
            Err(error) if error.code() == Code::Tampered => {
                return Err(rollback::unreadable(anchors, &ring, &agent.dir, &error)?.error());
            }
            finished => finished?,
        };
        let mut writer = Self::over(agent, ring, means, locks);
        if let Standing::Refused(refusal) = writer.standing()? {
            match over_rekey {
                Some(remembers) if refusal.way_out == WayOut::Rekey => writer.remembers = remembers,
                _ => return Err(refusal.error()),
            }
        }
        if let Finished::SetAside(name, salvaged) = finished {
            writer.set_aside = Some(name);
            let mut change = Change::default();
            for (record, store) in salvaged {
                change.put("salvage", record, store);
            }
            if !change.is_empty()
                && let Some(error) = writer.commit(change)?.unfinished
            {
                return Err(error);
            }
        }
        Ok(writer)
    }

    /// Returns a writer for an agent whose ledger is lost, or whose keys are. Nothing is checked.
    pub(super) fn over(agent: Agent, ring: Ring, means: Means<'s>, locks: Vec<Lock>) -> Self {
        let Means { keychain, anchors, follow, now, history_days, .. } = means;
        let remembers = Remembers::Yes;
        Self {
            agent,
            ring,
            keychain,
            now,
            set_aside: None,
            anchors,
            follow,
            history_days,
            remembers,
            _locks: locks,
        }
    }

    /// Compares the agent with what this machine remembers of it.
    ///
    /// # Errors
    /// Those of reading the ledger.
    pub fn standing(&self) -> Result<Standing> {
        let ledger = Ledger::read(&self.agent.dir, &self.ring)?.unwrap_or_default();
        rollback::judge(self.anchors, &self.ring, &self.agent.dir, LedgerState::from(&ledger))
    }

    /// Returns the agent.
    #[must_use]
    pub const fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Returns the agent's keys, which cannot change while the lock is held.
    #[must_use]
    pub const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Returns the keychain, which may hold records.
    #[must_use]
    pub const fn keychain(&self) -> &'s Keychain {
        self.keychain
    }

    /// Sets the time of what is written to `now`, in Unix milliseconds.
    #[must_use]
    pub fn at(self, now: i64) -> Self {
        Self { now, ..self }
    }

    /// Returns the time of what is written, in Unix milliseconds.
    #[must_use]
    pub const fn now(&self) -> i64 {
        self.now
    }

    /// Returns the name of a transaction that had to be set aside, if there was one.
    #[must_use]
    pub fn set_aside(&self) -> Option<&str> {
        self.set_aside.as_deref()
    }

    /// Returns the ledger.
    ///
    /// # Errors
    /// `TAMPERED`, those of reading it.
    pub fn book(&self) -> Result<Book> {
        transaction::book(&self.agent, &self.ring)
    }

    /// Returns the known generations.
    ///
    /// # Errors
    /// As [`Writer::book`].
    pub fn generations(&self) -> Result<Generations> {
        Ok(Generations::new(self.book()?, self.now))
    }

    /// Returns a reader of the same agent.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn reader(&self) -> Result<Reader<'s>> {
        self.agent.again()?.reader(self.ring.clone(), self.keychain)
    }

    /// Makes a change, and brings the keychain up to date with it.
    ///
    /// # Errors
    /// Any error up to the commit point. Then nothing has changed. Errors after it are part of the outcome.
    pub fn commit(&self, change: Change) -> Result<Outcome> {
        self.stage(change, &Unwatched)?.commit()
    }

    /// Prepares a change up to its commit point, durably. `watched` is told of each record that is encrypted.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn stage<'w>(&'w self, change: Change, watched: &dyn Watch) -> Result<Staged<'w>> {
        self.stage_on(change, &self.book()?, watched)
    }

    /// Prepares a change like [`Writer::stage`], but on the given ledger, because the one in place is lost.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn stage_on<'w>(&'w self, change: Change, book: &Book, watched: &dyn Watch) -> Result<Staged<'w>> {
        let place = Place {
            agent: &self.agent,
            ring: &self.ring,
            follow: self.follow,
            now: self.now,
            history_days: self.history_days,
        };
        Ok(Staged { writer: self, staged: change.stage(place, book, watched)? })
    }
}

impl Staged<'_> {
    /// Commits the change, remembers it outside the home, and brings the keychain up to date.
    ///
    /// # Errors
    /// Those of the one rename that commits. Then nothing has changed.
    pub fn commit(self) -> Result<Outcome> {
        let writer = self.writer;
        let (outcome, ledger) = self.staged.commit()?;
        if writer.remembers == Remembers::Yes {
            writer.anchors.remember(&writer.ring, &LedgerState::from(&ledger).mark());
        }
        writer.settled(outcome)
    }
}
