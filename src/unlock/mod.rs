//! Ways to obtain the vault's keys, and the fixed order in which they are sought.
//!
//! Order: a flag; its variable; the kernel's cache; the key file in its default place; a systemd
//! credential; the keychain, where the vault has that method; a prompt, on a terminal and for people
//! only. A source that was named by hand and fails is an error: the
//! next one is never tried in its place.

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

/// A vault that was opened.
#[derive(Debug)]
pub enum Opened {
    /// By a method, now: everything that its unlock file held.
    By(unlock_files::Unlocked),
    /// From the cache: what reading and writing need, of an earlier opening by a method.
    Cached(cache::Cache),
}

/// The secret of an unlock method, as it was obtained.
pub enum MethodSecret {
    /// 32 random bytes from a key file or a credential.
    Key(SecretBox<[u8; 32]>),
    /// A passphrase, as its bytes were read.
    Passphrase(Buffer),
}

impl MethodSecret {
    /// Which kind of unlock file it opens.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Key(_) => Kind::Key,
            Self::Passphrase(_) => Kind::Passphrase,
        }
    }

    /// The key for a file. For a passphrase this takes one Argon2id derivation.
    ///
    /// # Errors
    /// `KDF_BOUNDS`, `INTERNAL`.
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
