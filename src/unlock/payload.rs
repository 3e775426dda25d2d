//! What an unlock file holds: everything that opens the vault.

use std::fmt;

use age::x25519;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result, fail};
use crate::json;
use crate::seal::keys::{Keys, VaultId, VaultKey};
use crate::seal::stanza;
use crate::secret::{self, Buffer, ExposeSecret, SecretString};

const FORMAT: u32 = 1;

/// A change of keys that is not finished. It is finished by running it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pending {
    /// `rekey`: records under the old key are left.
    Rekey,
    /// `recover`: records that only the recovery key opens are left.
    Recover,
}

/// The payload of an unlock file.
#[derive(Clone)]
pub struct Payload {
    /// The vault's id.
    pub vault: VaultId,
    /// The name of the method whose file this is, equal to the file's name.
    pub method: String,
    /// The vault's default store.
    pub store: String,
    /// All vault keys, the newest last.
    pub keys: Vec<VaultKey>,
    /// Which of `keys` seals.
    pub current: usize,
    /// The recovery identity, as text.
    pub recovery: SecretString,
    /// The recipient of the recovery identity.
    pub recovery_recipient: x25519::Recipient,
    /// The identity to which others export.
    pub transfer: SecretString,
    /// An unfinished change of keys.
    pub pending: Option<Pending>,
    /// Ids that the vault had before a recovery that is not finished: its items in the keychain can
    /// name them still.
    pub former: Vec<String>,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("vault", &self.vault)
            .field("method", &self.method)
            .field("keys", &self.keys)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Out<'a> {
    format: u32,
    vault: &'a str,
    method: &'a str,
    store: &'a str,
    current: String,
    keys: Vec<OutKey>,
    #[serde(serialize_with = "secret::serialize")]
    recovery: &'a SecretString,
    #[serde(rename = "recoveryRecipient")]
    recovery_recipient: String,
    #[serde(serialize_with = "secret::serialize")]
    transfer: &'a SecretString,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    former: &'a [String],
}

/// A vault key as it is written.
#[derive(Serialize)]
pub(super) struct OutKey {
    id: String,
    key: Zeroizing<String>,
}

/// Vault keys as they are written.
pub(super) fn out_keys(keys: &[VaultKey]) -> Vec<OutKey> {
    keys.iter()
        .map(|key| OutKey { id: key.id().to_string(), key: Zeroizing::new(stanza::encode(key.expose())) })
        .collect()
}

#[derive(Deserialize)]
struct In<'a> {
    format: u32,
    vault: &'a str,
    method: &'a str,
    store: &'a str,
    current: &'a str,
    keys: Vec<InKey<'a>>,
    #[serde(deserialize_with = "secret::deserialize")]
    recovery: SecretString,
    #[serde(rename = "recoveryRecipient")]
    recovery_recipient: &'a str,
    #[serde(deserialize_with = "secret::deserialize")]
    transfer: SecretString,
    #[serde(default)]
    pending: Option<Pending>,
    #[serde(default)]
    former: Vec<String>,
}

/// A vault key as it is read.
#[derive(Deserialize)]
pub(super) struct InKey<'a> {
    id: &'a str,
    key: &'a str,
}

