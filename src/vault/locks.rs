//! The locks of a vault, and what has to be so before anything is written.

use std::time::Duration;

use strongroom_backends::StoreError;
use strongroom_backends::fs::lock::{Holder, Lock, Mode};

use super::agent::Agent;
use super::anchor;
use super::anchor::rollback::{self, LedgerState, Standing, WayOut};
use super::home::{LockWait, Session, Vault};
use super::id::AgentName;
use super::session::check_cached;
use super::vault_ledger::{Edit, VaultLedger};
use super::writer::{Means, Remembers, Writer};
use crate::error::{Code, Result};
use crate::messages;
use crate::seal::keys::{Keys, Ring};
use crate::unlock::Opened;

/// How long a command that only looks waits for a change of the vault's keys.
pub const LOOK_WAITS: Duration = Duration::from_secs(2);

/// What a command holds while it looks at a whole vault.
#[derive(Debug, Default)]
pub struct Look {
    /// Kept until it has looked.
    pub lock: Option<Lock>,
    /// Who changes the vault meanwhile; what is read then may not fit together.
    beside: Option<String>,
}

impl Look {
    /// What the reader of a report that was made beside a change is told.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        self.beside.as_deref().map(messages::vault::locks::vault_is_changing)
    }

    /// How long agents are waited for: not at all beside a change of keys, which holds them one after the other.
    #[must_use]
    pub fn waits(&self, waits: &LockWait) -> LockWait {
        let limit = if self.beside.is_some() { Duration::ZERO } else { waits.limit };
        LockWait { limit, ..waits.clone() }
    }
}

/// By whom something is changed.
pub(super) fn by(holder: Option<Holder>) -> String {
    messages::vault::locks::by(holder.as_ref().map(|holder| (holder.pid, holder.command.as_str())))
}

impl Vault {
    /// Takes the vault's lock.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`.
    pub fn lock(&self, mode: Mode, waits: &LockWait) -> Result<Lock> {
        Ok(waits.take(&self.home, mode)?)
    }

    /// Takes an agent's lock for a change that needs no keys. An unfinished transaction stays.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`.
    pub fn lock_agent(&self, agent: &AgentName, waits: &LockWait) -> Result<(Agent, [Lock; 2])> {
        let vault = self.lock(Mode::Shared, waits)?;
        let agent = self.agent_or_create(agent)?;
        let lock = waits.take(&agent.dir, Mode::Exclusive)?;
        Ok((agent, [vault, lock]))
    }

