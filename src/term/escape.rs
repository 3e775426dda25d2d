//! Text that a user or a file supplied, made safe for a terminal, a log or an error.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that could steer a terminal, hide, or reorder what stands beside
/// it shown as `\u{…}`. One line stays one line.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    if is_plain(text, false) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.find(is_unsafe) else { return Cow::Borrowed(text) };
    let (clean, rest) = text.split_at(first);
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(clean);
    for character in rest.chars() {
        if is_unsafe(character) {
            let _ = write!(shown, "{}", character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// The text as one word of a POSIX shell's command line: as it is if no character of it means anything
/// there, else in single quotes.
#[must_use]
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let literal = |b: u8| b.is_ascii_alphanumeric() || b"._-:@%+=,/".contains(&b);
    if !text.is_empty() && text.bytes().all(literal) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Whether a text is printable ASCII, as most is; perhaps in lines. All of it is looked at, because that is
/// done many bytes at a time.
fn is_plain(text: &str, lines: bool) -> bool {
    text.bytes().fold(true, |plain, byte| plain & (matches!(byte, b' '..=b'~') || (lines && byte == b'\n')))
}

/// Whether [`safe`] would not let this character through.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'   // C0, DEL, C1
        | '\u{ad}' | '\u{34f}' | '\u{180e}'        // soft hyphen and other invisible joiners
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // fillers, drawn as nothing
        | '\u{61c}' | '\u{200b}'..='\u{200f}'      // marks of direction, zero width
        | '\u{2028}'..='\u{202e}'                  // line and paragraph separators, bidi embeddings
        | '\u{2060}'..='\u{206f}'                  // word joiner, invisible operators, bidi isolates
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'     // zero-width no-break space, annotations
        | '\u{e0000}'..='\u{e0fff}'                // tags and supplementary variation selectors
    )
}

/// JSON text with JSON's own escapes (RFC 8259, section 7) for what a terminal must not be sent: programs read
/// the same from it, and a person who looks at it is not deceived.
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
    fn ordinary_text_is_not_copied() {
        for text in ["", "anthropic:me@x.io", "Zürich, 東京, \u{1f511}", r"C:\Users\x"] {
            assert!(matches!(safe(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(safe("a\x1b]0;title\x07b"), r"a\u{1b}]0;title\u{7}b");
        assert_eq!(safe("\u{9b}2J\r\n\0\t\x7f"), r"\u{9b}2J\u{d}\u{a}\u{0}\u{9}\u{7f}");
        assert_eq!(safe("x\u{202e}y\u{2066}z"), r"x\u{202e}y\u{2066}z");
    }

    #[test]
    fn no_dangerous_character_passes() {
        let ranges = [
            0..=0x1f,
            0x7f..=0x9f,
            0x61c..=0x61c,
            0x200b..=0x200f,
            0x2028..=0x202e,
            0x2060..=0x2069,
            0xfeff..=0xfeff,
            0xe0000..=0xe007f,
        ];
        for character in ranges.into_iter().flatten().filter_map(char::from_u32) {
            let text = character.to_string();
            let shown = safe(&text);
            assert!(shown.is_ascii() && shown.starts_with(r"\u{"), "{shown}");
            assert_eq!(safe(&shown), shown);
        }
    }
}
