//! What a new passphrase must be: something that a person can type at the prompt, and not short.

use crate::error::{Code, Error, Result};
use crate::secret::Buffer;

/// A shorter passphrase is refused unless that is asked for, in bytes.
pub const LEAST: usize = 12;

/// Refuses a passphrase that no prompt could match, and a short one. `place` says where it stands, if it was not
/// typed.
///
/// # Errors
/// `BAD_DATA`, which quotes nothing.
pub fn check(passphrase: &Buffer, place: Option<&str>, weak: bool) -> Result<()> {
    let bytes = passphrase.expose();
    let subject =
        place.map_or_else(|| "the passphrase".to_owned(), |place| format!("the passphrase in {place}"));
    if let Some(why) = untypable(bytes) {
        return Err(Error::new(Code::BadData, format!("{subject} {why}, which cannot be typed at a prompt"))
            .with_remedy("write it as one line of UTF-8 text, with at most one line break after it"));
    }
    if bytes.len() < LEAST && !weak {
        return Err(Error::new(Code::BadData, format!("{subject} is shorter than {LEAST} bytes"))
            .with_remedy("choose a longer one, for example five random words; --weak takes a short one"));
    }
    Ok(())
}

/// Why it cannot be typed.
fn untypable(bytes: &[u8]) -> Option<&'static str> {
    let begins = |mark: &[u8]| bytes.starts_with(mark);
    if begins(b"\xff\xfe") || begins(b"\xfe\xff") {
        Some("is UTF-16 text")
    } else if begins(b"\xef\xbb\xbf") {
        Some("begins with a byte order mark")
    } else if bytes.contains(&0) {
        Some("holds a NUL byte")
    } else if bytes.contains(&b'\n') || bytes.contains(&b'\r') {
        Some("has more than one line")
    } else if bytes.iter().any(|byte| matches!(byte, 0..=8 | 11..=31 | 127)) {
        Some("holds control characters")
    } else if std::str::from_utf8(bytes).is_err() {
        Some("is not UTF-8 text")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(bytes: &[u8], weak: bool) -> Result<()> {
        check(&Buffer::from_vec(bytes.to_vec()), Some("/p"), weak)
    }

    #[test]
    fn what_a_prompt_can_give_is_taken() {
        for text in
            ["five made up words here", " made-up, with blanks ", "geb\u{fc}rstet und lang", "a\tb made up c"]
        {
            assert!(checked(text.as_bytes(), false).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn what_no_prompt_could_give_is_refused_whatever_its_length() {
        for (bytes, why) in [
            (&b"made-up-canary-1\nmade-up-canary-2"[..], "has more than one line"),
            (b"made-up-canary\n", "has more than one line"),
            (b"made-up-canary\r", "has more than one line"),
            (b"\xef\xbb\xbfmade-up-canary", "begins with a byte order mark"),
            (b"\xff\xfem\0a\0d\0e\0-\0u\0p\0", "is UTF-16 text"),
            (b"\xfe\xff\0m\0a\0d\0e\0-\0u\0p", "is UTF-16 text"),
            (b"made-up\0canary", "holds a NUL byte"),
            (b"made-up\x1b[2Jcanary", "holds control characters"),
            (b"made-up-canary\x7f", "holds control characters"),
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
    fn a_short_one_wants_to_be_asked_for() {
        assert_eq!(checked(b"elevenbytes", false).unwrap_err().code(), Code::BadData);
        assert!(checked(b"elevenbytes", true).is_ok());
        assert!(checked(b"twelve bytes", false).is_ok());
    }
}
