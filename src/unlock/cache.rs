//! What `strongroom unlock` keeps in the kernel's keyring for a time, so that reading and writing
//! need no passphrase meanwhile: the vault keys and the recovery *recipient*. The recovery identity,
//! the transfer identity and the method's secret are never in it.
//!
//! A cache belongs to one home, by its path, and to one unlock file, by its digest: after a change of
//! keys or of the method it counts as absent, and so does whatever is not exactly of this form.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use age::x25519;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::kernel_keyring::{self, KeyringError};

use super::payload::{InKey, OutKey, Pending, out_keys, read_keys};
use super::slots::{self, Slot, Unlocked};
use crate::error::{Code, Error, Result};
use crate::json;
use crate::seal::keys::{Keys, VaultId, VaultKey};
use crate::secret::Buffer;

/// The shortest time for which the vault can be cached, in milliseconds.
pub const TTL_MIN: i64 = 1_000;
/// The longest time for which the vault can be cached, in milliseconds.
pub const TTL_MAX: i64 = 24 * 3_600 * 1_000;
/// The most bytes of a cache; an ordinary user may keep 20,000 in all.
const MAX: usize = 4 * 1024;
const FORMAT: u32 = 1;
/// What the names of our keys begin with.
const PREFIX: &str = "strongroom:";

/// What was cached of a vault.
pub struct Cache {
    /// The vault's id.
    pub vault: VaultId,
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
    keys: Vec<VaultKey>,
    current: usize,
    recovery: x25519::Recipient,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("vault", &self.vault)
            .field("method", &self.method)
            .field("keys", &self.keys)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Out<'a> {
    format: u32,
    vault: &'a str,
    store: &'a str,
    method: &'a str,
    #[serde(rename = "unlockFile")]
    unlock_file: String,
    until: i64,
    current: String,
    keys: Vec<OutKey>,
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
    store: &'a str,
    method: &'a str,
    #[serde(rename = "unlockFile")]
    unlock_file: &'a str,
    until: i64,
    current: &'a str,
    keys: Vec<InKey<'a>>,
    #[serde(rename = "recoveryRecipient")]
    recovery_recipient: &'a str,
    #[serde(default)]
    pending: Option<Pending>,
}

impl Cache {
    /// What is cached of an opened vault, until an instant in Unix milliseconds.
    #[must_use]
    pub fn of(unlocked: &Unlocked, until: i64) -> Self {
        let payload = &unlocked.payload;
        Self {
            vault: payload.vault.clone(),
            store: payload.store.clone(),
            method: payload.method.clone(),
            until,
            pending: payload.pending,
            digest: unlocked.digest(),
            keys: payload.keys.clone(),
            current: payload.current,
            recovery: payload.recovery_recipient.clone(),
        }
    }

    /// What writing and reading need of it.
    ///
    /// # Errors
    /// `CORRUPT` when `current` names no key.
    pub fn keys(&self) -> Result<Keys> {
        let current = self.current().ok_or_else(|| Error::new(Code::Corrupt, "the cache is damaged"))?;
        Keys::new(self.vault.clone(), self.keys.clone(), current.id(), self.recovery.clone())
    }

    fn current(&self) -> Option<&VaultKey> {
        self.keys.get(self.current)
    }

    /// Whether the unlock file is still, byte for byte, the one that was opened.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn is_current(&self, home: &Dir) -> Result<bool> {
        slots::is_current(home, &self.method, &self.digest)
    }

    fn to_bytes(&self) -> Option<Buffer> {
        let out = Out {
            format: FORMAT,
            vault: self.vault.as_str(),
            store: &self.store,
            method: &self.method,
            unlock_file: hex(&self.digest),
            until: self.until,
            current: self.current()?.id().to_string(),
            keys: out_keys(&self.keys),
            recovery_recipient: self.recovery.to_string(),
            pending: self.pending,
        };
        let mut bytes = Buffer::with_capacity(MAX);
        serde_json::to_writer(&mut bytes, &out).ok()?;
        (bytes.len() <= MAX).then_some(bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let read: In = json::parse(bytes, "the cache").ok()?;
        if read.format != FORMAT || !slots::is_method_name(read.method) {
            return None;
        }
        let (keys, current) = read_keys(&read.keys, read.current)?;
        let cache = Self {
            vault: read.vault.parse().ok()?,
            store: read.store.to_owned(),
            method: read.method.to_owned(),
            until: read.until,
            pending: read.pending,
            digest: unhex(read.unlock_file)?,
            keys,
            current,
            recovery: read.recovery_recipient.parse().ok()?,
        };
        // There is one spelling of each cache.
        (cache.to_bytes()?.expose() == bytes).then_some(cache)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// The name of a home's cache in the keyring: bound to its path, so that a copy elsewhere is another
/// home. Nothing where there is no such home.
#[must_use]
pub fn name_of(home: &Path) -> Option<String> {
    let path = home.canonicalize().ok()?;
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    Some(format!("{PREFIX}{}", hex(&digest[..16])))
}

/// What is cached of a home and still fits its unlock files. Whatever is odd counts as absent.
#[must_use]
pub fn read(home: &Path, slots: &[Slot], now: i64) -> Option<Cache> {
    let bytes = kernel_keyring::read(&name_of(home)?, MAX).ok()??;
    let cache = Cache::parse(&bytes)?;
    // Beyond the longest time the clock was set back.
    let lasts = cache.until > now && cache.until <= now.saturating_add(TTL_MAX);
    let fits = slots.iter().any(|slot| slot.method == cache.method && slot.digest() == cache.digest);
    (lasts && fits).then_some(cache)
}

/// Whether anything can be cached here.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn check() -> Result<()> {
    kernel_keyring::probe().map_err(of_keyring)
}

/// Caches an opened vault for a time in milliseconds, and gives the instant at which that ends.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn store(home: &Path, unlocked: &Unlocked, ttl: i64, now: i64) -> Result<i64> {
    let until = now.saturating_add(ttl.clamp(TTL_MIN, TTL_MAX));
    let name = name_of(home).ok_or_else(|| Error::new(Code::Io, "the home cannot be looked at"))?;
    let bytes = Cache::of(unlocked, until)
        .to_bytes()
        .ok_or_else(|| Error::new(Code::TooLarge, "the vault has too many keys to be cached"))?;
    let lifetime = Duration::from_millis(u64::try_from(until.saturating_sub(now)).unwrap_or_default());
    kernel_keyring::store(&name, bytes.expose(), lifetime).map_err(of_keyring)?;
    Ok(until)
}

