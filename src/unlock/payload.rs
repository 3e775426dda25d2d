//! The contents of an unlock file: everything that unlocks the vault.

use std::fmt;

use age::x25519;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::json;
use crate::messages;
use crate::seal::keys::{KeyId, KeySet, Keys, MachineId, RingKey, VaultId, VaultKey};
use crate::seal::stanza;
use crate::secret::{self, Buffer, ExposeSecret, SecretString};

const FORMAT: u32 = 1;
/// The most ids of retired vault keys that an unlock file keeps.
pub const RETIRED_MAX: usize = 32;
/// How long a former transfer identity still decrypts bundles after a rekey, in milliseconds: 30 days.
pub const FORMER_TRANSFER: i64 = 30 * 24 * 3_600 * 1_000;
/// The most former transfer identities that are kept.
const FORMER_TRANSFER_MAX: usize = 8;

/// An unfinished change of keys. Running it again finishes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pending {
    /// `rekey`: some records are still encrypted with the old key.
    Rekey,
    /// `recover`: some records can still be decrypted with the recovery key only.
    Recover,
}

impl Pending {
    /// Returns the command that finishes it.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Rekey => "rekey",
            Self::Recover => "recover",
        }
    }
}

/// The payload of an unlock file.
#[derive(Clone)]
pub struct Payload {
    /// The vault's id.
    pub vault: VaultId,
    /// The machine that this home is on.
    pub machine: MachineId,
    /// The name of the method that the file belongs to, equal to the file's name.
    pub method: String,
    /// All vault keys, the newest last.
    pub keys: Vec<VaultKey>,
    /// The index in `keys` of the key that encrypts.
    pub current: usize,
    /// The recovery identity, as text.
    pub recovery: SecretString,
    /// The recipient of the recovery identity.
    pub recovery_recipient: x25519::Recipient,
    /// The identity to whose recipient others export.
    pub transfer: SecretString,
    /// Former transfer identities, the latest last.
    pub former_transfers: Vec<FormerTransfer>,
    /// The ids of retired vault keys, the latest last.
    pub retired: Vec<KeyId>,
    /// An unfinished change of keys.
    pub pending: Option<Pending>,
    /// Ids that the vault had before an unfinished recovery. Its items in the keychain may still name them.
    pub former: Vec<String>,
}

/// A transfer identity that a rekey replaced. It still decrypts bundles that were on their way.
#[derive(Clone)]
pub struct FormerTransfer {
    /// The identity, as text.
    pub identity: SecretString,
    /// When it stops decrypting bundles, in Unix milliseconds.
    pub until: i64,
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
    machine: &'a str,
    method: &'a str,
    current: String,
    keys: Vec<OutKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retired: Vec<String>,
    #[serde(serialize_with = "secret::serialize")]
    recovery: &'a SecretString,
    #[serde(rename = "recoveryRecipient")]
    recovery_recipient: String,
    #[serde(serialize_with = "secret::serialize")]
    transfer: &'a SecretString,
    #[serde(rename = "formerTransfers", skip_serializing_if = "Vec::is_empty")]
    former_transfers: Vec<OutTransfer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    former: &'a [String],
}

#[derive(Serialize)]
struct OutTransfer<'a> {
    #[serde(serialize_with = "secret::serialize")]
    identity: &'a SecretString,
    until: i64,
}

#[derive(Deserialize)]
struct InTransfer {
    #[serde(deserialize_with = "secret::deserialize")]
    identity: SecretString,
    until: i64,
}

/// A vault key in its written form.
#[derive(Serialize)]
pub(super) struct OutKey {
    id: String,
    key: Zeroizing<String>,
}

impl OutKey {
    pub(super) fn new(id: KeyId, key: &[u8; 32]) -> Self {
        Self { id: id.to_string(), key: Zeroizing::new(stanza::encode(key)) }
    }
}

fn out_keys(keys: &[VaultKey]) -> Vec<OutKey> {
    keys.iter().map(|key| OutKey::new(key.id(), key.expose())).collect()
}

#[derive(Deserialize)]
struct In<'a> {
    format: u32,
    vault: &'a str,
    machine: &'a str,
    method: &'a str,
    current: &'a str,
    keys: Vec<InKey<'a>>,
    #[serde(default)]
    retired: Vec<String>,
    #[serde(deserialize_with = "secret::deserialize")]
    recovery: SecretString,
    #[serde(rename = "recoveryRecipient")]
    recovery_recipient: &'a str,
    #[serde(deserialize_with = "secret::deserialize")]
    transfer: SecretString,
    #[serde(rename = "formerTransfers", default)]
    former_transfers: Vec<InTransfer>,
    #[serde(default)]
    pending: Option<Pending>,
    #[serde(default)]
    former: Vec<String>,
}

