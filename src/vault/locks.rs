//! The locks of a vault, and the checks before anything is written.

use std::time::Duration;

use strongroom_backends::StoreError;
use strongroom_backends::fs::lock::{Holder, Lock, Mode};

use super::agent::Agent;
use super::anchor;
use super::anchor::rollback::{self, LedgerState, Standing, WayOut};
use super::home::{LockWait, Session, Vault};
use super::id::AgentName;
use super::session::check_cached;
use super::settings::HISTORY_DAYS;
use super::vault_ledger::{Edit, VaultLedger};
use super::writer::{Means, Remembers, Writer};
use crate::error::{Code, Result};
use crate::messages;
use crate::seal::keys::{Keys, Ring};
use crate::unlock::Opened;

/// How long a command that only reads waits for a change of the vault's keys.
pub const LOOK_WAITS: Duration = Duration::from_secs(2);

/// What a command holds while it reads a whole vault.
#[derive(Debug, Default)]
pub struct Look {
    /// The lock, until the command has read everything.
    pub lock: Option<Lock>,
    /// Who is changing the vault meanwhile, so that the command may read parts that do not fit together.
    beside: Option<String>,
}

impl Look {
    /// Returns a warning if the vault is being changed meanwhile.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        self.beside.as_deref().map(messages::vault::locks::vault_is_changing)
    }

    /// Returns how to wait for agents: not at all during a change of keys, which locks them one after the other.
    #[must_use]
    pub fn waits(&self, waits: &LockWait) -> LockWait {
        let limit = if self.beside.is_some() { Duration::ZERO } else { waits.limit };
        LockWait { limit, ..waits.clone() }
    }
}

/// Returns a phrase for who is changing something.
pub(super) fn by(holder: Option<&Holder>) -> String {
    messages::vault::locks::by(holder.map(|holder| (holder.pid, holder.command.as_str())))
}

impl Vault {
    /// Takes the vault's lock.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`.
    pub fn lock(&self, mode: Mode, waits: &LockWait) -> Result<Lock> {
        Ok(waits.take(&self.home, mode)?)
    }

    /// Takes an agent's lock for a change that needs no keys. An unfinished transaction stays unfinished.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`.
    pub fn lock_agent(&self, agent: &AgentName, waits: &LockWait) -> Result<(Agent, [Lock; 2])> {
        let vault = self.lock(Mode::Shared, waits)?;
        let agent = self.agent_or_create(agent)?;
        let lock = waits.take(&agent.dir, Mode::Exclusive)?;
        Ok((agent, [vault, lock]))
    }

    /// Takes the locks for a change, unlocks again if the keys have changed, and finishes what a killed process left.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, those of unlocking again, those of the unfinished transaction; `TAMPERED` if the home is older
    /// than this machine remembers.
    pub fn writer<'s>(
        &'s self,
        session: &mut Session,
        agent: &AgentName,
        waits: &LockWait,
    ) -> Result<Writer<'s>> {
        let mut writers = self.writers(session, std::slice::from_ref(agent), waits)?;
        writers.pop().ok_or_else(messages::vault::locks::no_agent)
    }

    /// Returns a writer for a change that encrypts no secret. Such a change is allowed even in a state from before a
    /// change of keys. It is then not remembered, so that other changes stay refused until the keys are changed.
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

    /// Returns writers for a change of several agents. Their locks are taken in the order of their names.
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
        let means = Means { history_days: self.history_days(&session.keys), ..means };
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

    /// Returns a writer for an agent, for a command that holds the vault's lock exclusively. With `over_rekey`, a state
    /// from before a change of keys is allowed.
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
        let (keychain, anchors, follow) = (&self.keychain, &self.anchors, self.follow);
        Means { keychain, anchors, follow, now, over_rekey: None, history_days: u32::MAX }
    }

    /// Returns how long earlier versions are kept at least, in days. If the settings cannot be verified, none is too old.
    #[must_use]
    pub fn history_days(&self, keys: &Keys) -> u32 {
        self.settings(keys).map_or(u32::MAX, |settings| settings.history_days.unwrap_or(HISTORY_DAYS))
    }

    /// Keeps the keys from changing, and the session up to date with them, for a command that checks everything: during
    /// a change of keys, half of it would seem lost.
    ///
    /// It waits for such a change for at most [`LOOK_WAITS`]. Then the command runs without the lock, because a person
    /// who asks what is wrong needs an answer. A home that cannot be written has no writer and needs no lock.
    ///
    /// # Errors
    /// Those of unlocking again.
    pub fn keys_settled(&self, session: &mut Session, waits: &LockWait) -> Result<Look> {
        let limit = waits.limit.min(LOOK_WAITS);
        let look = match (LockWait { limit, ..waits.clone() }).take(&self.home, Mode::Shared) {
            Err(StoreError::LockTimeout { holder, .. }) => {
                Look { lock: None, beside: Some(by(holder.as_ref())) }
            }
            lock => Look { lock: lock.ok(), beside: None },
        };
        self.keep_current(session)?;
        Ok(look)
    }

    /// Takes the vault's lock exclusively, finishes a change of the vault itself that a killed command left, and brings
    /// the session up to date with the keys.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`, those of unlocking again.
    pub fn keys_alone(&self, session: &mut Session, waits: &LockWait) -> Result<Lock> {
        let lock = self.lock(Mode::Exclusive, waits)?;
        self.keep_current(session)?;
        if let Ok(ring) = session.keys.own()
            && let Ok(Some(own)) = VaultLedger::read(&self.home, &ring)
            && !own.is_settled(&self.home)?
            // In a home that must not be written, nothing is finished, and nothing is remembered.
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
            // A ledger that does not verify is handled after this.
            _ => Ok(true),
        }
    }

    /// Returns the vault's own ledger, if it may be written.
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

    /// Returns whether this machine remembers nothing of the home.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn is_unknown(&self, ring: &Ring) -> Result<bool> {
        use anchor::Remembered::{NoHome, Nothing, Nowhere};
        Ok(matches!(self.anchors.of(ring)?, NoHome | Nothing | Nowhere))
    }

    /// Returns the number of the ledger that this machine remembers, whatever its key; 0 without one.
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

    /// Remembers the vault's own state outside the home, if the home may be written. The caller holds the vault's lock.
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

    /// Makes a change of the vault itself. The caller holds the vault's lock exclusively.
    ///
    /// # Errors
    /// As [`VaultLedger::commit`].
    pub fn commit_own(&self, ring: &Ring, own: &VaultLedger, edit: &Edit) -> Result<VaultLedger> {
        let next = own.commit(&self.home, ring, edit)?;
        self.anchors.remember(ring, &LedgerState::from(&next).mark());
        Ok(next)
    }
}
