//! Encrypted bytes as text: age's own armor, for places that store only text. Stock age reads it.

use std::io::{Read, Write};

use age::armor::{ArmoredReader, ArmoredWriter, Format};

use super::RECORD_MAX;
use crate::error::Result;
use crate::messages;

/// The largest armored record, in bytes: four characters for three bytes, a line break after every 64
/// characters, and the two marker lines.
pub const MAX: usize = RECORD_MAX.div_ceil(3) * 4 + RECORD_MAX / 48 + 128;

/// The first line of armor.
pub(super) const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
/// The last line of armor.
pub(super) const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----";

/// Returns encrypted bytes as text.
///
/// # Errors
/// `INTERNAL`.
pub fn to_text(sealed: &[u8]) -> Result<Vec<u8>> {
    let internal = |_| messages::seal::armoring_failed();
    let mut writer = ArmoredWriter::wrap_output(Vec::with_capacity(sealed.len() * 2), Format::AsciiArmor)
        .map_err(internal)?;
    writer.write_all(sealed).map_err(internal)?;
    writer.finish().map_err(internal)
}

/// Returns the encrypted bytes in a text.
///
/// # Errors
/// `TOO_LARGE` beyond [`MAX`], `CORRUPT` for a text that is not armor.
pub fn from_text(text: &[u8], what: &str) -> Result<Vec<u8>> {
    if text.len() > MAX {
        return Err(messages::seal::larger_than_any_record(what));
    }
    // Without the check the reader would pass anything else through unchanged.
    if !text.starts_with(BEGIN) {
        return Err(messages::seal::not_a_record(what));
    }
    let mut sealed = Vec::with_capacity(text.len());
    match ArmoredReader::new(text).read_to_end(&mut sealed) {
        Ok(_) => Ok(sealed),
        Err(_) => Err(messages::seal::damaged(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn sealed_bytes_survive_as_ascii_text() {
        for len in [1, 47, 48, 49, 1000, RECORD_MAX] {
            let sealed: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let text = to_text(&sealed).unwrap();
            assert!(text.is_ascii() && text.len() <= MAX, "{len}: {}", text.len());
            assert_eq!(from_text(&text, "it").unwrap(), sealed);
        }
    }

    #[test]
    fn other_text_is_refused() {
        let whole = to_text(b"sealed").unwrap();
        for text in [&b""[..], b"canary", &whole[..whole.len() - 10], &vec![b'-'; MAX + 1]] {
            let error = from_text(text, "it").unwrap_err();
            assert!(
                matches!(error.code(), Code::Corrupt | Code::TooLarge) && !error.what().contains("canary")
            );
        }
    }
}
