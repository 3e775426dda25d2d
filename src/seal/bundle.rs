//! Bundles: one age file that carries profiles to another machine.
//!
//! They are plain age files, since the receiver may have only stock age: sealed to X25519
//! recipients, or to a passphrase with scrypt at a pinned cost. Their origin is a claim.

use std::io::ErrorKind;

use age::{DecryptError, scrypt, x25519};
use sha2::{Digest, Sha256};

use super::{decrypt, encrypt, scan};
use crate::error::{Code, Error, Result, fail};
use crate::hex::hex;
use crate::secret::{Buffer, ExposeSecret, SecretString};

/// The largest bundle, in bytes.
pub const MAX: usize = 64 * 1024 * 1024;
/// What to do about a bundle that did not arrive whole.
pub(super) const SEND_ARMORED: &str =
    "have it sent again, as text: `strongroom export --armor` makes it so; nothing was changed";
/// The scrypt work factor a bundle is made with: 2^18, about a second and 256 MiB.
const WORK_FACTOR: u8 = 18;
/// The highest scrypt work factor that is accepted.
const WORK_FACTOR_MAX: u8 = 20;

/// To whom a bundle is sealed.
pub enum Receiver {
    /// Holders of these identities.
    Recipients(Vec<x25519::Recipient>),
    /// Whoever knows the passphrase.
    Passphrase(SecretString),
}

/// What may open a bundle.
pub enum Opener {
    /// An age identity.
    Identity(x25519::Identity),
    /// A passphrase.
    Passphrase(SecretString),
}

/// An `age1…` recipient.
///
/// # Errors
/// `BAD_DATA` for everything else; an identity pasted by mistake is named as such.
pub fn parse_recipient(text: &str) -> Result<x25519::Recipient> {
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return Err(Error::new(Code::BadData, "that is a secret identity; a recipient begins with age1")
            .with_remedy("ask the receiver for the output of `strongroom recipient`"));
    }
    text.parse().map_err(|_| {
        Error::new(Code::BadData, "the recipient is not an age1… X25519 recipient")
            .with_remedy("ask the receiver for the output of `strongroom recipient`")
    })
}

/// Seals a bundle.
///
/// # Errors
/// `TOO_LARGE`, `INTERNAL`.
pub fn seal(receiver: &Receiver, plaintext: &[u8]) -> Result<Vec<u8>> {
    let sealed = match receiver {
        Receiver::Recipients(recipients) => {
            if recipients.is_empty() || recipients.len() > scan::BUNDLE.stanzas - 1 {
                return fail(Code::Usage, "a bundle takes 1 to 31 recipients");
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
        return fail(Code::TooLarge, format!("the bundle would be larger than {MAX} bytes"));
    }
    Ok(sealed)
}

/// The SHA-256 of a bundle's bytes, in hex: what sender and receiver compare.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether a bundle asks for a passphrase. It is binary, as [`super::received`] gives it.
///
/// # Errors
/// As [`open`].
pub fn wants_passphrase(raw: &[u8]) -> Result<bool> {
    Ok(scan::scan(raw, scan::BUNDLE, "the bundle")?.count(|tag| tag == "scrypt") > 0)
}

/// Opens a binary bundle with the first opener that fits.
///
/// # Errors
/// `TOO_LARGE`, `CORRUPT`, `WRONG_KEY` when none fits.
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
            // A wrong passphrase; an altered stanza of scrypt cannot be told from one.
            Err(DecryptError::DecryptionFailed) if by_passphrase => {}
            Err(DecryptError::ExcessiveWork { required, .. }) => {
                return Err(Error::new(
                    Code::KdfBounds,
                    format!(
                        "the bundle asks for scrypt at 2^{required}; at most 2^{WORK_FACTOR_MAX} is accepted"
                    ),
                )
                .with_remedy("ask the sender for a bundle made by `strongroom export`"));
            }
            Err(error) => return Err(damaged(&error)),
        }
    }
    let (what, remedy) = if by_passphrase {
        ("the bundle does not open with this passphrase", "give the right one: --bundle-passphrase-file")
    } else if header.count(|tag| tag == "X25519") == 0 {
        (
            "the bundle is sealed to receivers of another kind than age1…",
            "have it exported to the output of `strongroom recipient`",
        )
    } else {
        (
            "the bundle is not sealed to this vault or to any identity given",
            "name the identity with --bundle-identity, or have it exported to the output of `strongroom recipient`",
        )
    };
    Err(Error::new(Code::WrongKey, what).with_remedy(remedy))
}

/// What is wrong with a bundle that an opener fits.
fn damaged(error: &DecryptError) -> Error {
    let what = match error {
        DecryptError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "is cut off",
        DecryptError::InvalidMac => "was altered: its header is not the one that was sealed",
        DecryptError::InvalidHeader | DecryptError::UnknownFormat => "has a damaged header",
        _ => "is damaged or was altered",
    };
    Error::new(Code::Corrupt, format!("the bundle {what}")).with_remedy(SEND_ARMORED)
}

fn own_copy(passphrase: &SecretString) -> SecretString {
    SecretString::from(passphrase.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_opens_for_each_receiver_and_nobody_else() {
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