/// A vault key in its written form, borrowed from the text.
#[derive(Deserialize)]
pub(super) struct InKey<'a> {
    id: &'a str,
    key: &'a str,
}

/// Decodes the keys of an agent. Their ids are those of the vault keys that they are derived from.
pub(super) fn read_agent_keys(read: &[InKey<'_>]) -> Option<Vec<RingKey>> {
    let key = |entry: &InKey<'_>| {
        let bytes = Zeroizing::new(stanza::decode::<32>(entry.key)?);
        Some(RingKey::from_bytes(entry.id.parse().ok()?, &bytes))
    };
    read.iter().map(key).collect()
}

/// Decodes vault keys, and returns them with the index of the current one. `None` if a key does not fit its id.
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
struct Version<'a> {
    format: u32,
    #[serde(borrow, default)]
    machine: Option<&'a str>,
}

impl Payload {
    /// Generates the payload of a new vault.
    ///
    /// # Errors
    /// `INTERNAL` if the system has no random bytes.
    pub fn generate(method: &str) -> Result<Self> {
        let (recovery, recovery_recipient) = new_identity();
        Ok(Self {
            vault: VaultId::generate()?,
            machine: MachineId::generate()?,
            method: method.to_owned(),
            keys: vec![VaultKey::generate()?],
            current: 0,
            recovery,
            recovery_recipient,
            transfer: new_identity().0,
            former_transfers: Vec::new(),
            retired: Vec::new(),
            pending: None,
            former: Vec::new(),
        })
    }

    /// Returns the keys that reading and writing need.
    ///
    /// # Errors
    /// `CORRUPT` if `current` is out of range.
    pub fn keys(&self) -> Result<Keys> {
        let current = self.keys.get(self.current).ok_or_else(messages::seal::no_current_key)?;
        Keys::new(KeySet {
            vault: self.vault.clone(),
            machine: self.machine.clone(),
            keys: self.keys.clone(),
            current: current.id(),
            retired: self.retired.clone(),
            recovery: self.recovery_recipient.clone(),
        })
    }

    /// Returns the identities to which others may have exported: the current one first, then the former ones that have
    /// not expired.
    ///
    /// # Errors
    /// `CORRUPT` if one does not parse.
    pub fn transfer_identities(&self, now: i64) -> Result<Vec<x25519::Identity>> {
        let former = self.former_transfers.iter().rev().filter(|former| former.until > now);
        std::iter::once(&self.transfer)
            .chain(former.map(|former| &former.identity))
            .map(|text| {
                text.expose_secret().parse().map_err(|_| messages::unlock::damaged_transfer_identity())
            })
            .collect()
    }

    /// Returns the recovery identity.
    ///
    /// # Errors
    /// `CORRUPT` if it does not parse.
    pub fn recovery_identity(&self) -> Result<x25519::Identity> {
        self.recovery.expose_secret().parse().map_err(|_| messages::unlock::damaged_recovery_identity())
    }

    /// Adds a new vault key, a new recovery identity and a new transfer identity. The old key stays, and the new one
    /// does not encrypt until `current` points to it.
    ///
    /// # Errors
    /// `INTERNAL` if the system has no random bytes.
    pub fn add_key(&mut self, now: i64) -> Result<()> {
        self.keys.push(VaultKey::generate()?);
        (self.recovery, self.recovery_recipient) = new_identity();
        let identity = std::mem::replace(&mut self.transfer, new_identity().0);
        self.former_transfers.retain(|former| former.until > now);
        self.former_transfers.push(FormerTransfer { identity, until: now.saturating_add(FORMER_TRANSFER) });
        let surplus = self.former_transfers.len().saturating_sub(FORMER_TRANSFER_MAX);
        self.former_transfers.drain(..surplus);
        Ok(())
    }

    /// Retires every key except the current one, and keeps their ids.
    pub fn drop_old_keys(&mut self) {
        let current = self.current.min(self.keys.len().saturating_sub(1));
        self.retired.extend(self.keys.drain(..current).map(|key| key.id()));
        let surplus = self.retired.len().saturating_sub(RETIRED_MAX);
        self.retired.drain(..surplus);
        self.current = 0;
    }

