//! A secret, and where in a request it stands.

use std::fmt;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use strongroom_mask::{MIN_BYTES, Masker, Patterns, Value};
use zeroize::Zeroizing;

/// The longest credential, in bytes. A token of Microsoft Entra has up to 4 KiB; servers accept 8 KiB of headers.
const MAX_BYTES: usize = 6 * 1024;

/// Where in a request the credential stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In a header, after this text.
    Header(HeaderName, &'static str),
    /// In a parameter of the query. Unlike a header's, its memory is not wiped.
    Query(&'static str),
}

/// A secret, ready to be set and to be masked in answers.
pub struct Key {
    secret: SecretString,
    /// As the name of a header would hold it.
    lower: Zeroizing<String>,
    patterns: Patterns,
}

/// Why a secret cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It would be recognized nowhere, and so not be masked.
    #[error("the secret has fewer than {MIN_BYTES} bytes")]
    TooShort,
    /// It is longer than a header may be.
    #[error("the secret has more than {MAX_BYTES} bytes")]
    TooLong,
    /// A header cannot hold it.
    #[error("the secret contains a character that a header cannot hold")]
    Characters,
}

impl Key {
    /// Takes a secret. In answers it is masked as `[masked:NAME]`.
    ///
    /// # Errors
    /// If it cannot be sent in a header, or is too short to be masked.
    pub fn new(name: &str, secret: SecretString) -> Result<Self, KeyError> {
        let bytes = secret.expose_secret().as_bytes();
        if bytes.len() < MIN_BYTES {
            return Err(KeyError::TooShort);
        }
        if bytes.len() > MAX_BYTES {
            return Err(KeyError::TooLong);
        }
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(KeyError::Characters);
        }
        let value = Value { name: name.to_owned(), bytes: Zeroizing::new(bytes.to_vec()) };
        let patterns = Patterns::new([value]).map_err(|_| KeyError::TooLong)?;
        let lower = Zeroizing::new(secret.expose_secret().to_ascii_lowercase());
        Ok(Self { secret, lower, patterns })
    }

    /// Returns whether it begins with a text.
    pub(crate) fn begins_with(&self, prefix: &str) -> bool {
        self.secret.expose_secret().starts_with(prefix)
    }

    /// Returns the value of a header. Its memory is wiped when the last copy of it is dropped, and HPACK never puts it
    /// into a table.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let secret = self.secret.expose_secret();
        let mut value = Zeroizing::new(Vec::with_capacity(prefix.len() + secret.len()));
        value.extend_from_slice(prefix.as_bytes());
        value.extend_from_slice(secret.as_bytes());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Returns the secret as a query holds it.
    pub(crate) fn in_query(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.secret.expose_secret().len() * 3));
        for byte in self.secret.expose_secret().bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push('%');
                for digit in [byte >> 4, byte & 15] {
                    text.extend(char::from_digit(u32::from(digit), 16).map(|c| c.to_ascii_uppercase()));
                }
            }
        }
        text
    }

    /// Returns whether the name of a header quotes it. Names are in lower case.
    pub(crate) fn is_in_name(&self, name: &str) -> bool {
        name.contains(&*self.lower)
    }

    /// Returns a masker for one stream.
    pub(crate) fn masker(&self) -> Masker {
        Masker::new(&self.patterns)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_would_end_a_header_is_refused() {
        for (secret, error) in [
            ("made-up\r\nx: y", KeyError::Characters),
            ("made up key", KeyError::Characters),
            ("made-up-k\u{e9}y", KeyError::Characters),
            ("short", KeyError::TooShort),
        ] {
            assert_eq!(Key::new("p", secret.into()).unwrap_err(), error, "{secret:?}");
        }
    }

    #[test]
    fn a_secret_in_a_query_is_encoded_and_in_debug_output_absent() {
        let key = Key::new("p", "made+up/key=1".into()).unwrap();
        assert_eq!(*key.in_query(), "made%2Bup%2Fkey%3D1");
        assert_eq!(format!("{key:?} {:?}", key.header("Bearer ").unwrap()), "Key Sensitive");
    }
}
