//! The recovery key: an age identity with which stock age opens every record.

use age::x25519;

use super::{decrypt, record, scan};
use crate::error::{Code, Error, Result, fail};
use crate::secret::Buffer;
use crate::secret::encoding::decode;

/// The age identity in a text: the first line that is one; comments and blank lines are passed
/// over, as in an identity file of age.
///
/// # Errors
/// `BAD_DATA` when no line, or more than one, is an identity of that kind.
pub fn parse(text: &[u8], what: &str) -> Result<x25519::Identity> {
    let mut identities = parse_all(text, what)?;
    match (identities.pop(), identities.is_empty()) {
        (Some(identity), true) => Ok(identity),
        _ => Err(none(format!("{what} holds more than one AGE-SECRET-KEY-1… line"))),
    }
}

/// The most identities of a file: each may be tried.
const IDENTITIES_MAX: usize = 64;

/// The age identities in a file, as age reads one: a line each, comments and blank lines between them. It may be
/// UTF-16, or begin with a byte order mark. Lines of kinds that are not for Strongroom are passed over if there
/// is another.
///
/// # Errors
/// `BAD_DATA` when there is none, when a line is none, and for more than `IDENTITIES_MAX`; no line is quoted.
pub fn parse_all(bytes: &[u8], what: &str) -> Result<Vec<x25519::Identity>> {
    let decoded = decode(bytes, what)?;
    let text = std::str::from_utf8(decoded.bytes())
        .map_err(|_| Error::new(Code::BadData, format!("{what} is not text")))?;
    if text.contains("-----BEGIN AGE ENCRYPTED FILE-----") || text.starts_with("age-encryption.org/") {
        let error = Error::new(Code::BadData, format!("{what} is itself sealed with a passphrase"));
        return Err(error.with_remedy("open it first: age -d -o FILE SEALED; and delete FILE afterwards"));
    }
    let (mut identities, mut other) = (Vec::new(), None);
    let end = if text.contains('\n') { '\n' } else { '\r' };
    for (number, line) in (1..).zip(text.split(end).map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Ok(identity) = line.parse() {
            identities.push(identity);
        } else if let Some(kind) = kind_of(line) {
            other = other.or(Some(kind));
        } else {
            return Err(none(format!("{what} holds no AGE-SECRET-KEY-1… line: line {number} is none")));
        }
        if identities.len() > IDENTITIES_MAX {
            return Err(none(format!("{what} holds more than {IDENTITIES_MAX} identities")));
        }
    }
    match (identities.is_empty(), other) {
        (false, _) => Ok(identities),
        (true, Some(kind)) => Err(none(format!("{what} holds {kind}, which opens nothing of Strongroom's"))),
        (true, None) => Err(none(format!("{what} does not hold an AGE-SECRET-KEY-1… line"))),
    }
}

/// What a line of an identity file is that holds no X25519 identity.
fn kind_of(line: &str) -> Option<&'static str> {
    let begins =
        |prefix: &str| line.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    if begins("AGE-PLUGIN-") {
        Some("a plugin's identity")
    } else if begins("AGE-SECRET-KEY-PQ-") {
        Some("a post-quantum identity")
    } else if begins("age1") {
        Some("a recipient, not an identity")
    } else if begins("-----BEGIN OPENSSH") || begins("ssh-") {
        Some("an SSH key")
    } else {
        None
    }
}

fn none(what: String) -> Error {
    Error::new(Code::BadData, what)
        .with_remedy("give a file with such a line, as `strongroom recovery-key` or age-keygen prints it")
}

/// Opens a record as stock age would. Whoever knows the recovery recipient could have made it:
/// its origin is not vouched for.
///
/// # Errors
/// `TOO_LARGE`, `CORRUPT`, `WRONG_KEY` when it was not sealed to this identity.
pub fn open_unvouched(
    identity: &x25519::Identity,
    purpose: record::Purpose,
    sealed: &[u8],
    what: &str,
) -> Result<Buffer> {
    if sealed.len() > purpose.max() {
        return fail(Code::TooLarge, format!("{what} is larger than its bound"));
    }
    scan::scan(sealed, scan::OWN, what)?;
    decrypt(sealed, identity).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => {
            Error::new(Code::WrongKey, format!("{what} does not open with this recovery key"))
        }
        _ => Error::new(Code::Corrupt, format!("{what} was altered")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;

    #[test]
    fn identities_are_read_as_people_save_them() {
        let keys: Vec<_> = (0..3).map(|_| x25519::Identity::generate().to_string()).collect();
        let [one, two, three] = [0, 1, 2].map(|n| keys[n].expose_secret());
        let file = format!("# created: now\n# public key: age1x\n{one}\n\n  {two}  \n{three}");
        let utf16: Vec<u8> = format!("\u{feff}{file}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [
            file.clone().into_bytes(),
            file.replace('\n', "\r\n").into_bytes(),
            file.replace('\n', "\r").into_bytes(),
            format!("\u{feff}{file}").into_bytes(),
            format!("AGE-PLUGIN-YUBIKEY-1MADEUP\nAGE-SECRET-KEY-PQ-1MADEUP\n{file}").into_bytes(),
            utf16,
        ] {
            assert_eq!(parse_all(&text, "it").unwrap().len(), 3);
            assert!(parse(&text, "it").err().unwrap().what().contains("more than one"));
        }
        assert!(parse(format!("\r\n{one}\r\n").as_bytes(), "it").is_ok());
    }

    #[test]
    fn what_holds_no_identity_is_named_and_not_quoted() {
        let key = x25519::Identity::generate().to_string();
        let cut = &key.expose_secret()[..40];
        for (text, said) in [
            (format!("# x\r\n\r\n{cut}\r\n"), "line 3"),
            (String::new(), "does not hold"),
            ("# only a comment".to_owned(), "does not hold"),
            ("AGE-PLUGIN-YUBIKEY-1MADEUP".to_owned(), "a plugin's identity"),
            ("AGE-SECRET-KEY-PQ-1MADEUP".to_owned(), "post-quantum"),
            ("age1madeup".to_owned(), "a recipient"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), "an SSH key"),
            ("-----BEGIN AGE ENCRYPTED FILE-----".to_owned(), "sealed with a passphrase"),
        ] {
            let error = parse_all(text.as_bytes(), "it").err().unwrap();
            assert!(error.what().contains(said) && !error.what().contains(cut), "{text}: {error}");
        }
    }
}