    /// Returns the bytes to encrypt.
    ///
    /// # Errors
    /// `CORRUPT` if `current` is out of range; `INTERNAL`.
    pub fn to_bytes(&self) -> Result<Buffer> {
        let out = Out {
            format: FORMAT,
            vault: self.vault.as_str(),
            machine: self.machine.as_str(),
            method: &self.method,
            current: self.keys()?.current_id().to_string(),
            keys: out_keys(&self.keys),
            retired: self.retired.iter().map(ToString::to_string).collect(),
            recovery: &self.recovery,
            recovery_recipient: self.recovery_recipient.to_string(),
            transfer: &self.transfer,
            former_transfers: self
                .former_transfers
                .iter()
                .map(|former| OutTransfer { identity: &former.identity, until: former.until })
                .collect(),
            pending: self.pending,
            former: &self.former,
        };
        let mut bytes = Buffer::with_capacity(2048);
        serde_json::to_writer(&mut bytes, &out).map_err(|_| messages::unlock::contents_not_written())?;
        Ok(bytes)
    }

    /// Parses decrypted bytes.
    ///
    /// # Errors
    /// `NEWER_FORMAT`, `OLD_FORMAT`, `CORRUPT`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let damaged = messages::unlock::damaged_contents;
        let version: Version = json::parse(bytes, "the unlock file").map_err(|_| damaged())?;
        if version.format > FORMAT {
            return Err(messages::unlock::newer_vault());
        }
        if version.format == FORMAT && version.machine.is_none() {
            return Err(old_format());
        }
        let read: In = json::parse(bytes, "the unlock file").map_err(|_| damaged())?;
        if read.format != FORMAT {
            return Err(damaged());
        }
        let (keys, current) = read_keys(&read.keys, read.current).ok_or_else(damaged)?;
        Ok(Self {
            vault: read.vault.parse()?,
            machine: read.machine.parse()?,
            method: read.method.to_owned(),
            keys,
            current,
            recovery: read.recovery,
            recovery_recipient: read.recovery_recipient.parse().map_err(|_| damaged())?,
            transfer: read.transfer,
            former_transfers: read
                .former_transfers
                .into_iter()
                .map(|former| FormerTransfer { identity: former.identity, until: former.until })
                .collect(),
            retired: read.retired.iter().map(|id| id.parse()).collect::<Result<_>>()?,
            pending: read.pending,
            former: read.former,
        })
    }
}

/// Returns the error for a home of a development version, whose formats no released version reads.
#[must_use]
pub fn old_format() -> Error {
    messages::unlock::old_vault()
}

fn new_identity() -> (SecretString, x25519::Recipient) {
    let identity = x25519::Identity::generate();
    (identity.to_string(), identity.to_public())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_payload_survives_its_bytes() {
        let mut payload = Payload::generate("key-file").unwrap();
        payload.add_key(7).unwrap();
        payload.pending = Some(Pending::Rekey);
        let back = Payload::parse(payload.to_bytes().unwrap().expose()).unwrap();
        assert_eq!(back.vault, payload.vault);
        assert_eq!(back.keys().unwrap().current_id(), payload.keys[0].id());
        assert_eq!(back.keys.len(), 2);
        assert_eq!(back.pending, Some(Pending::Rekey));
        assert_eq!(back.recovery.expose_secret(), payload.recovery.expose_secret());
    }

    #[test]
    fn retired_keys_are_remembered_and_former_transfer_identities_expire() {
        let mut payload = Payload::generate("key-file").unwrap();
        let (first, transfer) = (payload.keys[0].id(), payload.transfer.expose_secret().to_owned());
        for _ in 0..RETIRED_MAX + 3 {
            payload.add_key(7).unwrap();
            payload.current = 1;
            payload.drop_old_keys();
        }
        let mut payload = Payload::parse(payload.to_bytes().unwrap().expose()).unwrap();
        assert_eq!((payload.keys.len(), payload.retired.len()), (1, RETIRED_MAX));
        assert!(!payload.retired.contains(&first));
        payload = Payload::generate("key-file").unwrap();
        let old = payload.transfer.expose_secret().to_owned();
        payload.add_key(7).unwrap();
        assert_ne!(old, transfer);
        let opens = |payload: &Payload, now| {
            let identities = payload.transfer_identities(now).unwrap();
            identities.iter().any(|identity| identity.to_string().expose_secret() == old)
        };
        assert!(opens(&payload, 7 + FORMER_TRANSFER - 1));
        assert!(!opens(&payload, 7 + FORMER_TRANSFER));
    }

    #[test]
    fn debug_shows_no_key_or_identity() {
        let text = format!("{:?}", Payload::generate("key-file").unwrap());
        assert!(!text.contains("AGE-SECRET-KEY") && !text.contains("age1"), "{text}");
    }

    #[test]
    fn a_newer_payload_is_told_apart() {
        assert_eq!(Payload::parse(br#"{"format":2}"#).unwrap_err().code(), Code::NewerFormat);
        assert_eq!(Payload::parse(b"{}").unwrap_err().code(), Code::Corrupt);
        assert_eq!(Payload::parse(br#"{"format":1}"#).unwrap_err().code(), Code::OldFormat);
    }
}
