//! The record: a profile's secret and its metadata, encrypted as one unit.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::credential::{Credential, CredentialType};
use super::history::{Imported, Version as Earlier};
use super::id::ProfileId;
use super::ledger::GENERATION_MAX;
use crate::error::Result;
use crate::json;
use crate::messages::vault::records as messages;
use crate::seal::keys::Ring;
use crate::seal::record::{self, Purpose};
use crate::secret::{self, Buffer, ExposeSecret, SecretString};

const FORMAT: u32 = 1;
/// Plaintexts are padded to a multiple of this, in bytes, so that the size of a record reveals little about its secret.
const BLOCK: usize = 512;

/// What a record says about the one that it replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Replaced {
    /// Its generation.
    pub generation: u64,
    /// The SHA-256 of its encrypted bytes, in hex.
    pub sha256: String,
}

/// What a record may have in addition to the credential.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The origins to which the secret may be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// The name of the account, if a protocol needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The helpers that may use it without naming a destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helpers: Option<Vec<String>>,
    /// A comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether the secret before it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<bool>,
    /// The generation that this one restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u64>,
}

/// A profile's record in memory.
#[derive(Clone, Debug)]
pub struct Record {
    /// The profile.
    pub profile: ProfileId,
    /// A number that grows with every write of the profile; at least the time of the write in Unix milliseconds.
    pub generation: u64,
    /// When the profile was first written, in Unix milliseconds.
    pub created: i64,
    /// When this record was written, in Unix milliseconds.
    pub updated: i64,
    /// When the profile got this secret, in Unix milliseconds, if that was in an earlier record.
    pub rotated: Option<i64>,
    /// The record that it replaced.
    pub replaces: Option<Replaced>,
    /// The machine that wrote it. It is ignored when a record is encrypted, which sets the machine of the keys.
    pub by: Option<String>,
    /// The credential.
    pub credential: Credential,
    /// Further metadata.
    pub details: Details,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Out<'a> {
    format: u32,
    vault: &'a str,
    agent: &'a str,
    profile: &'a str,
    provider: &'a str,
    r#type: &'a str,
    generation: u64,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<&'a Replaced>,
    created: i64,
    updated: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_to_agents: Option<bool>,
    #[serde(flatten)]
    details: &'a Details,
    /// Only in an earlier version: the store that it was in.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
    /// Only in an earlier version that a bundle brought: what the bundle says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<&'a Imported>,
    #[serde(serialize_with = "secret::serialize")]
    secret: &'a SecretString,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    extra: IndexMap<&'a str, &'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct In {
    vault: String,
    agent: String,
    profile: String,
    provider: String,
    r#type: String,
    generation: u64,
    by: String,
    replaces: Option<Replaced>,
    created: i64,
    updated: i64,
    rotated: Option<i64>,
    expires: Option<i64>,
    email: Option<String>,
    display_name: Option<String>,
    copy_to_agents: Option<bool>,
    hosts: Option<Vec<String>>,
    username: Option<String>,
    helpers: Option<Vec<String>>,
    note: Option<String>,
    revoked: Option<bool>,
    restores: Option<u64>,
    #[serde(deserialize_with = "secret::deserialize")]
    secret: SecretString,
    #[serde(default)]
    extra: IndexMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Record {
    /// Returns since when the profile has this secret, in Unix milliseconds.
    #[must_use]
    pub fn rotated_at(&self) -> i64 {
        self.rotated.unwrap_or(self.updated)
    }

    /// Encrypts the record for its vault, agent and profile.
    ///
    /// # Errors
    /// `TOO_LARGE` above the size limit of a record, `INTERNAL`.
    pub fn seal(&self, ring: &Ring) -> Result<Vec<u8>> {
        record::seal(ring, Purpose::Record, self.plaintext(ring, None)?.expose())
    }

    /// Returns the padded plaintext. An earlier version says which store it was in, and whether a bundle brought it.
    ///
    /// # Errors
    /// `TAMPERED`, `INTERNAL`.
    pub(super) fn plaintext(&self, ring: &Ring, earlier: Option<&Earlier>) -> Result<Buffer> {
        let credential = &self.credential;
        let internal = |_| messages::not_serialized();
        if self.generation > GENERATION_MAX {
            return Err(messages::written_generation_too_high());
        }
        let extra = credential
            .extra
            .iter()
            .map(|(key, value)| Ok((key.as_str(), serde_json::from_str(value.expose_secret())?)))
            .collect::<serde_json::Result<_>>()
            .map_err(internal)?;
        let out = Out {
            format: FORMAT,
            vault: ring.vault.as_str(),
            agent: ring.scope.agent().unwrap_or_default(),
            profile: self.profile.as_str(),
            provider: credential.provider.as_str(),
            r#type: credential.kind.as_str(),
            generation: self.generation,
            by: ring.machine.as_str(),
            replaces: self.replaces.as_ref(),
            created: self.created,
            updated: self.updated,
            rotated: self.rotated,
            expires: credential.expires,
            email: credential.email.as_deref(),
            display_name: credential.display_name.as_deref(),
            copy_to_agents: credential.copy_to_agents,
            details: &self.details,
            store: earlier.map(|version| version.store.as_str()),
            imported: earlier.and_then(|version| version.imported.as_ref()),
            secret: &credential.secret,
            extra,
        };
        let mut plaintext = Buffer::with_capacity(1024 + credential.secret.expose_secret().len());
        serde_json::to_writer(&mut plaintext, &out).map_err(internal)?;
        // JSON parsers ignore white space at the end.
        let padding = plaintext.len().next_multiple_of(BLOCK) - plaintext.len();
        plaintext.extend(&[b' '; BLOCK][..padding]);
        Ok(plaintext)
    }

    /// Decrypts a record, and makes sure that it is of this vault, agent and profile.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`, `TOO_LARGE`.
    pub fn open(ring: &Ring, profile: &ProfileId, sealed: &[u8]) -> Result<Self> {
        let what = messages::record_of(profile);
        let plaintext = record::open(ring, Purpose::Record, sealed, &what)?;
        Self::parse_own(plaintext.expose(), ring, profile, &what)
    }

    /// Parses a decrypted record, and makes sure that it is of this vault, agent and profile. `what` names it in
    /// messages.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`.
    pub(super) fn parse_own(plaintext: &[u8], ring: &Ring, profile: &ProfileId, what: &str) -> Result<Self> {
        let (vault, record) = Self::parse(plaintext, ring.scope.agent(), profile)?;
        if vault != ring.vault.as_str() {
            return Err(messages::of_another_vault(what));
        }
        Ok(record)
    }

    /// Decrypts a record of any profile of an agent. The record says which profile it is.
    ///
    /// # Errors
    /// As [`Record::open`].
    pub fn open_any(ring: &Ring, sealed: &[u8]) -> Result<Self> {
        let plaintext = record::open(ring, Purpose::Record, sealed, messages::A_RECORD)?;
        let whose = Whose::parse(plaintext.expose())?;
        Self::parse_own(plaintext.expose(), ring, &whose.profile, messages::A_RECORD)
    }

    /// Parses a decrypted record. Returns also the id of the vault in it, which the caller has to check.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`.
    pub fn parse(plaintext: &[u8], agent: Option<&str>, profile: &ProfileId) -> Result<(String, Self)> {
        let what = messages::record_of(profile);
        let damaged = || messages::invalid_contents(&what);
        let version: Version = serde_json::from_slice(plaintext).map_err(|_| damaged())?;
        if version.format > FORMAT {
            return Err(messages::newer(&what));
        }
        let read: In = json::parse(plaintext, &what).map_err(|_| damaged())?;
        if Some(read.agent.as_str()) != agent || read.profile != profile.as_str() {
            return Err(messages::of_another_place(&what));
        }
        if read.generation > GENERATION_MAX {
            return Err(messages::generation_too_high(profile));
        }
        let credential = Credential {
            kind: CredentialType::parse(&read.r#type).ok_or_else(damaged)?,
            provider: read.provider.parse().map_err(|_| damaged())?,
            secret: read.secret,
            expires: read.expires,
            email: read.email,
            display_name: read.display_name,
            copy_to_agents: read.copy_to_agents,
            extra: read
                .extra
                .into_iter()
                .map(|(key, value)| (key, SecretString::from(Box::<str>::from(value))))
                .collect(),
        };
        let record = Self {
            profile: profile.clone(),
            generation: read.generation,
            created: read.created,
            updated: read.updated,
            rotated: read.rotated,
            replaces: read.replaces,
            by: Some(read.by),
            credential,
            details: Details {
                hosts: read.hosts,
                username: read.username,
                helpers: read.helpers,
                note: read.note,
                revoked: read.revoked,
                restores: read.restores,
            },
        };
        Ok((read.vault, record))
    }
}

/// The vault, agent and profile in a decrypted record, which the caller has to check.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Whose {
    /// The vault's id.
    pub vault: String,
    /// The agent's name.
    pub agent: String,
    /// The profile's id.
    pub profile: ProfileId,
}

impl Whose {
    /// Parses them from a plaintext.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn parse(plaintext: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct In {
            vault: String,
            agent: String,
            profile: String,
        }
        let damaged = |_| messages::invalid_contents(messages::A_RECORD);
        let read: In = json::parse(plaintext, messages::A_RECORD).map_err(damaged)?;
        let profile = read.profile.parse().map_err(damaged)?;
        Ok(Self { vault: read.vault, agent: read.agent, profile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::seal::keys::{Keys, VaultId};

    fn keys() -> Keys {
        Keys::of_bytes(&[1])
    }

    fn record() -> Record {
        let profile: ProfileId = "anthropic:work".parse().unwrap();
        let mut credential =
            Credential::new(CredentialType::OAuth, profile.provider(), SecretString::from("canary\"\\ü"));
        credential.expires = Some(5);
        credential.extra.insert("refresh".into(), SecretString::from("\"canary-refresh\""));
        credential.extra.insert("big".into(), SecretString::from("12345678901234567890.10"));
        let details = Details { hosts: Some(vec!["https://api.x.io".into()]), ..Details::default() };
        let (generation, created, updated) = (7, 1, 2);
        let (replaces, by, rotated) = (None, None, Some(1));
        Record { profile, generation, created, updated, rotated, replaces, by, credential, details }
    }

    #[test]
    fn a_record_survives_sealing_to_the_digit_and_is_padded() {
        let (keys, mut record) = (keys(), record());
        let ring = keys.agent("main").unwrap();
        record.replaces = Some(Replaced { generation: 6, sha256: "00".repeat(32) });
        let sealed = record.seal(&ring).unwrap();
        let back = Record::open(&ring, &record.profile, &sealed).unwrap();
        assert!(back.credential.same_as(&record.credential));
        assert_eq!((back.generation, back.created, back.updated, back.rotated_at()), (7, 1, 2, 1));
        assert_eq!((&back.details, &back.replaces), (&record.details, &record.replaces));
        assert_eq!(back.by.as_deref(), Some(keys.machine.as_str()));
        assert_eq!(back.credential.extra["big"].expose_secret(), "12345678901234567890.10");
        record.credential.email = Some("me@x.io".into());
        // The header has a stanza of random length, so only the payload is compared.
        let payload = |sealed: &[u8]| sealed.len() - memchr::memmem::find(sealed, b"\n--- ").unwrap();
        assert_eq!(payload(&record.seal(&ring).unwrap()), payload(&sealed));
        record.generation = GENERATION_MAX + 1;
        assert!(record.seal(&ring).is_err());
    }

    #[test]
    fn a_record_opens_only_in_its_own_place() {
        let (keys, record) = (keys(), record());
        let ring = keys.agent("main").unwrap();
        let sealed = record.seal(&ring).unwrap();
        let other = "anthropic:other".parse().unwrap();
        assert_eq!(Record::open(&ring, &other, &sealed).unwrap_err().code(), Code::Tampered);
        let elsewhere = keys.agent("elsewhere").unwrap();
        assert_eq!(Record::open(&elsewhere, &record.profile, &sealed).unwrap_err().code(), Code::Corrupt);
        let mut foreign = keys.clone();
        foreign.vault = VaultId::generate().unwrap();
        assert_eq!(
            Record::open(&foreign.agent("main").unwrap(), &record.profile, &sealed).unwrap_err().what(),
            "profile anthropic:work belongs to another vault"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", record()).contains("canary"));
    }
}
