//! Bundles: one age file that carries profiles to another machine.
//!
//! They are plain age files, because the receiver may have only stock age: encrypted to X25519 recipients, or
//! with a passphrase and scrypt at a fixed cost. Nothing proves who made one.

use std::io::ErrorKind;

use age::{DecryptError, scrypt, x25519};
use sha2::{Digest, Sha256};

use super::{decrypt, encrypt, scan};
use crate::error::{Error, Result};
use crate::hex::hex;
use crate::messages;
use crate::secret::{Buffer, ExposeSecret, SecretString};

/// The largest bundle, in bytes.
pub const MAX: usize = 64 * 1024 * 1024;
/// The scrypt work factor of a new bundle: 2^18, about a second and 256 MiB.
const WORK_FACTOR: u8 = 18;
/// The highest scrypt work factor that is accepted.
const WORK_FACTOR_MAX: u8 = 20;

/// Who can decrypt a bundle.
pub enum Receiver {
    /// The holders of these recipients' identities.
    Recipients(Vec<x25519::Recipient>),
    /// Anyone who knows the passphrase.
    Passphrase(SecretString),
}

/// A key to try on a bundle.
pub enum Opener {
    /// An age identity.
    Identity(x25519::Identity),
    /// A passphrase.
    Passphrase(SecretString),
}

/// Parses an `age1…` recipient.
///
/// # Errors
/// `BAD_DATA` for everything else. An identity pasted by mistake has a message of its own.
pub fn parse_recipient(text: &str) -> Result<x25519::Recipient> {
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return Err(messages::seal::identity_as_recipient());
    }
    text.parse().map_err(|_| messages::seal::not_a_recipient())
}

/// Encrypts a bundle.
///
/// # Errors
/// `USAGE` for no recipient or too many, `TOO_LARGE`, `INTERNAL`.
pub fn seal(receiver: &Receiver, plaintext: &[u8]) -> Result<Vec<u8>> {
    let sealed = match receiver {
        Receiver::Recipients(recipients) => {
            let max = scan::BUNDLE.stanzas - 1;
            if recipients.is_empty() || recipients.len() > max {
                return Err(messages::seal::recipients_out_of_bounds(max));
            }
            encrypt(recipients.iter().map(|r| r as _), plaintext)?
        }
        Receiver::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(own_copy(passphrase));
            recipient.set_work_factor(WORK_FACTOR);
            encrypt(std::iter::once(&recipient as _), plaintext)?
        }
    };
    if sealed.len() > MAX {
        return Err(messages::seal::bundle_too_large(MAX));
    }
    Ok(sealed)
}

/// Returns the SHA-256 of a bundle's bytes in hex, for sender and receiver to compare.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns whether a bundle needs a passphrase. `raw` is binary, as [`super::received`] returns it.
///
/// # Errors
/// As [`open`].
pub fn wants_passphrase(raw: &[u8]) -> Result<bool> {
    Ok(scan::scan(raw, scan::BUNDLE, "the bundle")?.count(|tag| tag == "scrypt") > 0)
}

/// Decrypts a binary bundle with the first key that fits.
///
/// # Errors
/// `CORRUPT`, `KDF_BOUNDS`, `WRONG_KEY` if no key fits.
pub fn open(openers: &[Opener], raw: &[u8]) -> Result<Buffer> {
    let header = scan::scan(raw, scan::BUNDLE, "the bundle")?;
    let by_passphrase = header.count(|tag| tag == "scrypt") > 0;
    for opener in openers {
        let opened = match opener {
            Opener::Identity(identity) if !by_passphrase => decrypt(raw, identity),
            Opener::Passphrase(passphrase) if by_passphrase => {
                let mut identity = scrypt::Identity::new(own_copy(passphrase));
                identity.set_max_work_factor(WORK_FACTOR_MAX);
                decrypt(raw, &identity)
            }
            _ => continue,
        };
        match opened {
            Ok(plaintext) => return Ok(plaintext),
            Err(DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed) => {}
            // The passphrase is wrong, or the scrypt stanza was altered: the two look the same.
            Err(DecryptError::DecryptionFailed) if by_passphrase => {}
            Err(DecryptError::ExcessiveWork { required, .. }) => {
                return Err(messages::seal::scrypt_too_expensive(required, WORK_FACTOR_MAX));
            }
            Err(error) => return Err(damaged(&error)),
        }
    }
    Err(if by_passphrase {
        messages::seal::wrong_bundle_passphrase()
    } else if header.count(|tag| tag == "X25519") == 0 {
        messages::seal::other_recipients()
    } else {
        messages::seal::not_a_recipient_of_bundle()
    })
}

/// Returns the error of a bundle that a key fits but that cannot be decrypted.
fn damaged(error: &DecryptError) -> Error {
    messages::seal::damaged_bundle(match error {
        DecryptError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "is cut off",
        DecryptError::InvalidMac => "was altered: its header fails authentication",
        DecryptError::InvalidHeader | DecryptError::UnknownFormat => "has a damaged header",
        _ => "is damaged or was altered",
    })
}

fn own_copy(passphrase: &SecretString) -> SecretString {
    SecretString::from(passphrase.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_bundle_opens_for_each_receiver_and_no_one_else() {
        let (one, two, other) =
            (x25519::Identity::generate(), x25519::Identity::generate(), x25519::Identity::generate());
        let sealed =
            seal(&Receiver::Recipients(vec![one.to_public(), two.to_public()]), b"profiles").unwrap();
        for identity in [one, two] {
            assert_eq!(open(&[Opener::Identity(identity)], &sealed).unwrap().expose(), b"profiles");
        }
        assert_eq!(open(&[Opener::Identity(other)], &sealed).unwrap_err().code(), Code::WrongKey);
        assert!(!wants_passphrase(&sealed).unwrap());
    }

    #[test]
    fn an_identity_in_place_of_a_recipient_is_named_and_not_quoted() {
        let identity = x25519::Identity::generate().to_string();
        let error = parse_recipient(identity.expose_secret()).unwrap_err();
        assert!(error.what().contains("secret identity"));
        assert!(!error.what().contains(&identity.expose_secret()[15..30]));
    }
}
