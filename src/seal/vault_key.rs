//! The vault key, and its id.

use std::fmt;
use std::str::FromStr;

use age_core::primitives::hkdf;
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

use super::{label, random};
use crate::error::{Error, Result};
use crate::hex::{hex, unhex};
use crate::messages;

/// The id of a vault key: 16 hex digits, derived from the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match unhex::<8>(text) {
            Some(id) => Ok(Self(id)),
            None => Err(messages::seal::damaged_key_id()),
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The 32 random bytes from which the keys of all records are derived.
pub struct VaultKey(SecretBox<[u8; 32]>);

impl Clone for VaultKey {
    fn clone(&self) -> Self {
        Self::from_bytes(self.expose())
    }
}

impl VaultKey {
    /// Generates a new one.
    ///
    /// # Errors
    /// `INTERNAL` if the system has no random bytes.
    pub fn generate() -> Result<Self> {
        Ok(Self::from_bytes(&Zeroizing::new(random()?)))
    }

    /// Makes a key from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes)))
    }

    /// Returns the bytes, for an unlock file.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// Derives a key for one use with HKDF-SHA-256.
    #[must_use]
    pub fn derive(&self, salt: &[u8], label: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hkdf(salt, label, self.0.expose_secret()))
    }

    /// Returns the key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.derive(&[], label::KEY_ID)[..8]);
        KeyId(id)
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultKey({})", self.id())
    }
}
