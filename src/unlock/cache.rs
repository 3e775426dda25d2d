//! What `strongroom unlock` keeps in the kernel's keyring for a while, so that reading and writing need no
//! passphrase: the vault keys or the keys of one agent only, and the recovery *recipient*. The recovery identity,
//! the transfer identity and the method's secret are never in it.
//!
//! A cache belongs to one home (by its vault's id and its path) and to one unlock file (by its digest). After a change
//! of keys or of the method it is ignored, and so is anything that does not have exactly this form.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use age::x25519;
use serde::{Deserialize, Serialize};
use strongroom_backends::fs::dir::Dir;
pub use strongroom_backends::kernel_keyring::Place;
use strongroom_backends::kernel_keyring::{self, KeyringError};

pub use super::cache_name::Ended;
use super::cache_name::{self, is_agent};
use super::payload::{InKey, OutKey, Pending, read_agent_keys, read_keys};
use super::unlock_files::{self, Slot, Unlocked};
use crate::error::{Error, Result};
use crate::json;
use crate::messages::keychain as say;
use crate::seal::keys::{KeySet, Keys, Ring, VaultId, hex, unhex};
use crate::secret::Buffer;

/// The shortest time for which the vault can be cached, in milliseconds.
pub const TTL_MIN: i64 = 1_000;
/// The longest time for which the vault can be cached, in milliseconds.
pub const TTL_MAX: i64 = 24 * 3_600 * 1_000;
/// The largest cache, in bytes. An ordinary user's keyrings may hold 20,000 in all.
const MAX: usize = 4 * 1024;
const FORMAT: u32 = 1;

/// Which cache to look for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The home.
    pub home: &'a Path,
    /// The vault's id, if `vault.json` states it.
    pub vault: Option<&'a str>,
    /// The agent whose own cache is enough if the whole vault is not cached.
    pub agent: Option<&'a str>,
}

impl Asked<'_> {
    fn vault(&self) -> Option<VaultId> {
        match self.vault {
            Some(vault) => vault.parse().ok(),
            None => cache_name::claimed(self.home).into_iter().next(),
        }
    }
}

/// The cached keys of a vault, and what goes with them.
pub struct Cache {
    /// The vault's default store.
    pub store: String,
    /// The method whose unlock file was decrypted.
    pub method: String,
    /// When the cache ends, in Unix milliseconds.
    pub until: i64,
    /// An unfinished change of keys.
    pub pending: Option<Pending>,
    /// The SHA-256 of the file that was decrypted.
    digest: [u8; 32],
    keys: Keys,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("vault", &self.keys.vault)
            .field("agent", &self.keys.only_agent())
            .field("method", &self.method)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Out<'a> {
    format: u32,
    vault: &'a str,
    machine: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    store: &'a str,
    method: &'a str,
    #[serde(rename = "unlockFile")]
    unlock_file: String,
    until: i64,
    current: String,
    keys: Vec<OutKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retired: Vec<String>,
    #[serde(rename = "recoveryRecipient")]
    recovery_recipient: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct In<'a> {
    format: u32,
    vault: &'a str,
    machine: &'a str,
    #[serde(borrow, default)]
    agent: Option<&'a str>,
    store: &'a str,
    method: &'a str,
    #[serde(rename = "unlockFile")]
    unlock_file: &'a str,
    until: i64,
    current: &'a str,
    keys: Vec<InKey<'a>>,
    #[serde(default)]
    retired: Vec<String>,
    #[serde(rename = "recoveryRecipient")]
    recovery_recipient: &'a str,
    #[serde(default)]
    pending: Option<Pending>,
}

impl In<'_> {
    fn keys(&self) -> Option<Keys> {
        let (vault, machine) = (self.vault.parse().ok()?, self.machine.parse().ok()?);
        let retired = self.retired.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?;
        let recovery: x25519::Recipient = self.recovery_recipient.parse().ok()?;
        if let Some(agent) = self.agent {
            let keys = read_agent_keys(&self.keys).filter(|_| is_agent(agent))?;
            let current = self.current.parse().ok()?;
            let set = KeySet { vault, machine, keys, current, retired, recovery };
            return Ring::of_agent(agent.to_owned(), set).ok().map(Keys::of_agent);
        }
        let (keys, current) = read_keys(&self.keys, self.current)?;
        let current = keys.get(current)?.id();
        Keys::new(KeySet { vault, machine, keys, current, retired, recovery }).ok()
    }
}

