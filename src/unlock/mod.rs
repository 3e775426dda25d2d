//! Ways to obtain the vault's keys, and the fixed order in which they are tried.
//!
//! The order: a flag; its variable; the cache in the kernel's keyring; the default key file; a systemd credential;
//! the keychain, if the vault has that method; a prompt, if there is a person at a terminal. If a source that was
//! named by hand fails, that is an error: the next one is never tried instead.

pub mod cache;
mod cache_name;
pub mod key_change;
pub mod key_sources;
pub mod key_text;
pub mod keychain_key;
pub mod listing;
pub mod new_passphrase;
pub mod payload;
pub mod read;
mod refused;
pub mod unlock_files;

use std::fmt;

use secrecy::{ExposeSecret, SecretBox};

use crate::error::Result;
use crate::seal::argon2id::Cost;
use crate::seal::unlock_file::{Kind, MethodKey};
use crate::secret::Buffer;

/// An unlocked vault.
#[derive(Debug)]
pub enum Opened {
    /// Unlocked now with a method: everything in its unlock file.
    By(unlock_files::Unlocked),
    /// Unlocked earlier, and now from the cache: what reading and writing need.
    Cached(cache::Cache),
}

/// The secret of an unlock method.
pub enum MethodSecret {
    /// 32 random bytes from a key file or a credential.
    Key(SecretBox<[u8; 32]>),
    /// The bytes of a passphrase.
    Passphrase(Buffer),
}

impl MethodSecret {
    /// Returns the kind of unlock file that it decrypts.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Key(_) => Kind::Key,
            Self::Passphrase(_) => Kind::Passphrase,
        }
    }

    /// Returns the key for a file. For a passphrase this takes one Argon2id derivation.
    ///
    /// # Errors
    /// `KDF_BOUNDS`, `NO_MEMORY`, `INTERNAL`.
    pub fn method_key(&self, cost: Option<Cost>) -> Result<MethodKey> {
        match (self, cost) {
            (Self::Key(bytes), _) => Ok(MethodKey::of_bytes(bytes.expose_secret())),
            (Self::Passphrase(text), Some(cost)) => MethodKey::of_passphrase(text.expose(), cost),
            (Self::Passphrase(text), None) => MethodKey::of_passphrase(text.expose(), Cost::recommended()?),
        }
    }
}

impl fmt::Debug for MethodSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MethodSecret({:?})", self.kind())
    }
}
