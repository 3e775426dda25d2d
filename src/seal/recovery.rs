//! The recovery key: an age identity with which stock age opens every record.

use age::x25519;

use super::{decrypt, record, scan};
use crate::error::{Code, Error, Result, fail};
use crate::secret::{Buffer, ExposeSecret, SecretString};

/// The age identity in a text: the first line that is one; comments and blank lines are passed
/// over, as in an identity file of age.
///
/// # Errors
/// `BAD_DATA` when no line, or more than one, is an identity of that kind.
pub fn parse(text: &SecretString, what: &str) -> Result<x25519::Identity> {
    let mut lines =
        text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next().map(str::parse), lines.next()) {
        (Some(Ok(identity)), None) => Ok(identity),
        _ => fail(Code::BadData, format!("{what} does not hold one AGE-SECRET-KEY-1… line")).map_err(
            |e: Error| {
                e.with_remedy(
                    "give a file with that line, as `strongroom recovery-key` or age-keygen prints it",
                )
            },
        ),
    }
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
