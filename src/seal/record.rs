//! Encrypting and decrypting under the keys of an agent.
//!
//! The stanza is `strongroom <key id> <salt> <mac>`: the file key wrapped under the agent's key, and
//! HMAC-SHA-256 of the plaintext under a key derived from the agent's key and the salt. The key id is that of
//! the vault key from which the agent's key is derived. The MAC is needed because the recovery key unwraps the
//! file key too: its holder could encrypt another plaintext under the same file key, and the wrapped key would
//! still fit. The holder cannot make the MAC.

use std::cell::OnceCell;
use std::collections::HashSet;

use age::{DecryptError, EncryptError};
use age_core::format::{FileKey, Stanza};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::keys::{Ring, RingKey, label};
use super::{RECORD_MAX, decrypt, encrypt, random, scan, stanza};
use crate::error::Result;
use crate::messages;
use crate::secret::Buffer;

/// Returns whether the stanza of an encrypted file names this key. Only decrypting tells whether that is true.
#[must_use]
pub fn is_under(sealed: &[u8], key: &str) -> bool {
    key_id(sealed).is_some_and(|named| named == key)
}

/// Returns the id of the key that the stanza of an encrypted file names. Only decrypting tells whether that is
/// true.
#[must_use]
pub fn key_id(sealed: &[u8]) -> Option<&str> {
    let header = &sealed[..sealed.len().min(scan::OWN.header)];
    // It is among the first lines, so memchr's look at the processor's features would cost more than it saves.
    let mut lines = header.split(|byte| *byte == b'\n');
    let stanza =
        lines.find_map(|line| line.strip_prefix(b"-> ")?.strip_prefix(TAG.as_bytes())?.strip_prefix(b" "));
    let (id, rest) = stanza?.split_at_checked(KEY_ID)?;
    if rest.first() == Some(&b' ') { std::str::from_utf8(id).ok() } else { None }
}

/// The length of a key's id, in bytes.
const KEY_ID: usize = 16;
/// The tag of the stanza.
pub const TAG: &str = "strongroom";
/// The largest encrypted operations of a transaction, in bytes.
pub const OPS_MAX: usize = 64 * 1024 * 1024;

/// What a file contains. No kind decrypts as another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A profile's record.
    Record,
    /// An earlier version of a profile.
    History,
    /// The operations of a transaction.
    Txn,
}

impl Purpose {
    const fn labels(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Record => (label::RECORD, label::RECORD_AUTH),
            Self::History => (label::HISTORY, label::HISTORY_AUTH),
            Self::Txn => (label::TXN, label::TXN_AUTH),
        }
    }

    pub(super) const fn max(self) -> usize {
        match self {
            Self::Record | Self::History => RECORD_MAX,
            Self::Txn => OPS_MAX,
        }
    }
}

/// Encrypts a plaintext under the current key and to the recovery recipient.
///
/// # Errors
/// `TOO_LARGE` if the encrypted bytes would pass their bound, `INTERNAL`.
pub fn seal(ring: &Ring, purpose: Purpose, plaintext: &[u8]) -> Result<Vec<u8>> {
    let salt = random::<{ stanza::SALT }>()?;
    let key = ring.current();
    let recipient =
        Wrap { key, purpose, salt, mac: mac(key, purpose, &salt, plaintext)?.finalize().into_bytes().into() };
    let recipients: [&dyn age::Recipient; 2] = [&recipient, ring.recovery()];
    let sealed = encrypt(recipients.into_iter(), plaintext)?;
    if sealed.len() > purpose.max() {
        return Err(messages::seal::would_be_too_large(sealed.len(), purpose.max()));
    }
    Ok(sealed)
}

/// Decrypts what [`seal`] encrypted for the same purpose under one of the vault's keys.
///
/// # Errors
/// `TOO_LARGE`; `CORRUPT` for a damaged file; `TAMPERED` for a whole one that was not made with this vault's
/// key. `what` names the file in the message.
pub fn open(ring: &Ring, purpose: Purpose, sealed: &[u8], what: &str) -> Result<Buffer> {
    if sealed.len() > purpose.max() {
        return Err(messages::seal::larger_than(what, purpose.max()));
    }
    let header = scan::scan(sealed, scan::OWN, what)?;
    if header.count(|tag| tag == TAG) != 1 {
        return Err(messages::seal::not_by_this_vault(what));
    }
    let identity = Unwrap { ring, purpose, found: OnceCell::new() };
    let opened = decrypt(sealed, &identity);
    let Some(found) = identity.found.into_inner() else {
        return Err(messages::seal::damaged_header(what));
    };
    let (key, salt, expected) = match found {
        Found::UnknownKey => return Err(messages::seal::unknown_key(what)),
        Found::Refused => return Err(messages::seal::altered_or_other_agent(what)),
        Found::Key(key, salt, expected) => (key, salt, expected),
    };
    let plaintext = opened.map_err(|_| messages::seal::altered(what))?;
    mac(key, purpose, &salt, plaintext.expose())?
        .verify_slice(&expected)
        .map_err(|_| messages::seal::rewritten(what))?;
    Ok(plaintext)
}

