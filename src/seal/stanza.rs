//! The symmetric stanza: a file key wrapped under a key that the reader already has.
//!
//! All of Strongroom's stanzas share this construction: `wrapping key = HKDF-SHA-256(ikm = key, salt,
//! info = label)`, `body = ChaCha20-Poly1305(wrapping key, nonce = 0, file key)`. Each file has a fresh salt,
//! so no wrapping key is used twice.

use age_core::format::{FILE_KEY_BYTES, FileKey};
use age_core::primitives::{aead_decrypt, aead_encrypt};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use zeroize::{Zeroize, Zeroizing};

/// The length of a salt, in bytes.
pub const SALT: usize = 16;

/// Wraps a file key under a wrapping key that was derived for this file only.
#[must_use]
pub fn wrap(wrapping_key: &[u8; 32], file_key: &FileKey) -> Vec<u8> {
    aead_encrypt(wrapping_key, file_key.expose_secret())
}

/// Unwraps a file key. Returns `None` if it was wrapped under another key or altered.
#[must_use]
pub fn unwrap(wrapping_key: &[u8; 32], body: &[u8]) -> Option<FileKey> {
    let mut plain = aead_decrypt(wrapping_key, FILE_KEY_BYTES, body).ok()?;
    let file_key = FileKey::init_with_mut(|key| key.copy_from_slice(&plain));
    plain.zeroize();
    Some(file_key)
}

/// Encodes an argument of a stanza: unpadded standard Base64.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD_NO_PAD.encode(bytes)
}

/// Decodes an argument of exactly `N` bytes in its canonical spelling. Leaves no copy of them in memory.
#[must_use]
pub fn decode<const N: usize>(argument: &str) -> Option<[u8; N]> {
    let mut room = Zeroizing::new([0; 64]);
    let decoded = BASE64_STANDARD_NO_PAD.decode_slice(argument, room.as_mut_slice()).ok()?;
    room.get(..decoded)?.try_into().ok()
}
