//! A bundle as it arrives: armored or not, in an e-mail, quoted, in another encoding, or damaged in transfer.
//!
//! The armor is found wherever its lines are, and what mail programs put around each line is removed. What is
//! between the markers then has to be exactly age's armor.

use std::borrow::Cow;
use std::io::Read;

use age::armor::ArmoredReader;

use super::armor::{BEGIN, END};
use super::bundle::MAX;
use crate::error::Result;
use crate::messages;
use crate::secret::encoding::{Decoded, decode};

/// What a binary age file of any version begins with.
const BINARY: &[u8] = b"age-encryption.org/";
/// The same in Base64, up to the character that depends on what follows.
const BINARY_IN_BASE64: &[u8] = b"YWdlLWVuY3J5cHRpb24ub3JnL";

/// Returns whether bytes (without a byte order mark) look like an age file: binary, armored, or armor without its
/// markers.
#[must_use]
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(BINARY)
        || has_lost_markers(bytes)
        || (memchr::memmem::find(bytes, BEGIN).is_some() && lines(bytes).any(|line| line == BEGIN))
}

/// Returns the binary age file in what was received.
///
/// # Errors
/// `TOO_LARGE`; `CORRUPT` for a bundle that was damaged in transfer, with how; `BAD_DATA` for several bundles at
/// once, and for UTF-16 that is damaged or has no byte order mark.
pub fn open(received: &[u8]) -> Result<Cow<'_, [u8]>> {
    if received.len() > MAX {
        return Err(messages::seal::larger_than("the bundle", MAX));
    }
    match decode(received, "the bundle")? {
        Decoded::AsIs(bytes) if bytes.starts_with(BINARY) => {
            check_binary(bytes)?;
            Ok(Cow::Borrowed(bytes))
        }
        Decoded::Utf16(text) if text.expose().starts_with(BINARY) => {
            Err(messages::seal::bundle_saved_as_text("UTF-16"))
        }
        decoded => dearmor(decoded.bytes()).map(Cow::Owned),
    }
}

/// Refuses a binary file that was handled as text, with a better reason than the parser could give.
fn check_binary(bytes: &[u8]) -> Result<()> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    if bytes.get(line.len()) == Some(&b'\r') {
        return Err(messages::seal::bundle_line_endings_changed());
    }
    // Even in the shortest file, encrypted bytes are valid UTF-8 with a probability of 2^-60.
    if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() {
        return Err(messages::seal::bundle_saved_as_text("UTF-8"));
    }
    Ok(())
}

fn dearmor(text: &[u8]) -> Result<Vec<u8>> {
    let damaged = messages::seal::damaged_armor;
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut block: Option<Vec<u8>> = None;
    for line in lines(text) {
        match &mut block {
            None if line == BEGIN => block = Some([BEGIN, b"\n"].concat()),
            None => {}
            Some(_) if line == BEGIN => return Err(damaged("begins twice before it ends")),
            Some(open) => {
                open.extend_from_slice(line);
                open.push(b'\n');
                if line == END {
                    blocks.extend(block.take());
                }
            }
        }
    }
    if block.is_some() {
        return Err(damaged("is cut off: its last line is missing"));
    }
    // A reply to an e-mail quotes the bundle again.
    blocks.dedup();
    let [block] = blocks.as_slice() else {
        return Err(match blocks.len() {
            0 if has_lost_markers(text) => messages::seal::armor_without_markers(
                String::from_utf8_lossy(BEGIN),
                String::from_utf8_lossy(END),
            ),
            0 => messages::seal::not_a_bundle(),
            many => messages::seal::several_bundles(many),
        });
    };
    // Quoted-printable writes the padding as `=3D`, which no Base64 contains.
    let plain = without_quoted_printable(block);
    let mut raw = Vec::with_capacity(plain.len());
    ArmoredReader::new(&*plain).read_to_end(&mut raw).map_err(|_| damaged("is damaged"))?;
    Ok(raw)
}

