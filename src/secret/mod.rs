//! Types for secret bytes, from the first byte read until they are wiped.
//!
//! Secrets that are text (tokens, keys, passphrases) are [`SecretString`]; everything on the way to or from one is a
//! [`Buffer`]. Neither shows its contents through `Debug`.

pub mod encoding;

use std::fmt;
use std::io;

pub use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::de::{self, Deserializer, Visitor};
use zeroize::Zeroize;

/// Bytes that are wiped when dropped, and in their old place when growing moves them.
#[derive(Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Makes an empty buffer with room for `capacity` bytes before it has to move.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Takes ownership of bytes without copying them.
    #[must_use]
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Appends bytes. If the buffer has to move, its old place is wiped.
    pub fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut bigger = Vec::with_capacity(needed.max(self.0.capacity() * 2).max(256));
            bigger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = bigger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Appends one byte.
    pub fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    /// Wipes and drops everything after `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        if let Some(tail) = self.0.get_mut(len..) {
            tail.zeroize();
        }
        self.0.truncate(len);
    }

    /// Returns the bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as text, if they are valid UTF-8.
    #[must_use]
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Returns a copy as a text secret, if the bytes are valid UTF-8.
    #[must_use]
    pub fn to_secret(&self) -> Option<SecretString> {
        self.expose_str().map(SecretString::from)
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer([{} bytes])", self.0.len())
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Deserializes a JSON string into a [`SecretString`] of exactly its length, without an intermediate `String` that
/// would not be wiped. For `#[serde(deserialize_with = …)]`.
///
/// # Errors
/// If the value is not a string. The error names the expected form, never the value.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = SecretString;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretString, E> {
            Ok(SecretString::from(text))
        }
    }
    deserializer.deserialize_str(Text)
}

/// Serializes a secret into a plaintext that will be encrypted. For `#[serde(serialize_with = …)]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: serde::Serializer>(secret: &SecretString, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(secret.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        let mut buffer = Buffer::default();
        buffer.extend(b"canary-secret");
        assert_eq!(format!("{buffer:?}"), "Buffer([13 bytes])");
        let secret = buffer.to_secret().unwrap();
        assert!(!format!("{secret:?}").contains("canary"));
    }

    #[test]
    fn growing_keeps_the_bytes() {
        let mut buffer = Buffer::with_capacity(1);
        for byte in 0..=255u8 {
            buffer.push(byte);
        }
        assert_eq!(buffer.expose(), (0..=255).collect::<Vec<u8>>());
        buffer.truncate(2);
        assert_eq!(buffer.expose(), [0, 1]);
    }
}
