//! The recovery key: an age identity with which stock age decrypts every record.

use age::x25519;

use super::{decrypt, record, scan};
use crate::error::Result;
use crate::messages;
use crate::secret::Buffer;
use crate::secret::encoding::decode;

/// Returns the one age identity in a text. Comments and blank lines are skipped, as in age's identity files.
///
/// # Errors
/// `BAD_DATA` unless exactly one line is an X25519 identity.
pub fn parse(text: &[u8], what: &str) -> Result<x25519::Identity> {
    let mut identities = parse_all(text, what)?;
    match (identities.pop(), identities.is_empty()) {
        (Some(identity), true) => Ok(identity),
        _ => Err(messages::seal::several_identities(what)),
    }
}

/// The most identities in a file, because each of them may be tried.
const IDENTITIES_MAX: usize = 64;

/// Returns the age identities in a file, one on each line, with comments and blank lines as age allows them.
///
/// The file may be UTF-16 or begin with a byte order mark. Identities of kinds that Strongroom does not use are
/// skipped if there is an X25519 identity too.
///
/// # Errors
/// `BAD_DATA` for no identity, for a line that is not one, and for more than `IDENTITIES_MAX`. No line is quoted.
pub fn parse_all(bytes: &[u8], what: &str) -> Result<Vec<x25519::Identity>> {
    let decoded = decode(bytes, what)?;
    let text = std::str::from_utf8(decoded.bytes()).map_err(|_| messages::seal::not_text(what))?;
    if text.contains("-----BEGIN AGE ENCRYPTED FILE-----") || text.starts_with("age-encryption.org/") {
        return Err(messages::seal::encrypted_identity(what));
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
            return Err(messages::seal::not_an_identity(what, number));
        }
        if identities.len() > IDENTITIES_MAX {
            return Err(messages::seal::too_many_identities(what, IDENTITIES_MAX));
        }
    }
    match (identities.is_empty(), other) {
        (false, _) => Ok(identities),
        (true, Some(kind)) => Err(messages::seal::other_identity(what, kind)),
        (true, None) => Err(messages::seal::no_identity(what)),
    }
}

/// Returns what kind of key a line is, if it is a known one that is not an X25519 identity.
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

/// Decrypts a record as stock age would. Its origin is not verified: anyone who knows the recovery recipient
/// could have made it.
///
/// # Errors
/// `TOO_LARGE`, `CORRUPT`, `WRONG_KEY` if it was not encrypted to this identity.
pub fn open_unvouched(
    identity: &x25519::Identity,
    purpose: record::Purpose,
    sealed: &[u8],
    what: &str,
) -> Result<Buffer> {
    if sealed.len() > purpose.max() {
        return Err(messages::seal::larger_than(what, purpose.max()));
    }
    scan::scan(sealed, scan::OWN, what)?;
    decrypt(sealed, identity).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => messages::seal::wrong_recovery_key(what),
        _ => messages::seal::altered(what),
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
            (String::new(), "does not contain"),
            ("# only a comment".to_owned(), "does not contain"),
            ("AGE-PLUGIN-YUBIKEY-1MADEUP".to_owned(), "a plugin's identity"),
            ("AGE-SECRET-KEY-PQ-1MADEUP".to_owned(), "post-quantum"),
            ("age1madeup".to_owned(), "a recipient"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), "an SSH key"),
            ("-----BEGIN AGE ENCRYPTED FILE-----".to_owned(), "encrypted with a passphrase"),
        ] {
            let error = parse_all(text.as_bytes(), "it").err().unwrap();
            assert!(error.what().contains(said) && !error.what().contains(cut), "{text}: {error}");
        }
    }
}
