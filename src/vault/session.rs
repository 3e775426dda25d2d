//! An unlocked vault.

use std::fmt;

use strongroom_backends::fs::dir::Dir;

use super::settings::Settings;
use crate::env::Env;
use crate::error::{Code, Result, fail};
use crate::seal::keys::Keys;
use crate::unlock::Opened;
use crate::unlock::payload::Pending;
use crate::unlock::slots::Unlocked;

/// An unlocked vault.
pub struct Session {
    /// How it was unlocked.
    pub opened: Opened,
    /// What writing and reading need.
    pub keys: Keys,
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
            Opened::Cached(cache) => cache.keys()?,
        };
        Ok(Self { opened, keys, env: env.clone() })
    }

    /// Everything that the unlock file held: there only where a method was used.
    ///
    /// # Errors
    /// `LOCKED` when the keys came from the cache.
    pub fn unlocked(&self) -> Result<&Unlocked> {
        match &self.opened {
            Opened::By(unlocked) => Ok(unlocked),
            Opened::Cached(_) => {
                fail(Code::Locked, "this needs an unlock method, and the cache holds less than one opens")
            }
        }
    }

    /// What `vault.json` has to say.
    #[must_use]
    pub fn settings(&self) -> Settings {
        match &self.opened {
            Opened::By(unlocked) => Settings::of(&unlocked.payload),
            Opened::Cached(cache) => Settings::of_cache(cache),
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
