//! A linear scan of an age header before the age crate parses it.
//!
//! The crate's parser takes seconds for a header of many stanzas, and would run a key derivation for each of
//! them. So the size of the header and the number of its stanzas are checked here first, in one pass, without
//! allocating in proportion to the file.

use crate::error::Result;
use crate::messages;

/// The bounds of a header.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The largest header, in bytes, including its MAC line.
    pub header: usize,
    /// The most stanzas.
    pub stanzas: usize,
}

/// For records and unlock files.
pub const OWN: Bounds = Bounds { header: 4 * 1024, stanzas: 4 };
/// For bundles, which may have many recipients.
pub const BUNDLE: Bounds = Bounds { header: 8 * 1024, stanzas: 32 };

const VERSION_LINE: &[u8] = b"age-encryption.org/v1\n";
const ANY_VERSION: &[u8] = b"age-encryption.org/";

/// The stanzas of a header, in order.
#[derive(PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// The stanzas' tags.
    pub tags: Vec<&'a str>,
}

impl Header<'_> {
    /// Counts the stanzas whose tag satisfies `is`.
    pub fn count(&self, is: impl Fn(&str) -> bool) -> usize {
        self.tags.iter().filter(|tag| is(tag)).count()
    }
}

/// Scans a header. `what` names the file in errors.
///
/// # Errors
/// `CORRUPT` if the bytes are not an age v1 file or the header is outside its bounds,
/// `NEWER_FORMAT` for another version of age.
pub fn scan<'a>(sealed: &'a [u8], bounds: Bounds, what: &str) -> Result<Header<'a>> {
    if !sealed.starts_with(VERSION_LINE) {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        match sealed.strip_prefix(VERSION_LINE.trim_ascii_end()) {
            // The first line is that of version 1, but does not end as it should.
            Some([]) => return Err(messages::seal::header_cut_off(what)),
            Some([b'\r', ..]) => return Err(messages::seal::line_endings_changed(what)),
            Some([after, ..]) if !is_word(after) => return Err(messages::seal::damaged_header(what)),
            _ => {}
        }
        if sealed.starts_with(ANY_VERSION) {
            return Err(messages::seal::unknown_age_version(what));
        }
        return Err(messages::seal::not_encrypted(what));
    }
    let window = &sealed[..sealed.len().min(bounds.header)];
    let mut tags = Vec::with_capacity(bounds.stanzas);
    for line in window[VERSION_LINE.len()..].split_inclusive(|b| *b == b'\n') {
        if line.last() != Some(&b'\n') {
            break;
        }
        if line.starts_with(b"--- ") {
            return Ok(Header { tags });
        }
        if let Some(words) = line.strip_prefix(b"-> ") {
            if tags.len() == bounds.stanzas {
                return Err(messages::seal::too_many_stanzas(what));
            }
            let tag = words.split(|b| *b == b' ' || *b == b'\n').next().unwrap_or_default();
            match std::str::from_utf8(tag) {
                Ok(tag) => tags.push(tag),
                Err(_) => return Err(messages::seal::damaged_header(what)),
            }
        }
    }
    Err(if sealed.len() > bounds.header {
        messages::seal::header_too_large(what)
    } else {
        messages::seal::header_cut_off(what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn header(stanzas: usize) -> Vec<u8> {
        let mut bytes = VERSION_LINE.to_vec();
        for _ in 0..stanzas {
            bytes.extend_from_slice(b"-> X25519 abc\nAAAA\n");
        }
        bytes.extend_from_slice(b"--- mac\npayload");
        bytes
    }

    #[test]
    fn stanzas_are_counted_and_named() {
        assert_eq!(scan(&header(2), OWN, "it").unwrap().tags, ["X25519", "X25519"]);
    }

    #[test]
    fn more_stanzas_than_the_bound_are_refused() {
        assert!(scan(&header(4), OWN, "it").is_ok());
        assert_eq!(scan(&header(5), OWN, "it").unwrap_err().code(), Code::Corrupt);
        assert_eq!(scan(&header(1000), OWN, "it").unwrap_err().code(), Code::Corrupt);
    }

    #[test]
    fn a_header_without_end_is_refused() {
        let mut long = VERSION_LINE.to_vec();
        long.resize(100_000, b'a');
        assert_eq!(scan(&long, OWN, "it").unwrap_err().what(), "it has a header that is too large");
        let whole = header(2);
        let end = whole.len() - b"payload".len();
        for cut in 0..end - b"--- mac\n".len() + 4 {
            assert!(scan(&whole[..cut], OWN, "it").is_err(), "{cut}");
        }
    }

    #[test]
    fn another_version_is_told_apart_from_garbage() {
        assert_eq!(scan(b"age-encryption.org/v2\n", OWN, "it").unwrap_err().code(), Code::NewerFormat);
        assert_eq!(scan(b"age-encryption.org/v10\n", OWN, "it").unwrap_err().code(), Code::NewerFormat);
        for damaged in [
            &b"garbage"[..],
            b"age-encryption.org/v1",
            b"age-encryption.org/v1\r\n",
            b"age-encryption.org/v1 \n",
        ] {
            assert_eq!(scan(damaged, OWN, "it").unwrap_err().code(), Code::Corrupt);
        }
    }
}
