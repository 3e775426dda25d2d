//! Unlock files: encrypted and authenticated with the secret of their method.
//!
//! A 32-byte key unwraps the stanza `strongroom-key <salt>`; a passphrase unwraps
//! `strongroom-argon2id <argon2 salt> <m> <t> <p> <salt>` after Argon2id. Both stanzas are symmetric: no one can
//! make a file that a secret decrypts without knowing that secret, so that no one can plant a vault key with
//! which the next paste would be encrypted.

use std::collections::HashSet;

use age::{DecryptError, EncryptError};
use age_core::format::{FileKey, Stanza};
use age_core::primitives::hkdf;
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

use super::argon2id::Cost;
use super::{RECORD_MAX, decrypt, encrypt, random, scan, stanza};
use crate::error::Result;
use crate::messages;
use crate::secret::Buffer;

const KEY_TAG: &str = "strongroom-key";
const PASSPHRASE_TAG: &str = "strongroom-argon2id";
const LABEL: &[u8] = b"strongroom/unlock/v1";

/// The kind of secret that decrypts an unlock file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 32 random bytes.
    Key,
    /// A passphrase.
    Passphrase,
}

/// The secret from which a file's wrapping key is derived: 32 random bytes, or the output of Argon2id for a
/// passphrase at a cost.
pub struct MethodKey {
    key: SecretBox<[u8; 32]>,
    cost: Option<Cost>,
}

impl MethodKey {
    /// Makes it from the key in a key file, a credential or a keychain item.
    #[must_use]
    pub fn of_bytes(bytes: &[u8; 32]) -> Self {
        Self { key: SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes)), cost: None }
    }

    /// Derives it from a passphrase at a cost. At the recommended cost this takes about 0.2 s.
    ///
    /// # Errors
    /// `KDF_BOUNDS`, `NO_MEMORY`, `INTERNAL`.
    pub fn of_passphrase(passphrase: &[u8], cost: Cost) -> Result<Self> {
        let derived = cost.derive(passphrase)?;
        Ok(Self { cost: Some(cost), ..Self::of_bytes(&derived) })
    }

    fn tag(&self) -> &'static str {
        if self.cost.is_some() { PASSPHRASE_TAG } else { KEY_TAG }
    }

    fn wrapping_key(&self, salt: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hkdf(salt, LABEL, self.key.expose_secret()))
    }
}

impl std::fmt::Debug for MethodKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MethodKey({})", self.tag())
    }
}

impl age::Recipient for MethodKey {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> std::result::Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let salt = random::<{ stanza::SALT }>()
            .map_err(|error| EncryptError::Io(std::io::Error::other(error.to_string())))?;
        let mut args = Vec::new();
        if let Some(cost) = &self.cost {
            args.push(stanza::encode(&cost.salt));
            args.extend([cost.memory_kib, cost.passes, cost.lanes].map(|n| n.to_string()));
        }
        args.push(stanza::encode(&salt));
        let body = stanza::wrap(&self.wrapping_key(&salt), file_key);
        Ok((vec![Stanza { tag: self.tag().to_owned(), args, body }], HashSet::new()))
    }
}

impl age::Identity for MethodKey {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<std::result::Result<FileKey, DecryptError>> {
        let (cost, salt) = match (stanza.tag.as_str(), stanza.args.as_slice()) {
            (KEY_TAG, [salt]) => (None, salt),
            (PASSPHRASE_TAG, [cost @ .., salt]) => (Some(parse_cost(cost)?), salt),
            _ => return None,
        };
        let salt: [u8; stanza::SALT] = stanza::decode(salt)?;
        (cost == self.cost).then(|| stanza::unwrap(&self.wrapping_key(&salt), &stanza.body)).flatten().map(Ok)
    }
}

fn parse_cost(args: &[impl AsRef<str>]) -> Option<Cost> {
    let [salt, memory, passes, lanes] = args else { return None };
    // Only the canonical spelling is accepted: no sign, no leading zero.
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| n.to_string() == text);
    Some(Cost {
        salt: stanza::decode(salt.as_ref())?,
        memory_kib: number(memory.as_ref())?,
        passes: number(passes.as_ref())?,
        lanes: number(lanes.as_ref())?,
    })
}

