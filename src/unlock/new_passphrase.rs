//! The requirements for a new passphrase: a person can type it at the prompt, and it is not short.

use crate::error::Result;
use crate::messages;
use crate::secret::Buffer;

/// The length, in bytes, below which a passphrase is refused unless a short one was explicitly allowed.
pub const LEAST: usize = 12;

/// Refuses a passphrase that cannot be typed at a prompt, and a short one unless `weak` allows it. `place` says where
/// it is, unless it was typed.
///
/// # Errors
/// `BAD_DATA`, which quotes nothing.
pub fn check(passphrase: &Buffer, place: Option<&str>, weak: bool) -> Result<()> {
    let bytes = passphrase.expose();
    if let Some(why) = untypable(bytes) {
        return Err(messages::unlock::untypable_passphrase(place, why));
    }
    if bytes.len() < LEAST && !weak {
        return Err(messages::unlock::short_passphrase(place, LEAST));
    }
    Ok(())
}

/// Returns why a passphrase cannot be typed at a prompt, or `None` if it can.
fn untypable(bytes: &[u8]) -> Option<&'static str> {
    let begins = |mark: &[u8]| bytes.starts_with(mark);
    if begins(b"\xff\xfe") || begins(b"\xfe\xff") {
        Some("is UTF-16 text")
    } else if begins(b"\xef\xbb\xbf") {
        Some("begins with a byte order mark")
    } else if bytes.contains(&0) {
        Some("contains a NUL byte")
    } else if bytes.contains(&b'\n') || bytes.contains(&b'\r') {
        Some("has more than one line")
    } else if bytes.iter().any(|byte| matches!(byte, 0..=8 | 11..=31 | 127)) {
        Some("contains control characters")
    } else if std::str::from_utf8(bytes).is_err() {
        Some("is not UTF-8 text")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn checked(bytes: &[u8], weak: bool) -> Result<()> {
        check(&Buffer::from_vec(bytes.to_vec()), Some("/p"), weak)
    }

    #[test]
    fn a_typable_passphrase_is_accepted() {
        for text in
            ["five made up words here", " made-up, with blanks ", "geb\u{fc}rstet und lang", "a\tb made up c"]
        {
            assert!(checked(text.as_bytes(), false).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn an_untypable_passphrase_is_refused_whatever_its_length() {
        for (bytes, why) in [
            (&b"made-up-canary-1\nmade-up-canary-2"[..], "has more than one line"),
            (b"made-up-canary\n", "has more than one line"),
            (b"made-up-canary\r", "has more than one line"),
            (b"\xef\xbb\xbfmade-up-canary", "begins with a byte order mark"),
            (b"\xff\xfem\0a\0d\0e\0-\0u\0p\0", "is UTF-16 text"),
            (b"\xfe\xff\0m\0a\0d\0e\0-\0u\0p", "is UTF-16 text"),
            (b"made-up\0canary", "contains a NUL byte"),
            (b"made-up\x1b[2Jcanary", "contains control characters"),
            (b"made-up-canary\x7f", "contains control characters"),
            (b"made-up-canary-\xff\xfe", "is not UTF-8 text"),
        ] {
            for weak in [false, true] {
                let error = checked(bytes, weak).unwrap_err();
                assert_eq!(error.code(), Code::BadData);
                assert!(error.what().contains(why), "{}", error.what());
                assert!(!error.what().contains("canary") && !error.what().chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn a_short_passphrase_has_to_be_allowed() {
        assert_eq!(checked(b"elevenbytes", false).unwrap_err().code(), Code::BadData);
        assert!(checked(b"elevenbytes", true).is_ok());
        assert!(checked(b"twelve bytes", false).is_ok());
    }
}