/// Returns the lines of a text without what mail programs put around them: quote marks, indents, blanks.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    // A carriage return ends a line only in a text without line feeds.
    let end = if memchr::memchr(b'\n', text).is_some() { b'\n' } else { b'\r' };
    text.split(move |byte| *byte == end).map(|line| {
        let mut line = line.trim_ascii();
        while let Some(rest) = line.strip_prefix(b">").or_else(|| line.strip_prefix(b"\xc2\xa0")) {
            line = rest.trim_ascii_start();
        }
        line
    })
}

fn without_quoted_printable(block: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(block, b"=3D").is_none() {
        return Cow::Borrowed(block);
    }
    let mut plain = Vec::with_capacity(block.len());
    let mut rest = block;
    while let Some(at) = memchr::memmem::find(rest, b"=3D") {
        plain.extend_from_slice(&rest[..=at]);
        rest = &rest[at + 3..];
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// Returns whether a text is the Base64 of an age file and nothing else.
fn has_lost_markers(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let is_of_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    text.starts_with(BINARY_IN_BASE64) && text.iter().all(is_of_base64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::seal::armor;

    /// Bytes that begin like an age file. They are not encrypted, because only the armor matters here.
    fn binary() -> Vec<u8> {
        let mut bytes = b"age-encryption.org/v1\n-> X25519 made-up\n\n--- mac\n".to_vec();
        bytes.extend((0..200_u8).map(|n| n.wrapping_mul(37) | 0x80));
        bytes
    }

    fn armored() -> String {
        String::from_utf8(armor::to_text(&binary()).unwrap()).unwrap()
    }

    fn quoted(armored: &str, before: &str, after: &str) -> String {
        armored.lines().map(|line| format!("{before}{line}{after}")).collect()
    }

    #[test]
    fn armor_is_found_wherever_it_stands() {
        let armored = armored();
        let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{feff}{armored}").encode_utf16().flat_map(unit).collect()
        };
        for (name, text) in [
            ("as it is", armored.clone().into_bytes()),
            ("a byte order mark", format!("\u{feff}{armored}").into_bytes()),
            ("blank lines", format!("\n \r\n\t\n{armored}\n\n").into_bytes()),
            ("CRLF", armored.replace('\n', "\r\n").into_bytes()),
            ("CR", armored.replace('\n', "\r").into_bytes()),
            ("CR CR LF", armored.replace('\n', "\r\r\n").into_bytes()),
            ("no line break at the end", armored.trim_end().as_bytes().to_vec()),
            ("UTF-16LE", utf16(u16::to_le_bytes)),
            ("UTF-16BE", utf16(u16::to_be_bytes)),
            ("a mail", format!("From: a@x.io\nSubject: key\n\nHi\n\n{armored}\n-- \nA").into_bytes()),
            ("a mail in Latin-1", [&b"Gr\xfc\xdfe\n"[..], armored.as_bytes(), b"\n\xfc"].concat()),
            ("quoted", quoted(&armored, "> ", "\n").into_bytes()),
            ("quoted twice", quoted(&armored, ">> ", "\r\n").into_bytes()),
            ("quoted in turn", quoted(&armored, "> > ", "  \n").into_bytes()),
            ("indented", quoted(&armored, "\t    ", "\n").into_bytes()),
            ("indented without breaking", quoted(&armored, "\u{a0}\u{a0}", "\n").into_bytes()),
            ("trailing blanks", quoted(&armored, "", " \t \n").into_bytes()),
            ("a fence", format!("```\n{armored}```\n").into_bytes()),
            ("quoted-printable", armored.replace('=', "=3D").into_bytes()),
            ("the answer quotes it", format!("{armored}\n{}", quoted(&armored, "> ", "\n")).into_bytes()),
        ] {
            assert!(is_sealed(decode(&text, "it").unwrap().bytes()), "{name}");
            assert_eq!(open(&text).unwrap_or_else(|error| panic!("{name}: {error}")), binary(), "{name}");
        }
        assert_eq!(open(&binary()).unwrap(), binary());
    }

    #[test]
    fn what_happened_on_the_way_is_told() {
        let (armored, binary) = (armored(), binary());
        let cut =
            |lines: usize| armored.lines().take(lines).map(|line| format!("{line}\n")).collect::<String>();
        let bare: String =
            armored.lines().filter(|line| !line.starts_with('-')).map(|l| format!("{l}\n")).collect();
        let mojibake: String = binary.iter().map(|byte| char::from(*byte)).collect();
        let crlf: Vec<u8> =
            binary.iter().flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] }).collect();
        let cr: Vec<u8> = binary.iter().map(|b| if *b == b'\n' { b'\r' } else { *b }).collect();
        let powershell: Vec<u8> =
            format!("\u{feff}{mojibake}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, bytes, said, code) in [
            ("CRLF", crlf, "line endings were changed", Code::Corrupt),
            ("CR", cr, "line endings were changed", Code::Corrupt),
            ("Latin-1 to UTF-8", mojibake.into_bytes(), "saved as UTF-8 text", Code::Corrupt),
            (
                "replaced",
                String::from_utf8_lossy(&binary).into_owned().into_bytes(),
                "saved as UTF-8 text",
                Code::Corrupt,
            ),
            ("UTF-16", powershell, "saved as UTF-16 text", Code::Corrupt),
            ("the end is missing", cut(3).into_bytes(), "is cut off", Code::Corrupt),
            (
                "the begin is missing",
                armored.split_once('\n').unwrap().1.as_bytes().to_vec(),
                "not an encrypted file",
                Code::Corrupt,
            ),
            ("no markers", bare.into_bytes(), "lost its first and last line", Code::Corrupt),
            (
                "a line is missing",
                armored
                    .lines()
                    .enumerate()
                    .filter(|(n, _)| *n != 2)
                    .fold(String::new(), |all, (_, line)| all + line + "\n")
                    .replace("AAAA", "")
                    .into_bytes(),
                "",
                Code::Corrupt,
            ),
            (
                "two",
                format!("{armored}{}", String::from_utf8(armor::to_text(b"another").unwrap()).unwrap())
                    .into_bytes(),
                "2 armored bundles",
                Code::BadData,
            ),
            ("begins twice", format!("{}{armored}", cut(2)).into_bytes(), "begins twice", Code::Corrupt),
            (
                "a blank line within",
                armored.replacen('\n', "\n\n", 1).into_bytes(),
                "is damaged",
                Code::Corrupt,
            ),
            (
                "wrapped again",
                armored
                    .lines()
                    .map(|l| {
                        if l.starts_with('-') {
                            format!("{l}\n")
                        } else {
                            format!("{}\n{}\n", &l[..l.len() / 2], &l[l.len() / 2..])
                        }
                    })
                    .collect::<String>()
                    .into_bytes(),
                "is damaged",
                Code::Corrupt,
            ),
            ("empty", Vec::new(), "not an encrypted file", Code::Corrupt),
        ] {
            match open(&bytes) {
                Err(error) => {
                    assert_eq!(error.code(), code, "{name}: {error}");
                    assert!(error.what().contains(said), "{name}: {error}");
                }
                // Age's armor has no checksum; the header has a MAC.
                Ok(raw) => assert!(name == "a line is missing" && raw != binary, "{name}"),
            }
        }
    }

    #[test]
    fn what_is_no_bundle_does_not_look_like_one() {
        for text in [
            "",
            "A=1",
            "{\"a\":\"-----BEGIN AGE ENCRYPTED FILE-----\\n\"}",
            "KEY=\"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\"",
            "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+ and words",
        ] {
            assert!(!is_sealed(text.as_bytes()), "{text}");
        }
    }
}