/// Encrypts the payload of an unlock file.
///
/// # Errors
/// `TOO_LARGE`, `INTERNAL`.
pub fn seal(key: &MethodKey, payload: &[u8]) -> Result<Vec<u8>> {
    let sealed = encrypt(std::iter::once(key as _), payload)?;
    if sealed.len() > RECORD_MAX {
        return Err(messages::seal::unlock_file_too_large(RECORD_MAX));
    }
    Ok(sealed)
}

/// Returns the kind of secret that decrypts a file, and for a passphrase the cost, which was checked.
///
/// # Errors
/// `TOO_LARGE`, `CORRUPT`, `TAMPERED` if it does not have exactly one of our stanzas, `KDF_BOUNDS`.
pub fn inspect(sealed: &[u8], what: &str) -> Result<(Kind, Option<Cost>)> {
    if sealed.len() > RECORD_MAX {
        return Err(messages::seal::larger_than(what, RECORD_MAX));
    }
    let header = scan::scan(sealed, scan::OWN, what)?;
    let ours = |tag: &str| tag == KEY_TAG || tag == PASSPHRASE_TAG;
    if header.count(ours) != 1 {
        return Err(messages::seal::not_an_unlock_file(what));
    }
    if header.count(|tag| tag == KEY_TAG) == 1 {
        return Ok((Kind::Key, None));
    }
    let prefix = format!("-> {PASSPHRASE_TAG} ");
    let cost = sealed
        .split(|b| *b == b'\n')
        .find_map(|line| std::str::from_utf8(line).ok()?.strip_prefix(prefix.as_str()))
        .and_then(|args| {
            let args: Vec<&str> = args.split(' ').collect();
            parse_cost(args.split_last()?.1)
        })
        .ok_or_else(|| messages::seal::damaged_header(what))?;
    cost.check()?;
    Ok((Kind::Passphrase, Some(cost)))
}

/// Decrypts an unlock file. Returns `None` if the secret is another one or the stanza was altered: the two cannot
/// be told apart.
///
/// # Errors
/// As [`inspect`].
pub fn open(key: &MethodKey, sealed: &[u8], what: &str) -> Result<Option<Buffer>> {
    inspect(sealed, what)?;
    match decrypt(sealed, key) {
        Ok(payload) => Ok(Some(payload)),
        Err(DecryptError::NoMatchingKeys) => Ok(None),
        Err(_) => Err(messages::seal::altered(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn cheap() -> Cost {
        Cost { salt: [9; 16], memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }

    #[test]
    fn each_method_opens_its_own_file_only() {
        let key = MethodKey::of_bytes(&[1; 32]);
        let passphrase = MethodKey::of_passphrase(b"open", cheap()).unwrap();
        let by_key = seal(&key, b"payload").unwrap();
        let by_passphrase = seal(&passphrase, b"payload").unwrap();
        assert_eq!(open(&key, &by_key, "it").unwrap().unwrap().expose(), b"payload");
        assert_eq!(open(&passphrase, &by_passphrase, "it").unwrap().unwrap().expose(), b"payload");
        assert!(open(&key, &by_passphrase, "it").unwrap().is_none());
        assert!(open(&passphrase, &by_key, "it").unwrap().is_none());
        assert!(open(&MethodKey::of_bytes(&[2; 32]), &by_key, "it").unwrap().is_none());
        assert_eq!(inspect(&by_passphrase, "it").unwrap(), (Kind::Passphrase, Some(cheap())));
        assert_eq!(inspect(&by_key, "it").unwrap(), (Kind::Key, None));
    }

    #[test]
    fn a_file_sealed_to_a_public_recipient_is_refused() {
        let anyone = age::x25519::Identity::generate().to_public();
        let planted = encrypt(std::iter::once(&anyone as _), b"planted").unwrap();
        assert_eq!(inspect(&planted, "it").unwrap_err().code(), Code::Tampered);
    }

    #[test]
    fn a_cost_out_of_bounds_is_refused_before_any_derivation() {
        let sealed = seal(&MethodKey::of_passphrase(b"open", cheap()).unwrap(), b"payload").unwrap();
        let text = String::from_utf8_lossy(&sealed).into_owned();
        for memory in ["8", "67108864", "4294967295", "4294967296", "+20000", "019456"] {
            let altered = text.replacen(" 19456 ", &format!(" {memory} "), 1);
            assert!(inspect(altered.as_bytes(), "it").is_err(), "{memory}");
        }
    }
}
