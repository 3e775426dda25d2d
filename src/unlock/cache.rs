//! What `strongroom unlock` keeps in the kernel's keyring for a time, so that reading and writing
//! need no passphrase meanwhile: the vault keys, or the keys of one agent alone, and the recovery
//! *recipient*. The recovery identity, the transfer identity and the method's secret are never in it.
//!
//! A cache belongs to one home, by its vault's id and its path, and to one unlock file, by its digest:
//! after a change of keys or of the method it counts as absent, and so does whatever is not exactly of
//! this form.

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
use crate::error::{Code, Error, Result};
use crate::json;
use crate::seal::keys::{KeySet, Keys, Ring, VaultId, hex, unhex};
use crate::secret::Buffer;

/// The shortest time for which the vault can be cached, in milliseconds.
pub const TTL_MIN: i64 = 1_000;
/// The longest time for which the vault can be cached, in milliseconds.
pub const TTL_MAX: i64 = 24 * 3_600 * 1_000;
/// The most bytes of a cache; an ordinary user may keep 20,000 in all.
const MAX: usize = 4 * 1024;
const FORMAT: u32 = 1;

/// Which cache is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The home.
    pub home: &'a Path,
    /// The vault's id, if `vault.json` says it.
    pub vault: Option<&'a str>,
    /// The agent for which one alone will do, if there is none of the whole vault.
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

/// What was cached of a vault.
pub struct Cache {
    /// The vault's default store.
    pub store: String,
    /// The method whose file was opened.
    pub method: String,
    /// When the cache ends, in Unix milliseconds.
    pub until: i64,
    /// An unfinished change of keys.
    pub pending: Option<Pending>,
    /// The SHA-256 of the file that was opened.
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
    /// What is cached of an opened vault, or of one agent of it, until an instant in Unix milliseconds.
    ///
    /// # Errors
    /// `CORRUPT` if what was opened names a current key that it does not hold.
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

    /// What writing and reading need of it.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The SHA-256 of the unlock file that was opened.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Whether the unlock file is still, byte for byte, the one that was opened.
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
        // There is one spelling of each cache.
        (cache.to_bytes()?.expose() == bytes).then_some(cache)
    }
}

/// The name of a home's cache in the keyring, or of the one for an agent alone. None if there is no such
/// home.
#[must_use]
pub fn name_of(vault: &VaultId, home: &Path, agent: Option<&str>) -> Option<String> {
    cache_name::name(vault, home, agent)
}

/// What is cached of a home and still fits its unlock files: of the whole vault, else of the agent; of
/// the session, else of the user. Whatever is odd counts as absent.
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
        // Beyond the longest time the clock was set back.
        let lasts = cache.until > now && cache.until <= now.saturating_add(TTL_MAX);
        let fits = slots.iter().any(|slot| slot.method == cache.method && slot.digest() == cache.digest)
            && cache.keys.vault == *vault
            && cache.keys.only_agent() == agent;
        (lasts && fits).then_some(cache)
    })
}

/// The agents for which a home is cached, each alone.
#[must_use]
pub fn agents(asked: &Asked<'_>, slots: &[Slot], now: i64) -> Vec<String> {
    let Some(vault) = asked.vault() else { return Vec::new() };
    let agents = cache_name::agents(&vault, asked.home).into_iter();
    agents.filter(|agent| read_of(&vault, asked.home, Some(agent), slots, now).is_some()).collect()
}

/// Finds out whether anything can be cached in a place.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn check(place: Place) -> Result<()> {
    kernel_keyring::probe(place).map_err(of_keyring)
}

/// What is to be cached, and where.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The agent for which alone it is to be.
    pub agent: Option<&'a str>,
    /// The vault's default store.
    pub store: &'a str,
    /// The keyring.
    pub place: Place,
    /// For how long, in milliseconds.
    pub ttl: i64,
}

/// Caches an opened vault in place of what was cached of it, and gives the instant, in Unix
/// milliseconds, at which that ends.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn store(home: &Path, unlocked: &Unlocked, wanted: &Wanted<'_>, now: i64) -> Result<i64> {
    let until = now.saturating_add(wanted.ttl.clamp(TTL_MIN, TTL_MAX));
    let name = name_of(&unlocked.payload.vault, home, wanted.agent)
        .ok_or_else(|| Error::new(Code::Io, "the home cannot be looked at"))?;
    let bytes = Cache::of(unlocked, wanted.agent, wanted.store, until)?
        .to_bytes()
        .ok_or_else(|| Error::new(Code::TooLarge, "the vault has too many keys to be cached"))?;
    let lifetime = Duration::from_millis(u64::try_from(until.saturating_sub(now)).unwrap_or_default());
    kernel_keyring::store(wanted.place, &name, bytes.expose(), lifetime).map_err(of_keyring)?;
    for other in Place::ALL.into_iter().filter(|place| *place != wanted.place) {
        kernel_keyring::forget(other, &name).map_err(of_keyring)?;
    }
    Ok(until)
}

/// Ends what is cached of a home, whatever state it is in: every cache of its vault, wherever the home
/// was, and those made at its path.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn forget(home: &Path) -> Result<Ended> {
    cache_name::forget(home).map_err(of_keyring)
}

/// Ends the caches of a home that are for one agent alone.
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

/// Ends every cache of a vault in reach of this process, and gives their number. Systems without a
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

/// Ends every cache of every vault in reach of this process, and gives their number.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn forget_all() -> Result<usize> {
    cache_name::forget_all().map_err(of_keyring)
}

fn of_keyring(error: KeyringError) -> Error {
    let unavailable = |what: &str| Error::new(Code::KeyringUnavailable, what);
    match error {
        KeyringError::Unavailable if cfg!(target_os = "linux") => {
            unavailable("this system has no kernel keyring, or forbids its use, as containers do")
        }
        KeyringError::Unavailable => unavailable("only Linux has a kernel keyring"),
        KeyringError::Full => unavailable("your quota of keys in the kernel's keyring is used up")
            .with_remedy(
                "remove keys that are not needed (`keyctl show @u`), or have kernel.keys.maxbytes raised",
            ),
        KeyringError::NoSession => unavailable(
            "this process has no session keyring of its own, only the one that all your sessions share",
        )
        .with_remedy("run `keyctl session -`, then unlock in the shell it starts; or log in through PAM with pam_keyinit"),
        KeyringError::ForeignSession => unavailable(
            "the session keyring of this process belongs to another user, who could read what is kept there",
        )
        .with_remedy("run `keyctl session -`, then unlock in the shell it starts"),
        KeyringError::NotListed => unavailable("the kernel's keys cannot be listed: /proc/keys cannot be read")
            .with_remedy("run `strongroom lock` with the --home of each vault, or `keyctl clear @u`"),
        KeyringError::Refused => unavailable("the kernel's keyring refused"),
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
