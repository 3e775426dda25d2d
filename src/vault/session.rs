//! An unlocked vault.

use std::fmt;

use strongroom_backends::fs::dir::Dir;

use super::agent::Agent;
use super::anchor::{Anchors, Remembered};
use super::ledger::Ledger;
use super::store::Store;
use crate::env::Env;
use crate::error::{Code, Result};
use crate::messages::vault::keys as messages;
use crate::seal::keys::{Keys, Ring, hex};
use crate::unlock::Opened;
use crate::unlock::cache::Cache;
use crate::unlock::payload::Pending;
use crate::unlock::unlock_files::Unlocked;

/// An unlocked vault.
pub struct Session {
    pub(super) opened: Opened,
    pub(super) keys: Keys,
    /// The environment, to look for a key again if the cached one no longer fits.
    pub(super) env: Env,
}

// The environment is left out: variables can hold secrets.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("opened", &self.opened).finish_non_exhaustive()
    }
}

impl Session {
    /// Returns the session of an opened vault.
    ///
    /// # Errors
    /// `CORRUPT` if the unlock file names a current key that it does not have.
    pub fn of(opened: Opened, env: &Env) -> Result<Self> {
        let keys = match &opened {
            Opened::By(unlocked) => unlocked.payload.keys()?,
            Opened::Cached(cache) => cache.keys().clone(),
        };
        Ok(Self { opened, keys, env: env.clone() })
    }

    /// Returns a session with the keys of one agent alone. The others are wiped. `store` is the store of new profiles.
    ///
    /// # Errors
    /// `LOCKED` if the session has only the keys of another agent; those of [`Session::of`].
    pub fn alone(self, agent: &str, store: Store) -> Result<Self> {
        match self.opened {
            Opened::By(unlocked) => {
                let cache = Cache::of(&unlocked, Some(agent), store.as_str(), i64::MAX)?;
                Self::of(Opened::Cached(cache), &self.env)
            }
            Opened::Cached(cache) => Self::of(Opened::Cached(cache.alone(agent)?), &self.env),
        }
    }

    /// Returns when its keys are to be dropped, in Unix milliseconds: when the time is over for which `strongroom unlock`
    /// keeps them. `None` if they came from an unlock method.
    #[must_use]
    pub fn until(&self) -> Option<i64> {
        match &self.opened {
            Opened::By(_) => None,
            Opened::Cached(cache) => Some(cache.until).filter(|until| *until != i64::MAX),
        }
    }

    /// Returns how the vault was unlocked.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Returns the keys for reading and writing.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns everything in the unlock file, if an unlock method was used.
    ///
    /// # Errors
    /// `LOCKED` if the keys came from the cache.
    pub fn unlocked(&self) -> Result<&Unlocked> {
        match &self.opened {
            Opened::By(unlocked) => Ok(unlocked),
            Opened::Cached(_) => Err(messages::needs_method()),
        }
    }

    /// Returns the method that it was unlocked with, and the SHA-256 of the unlock file, in hex.
    #[must_use]
    pub fn by(&self) -> (&str, String) {
        match &self.opened {
            Opened::By(unlocked) => (&unlocked.payload.method, hex(&unlocked.digest())),
            Opened::Cached(cache) => (&cache.method, hex(&cache.digest())),
        }
    }

    /// Returns the change of keys that is unfinished, if there is one.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        match &self.opened {
            Opened::By(unlocked) => unlocked.payload.pending,
            Opened::Cached(cache) => cache.pending,
        }
    }

    /// Returns whether the unlock file is still the one that was opened, in this process or for the cache.
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

/// Makes sure, as far as possible, that cached keys were not planted, before anything is written with them.
///
/// A cache is filled by an unlock method, but nothing in it proves that. It also lists the ids of retired keys, which
/// is no proof either: an anchor under one of them does not vouch for the cache.
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

/// Does the same for the keys of one agent alone. The vault's ledger cannot vouch for them, so the agent's ledger has
/// to, and the anchor if there is one.
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
