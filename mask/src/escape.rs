//! An escape sequence in the stream: `%2F`, `\/`, `\u002f`, or what a program sends to a terminal within a text: colours,
//! and how it goes on in the next line.

pub const ESC: u8 = 0x1b;
pub const BACKSPACE: u8 = 0x08;

/// The position in an escape sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// After `%`, and the first digit if it came.
    Percent(Option<u8>),
    /// After `\`.
    Backslash,
    /// After `\u` and this many digits.
    Code { digits: u8, value: u16, high: Option<u16> },
    /// After the first half of a pair of UTF-16 units, and the `\` of the second if it came.
    High { unit: u16, backslash: bool },
    /// After ESC.
    Control,
    /// After `ESC [`.
    Sequence,
    /// After `ESC (`.
    Charset,
    /// After the last character again: vim writes it twice at the edge of the screen, and moves the cursor.
    Again,
    /// After a space: less writes it and goes back, at the edge of the screen.
    Blank,
}

/// What a byte makes of an escape sequence.
pub enum Step {
    /// It goes on.
    More(Escape),
    /// It ends, and stands for these bytes: so many of the four.
    Bytes([u8; 4], usize),
    /// It ends, and stands for no text.
    Nothing,
    /// It is no escape sequence.
    Broken,
}

impl Escape {
    /// Returns the sequence that a byte begins in any text.
    pub fn begun_by(byte: u8) -> Option<Self> {
        match byte {
            b'%' => Some(Self::Percent(None)),
            b'\\' => Some(Self::Backslash),
            _ => None,
        }
    }

    /// Returns the sequences that a byte begins within a secret, after a byte of it.
    pub fn begun_within(byte: u8, after: u8) -> impl Iterator<Item = Self> {
        let special = match byte {
            ESC => Some(Self::Control),
            b' ' => Some(Self::Blank),
            _ => None,
        };
        special.into_iter().chain((byte == after).then_some(Self::Again))
    }

    /// Reads the next byte.
    pub fn step(self, byte: u8) -> Step {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (self, digit) {
            (Self::Percent(None), Some(digit)) => Step::More(Self::Percent(Some(digit))),
            (Self::Percent(Some(high)), Some(low)) => one(high << 4 | low),
            (Self::Backslash, _) => match byte {
                b'"' | b'\\' | b'/' => one(byte),
                b'b' => one(0x08),
                b'f' => one(0x0c),
                b'n' => one(b'\n'),
                b'r' => one(b'\r'),
                b't' => one(b'\t'),
                b'u' => Step::More(Self::Code { digits: 0, value: 0, high: None }),
                _ => Step::Broken,
            },
            (Self::Code { digits, value, high }, Some(digit)) => {
                let value = value << 4 | u16::from(digit);
                match digits + 1 {
                    4 => character(value, high),
                    digits => Step::More(Self::Code { digits, value, high }),
                }
            }
            (Self::High { unit, backslash: false }, _) if byte == b'\\' => {
                Step::More(Self::High { unit, backslash: true })
            }
            (Self::High { unit, backslash: true }, _) if byte == b'u' => {
                Step::More(Self::Code { digits: 0, value: 0, high: Some(unit) })
            }
            (Self::Control, _) => match byte {
                b'[' => Step::More(Self::Sequence),
                b'(' => Step::More(Self::Charset),
                _ => Step::Broken,
            },
            (Self::Sequence, _) => match byte {
                b'0'..=b'?' => Step::More(self),
                b'@'..=b'~' => Step::Nothing,
                _ => Step::Broken,
            },
            (Self::Charset, _) => Step::Nothing,
            (Self::Again, _) if byte == ESC => Step::More(Self::Control),
            (Self::Blank, _) if byte == BACKSPACE => Step::Nothing,
            _ => Step::Broken,
        }
    }
}

fn one(byte: u8) -> Step {
    Step::Bytes([byte, 0, 0, 0], 1)
}

/// Returns the UTF-8 of a UTF-16 unit, after the first half of a pair if there was one.
fn character(unit: u16, high: Option<u16>) -> Step {
    if let (None, 0xd800..0xdc00) = (high, unit) {
        return Step::More(Escape::High { unit, backslash: false });
    }
    let decoded = match high {
        Some(high) => char::decode_utf16([high, unit]).next(),
        None => char::decode_utf16([unit]).next(),
    };
    let Some(Ok(character)) = decoded else { return Step::Broken };
    let mut bytes = [0; 4];
    let length = character.encode_utf8(&mut bytes).len();
    Step::Bytes(bytes, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<String> {
        let mut bytes = text.bytes();
        let first = bytes.next()?;
        let mut escape = Escape::begun_by(first).or_else(|| Escape::begun_within(first, b'U').next())?;
        for byte in bytes.by_ref() {
            match escape.step(byte) {
                Step::More(more) => escape = more,
                Step::Bytes(decoded, length) => {
                    return bytes
                        .next()
                        .is_none()
                        .then(|| String::from_utf8(decoded[..length].to_vec()).unwrap());
                }
                Step::Nothing => return Some(String::new()),
                Step::Broken => return None,
            }
        }
        None
    }

    #[test]
    fn every_kind_is_decoded() {
        for (text, expected) in [
            ("%2f", Some("/")),
            ("%2F", Some("/")),
            ("\\/", Some("/")),
            ("\\\"", Some("\"")),
            ("\\n", Some("\n")),
            ("\\u0041", Some("A")),
            ("\\u00E4", Some("ä")),
            ("\\uD83D\\uDE00", Some("😀")),
            ("\\ud83dx", None),
            ("\\udc00", None),
            ("\\ud83d\\u0041", None),
            ("%g0", None),
            ("\\x", None),
            ("\x1b[01;31m", Some("")),
            ("\x1b[K", Some("")),
            ("\x1b[?25l", Some("")),
            ("\x1b(B", Some("")),
            ("U\x1b[2;1H", Some("")),
            (" \x08", Some("")),
            (" x", None),
            ("\x1b]0", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
