//! A pasted value, freed from what came along with it.

use crate::error::{Code, Error, Result, fail};
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::vault::credential::SECRET_MAX;

use super::mask::is_mask;
use super::wrapping;

/// A pasted secret and what had to be said about it.
#[derive(Debug)]
pub struct Normalised {
    /// The secret.
    pub secret: SecretString,
    /// Warnings; they quote nothing.
    pub warnings: Vec<String>,
}

/// White space, and the characters without width that a copy from a web page brings along.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{180e}' | '\u{00ad}')
}

/// Characters that cannot be seen and are no white space: controls, marks of direction, joiners,
/// private use, and what stands for undecodable bytes.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    (c.is_control() && !is_space(c))
        || matches!(c,
            '\u{0600}'..='\u{0605}' | '\u{061c}' | '\u{06dd}' | '\u{070f}' | '\u{115f}'..='\u{1160}'
            | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2061}'..='\u{206f}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{10ffff}')
}

const QUOTES: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’')];

/// The secret in a pasted value: without white space, and without quotes around it.
///
/// # Errors
/// `NO_INPUT` when nothing is left, `TOO_LARGE` beyond [`SECRET_MAX`], `NOT_A_SECRET` for a mask,
/// and `BAD_DATA` for what is not one printable value. None of them quotes the value.
pub fn normalise(pasted: &[u8]) -> Result<Normalised> {
    let Ok(text) = std::str::from_utf8(pasted) else {
        return fail(Code::BadData, "the pasted value is not UTF-8 text");
    };
    let mut warnings = Vec::new();
    let mut text = text.trim_matches(is_space);
    if let Some(inner) = unquoted(text) {
        text = inner.trim_matches(is_space);
        warnings.push("the value stood in quotes, which were left out".to_owned());
    }
    wrapping::refuse(text)?;
    let mut secret = Buffer::with_capacity(text.len());
    let mut broken = false;
    for c in text.chars() {
        if is_space(c) {
            broken = true;
        } else if is_unseen(c) {
            return Err(Error::new(Code::BadData, "the pasted value holds characters that cannot be seen")
                .with_remedy("copy it again, without its surroundings"));
        } else {
            secret.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    if secret.is_empty() {
        return Err(Error::new(Code::NoInput, "the pasted value is empty")
            .with_remedy("paste the secret, or send it on standard input"));
    }
    if secret.len() > SECRET_MAX {
        return fail(Code::TooLarge, format!("the pasted value is longer than {SECRET_MAX} bytes"));
    }
    if broken {
        warnings.push("white space inside the value was left out".to_owned());
    }
    let Some(secret) = secret.to_secret() else {
        return fail(Code::Internal, "a pasted value lost its encoding");
    };
    if let Some(why) = is_mask(secret.expose_secret()) {
        return fail(Code::NotASecret, format!("the pasted value is no secret: {why}"));
    }
    Ok(Normalised { secret, warnings })
}

fn unquoted(text: &str) -> Option<&str> {
    QUOTES.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret_of(pasted: &str) -> String {
        normalise(pasted.as_bytes()).unwrap().secret.expose_secret().to_owned()
    }

    fn code_of(pasted: &[u8]) -> Code {
        let error = normalise(pasted).unwrap_err();
        let text = format!("{error} {error:?} {}", error.remedy());
        assert!(!text.contains("canary"), "{text}");
        error.code()
    }

    #[test]
    fn every_kind_of_white_space_goes() {
        for pasted in [
            "abcdef\n",
            "abc\r\ndef\r\n",
            " abc def ",
            "abc\u{a0}def",
            "abc\u{200b}def",
            "\u{feff}abcdef",
            "a\tb\u{b}c\u{c}d\u{2028}e\u{3000}f\u{85}",
            "abc\n   def",
        ] {
            assert_eq!(secret_of(pasted), "abcdef", "{pasted:?}");
        }
    }

    #[test]
    fn matching_quotes_go_with_a_warning() {
        for pasted in ["\"abcdef\"", "'abcdef'", "`abcdef`", "“abcdef”", " \" abcdef \" \n"] {
            let normalised = normalise(pasted.as_bytes()).unwrap();
            assert_eq!(normalised.secret.expose_secret(), "abcdef", "{pasted}");
            assert_eq!(normalised.warnings, ["the value stood in quotes, which were left out"]);
        }
        assert_eq!(secret_of("\"abcdef'"), "\"abcdef'");
    }

    #[test]
    fn nothing_is_refused_as_nothing() {
        for pasted in ["", " \n", "\"\"", "\u{200b}", "' '"] {
            assert_eq!(code_of(pasted.as_bytes()), Code::NoInput, "{pasted:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for pasted in [
            "canary\0secret",
            "canary\u{1b}[200~secret",
            "canary\u{202e}secret",
            "canary\u{7f}",
            "canary\u{e000}",
            "canary\u{fffd}",
            "canary\u{200d}secret",
        ] {
            assert_eq!(code_of(pasted.as_bytes()), Code::BadData, "{pasted:?}");
        }
        assert_eq!(code_of(b"canary\xff"), Code::BadData);
    }

    #[test]
    fn wrapped_values_are_refused() {
        for pasted in [
            "ANTHROPIC_API_KEY=canary-secret",
            "export ANTHROPIC_API_KEY=canary-secret",
            "export  OPENAI_API_KEY = \"canary-secret\"",
            "set OPENAI_API_KEY=canary-secret",
            "$env:OPENAI_API_KEY=\"canary-secret\"",
            "\"export OPENAI_API_KEY=canary-secret\"",
            "Bearer canary-secret",
            "bearer\ncanary-secret",
            "Authorization: Bearer canary-secret",
            "x-api-key: canary-secret",
            "{\"key\":\"canary-secret\"}",
            "-----BEGIN PRIVATE KEY-----\ncanary-secret",
        ] {
            assert_eq!(code_of(pasted.as_bytes()), Code::BadData, "{pasted:?}");
        }
        assert_eq!(secret_of("Bearerabc"), "Bearerabc");
        assert_eq!(secret_of("abc=="), "abc==");
    }

    #[test]
    fn masks_are_refused() {
        assert_eq!(code_of(b"canary***"), Code::NotASecret);
        assert_eq!(code_of(b"op://canary/x"), Code::NotASecret);
    }

    #[test]
    fn the_size_is_bounded_without_white_space() {
        assert_eq!(secret_of(&format!("{}\n", "ab \n".repeat(SECRET_MAX / 2))).len(), SECRET_MAX);
        assert_eq!(code_of("b".repeat(SECRET_MAX + 1).as_bytes()), Code::TooLarge);
    }
}
