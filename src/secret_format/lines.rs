//! Joins the lines of one wrapped token, and recognises lines that are more than a token.

use crate::secret::Buffer;

use crate::looks::Shape;

/// The narrowest window that may have wrapped a token without a known prefix, in characters. Words of a message are
/// shorter.
const WIDTH_MIN: usize = 16;
/// Usual widths of windows, in characters, with and without the last column.
const WIDTHS: [usize; 12] = [72, 76, 78, 79, 80, 99, 100, 119, 120, 131, 132, 160];
/// The longest word of a message, in characters.
const WORD_MAX: usize = 16;

/// Returns the lines of a text, without white space around them, and without blank lines at the beginning and the end.
pub(super) fn lines(text: &str) -> Vec<&str> {
    // `trim_end` removes the `\r` of a `\r\n`, which would otherwise add a blank line.
    let mut lines: Vec<&str> = text.split('\n').flat_map(|line| line.trim_end().split('\r')).collect();
    for line in &mut lines {
        *line = line.trim();
    }
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !line.is_empty()).map_or(first, |last| last + 1);
    lines.truncate(last);
    lines.split_off(first)
}

/// Returns the lines inside a Markdown fence, or `None` if the lines are not one fence.
pub(super) fn fenced<'a, 't>(lines: &'a [&'t str]) -> Option<&'a [&'t str]> {
    let [first, inner @ .., last] = lines else { return None };
    let mark = first.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let fence = |line: &str| line.len() - line.trim_start_matches(mark).len();
    let (open, close) = (fence(first), fence(last));
    let language = first.trim_start_matches(mark).trim();
    let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'#' | b'.');
    (open >= 3 && close >= open && last.len() == close && language.bytes().all(is_word)).then_some(inner)
}

/// Returns whether a text begins like a token.
pub(super) fn begins_known(text: &str) -> bool {
    let text = text.trim_start_matches(['"', '\'']);
    Shape::of(text).is_some() || text.starts_with("sk-") || text.starts_with("eyJ")
}

/// Joins the pieces of one token that a window wrapped: only token characters, each piece as long as the first, and the
/// last not longer. Returns `None` if they are something else, or could be.
pub(super) fn joined(pieces: &[&str], by_blanks: bool) -> Option<Buffer> {
    let [first, rest @ ..] = pieces else { return None };
    let (last, between) = rest.split_last()?;
    let (width, known) = (first.len(), begins_known(first));
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    // A whole key, with something after it.
    let whole = usual_length(first).is_some_and(|usual| length - last.len() >= usual);
    if whole && (between.is_empty() || is_note(last)) {
        return None;
    }
    // With two pieces, only the first says how wide the window was.
    let may_be_note = between.is_empty() && usual_length(first) != Some(length) && !WIDTHS.contains(&width);
    let wrapped = pieces.iter().all(|piece| !piece.is_empty() && piece.bytes().all(is_of_token))
        && between.iter().all(|piece| piece.len() == width)
        && last.len() <= width;
    // Several keys without a known prefix would have the same length.
    let one = known || (width >= WIDTH_MIN && last.len() < width);
    let apart = rest.iter().any(|piece| begins_known(piece) || piece == first || stands_alone(piece));
    let word = is_word(last)
        || (may_be_note && is_note(last))
        || (by_blanks && rest.iter().any(|piece| is_word(piece)));
    if !wrapped || !one || apart || word {
        return None;
    }
    let mut token = Buffer::with_capacity(length);
    for piece in pieces {
        token.extend(piece.as_bytes());
    }
    Some(token)
}

/// Returns the length of every secret with this prefix, in characters, if it is fixed.
fn usual_length(beginning: &str) -> Option<usize> {
    Shape::of(beginning.trim_start_matches(['"', '\'']))?.length
}

/// Returns whether a byte can be part of a token in any encoding of keys and tokens, or a quote around one.
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=:|@%!$*\"'".contains(&byte)
}

/// Returns whether a short last line is not the end of a token: a mark, a number, a date, a version, a path or a name.
fn is_note(piece: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parted = |by: char| piece.split(by).count() > 1 && piece.split(by).all(digits);
    let version = piece.strip_prefix(['v', 'V']).unwrap_or(piece);
    let named = piece.split(['_', '-']).count() > 1
        && piece.split(['_', '-']).all(|word| word.bytes().all(|b| b.is_ascii_lowercase()) && word.len() > 1);
    let name = piece.trim_end_matches(|c: char| c.is_ascii_digit());
    let capital = name.len() > 2
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().skip(1).all(|b| b.is_ascii_lowercase());
    piece.bytes().filter(u8::is_ascii_alphanumeric).count() < 3
        || piece.starts_with(['/', '#', '('])
        || (digits(piece) && piece.len() <= 6)
        || parted('-')
        || parted(':')
        || (version.contains('.') && version.split('.').all(digits))
        || named
        || capital
}

/// Returns whether a piece is an e-mail address, a link, or a value with its name, which never continue a token.
fn stands_alone(piece: &str) -> bool {
    let is_mail = piece.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
    let named = piece.split_once([':', '=']).is_some_and(|(name, value)| {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        // Base64 ends in `=`.
        is_name && !(piece[name.len()..].starts_with('=') && value.bytes().all(|b| b == b'='))
    });
    piece.contains("://") || is_mail || named
}