/// Forgets what is cached of a home, and says whether anything was.
///
/// # Errors
/// `KEYRING_UNAVAILABLE`.
pub fn forget(home: &Path) -> Result<bool> {
    let name = name_of(home).ok_or_else(|| Error::new(Code::Io, "the home cannot be looked at"))?;
    kernel_keyring::forget(&name).map_err(of_keyring)
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
        KeyringError::Refused => unavailable("the kernel's keyring refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::unlock_file::MethodKey;
    use crate::secret::ExposeSecret;
    use crate::unlock::payload::Payload;
    use crate::unlock::{MethodSecret, key_text};

    /// A home with one unlock file, and it opened.
    fn opened() -> (tempfile::TempDir, Dir, Unlocked) {
        let temp = tempfile::tempdir().unwrap();
        let home = strongroom_backends::fs::home::open(temp.path()).unwrap().dir;
        let key = key_text::generate().unwrap();
        let mut payload = Payload::generate("key-file", "file").unwrap();
        payload.add_key().unwrap();
        slots::write(&home, &payload, &MethodKey::of_bytes(key.expose_secret())).unwrap();
        let unlocked = slots::open(&slots::list(&home).unwrap(), MethodSecret::Key(key), "it").unwrap();
        (temp, home, unlocked)
    }

    #[test]
    fn a_cache_survives_its_bytes() {
        let (_temp, home, unlocked) = opened();
        let bytes = Cache::of(&unlocked, 42).to_bytes().unwrap();
        let back = Cache::parse(bytes.expose()).unwrap();
        let keys = back.keys().unwrap();
        assert_eq!(back.vault, unlocked.payload.vault);
        assert_eq!(back.until, 42);
        assert_eq!(keys.all().len(), 2);
        assert_eq!(keys.current().expose(), unlocked.payload.keys[0].expose());
        assert_eq!(keys.recovery().to_string(), unlocked.payload.recovery_recipient.to_string());
        assert!(back.is_current(&home).unwrap());
    }

    #[test]
    fn no_identity_and_no_secret_of_a_method_is_in_it() {
        let (_temp, _home, unlocked) = opened();
        let bytes = Cache::of(&unlocked, 42).to_bytes().unwrap();
        let text = bytes.expose_str().unwrap();
        assert!(!text.contains("AGE-SECRET-KEY"));
        let MethodSecret::Key(key) = &unlocked.secret else { unreachable!() };
        assert!(!text.contains(&crate::seal::stanza::encode(key.expose_secret())));
        let shown = format!("{:?}", Cache::of(&unlocked, 42));
        assert!(!shown.contains("age1"), "{shown}");
    }

    #[test]
    fn whatever_is_odd_is_no_cache() {
        let (_temp, _home, unlocked) = opened();
        let bytes = Cache::of(&unlocked, 42).to_bytes().unwrap();
        let good = bytes.expose_str().unwrap().to_owned();
        for (from, to) in [
            ("{\"format\":1", "{\"format\":2"),
            ("{\"format\":1", "{\"format\":1,\"format\":1"),
            ("{\"format\":1", "{ \"format\":1"),
            ("{\"format\":1", "{\"format\":1,\"more\":1"),
            ("\"until\":42", "\"until\":42.0"),
            ("\"method\":\"key-file\"", "\"method\":\"../key-file\""),
            ("{\"id\":\"", "{\"more\":1,\"id\":\""),
            ("{\"id\":\"", "{\"id\":\"0"),
            ("\"recoveryRecipient\":\"age1", "\"recoveryRecipient\":\"age2"),
            ("\"current\":\"", "\"current\":\"0"),
        ] {
            let odd = good.replacen(from, to, 1);
            assert_ne!(odd, good, "{from}");
            assert!(Cache::parse(odd.as_bytes()).is_none(), "{to}");
        }
        for odd in [&good[..good.len() - 1], &format!("{good}\n"), "", "null", "[]"] {
            assert!(Cache::parse(odd.as_bytes()).is_none());
        }
        assert!(Cache::parse(good.as_bytes()).is_some());
    }
}
