//! The keys of a vault, and what is derived from them.

use std::fmt;
use std::str::FromStr;

use age::x25519;
use age_core::primitives::hkdf;
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

use super::random;
use crate::error::{Code, Result, fail};

/// The label of each use of the vault key. No two uses share a derived key.
pub mod label {
    /// Wraps the file key of a record.
    pub const RECORD: &[u8] = b"strongroom/record/v1";
    /// Authenticates the plaintext of a record.
    pub const RECORD_AUTH: &[u8] = b"strongroom/record-auth/v1";
    /// Wraps the file key of a transaction's operations.
    pub const TXN: &[u8] = b"strongroom/txn/v1";
    /// Authenticates the operations of a transaction.
    pub const TXN_AUTH: &[u8] = b"strongroom/txn-auth/v1";
    /// Chains the change log.
    pub const LOG: &[u8] = b"strongroom/log/v1";
    /// Names a vault key without giving anything of it away.
    pub const KEY_ID: &[u8] = b"strongroom/key-id/v1";
}

/// The name of a vault key: 16 hex digits, derived from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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

/// A vault's own name: 32 hex digits, random.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VaultId(String);

impl VaultId {
    /// A new one.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no random bytes.
    pub fn generate() -> Result<Self> {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(32);
        for byte in random::<16>()? {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VaultId {
    type Err = crate::error::Error;

    fn from_str(text: &str) -> Result<Self> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(hex) {
            return fail(Code::Corrupt, "the vault's id is damaged");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What writing and reading need. The recovery *identity* is not among it.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The vault.
    pub vault: VaultId,
    /// All vault keys that may have sealed a record, the newest last. Never empty.
    keys: Vec<VaultKey>,
    /// The one that seals.
    current: usize,
    /// To whom every record is sealed besides.
    recovery: x25519::Recipient,
}

impl Keys {
    /// The keys of a vault.
    ///
    /// # Errors
    /// `CORRUPT` when `current` names none of `keys`.
    pub fn new(
        vault: VaultId,
        keys: Vec<VaultKey>,
        current: KeyId,
        recovery: x25519::Recipient,
    ) -> Result<Self> {
        match keys.iter().position(|key| key.id() == current) {
            Some(current) => Ok(Self { vault, keys, current, recovery }),
            None => fail(Code::Corrupt, "the unlock file names a key that it does not hold"),
        }
    }

    /// The key that seals.
    #[must_use]
    pub fn current(&self) -> &VaultKey {
        &self.keys[self.current]
    }

    /// The key of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&VaultKey> {
        self.keys.iter().find(|key| key.id().to_string() == id)
    }

    /// All keys, the newest last.
    #[must_use]
    pub fn all(&self) -> &[VaultKey] {
        &self.keys
    }

    /// The recovery recipient. It is kept as private as an identity: no file of ours shows it, so
    /// that old ciphertext does not hang on X25519 alone.
    #[must_use]
    pub fn recovery(&self) -> &x25519::Recipient {
        &self.recovery
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_give_different_keys() {
        let key = VaultKey::from_bytes(&[7; 32]);
        let labels =
            [label::RECORD, label::RECORD_AUTH, label::TXN, label::TXN_AUTH, label::LOG, label::KEY_ID];
        let derived: std::collections::HashSet<_> =
            labels.iter().map(|label| *key.derive(b"salt", label)).collect();
        assert_eq!(derived.len(), labels.len());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = VaultKey::from_bytes(&[0x41; 32]);
        assert_eq!(format!("{key:?}"), format!("VaultKey({})", key.id()));
    }
}