/// Returns whether a piece is a word of a message or a name. Letters that could be hexadecimal digits are not, and
/// neither is a repetition of a few letters.
fn is_word(piece: &str) -> bool {
    let word = piece.trim_matches(|c: char| c.is_ascii_punctuation());
    let tail = word.get(1..).unwrap_or_default();
    let cased = tail.bytes().all(|b| b.is_ascii_lowercase()) || word.bytes().all(|b| b.is_ascii_uppercase());
    let mut seen = [false; 26];
    word.bytes().filter(u8::is_ascii_alphabetic).for_each(|b| {
        seen[usize::from(b.to_ascii_lowercase() - b'a')] = true;
    });
    (4..=WORD_MAX).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphabetic())
        && cased
        && seen.iter().filter(|seen| **seen).count() >= 3
        && word.bytes().any(|b| !b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(text: &str) -> Option<String> {
        joined(&lines(text), false).map(|token| token.expose_str().unwrap().to_owned())
    }

    /// Returns a token cut into pieces of `width` characters.
    fn wrapped(token: &str, width: usize, between: &str) -> String {
        let pieces: Vec<_> =
            token.as_bytes().chunks(width).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        pieces.join(between)
    }

    #[test]
    fn one_wrapped_token_is_taken_whole() {
        let token = format!("sk-ant-oat01-{}", "Made-Up_0".repeat(11));
        let plain = "0123456789abcdefZYXWVUTSRQP".repeat(3);
        for width in [20, 27, 40, 54, 79, 80, 100, 107] {
            for between in ["\n", "\r\n", "\r", "  \n", "\n   ", "\t\r\n\t"] {
                for token in [&token, &plain] {
                    let text = format!("\n{}\n\n", wrapped(token, width, between));
                    // Without a known prefix, a full last line could be another key.
                    let full = token.len() % width == 0 && !token.starts_with("sk-");
                    let expected = (token.len() > width && !full).then_some(token.as_str());
                    assert_eq!(token_of(&text).as_deref(), expected, "{width} {between:?}");
                }
            }
        }
    }

    #[test]
    fn a_whole_key_and_a_note_are_none() {
        let whole = [
            format!("sk-or-v1-{}", "0123456789abcdef".repeat(4)),
            format!("sk-ant-api03-{}", "Made-Up_0".repeat(11))[..108].to_owned(),
            format!("AIza{}", "MadeUp0".repeat(5)),
            "0123456789abcdefZYXWVUTS".to_owned(),
        ];
        for key in whole {
            for note in [
                "%",
                "$",
                "---",
                "ok",
                "me",
                "0",
                "#1",
                "1y",
                "12",
                "1234",
                "v1.2.3",
                "1.2",
                "2026-11-28",
                "12:30",
                "/home/me",
                "(1)",
                "work_account",
                "John2024",
                "OK!",
            ] {
                for between in ["\n", "\r\n"] {
                    assert_eq!(token_of(&format!("{key}{between}{note}\n")), None, "{key} {note}");
                }
                assert!(joined(&[&key, note], true).is_none(), "{key} {note}");
            }
        }
    }

    #[test]
    fn what_is_more_than_a_token_is_none() {
        let key = format!("sk-or-v1-{}", "0123456789abcdef".repeat(4));
        for rest in [
            "user: me@example.com",
            "user:me",
            "user=me",
            "me@example.com",
            "https://made.up",
            "otpauth://totp/x?secret=MADEUP",
            "openrouter",
            "Production",
            "ADMIN",
            "done.",
            "",
            "\nopenrouter",
            "sk-or-v1-short",
            "gsk_other",
        ] {
            for text in [format!("{key}\n{rest}\nx"), format!("{key}\n\n{rest}")] {
                assert_eq!(token_of(&text), None, "{text:?}");
            }
            if !rest.is_empty() {
                assert_eq!(token_of(&format!("{key}\n{rest}")), None, "{rest:?}");
                assert_eq!(token_of(&format!("{rest}\n{key}")), None, "{rest:?}");
            }
        }
        let other = format!("sk-or-v1-{}", "fedcba9876543210".repeat(4));
        for text in [
            format!("{key}\n{other}"),
            format!("{key}\n{key}"),
            format!("{0}\n{1}", "0123456789abcdef".repeat(2), "fedcba9876543210".repeat(2)),
            "Permission\ndenied".to_owned(),
            "HTTP\n401".to_owned(),
            "a\nb".to_owned(),
        ] {
            assert_eq!(token_of(&text), None, "{text:?}");
        }
    }

    #[test]
    fn a_fence_of_its_own_is_opened() {
        for (text, inner) in [
            ("```\nabc\n```", Some(vec!["abc"])),
            ("```sh\nabc\ndef\n```", Some(vec!["abc", "def"])),
            ("~~~ text\nabc\n~~~", Some(vec!["abc"])),
            ("````\nabc\n`````", Some(vec!["abc"])),
            ("````\nabc\n```", None),
            ("```\nabc\n~~~", None),
            ("``\nabc\n``", None),
            ("```your key\nabc\n```", None),
            ("Here:\n```\nabc\n```", None),
            ("```\nabc", None),
            ("```", None),
        ] {
            let lines = lines(text);
            assert_eq!(fenced(&lines).map(<[_]>::to_vec), inner, "{text:?}");
        }
    }
}
