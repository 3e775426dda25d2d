//! Escapes text from users and files for a terminal, a log or an error.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use strongroom_backends::escape::is_plain;
pub use strongroom_backends::escape::{is_unsafe, safe};
use strongroom_backends::{is_hidden, shown};

/// Returns a text as one word of a POSIX shell's command line: unchanged if no character has a meaning there, or else
/// in single quotes.
#[must_use]
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let literal = |b: u8| b.is_ascii_alphanumeric() || b"._-:@%+=,/".contains(&b);
    if !text.is_empty() && text.bytes().all(literal) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Returns a path as one word of a POSIX shell's command line. Bytes that must not reach a terminal are written as
/// octal numbers for `printf`, because only some shells support `$'…'`. A path that must not be shown is replaced by
/// its source.
#[must_use]
pub fn shell_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    match std::str::from_utf8(bytes) {
        _ if is_hidden(path) => shell_word(&shown(path)).into_owned(),
        Ok(text) if !text.contains(is_unsafe) => shell_word(text).into_owned(),
        _ => {
            let mut word = String::from("\"$(printf '");
            for byte in bytes {
                let is_literal = byte.is_ascii_alphanumeric() || b"/._- ".contains(byte);
                let _ = if is_literal {
                    write!(word, "{}", char::from(*byte))
                } else {
                    write!(word, "\\{byte:03o}")
                };
            }
            word + "')\""
        }
    }
}

/// Returns JSON text in which characters that must not reach a terminal have JSON's own escapes (RFC 8259, section 7).
/// Programs read the same from it, and people who look at it are not deceived.
#[must_use]
pub fn safe_json(text: &str) -> Cow<'_, str> {
    let escapes = |c: char| c != '\n' && is_unsafe(c);
    if is_plain(text, true) || !text.contains(escapes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if escapes(c) {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_itself_to_a_shell() {
        for (text, word) in [
            ("openai:me+x@x.io", "openai:me+x@x.io"),
            ("a:b'c", r"'a:b'\''c'"),
            ("a:$(id)`id`#", "'a:$(id)`id`#'"),
            ("a:b{1,2}~!*?|&", "'a:b{1,2}~!*?|&'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn json_says_the_same_without_what_deceives() {
        let value = serde_json::json!({"email": "a\u{202e}b\u{9b}c\u{e0041}\u{1b}[m, Zürich\n"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = safe_json(&text);
        assert!(!shown.contains(|c: char| c != '\n' && is_unsafe(c)), "{shown}");
        assert!(shown.contains("Zürich"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        assert!(matches!(safe_json("{\n  \"a\": 1\n}"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_path_means_itself_to_a_shell() {
        use std::os::unix::ffi::OsStrExt;
        for name in [
            &b"plain"[..],
            "josé".as_bytes(),
            "日本".as_bytes(),
            b"a b",
            b"it's",
            b"$(id)",
            b"a\nb",
            b"-n",
            "x\u{202e}y".as_bytes(),
            b"\xff\\",
            b"100%",
        ] {
            let path = Path::new("/tmp").join(std::ffi::OsStr::from_bytes(name));
            let word = shell_path(&path);
            assert_eq!(safe(&word), word);
            let said =
                std::process::Command::new("/bin/sh").args(["-c", &format!("printf %s {word}")]).output();
            assert_eq!(said.unwrap().stdout, path.as_os_str().as_bytes(), "{word}");
        }
    }
}