impl Cache {
    /// Makes the cache of an unlocked vault or of one of its agents. `until` is in Unix milliseconds.
    ///
    /// # Errors
    /// `CORRUPT` if the unlock file names a current key that it does not contain.
    pub fn of(unlocked: &Unlocked, agent: Option<&str>, store: &str, until: i64) -> Result<Self> {
        let payload = &unlocked.payload;
        let keys = payload.keys()?;
        Ok(Self {
            store: store.to_owned(),
            method: payload.method.clone(),
            until,
            pending: payload.pending,
            digest: unlocked.digest(),
            keys: match agent {
                Some(agent) => Keys::of_agent(keys.agent(agent)?),
                None => keys,
            },
        })
    }

    /// Returns the cache with the keys of one agent alone.
    ///
    /// # Errors
    /// `LOCKED` if it has only the keys of another agent.
    pub fn alone(self, agent: &str) -> Result<Self> {
        let keys = Keys::of_agent(self.keys.agent(agent)?);
        Ok(Self { keys, ..self })
    }

    /// Returns the keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns the SHA-256 of the unlock file that was decrypted.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Returns whether the unlock file is still, byte for byte, the one that was decrypted.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn is_current(&self, home: &Dir) -> Result<bool> {
        unlock_files::is_current(home, &self.method, &self.digest)
    }

    fn to_bytes(&self) -> Option<Buffer> {
        let keys = &self.keys;
        let ring = match keys.only_agent() {
            Some(agent) => keys.agent(agent),
            None => keys.own(),
        }
        .ok()?;
        let out = Out {
            format: FORMAT,
            vault: keys.vault.as_str(),
            machine: keys.machine.as_str(),
            agent: keys.only_agent(),
            store: &self.store,
            method: &self.method,
            unlock_file: hex(&self.digest),
            until: self.until,
            current: keys.current_id().to_string(),
            keys: ring.keys().iter().map(|key| OutKey::new(key.id(), key.expose())).collect(),
            retired: ring.retired().iter().map(ToString::to_string).collect(),
            recovery_recipient: keys.recovery().to_string(),
            pending: self.pending,
        };
        let mut bytes = Buffer::with_capacity(MAX);
        serde_json::to_writer(&mut bytes, &out).ok()?;
        (bytes.len() <= MAX).then_some(bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let read: In = json::parse(bytes, "the cache").ok()?;
        if read.format != FORMAT || !unlock_files::is_method_name(read.method) {
            return None;
        }
        let cache = Self {
            store: read.store.to_owned(),
            method: read.method.to_owned(),
            until: read.until,
            pending: read.pending,
            digest: unhex(read.unlock_file)?,
            keys: read.keys()?,
        };
        // Each cache has only one valid spelling.
        (cache.to_bytes()?.expose() == bytes).then_some(cache)
    }
}

/// Returns the name that the cache of a home, or of one of its agents, has in the keyring. `None` if the home does not
/// exist.
#[must_use]
pub fn name_of(vault: &VaultId, home: &Path, agent: Option<&str>) -> Option<String> {
    cache_name::name(vault, home, agent)
}

/// Returns the cache of a home that still fits its unlock files: that of the whole vault, otherwise that of the agent;
/// that of the session, otherwise that of the user. Anything unexpected is ignored.
#[must_use]
pub fn read(asked: &Asked<'_>, slots: &[Slot], now: i64) -> Option<Cache> {
    let vault = asked.vault()?;
    let of = |agent| read_of(&vault, asked.home, agent, slots, now);
    of(None).or_else(|| asked.agent.and_then(|agent| of(Some(agent))))
}

