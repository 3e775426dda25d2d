//! Makes text from a user or a file safe for a terminal, a log or an error.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes every character that could control a terminal, hide itself or reorder its neighbours, as `\u{…}`. One line
/// stays one line.
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

/// Returns whether a text is printable ASCII, as most text is, with line breaks if `lines` allows them. It always looks
/// at all bytes, because the compiler can then check many at a time.
#[must_use]
pub fn is_plain(text: &str, lines: bool) -> bool {
    text.bytes().fold(true, |plain, byte| plain & (matches!(byte, b' '..=b'~') || (lines && byte == b'\n')))
}

/// Returns whether [`safe`] escapes this character.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'   // C0, DEL, C1
        | '\u{ad}' | '\u{34f}' | '\u{180e}'        // soft hyphen and other invisible joiners
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // fillers, drawn as nothing
        | '\u{61c}' | '\u{200b}'..='\u{200f}'      // direction marks, zero width
        | '\u{2028}'..='\u{202e}'                  // line and paragraph separators, bidi embeddings
        | '\u{2060}'..='\u{206f}'                  // word joiner, invisible operators, bidi isolates
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'     // zero-width no-break space, annotations
        | '\u{e0000}'..='\u{e0fff}'                // tags and supplementary variation selectors
    )
}

/// As [`safe`], for bytes. Bytes that are not UTF-8 are escaped as `\xNN`.
#[must_use]
pub fn safe_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&safe(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_not_copied() {
        for text in ["", "anthropic:me@x.io", "Zürich, 東京, \u{1f511}", r"C:\Users\x"] {
            assert!(matches!(safe(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_controls_a_terminal_is_escaped() {
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

    #[test]
    fn bytes_that_are_not_text_are_escaped() {
        assert_eq!(safe_bytes(b"/x/jos\xc3\xa9/\xff\x1b"), "/x/jos\u{e9}/\\xff\\u{1b}");
    }
}
