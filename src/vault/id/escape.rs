//! The escape that file names and reference ids share: `_` and two lower-case hex digits for each byte. An id whose
//! escaped form is too long has a short form: `_x` and 40 hex digits of the id's SHA-256.

use sha2::{Digest, Sha256};

use crate::seal::keys::hex;

/// The prefix of a short form. No escape begins like that, because `x` is no hex digit.
const SHORT: &str = "_x";
/// The number of bytes of the SHA-256 in a short form.
const SHORT_BYTES: usize = 20;

/// Escapes every byte of a text that is not literal.
pub(super) fn escape(text: &str, literal: impl Fn(u8) -> bool) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    if text.bytes().all(&literal) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if literal(byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['_', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    out
}

/// Undoes [`escape`]. Returns `None` if a `_` begins no escape.
pub(super) fn unescape(text: &str) -> Option<String> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'_' {
            out.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// Returns the short form of an id.
pub(super) fn short(id: &str) -> String {
    format!("{SHORT}{}", hex(&Sha256::digest(id.as_bytes())[..SHORT_BYTES]))
}

/// Returns the hex digits of a name that is a short form.
pub(super) fn short_of(name: &str) -> Option<&str> {
    name.strip_prefix(SHORT).filter(|digits| {
        digits.len() == 2 * SHORT_BYTES && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}