/// The vault keys that were read, and which of them is the one of that id; nothing where one is
/// not what its id says.
pub(super) fn read_keys(read: &[InKey<'_>], current: &str) -> Option<(Vec<VaultKey>, usize)> {
    let current = read.iter().position(|key| key.id == current)?;
    let keys = read
        .iter()
        .map(|entry| {
            let bytes = Zeroizing::new(stanza::decode::<32>(entry.key)?);
            let key = VaultKey::from_bytes(&bytes);
            (key.id().to_string() == entry.id).then_some(key)
        })
        .collect::<Option<Vec<_>>>()?;
    Some((keys, current))
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Payload {
    /// The payload of a new vault, with keys and identities of its own.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no random bytes.
    pub fn generate(method: &str, store: &str) -> Result<Self> {
        let (recovery, recovery_recipient) = new_identity();
        Ok(Self {
            vault: VaultId::generate()?,
            method: method.to_owned(),
            store: store.to_owned(),
            keys: vec![VaultKey::generate()?],
            current: 0,
            recovery,
            recovery_recipient,
            transfer: new_identity().0,
            pending: None,
            former: Vec::new(),
        })
    }

    /// What writing and reading need of it.
    ///
    /// # Errors
    /// `CORRUPT` when `current` names no key.
    pub fn keys(&self) -> Result<Keys> {
        let current = self
            .keys
            .get(self.current)
            .ok_or_else(|| Error::new(Code::Corrupt, "the unlock file names a key that it does not hold"))?;
        Keys::new(self.vault.clone(), self.keys.clone(), current.id(), self.recovery_recipient.clone())
    }

    /// The identity to which others export.
    ///
    /// # Errors
    /// `CORRUPT` when it is none.
    pub fn transfer_identity(&self) -> Result<x25519::Identity> {
        self.transfer
            .expose_secret()
            .parse()
            .map_err(|_| Error::new(Code::Corrupt, "the unlock file holds a damaged transfer identity"))
    }

    /// Gives the payload a new vault key and a new recovery identity. The old key stays among
    /// the keys; the new one seals only once `current` says so.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no random bytes.
    pub fn add_key(&mut self) -> Result<()> {
        self.keys.push(VaultKey::generate()?);
        (self.recovery, self.recovery_recipient) = new_identity();
        Ok(())
    }

    /// The bytes that are sealed.
    ///
    /// # Errors
    /// `CORRUPT` when `current` names no key; `INTERNAL`.
    pub fn to_bytes(&self) -> Result<Buffer> {
        let out = Out {
            format: FORMAT,
            vault: self.vault.as_str(),
            method: &self.method,
            store: &self.store,
            current: self.keys()?.current().id().to_string(),
            keys: out_keys(&self.keys),
            recovery: &self.recovery,
            recovery_recipient: self.recovery_recipient.to_string(),
            transfer: &self.transfer,
            pending: self.pending,
            former: &self.former,
        };
        let mut bytes = Buffer::with_capacity(2048);
        serde_json::to_writer(&mut bytes, &out)
            .map_err(|_| Error::new(Code::Internal, "the unlock payload cannot be written"))?;
        Ok(bytes)
    }

    /// The payload in opened bytes.
    ///
    /// # Errors
    /// `NEWER_FORMAT`, `CORRUPT`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::new(Code::Corrupt, "the unlock file's contents are damaged");
        let version: Version = json::parse(bytes, "the unlock file").map_err(|_| damaged())?;
        if version.format > FORMAT {
            return fail(Code::NewerFormat, "the vault was made by a newer strongroom");
        }
        let read: In = json::parse(bytes, "the unlock file").map_err(|_| damaged())?;
        if read.format != FORMAT {
            return Err(damaged());
        }
        let (keys, current) = read_keys(&read.keys, read.current).ok_or_else(damaged)?;
        Ok(Self {
            vault: read.vault.parse()?,
            method: read.method.to_owned(),
            store: read.store.to_owned(),
            keys,
            current,
            recovery: read.recovery,
            recovery_recipient: read.recovery_recipient.parse().map_err(|_| damaged())?,
            transfer: read.transfer,
            pending: read.pending,
            former: read.former,
        })
    }
}

fn new_identity() -> (SecretString, x25519::Recipient) {
    let identity = x25519::Identity::generate();
    (identity.to_string(), identity.to_public())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_survives_its_bytes() {
        let mut payload = Payload::generate("key-file", "file").unwrap();
        payload.add_key().unwrap();
        payload.pending = Some(Pending::Rekey);
        let back = Payload::parse(payload.to_bytes().unwrap().expose()).unwrap();
        assert_eq!(back.vault, payload.vault);
        assert_eq!(back.keys().unwrap().current().id(), payload.keys[0].id());
        assert_eq!(back.keys.len(), 2);
        assert_eq!(back.pending, Some(Pending::Rekey));
        assert_eq!(back.recovery.expose_secret(), payload.recovery.expose_secret());
    }

    #[test]
    fn debug_shows_no_key_or_identity() {
        let text = format!("{:?}", Payload::generate("key-file", "file").unwrap());
        assert!(!text.contains("AGE-SECRET-KEY") && !text.contains("age1"), "{text}");
    }

    #[test]
    fn a_newer_payload_is_told_apart() {
        assert_eq!(Payload::parse(br#"{"format":2}"#).unwrap_err().code(), Code::NewerFormat);
        assert_eq!(Payload::parse(b"{}").unwrap_err().code(), Code::Corrupt);
    }
}