    /// Takes the locks for a change, unlocks again if the keys changed meanwhile, and finishes
    /// what a killed process left.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, those of unlocking again, those of the unfinished transaction; `TAMPERED` if the
    /// home is behind what this machine remembers of it.
    pub fn writer<'s>(
        &'s self,
        session: &mut Session,
        agent: &AgentName,
        waits: &LockWait,
    ) -> Result<Writer<'s>> {
        let mut writers = self.writers(session, std::slice::from_ref(agent), waits)?;
        writers.pop().ok_or_else(messages::vault::locks::no_agent)
    }

    /// As [`Vault::writer`], for a change that seals no secret: that may be made of a state from before a change
    /// of keys too. It is not remembered then, so that nothing else is written before the keys are changed.
    ///
    /// # Errors
    /// As [`Vault::writer`].
    pub fn writer_without_secrets<'s>(
        &'s self,
        session: &mut Session,
        agent: &AgentName,
        waits: &LockWait,
    ) -> Result<Writer<'s>> {
        let means = Means { over_rekey: Some(Remembers::No), ..self.means(waits.now) };
        let mut writers = self.writers_by(session, std::slice::from_ref(agent), waits, means)?;
        writers.pop().ok_or_else(messages::vault::locks::no_agent)
    }

    /// Takes the locks for a change of several agents, in the order of their names.
    ///
    /// # Errors
    /// As [`Vault::writer`].
    pub fn writers<'s>(
        &'s self,
        session: &mut Session,
        agents: &[AgentName],
        waits: &LockWait,
    ) -> Result<Vec<Writer<'s>>> {
        self.writers_by(session, agents, waits, self.means(waits.now))
    }

    fn writers_by<'s>(
        &'s self,
        session: &mut Session,
        agents: &[AgentName],
        waits: &LockWait,
        means: Means<'s>,
    ) -> Result<Vec<Writer<'s>>> {
        let mut agents = agents.to_vec();
        agents.sort_unstable();
        agents.dedup();
        let lock = || agents.iter().map(|agent| self.lock_agent(agent, waits)).collect::<Result<Vec<_>>>();
        let mut locked = lock()?;
        if !self.is_settled(&session.keys)? {
            drop(locked);
            drop(self.keys_alone(session, waits)?);
            locked = lock()?;
        }
        self.keep_current(session)?;
        if let Ok(ring) = session.keys.own() {
            self.own(&ring, means.over_rekey.is_some())?;
        }
        locked
            .into_iter()
            .map(|(agent, locks)| {
                let ring = session.keys.agent(agent.name.as_str())?;
                if let Opened::Cached(_) = session.opened {
                    check_cached(&self.anchors, &session.keys, &ring, &agent)?;
                }
                Writer::begin(agent, ring, means, locks.into())
            })
            .collect()
    }

    /// The right to change an agent, for a command that holds the vault's lock alone. A state from before
    /// a change of keys is let pass with `over_rekey`.
    ///
    /// # Errors
    /// As [`Vault::writer`].
    pub(super) fn writer_alone(
        &self,
        keys: &Keys,
        agent: Agent,
        waits: &LockWait,
        over_rekey: bool,
    ) -> Result<Writer<'_>> {
        let lock = waits.take(&agent.dir, Mode::Exclusive)?;
        let ring = keys.agent(agent.name.as_str())?;
        let over_rekey = over_rekey.then_some(Remembers::Yes);
        let means = Means { over_rekey, ..self.means(waits.now) };
        Writer::begin(agent, ring, means, vec![lock])
    }

    pub(super) const fn means(&self, now: i64) -> Means<'_> {
        Means { keychain: &self.keychain, anchors: &self.anchors, follow: self.follow, now, over_rekey: None }
    }

    /// Keeps the keys as they are and the session up to date with them, for a command that judges all there
    /// is: beside a change of keys, half of it would seem lost. Such a change is waited for at most
    /// [`LOOK_WAITS`]; then the command looks beside it, because a person who asks what is wrong needs an answer. No lock if the
    /// home cannot be written, and so nothing is changed.
    ///
    /// # Errors
    /// Those of unlocking again.
    pub fn keys_settled(&self, session: &mut Session, waits: &LockWait) -> Result<Look> {
        let limit = waits.limit.min(LOOK_WAITS);
        let look = match (LockWait { limit, ..waits.clone() }).take(&self.home, Mode::Shared) {
            Err(StoreError::LockTimeout { holder, .. }) => Look { lock: None, beside: Some(by(holder)) },
            lock => Look { lock: lock.ok(), beside: None },
        };
        self.keep_current(session)?;
        Ok(look)
    }

    /// Takes the vault's lock alone, finishes what a killed command left of a change of the vault itself,
    /// and brings the session up to date with the keys.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`, those of unlocking again.
    pub fn keys_alone(&self, session: &mut Session, waits: &LockWait) -> Result<Lock> {
        let lock = self.lock(Mode::Exclusive, waits)?;
        self.keep_current(session)?;
        if let Ok(ring) = session.keys.own()
            && let Ok(Some(own)) = VaultLedger::read(&self.home, &ring)
            && !own.is_settled(&self.home)?
            // Nothing is put in its place in a home that is not to be written, and nothing of it remembered.
            && let Standing::Good | Standing::Unknown =
                rollback::judge(&self.anchors, &ring, &self.home, LedgerState::from(&own))?
        {
            own.settle(&self.home)?;
            self.anchors.remember(&ring, &LedgerState::from(&own).mark());
        }
        Ok(lock)
    }

    fn is_settled(&self, keys: &Keys) -> Result<bool> {
        let Ok(ring) = keys.own() else { return Ok(true) };
        match VaultLedger::read(&self.home, &ring) {
            Ok(Some(own)) => own.is_settled(&self.home),
            // Whether anything may be written at all is judged behind this.
            _ => Ok(true),
        }
    }

    /// The vault's own ledger, if it may be written.
    ///
    /// # Errors
    /// `TAMPERED`.
    pub fn own(&self, ring: &Ring, over_rekey: bool) -> Result<VaultLedger> {
        let own = match VaultLedger::expect(&self.home, ring) {
            Err(error) if error.code() == Code::Tampered => {
                return Err(rollback::unreadable(&self.anchors, ring, &self.home, &error)?.error());
            }
            own => own?,
        };
        match rollback::judge(&self.anchors, ring, &self.home, LedgerState::from(&own))? {
            Standing::Refused(refusal) if !(over_rekey && refusal.way_out == WayOut::Rekey) => {
                return Err(refusal.error());
            }
            _ => {}
        }
        match self.anchors.setup().named_by {
            Some(name) if self.is_unknown(ring)? => Err(messages::vault::rollback::unknown_home(name)),
            _ => Ok(own),
        }
    }

    /// Whether this machine remembers nothing of the home.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn is_unknown(&self, ring: &Ring) -> Result<bool> {
        use anchor::Remembered::{NoHome, Nothing, Nowhere};
        Ok(matches!(self.anchors.of(ring)?, NoHome | Nothing | Nowhere))
    }

    /// The number of the ledger that this machine remembers, whatever key it was written under; 0 if none.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn anchored_at(&self, ring: &Ring) -> Result<u64> {
        use anchor::Remembered::{Mark, NoHome, Nothing, Nowhere, OtherVault, Retired, UnknownKey};
        Ok(match self.anchors.of(ring)? {
            Mark(mark) => mark.number,
            Retired(number) | UnknownKey(number) => number,
            Nowhere | NoHome | OtherVault | Nothing => 0,
        })
    }

    /// Remembers the vault's own state outside the home, if it may be written. The caller holds the vault's
    /// lock.
    ///
    /// # Errors
    /// Those of reading the ledger.
    pub fn remember(&self, ring: &Ring) -> Result<()> {
        let own = VaultLedger::expect(&self.home, ring)?;
        if let Standing::Good | Standing::Unknown =
            rollback::judge(&self.anchors, ring, &self.home, LedgerState::from(&own))?
        {
            self.anchors.remember(ring, &LedgerState::from(&own).mark());
        }
        Ok(())
    }

    /// Makes a change of the vault itself. The caller holds the vault's lock alone.
    ///
    /// # Errors
    /// As [`VaultLedger::commit`].
    pub fn commit_own(&self, ring: &Ring, own: &VaultLedger, edit: &Edit) -> Result<VaultLedger> {
        let next = own.commit(&self.home, ring, edit)?;
        self.anchors.remember(ring, &LedgerState::from(&next).mark());
        Ok(next)
    }
}
