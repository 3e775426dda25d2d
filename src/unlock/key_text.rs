//! The text form of a 32-byte key: `strongroom-key-v1:` and 43 characters of unpadded Base64.
//! Blank lines and lines that begin with `#` are skipped.

use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::messages;
use crate::seal::{random, stanza};
use crate::secret::Buffer;

/// The prefix of a key in its text form.
pub const PREFIX: &str = "strongroom-key-v1:";

/// Generates a new key.
///
/// # Errors
/// `INTERNAL` if the system has no random bytes.
pub fn generate() -> Result<SecretBox<[u8; 32]>> {
    let bytes = Zeroizing::new(random::<32>()?);
    Ok(SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes.as_slice())))
}

/// Returns the contents of a key file.
#[must_use]
pub fn write(key: &SecretBox<[u8; 32]>) -> Buffer {
    let mut text = Buffer::with_capacity(256);
    text.extend(b"# Strongroom key: opens the vault by itself. Keep it private and outside the vault.\n");
    text.extend(Zeroizing::new(line(key.expose_secret())).as_bytes());
    text.push(b'\n');
    text
}

/// Returns the line with a key.
#[must_use]
pub fn line(key: &[u8; 32]) -> String {
    format!("{PREFIX}{}", Zeroizing::new(stanza::encode(key)).as_str())
}

/// Parses the contents of a key file. `what` names the file in errors.
///
/// # Errors
/// `BAD_DATA` unless it contains exactly one key.
pub fn parse(bytes: &[u8], what: &str) -> Result<SecretBox<[u8; 32]>> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = lines.next().and_then(|line| stanza::decode::<32>(line.strip_prefix(PREFIX)?));
    match (key.map(Zeroizing::new), lines.next()) {
        (Some(key), None) => {
            Ok(SecretBox::init_with_mut(|k: &mut [u8; 32]| k.copy_from_slice(key.as_slice())))
        }
        _ => Err(messages::unlock::not_a_key_file(what, instead(text))),
    }
}

/// Returns what a file contains instead of one key.
fn instead(text: &str) -> &'static str {
    let holds = |prefix: &str| text.lines().any(|line| line.trim_start().starts_with(prefix));
    if holds("age1") {
        "contains an age recipient, which unlocks nothing"
    } else if holds("AGE-SECRET-KEY-") {
        "contains an age identity, not a Strongroom key"
    } else {
        "does not contain exactly one strongroom-key-v1 line"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        let key = generate().unwrap();
        let text = write(&key);
        assert_eq!(parse(text.expose(), "it").unwrap().expose_secret(), key.expose_secret());
    }

    #[test]
    fn other_contents_are_refused_and_not_quoted() {
        for text in ["", "canary", "strongroom-key-v1:canary", "strongroom-key-v2:AAAA"] {
            let error = parse(text.as_bytes(), "the key file").unwrap_err();
            assert_eq!(error.what(), "the key file does not contain exactly one strongroom-key-v1 line");
        }
        let two = [write(&generate().unwrap()).expose(), write(&generate().unwrap()).expose()].concat();
        assert!(parse(&two, "it").is_err());
    }
}