fn mac(key: &RingKey, purpose: Purpose, salt: &[u8], plaintext: &[u8]) -> Result<Hmac<Sha256>> {
    let derived = key.derive(salt, purpose.labels().1);
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(derived.as_slice())
        .map_err(|_| messages::seal::hmac_refused())?;
    mac.update(plaintext);
    Ok(mac)
}

struct Wrap<'k> {
    key: &'k RingKey,
    purpose: Purpose,
    salt: [u8; stanza::SALT],
    mac: [u8; 32],
}

impl age::Recipient for Wrap<'_> {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> std::result::Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let wrapping_key = self.key.derive(&self.salt, self.purpose.labels().0);
        let stanza = Stanza {
            tag: TAG.to_owned(),
            args: vec![self.key.id().to_string(), stanza::encode(&self.salt), stanza::encode(&self.mac)],
            body: stanza::wrap(&wrapping_key, file_key),
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

enum Found<'k> {
    UnknownKey,
    Refused,
    Key(&'k RingKey, [u8; stanza::SALT], [u8; 32]),
}

struct Unwrap<'k> {
    ring: &'k Ring,
    purpose: Purpose,
    found: OnceCell<Found<'k>>,
}

impl Unwrap<'_> {
    fn try_unwrap(&self, stanza: &Stanza) -> Option<FileKey> {
        let [id, salt, mac] = stanza.args.as_slice() else { return None };
        let (salt, mac) = (stanza::decode(salt)?, stanza::decode(mac)?);
        let Some(key) = self.ring.get(id) else {
            let _ = self.found.set(Found::UnknownKey);
            return None;
        };
        let unwrapped = stanza::unwrap(&key.derive(&salt, self.purpose.labels().0), &stanza.body);
        let found = if unwrapped.is_some() { Found::Key(key, salt, mac) } else { Found::Refused };
        let _ = self.found.set(found);
        unwrapped
    }
}

impl age::Identity for Unwrap<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<std::result::Result<FileKey, DecryptError>> {
        (stanza.tag == TAG).then(|| self.try_unwrap(stanza).ok_or(DecryptError::KeyDecryptionFailed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::seal::keys::Keys;

    fn keys(byte: u8) -> Ring {
        Keys::of_bytes(&[byte]).agent("main").unwrap()
    }

    #[test]
    fn what_one_agent_sealed_another_does_not_open() {
        let keys = Keys::of_bytes(&[1]);
        let sealed = seal(&keys.agent("main").unwrap(), Purpose::Record, b"plain").unwrap();
        let alone = Keys::of_agent(keys.agent("ops").unwrap());
        assert_eq!(code(open(&alone.agent("ops").unwrap(), Purpose::Record, &sealed, "it")), Code::Corrupt);
        assert_eq!(alone.agent("main").unwrap_err().code(), Code::Locked);
        assert_eq!(alone.own().unwrap_err().code(), Code::Locked);
    }

    fn code(result: Result<Buffer>) -> Code {
        result.unwrap_err().code()
    }

    #[test]
    fn what_was_sealed_opens() {
        let keys = keys(1);
        for len in [0, 1, 300, 10_000] {
            let plain = vec![b'x'; len];
            let sealed = seal(&keys, Purpose::Record, &plain).unwrap();
            assert_eq!(open(&keys, Purpose::Record, &sealed, "it").unwrap().expose(), plain);
        }
        assert_eq!(seal(&keys, Purpose::Record, &[0; RECORD_MAX]).unwrap_err().code(), Code::TooLarge);
    }

    #[test]
    fn another_key_and_another_purpose_do_not_open() {
        let sealed = seal(&keys(1), Purpose::Record, b"plain").unwrap();
        assert_eq!(code(open(&keys(2), Purpose::Record, &sealed, "it")), Code::Tampered);
        assert_eq!(code(open(&keys(1), Purpose::Txn, &sealed, "it")), Code::Corrupt);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let keys = keys(1);
        let sealed = seal(&keys, Purpose::Record, b"canary-plaintext").unwrap();
        for cut in 0..sealed.len() {
            assert!(open(&keys, Purpose::Record, &sealed[..cut], "it").is_err(), "{cut}");
        }
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let error = open(&keys, Purpose::Record, &altered, "it").unwrap_err();
            assert!(!error.to_string().contains("canary"));
        }
    }

    #[test]
    fn a_record_by_someone_without_the_vault_key_is_refused() {
        let keys = keys(1);
        let planted = encrypt(std::iter::once(keys.recovery() as _), b"planted").unwrap();
        let error = open(&keys, Purpose::Record, &planted, "it").unwrap_err();
        assert_eq!(error.what(), "it was not encrypted by this vault");
    }

    #[test]
    fn a_rewrite_under_the_same_file_key_is_refused() {
        // The holder of the recovery key has the file key, and keeps our stanza with its MAC.
        let keys = keys(1);
        let salt = [3; stanza::SALT];
        let honest = mac(keys.current(), Purpose::Record, &salt, b"honest").unwrap().finalize();
        let forged =
            Wrap { key: keys.current(), purpose: Purpose::Record, salt, mac: honest.into_bytes().into() };
        let sealed = encrypt(std::iter::once(&forged as _), b"forged").unwrap();
        let error = open(&keys, Purpose::Record, &sealed, "it").unwrap_err();
        assert_eq!(error.what(), "it was rewritten without the vault's key");
    }
}
