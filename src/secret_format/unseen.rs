//! Invisible and typographic characters, and text in UTF-16.

use crate::secret::Buffer;

/// Returns whether a character is white space, or one without width that is copied along from a web page.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{180e}' | '\u{00ad}')
}

/// Returns whether a character is invisible but not white space: controls, directional marks, joiners, private use, and
/// the replacement of bytes that cannot be decoded.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    (c.is_control() && !is_space(c))
        || matches!(c,
            '\u{034f}' | '\u{0600}'..='\u{0605}' | '\u{061c}' | '\u{06dd}' | '\u{070f}' | '\u{0890}'..='\u{0891}'
            | '\u{08e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2061}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1345f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Returns whether a character inside a secret is invisible there: all white space except blanks, tabs and line breaks,
/// which are checked separately.
pub(super) fn hides(c: char) -> bool {
    is_unseen(c) || (is_space(c) && !matches!(c, ' ' | '\t' | '\n' | '\r'))
}

/// Returns whether a character is a typographic quote or dash, or a back quote. Word processors and chats turn straight
/// quotes and hyphens into them.
pub(super) fn is_typographic(c: char) -> bool {
    matches!(c,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
        | '`' | '´' | '«' | '»' | 'ʻ'..='ʽ' | '\u{2018}'..='\u{201f}' | '\u{2032}'..='\u{2037}' | '‹' | '›'
        | '\u{300c}'..='\u{300f}' | '\u{301d}'..='\u{301f}' | '＂' | '＇' | '｀')
}

/// A text that may be UTF-16.
pub(super) enum Utf16 {
    /// It has no byte order mark of UTF-16, and does not look like UTF-16.
    No,
    /// It was UTF-16; this is the text in UTF-8.
    Decoded(Buffer),
    /// It has the mark but cannot be decoded, or has no mark but a NUL beside each letter.
    Bad,
}

/// Decodes UTF-16 with a byte order mark.
pub(super) fn utf16(bytes: &[u8]) -> Utf16 {
    let (unit, rest): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        [_, 0, _, 0, ..] | [0, _, 0, _, ..] => return Utf16::Bad,
        _ => return Utf16::No,
    };
    let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = Buffer::with_capacity(rest.len() * 2);
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) if c != '\0' => text.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => return Utf16::Bad,
        }
    }
    if rest.len() % 2 == 0 { Utf16::Decoded(text) } else { Utf16::Bad }
}
