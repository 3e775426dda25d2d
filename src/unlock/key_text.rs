//! The text form of a 32-byte key: `strongroom-key-v1:` and 43 characters of unpadded Base64.
//! Blank lines and lines that begin with `#` are passed over.

use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};
use crate::seal::{random, stanza};
use crate::secret::Buffer;

/// How a key begins in its text form.
pub const PREFIX: &str = "strongroom-key-v1:";

/// A new key.
///
/// # Errors
/// `INTERNAL` when the system has no random bytes.
pub fn generate() -> Result<SecretBox<[u8; 32]>> {
    let bytes = Zeroizing::new(random::<32>()?);
    Ok(SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes.as_slice())))
}

/// The contents of a key file.
#[must_use]
pub fn write(key: &SecretBox<[u8; 32]>) -> Buffer {
    let mut text = Buffer::with_capacity(256);
    text.extend(b"# Strongroom key: opens the vault by itself. Keep it private and outside the vault.\n");
    text.extend(Zeroizing::new(line(key.expose_secret())).as_bytes());
    text.push(b'\n');
    text
}

/// The line that holds a key.
#[must_use]
pub fn line(key: &[u8; 32]) -> String {
    format!("{PREFIX}{}", Zeroizing::new(stanza::encode(key)).as_str())
}

/// The key in a file's contents.
///
/// # Errors
/// `BAD_DATA` when it holds no key or several.
pub fn parse(bytes: &[u8], what: &str) -> Result<SecretBox<[u8; 32]>> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = lines.next().and_then(|line| stanza::decode::<32>(line.strip_prefix(PREFIX)?));
    match (key.map(Zeroizing::new), lines.next()) {
        (Some(key), None) => {
            Ok(SecretBox::init_with_mut(|k: &mut [u8; 32]| k.copy_from_slice(key.as_slice())))
        }
        _ => Err(Error::new(Code::BadData, format!("{what} {}", instead(text)))
            .with_remedy("name the file that `strongroom init` or `unlock-method add` made")),
    }
}

/// What a file holds in place of one key.
fn instead(text: &str) -> &'static str {
    let holds = |prefix: &str| text.lines().any(|line| line.trim_start().starts_with(prefix));
    if holds("age1") {
        "holds an age recipient, which opens nothing"
    } else if holds("AGE-SECRET-KEY-") {
        "holds an age identity, not a key of strongroom"
    } else {
        "does not hold one strongroom-key-v1 line"
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
            assert_eq!(error.what(), "the key file does not hold one strongroom-key-v1 line");
        }
        let two = [write(&generate().unwrap()).expose(), write(&generate().unwrap()).expose()].concat();
        assert!(parse(&two, "it").is_err());
    }
}