fn read_of(vault: &VaultId, home: &Path, agent: Option<&str>, slots: &[Slot], now: i64) -> Option<Cache> {
    let name = name_of(vault, home, agent)?;
    Place::ALL.iter().find_map(|place| {
        let bytes = kernel_keyring::read(*place, &name, MAX).ok()??;
        let cache = Cache::parse(&bytes)?;
        // A cache that lasts longer than the longest time says that the clock was set back.
        let lasts = cache.until > now && cache.until <= now.saturating_add(TTL_MAX);
        let fits = slots.iter().any(|slot| slot.method == cache.method && slot.digest() == cache.digest)
            && cache.keys.vault == *vault
            && cache.keys.only_agent() == agent;
        (lasts && fits).then_some(cache)
    })
}

/// Returns the agents that have a cache of their own.
#[must_use]
pub fn agents(asked: &Asked<'_>, slots: &[Slot], now: i64) -> Vec<String> {
    let Some(vault) = asked.vault() else { return Vec::new() };
    let agents = cache_name::agents(&vault, asked.home).into_iter();
    agents.filter(|agent| read_of(&vault, asked.home, Some(agent), slots, now).is_some()).collect()
}

/// Checks whether anything can be cached in a keyring.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn check(place: Place) -> Result<()> {
    kernel_keyring::probe(place).map_err(of_keyring)
}

/// What to cache, where, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The agent, if only its keys are cached.
    pub agent: Option<&'a str>,
    /// The vault's default store.
    pub store: &'a str,
    /// The keyring.
    pub place: Place,
    /// The lifetime, in milliseconds.
    pub ttl: i64,
}

/// Caches an unlocked vault in place of an earlier cache, and returns when that expires, in Unix milliseconds.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn store(home: &Path, unlocked: &Unlocked, wanted: &Wanted<'_>, now: i64) -> Result<i64> {
    let until = now.saturating_add(wanted.ttl.clamp(TTL_MIN, TTL_MAX));
    let name =
        name_of(&unlocked.payload.vault, home, wanted.agent).ok_or_else(|| say::home_not_found(home))?;
    let bytes =
        Cache::of(unlocked, wanted.agent, wanted.store, until)?.to_bytes().ok_or_else(say::too_many_keys)?;
    let lifetime = Duration::from_millis(u64::try_from(until.saturating_sub(now)).unwrap_or_default());
    kernel_keyring::store(wanted.place, &name, bytes.expose(), lifetime).map_err(of_keyring)?;
    for other in Place::ALL.into_iter().filter(|place| *place != wanted.place) {
        kernel_keyring::forget(other, &name).map_err(of_keyring)?;
    }
    Ok(until)
}

/// Removes the caches of a home, whatever state it is in: every cache of its vault, wherever the home was, and those
/// made at its path.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn forget(home: &Path) -> Result<Ended> {
    cache_name::forget(home).map_err(of_keyring)
}

/// Removes the caches of a home that are for one agent only.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn forget_agents(vault: &VaultId, home: &Path) -> Result<()> {
    for agent in cache_name::agents(vault, home) {
        let Some(name) = name_of(vault, home, Some(&agent)) else { continue };
        for place in Place::ALL {
            kernel_keyring::forget(place, &name).map_err(of_keyring)?;
        }
    }
    Ok(())
}

/// Removes every cache of a vault that this process can reach, and returns how many there were. Systems without a
/// keyring have none.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn forget_vault(vault: &VaultId) -> Result<usize> {
    match cache_name::forget_vault(vault) {
        Err(KeyringError::Unavailable) => Ok(0),
        done => done.map_err(of_keyring),
    }
}

/// Removes every cache of every vault that this process can reach, and returns how many there were.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn forget_all() -> Result<usize> {
    cache_name::forget_all().map_err(of_keyring)
}

fn of_keyring(error: KeyringError) -> Error {
    match error {
        KeyringError::Unavailable if cfg!(target_os = "linux") => say::no_keyring(),
        KeyringError::Unavailable => say::keyring_needs_linux(),
        KeyringError::Full => say::keyring_full(),
        KeyringError::NoSession => say::no_session_keyring(),
        KeyringError::ForeignSession => say::foreign_session_keyring(),
        KeyringError::NotListed => say::keys_not_listed(),
        KeyringError::Refused => say::keyring_refused(),
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
