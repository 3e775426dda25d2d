//! The vault key, and its name.

use std::fmt;
use std::str::FromStr;

use age_core::primitives::hkdf;
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

use super::{label, random};
use crate::error::{Code, Error, Result, fail};
use crate::hex::{hex, unhex};

/// The name of a vault key: 16 hex digits, derived from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match unhex::<8>(text) {
            Some(id) => Ok(Self(id)),
            None => fail(Code::Corrupt, "the id of a key is damaged"),
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

/// 32 random bytes that make and open every record.
pub struct VaultKey(SecretBox<[u8; 32]>);

impl Clone for VaultKey {
    fn clone(&self) -> Self {
        Self::from_bytes(self.expose())
    }
}

impl VaultKey {
    /// A new one.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no random bytes.
    pub fn generate() -> Result<Self> {
        Ok(Self::from_bytes(&Zeroizing::new(random()?)))
    }

    /// The key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes)))
    }

    /// The bytes, to be sealed into an unlock file.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// HKDF-SHA-256 of the key for one use.
    #[must_use]
    pub fn derive(&self, salt: &[u8], label: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hkdf(salt, label, self.0.expose_secret()))
    }

    /// The key's name.
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
