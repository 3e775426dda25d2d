//! An unlocked vault.

use std::fmt;

use strongroom_backends::fs::dir::Dir;

use super::agent::Agent;
use super::anchor::{Anchors, Remembered};
use super::ledger::Ledger;
use crate::env::Env;
use crate::error::{Code, Result};
use crate::messages::vault::keys as messages;
use crate::seal::keys::{Keys, Ring, hex};
use crate::unlock::Opened;
use crate::unlock::payload::Pending;
use crate::unlock::unlock_files::Unlocked;

/// An unlocked vault.
pub struct Session {
    pub(super) opened: Opened,
    pub(super) keys: Keys,
    /// Where a key is sought again, should the cache no longer fit.
    pub(super) env: Env,
}

// Variables can hold secrets.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("opened", &self.opened).finish_non_exhaustive()
    }
}

impl Session {
    /// The session of an opened vault.
    ///
    /// # Errors
    /// `CORRUPT` when what was opened names a current key that it does not hold.
    pub fn of(opened: Opened, env: &Env) -> Result<Self> {
        let keys = match &opened {
            Opened::By(unlocked) => unlocked.payload.keys()?,
            Opened::Cached(cache) => cache.keys().clone(),
        };
        Ok(Self { opened, keys, env: env.clone() })
    }

    /// How the vault was unlocked.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// What writing and reading need.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Everything that the unlock file held: there only where a method was used.
    ///
    /// # Errors
    /// `LOCKED` when the keys came from the cache.
    pub fn unlocked(&self) -> Result<&Unlocked> {
        match &self.opened {
            Opened::By(unlocked) => Ok(unlocked),
            Opened::Cached(_) => Err(messages::needs_method()),
        }
    }

    /// The method by which it was unlocked, and the SHA-256 of its unlock file, in hex.
    #[must_use]
    pub fn by(&self) -> (&str, String) {
        match &self.opened {
            Opened::By(unlocked) => (&unlocked.payload.method, hex(&unlocked.digest())),
            Opened::Cached(cache) => (&cache.method, hex(&cache.digest())),
        }
    }

    /// A change of keys that is not finished.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        match &self.opened {
            Opened::By(unlocked) => unlocked.payload.pending,
            Opened::Cached(cache) => cache.pending,
        }
    }

    /// Whether the unlock file is still the one that was opened, be it now or for the cache.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn is_current(&self, home: &Dir) -> Result<bool> {
        match &self.opened {
            Opened::By(unlocked) => unlocked.is_current(home),
            Opened::Cached(cache) => cache.is_current(home),
        }
    }
}

/// Makes sure, before anything is written, that the keys in a cache were not planted, as far as that can
/// be told. A cache is made by an unlock method, but nothing in it proves that: the ids of the keys that
/// it says were given up are no proof either, and an anchor under one of them does not vouch for it.
///
/// # Errors
/// `TAMPERED`; `LOCKED` if nothing vouches for them.
pub(super) fn check_cached(anchors: &Anchors, keys: &Keys, ring: &Ring, agent: &Agent) -> Result<()> {
    if keys.only_agent().is_some() {
        return check_alone(anchors, ring, agent);
    }
    for ring in [&keys.own()?, ring] {
        if let Remembered::Retired(_) = anchors.of(ring)? {
            return Err(messages::cache_cannot_vouch(&ring.scope));
        }
    }
    Ok(())
}

/// The same for the keys of one agent alone: no ledger of the vault vouches for them, so the agent's
/// ledger has to, and the anchor if there is one.
fn check_alone(anchors: &Anchors, ring: &Ring, agent: &Agent) -> Result<()> {
    use Remembered::{Mark, NoHome, Nothing, Nowhere, OtherVault, Retired, UnknownKey};
    let name = &agent.name;
    match Ledger::read(&agent.dir, ring) {
        Err(error) if error.code() == Code::Tampered => {
            return Err(messages::cache_does_not_fit(name, error.what()));
        }
        Ok(Some(_)) => match anchors.of(ring)? {
            Mark(_) | UnknownKey(_) | OtherVault | NoHome | Nowhere => return Ok(()),
            Nothing | Retired(_) => {}
        },
        read => drop(read?),
    }
    Err(messages::cache_not_vouched_for(name))
}
