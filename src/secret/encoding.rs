//! Text as other programs save it: UTF-8 with or without a byte order mark, and UTF-16 with one.

use super::Buffer;
use crate::error::Result;
use crate::messages::places;

/// The contents of a file without a byte order mark.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// The bytes of the file, which may not be text.
    AsIs(&'a [u8]),
    /// UTF-8 that was converted from UTF-16, in memory that is wiped.
    Utf16(Buffer),
}

impl Decoded<'_> {
    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::AsIs(bytes) => bytes,
            Self::Utf16(text) => text.expose(),
        }
    }
}

/// Removes a byte order mark, and decodes UTF-16 that has one. `what` names the file in errors.
///
/// # Errors
/// `BAD_DATA` for damaged UTF-16, and for what looks like UTF-16 without a byte order mark, because it is not guessed.
pub fn decode<'a>(bytes: &'a [u8], what: &str) -> Result<Decoded<'a>> {
    let (rest, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => return Ok(Decoded::AsIs(rest)),
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => match order_of_utf16(bytes) {
            None => return Ok(Decoded::AsIs(bytes)),
            Some(order) => return Err(places::unmarked_utf16(what, order)),
        },
    };
    let damaged = || places::damaged_utf16(what);
    if rest.len() % 2 != 0 {
        return Err(damaged());
    }
    let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    // A unit takes at most three bytes of UTF-8.
    let mut text = Buffer::with_capacity(rest.len() / 2 * 3);
    for read in char::decode_utf16(units) {
        let read = read.map_err(|_| damaged())?;
        text.extend(read.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(Decoded::Utf16(text))
}

/// Guesses the byte order of UTF-16 text of mostly ASCII characters, in which every other byte is zero.
fn order_of_utf16(bytes: &[u8]) -> Option<&'static str> {
    const LOOKED_AT: usize = 512;
    let seen = &bytes[..bytes.len().min(LOOKED_AT) & !1];
    let zeros = |odd: usize| seen.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), seen.len() / 2);
    let is_most = |zeros: usize| half >= 2 && zeros * 10 >= half * 9;
    match (even, odd) {
        (0, odd) if is_most(odd) => Some("UTF-16LE"),
        (even, 0) if is_most(even) => Some("UTF-16BE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn both_orders_of_utf16_and_marks_are_read() {
        let text = "\u{feff}NAME=\u{e4}\u{1f511}\r\n";
        for bytes in [utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes), text.as_bytes().to_vec()]
        {
            assert_eq!(decode(&bytes, "it").unwrap().bytes(), "NAME=\u{e4}\u{1f511}\r\n".as_bytes());
        }
        for bytes in [&b""[..], b"A=1", b"\0", b"\xff", b"\xef\xbb", b"A\0B=1 with a zero", &[0; 100]] {
            assert_eq!(decode(bytes, "it").unwrap().bytes(), bytes);
        }
    }

    #[test]
    fn damaged_or_unmarked_utf16_is_refused() {
        let marked = utf16("\u{feff}NAME=x", u16::to_le_bytes);
        for bytes in [&marked[..marked.len() - 1], b"\xff\xfe\0\xd8", b"\xfe\xff\xdc\0\0a"] {
            assert!(decode(bytes, "it").unwrap_err().what().contains("damaged"), "{bytes:?}");
        }
        for bytes in [utf16("NAME=x", u16::to_le_bytes), utf16("{\"a\": \"\u{e4}\"}", u16::to_be_bytes)] {
            let error = decode(&bytes, "it").unwrap_err();
            assert!(error.what().contains("without a byte order mark") && error.remedy().contains("iconv"));
        }
    }
}
