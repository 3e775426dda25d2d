//! Entries of an index: what is read of one, and what Strongroom writes into one.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::credential::{Credential, CredentialType, EXPIRES_MAX};
use super::id::{AgentName, ProfileId, Provider, Reference};
use super::store::Store;
use crate::error::Result;

/// The name under which OpenClaw's configuration knows Strongroom as an exec provider.
pub const EXEC_PROVIDER: &str = "strongroom";

/// Fields of an entry that hold, or steer to, a secret: an entry of ours has none of them.
const NOT_IN_AN_INDEX: [&str; 16] = [
    "key",
    "apiKey",
    "api_key",
    "token",
    "access",
    "refresh",
    "idToken",
    "accessToken",
    "refreshToken",
    "password",
    "secret",
    "clientSecret",
    "metadata",
    "baseUrl",
    "tokenEndpoint",
    "mode",
];

/// Fields of an entry that Strongroom writes.
const OURS: [&str; 9] = [
    "type",
    "provider",
    "keyRef",
    "tokenRef",
    "expires",
    "email",
    "displayName",
    "copyToAgents",
    "strongroom",
];

/// Whether a field of an entry is written by Strongroom, or must not stand there.
pub(super) fn is_ours_or_secret(field: &str) -> bool {
    NOT_IN_AN_INDEX.contains(&field) || OURS.contains(&field)
}

/// What Strongroom reads of an entry. Fields of another form count as absent.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The entry's id as it stands there.
    pub id: String,
    /// The credential's type.
    pub kind: Option<CredentialType>,
    /// Its provider.
    pub provider: Option<Provider>,
    /// When it ends, in Unix milliseconds.
    pub expires: Option<i64>,
    /// Whether `expires` is there and no instant.
    pub invalid_expires: bool,
    /// The account's address.
    pub email: Option<String>,
    /// A name for people.
    pub display_name: Option<String>,
    /// Whether OpenClaw may copy it to other agents.
    pub copy_to_agents: Option<bool>,
    /// The reference's id, where it is one to Strongroom.
    pub reference: Option<String>,
    /// `source:id` of a reference to something else.
    pub foreign_reference: Option<String>,
    /// Whether a secret stands there in plain text.
    pub plaintext: bool,
    /// The store and generation that Strongroom wrote.
    pub mark: Option<Mark>,
}

/// What Strongroom notes in an entry of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// The store that holds the record: text, for a newer program may know more of them.
    pub store: String,
    /// The record's generation.
    pub generation: u64,
}

impl Mark {
    /// Whether the record is noted to be in that store.
    #[must_use]
    pub fn is_in(&self, store: Store) -> bool {
        self.store == store.as_str()
    }
}

/// An entry as Strongroom writes it: a fixed list of fields.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewEntry {
    r#type: String,
    provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_ref: Option<SecretRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_ref: Option<SecretRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copy_to_agents: Option<bool>,
    strongroom: Mark,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct SecretRef {
    source: String,
    provider: String,
    id: String,
}

impl NewEntry {
    /// The store to which the record goes.
    ///
    /// # Errors
    /// `NEWER_FORMAT` for one that is not known.
    pub fn store(&self) -> Result<Store> {
        self.strongroom.store.parse()
    }

    /// The entry of a credential.
    #[must_use]
    pub fn of(agent: &AgentName, profile: &ProfileId, credential: &Credential, mark: Mark) -> Self {
        let reference = || SecretRef {
            source: "exec".to_owned(),
            provider: EXEC_PROVIDER.to_owned(),
            id: Reference::id_of(agent, profile),
        };
        Self {
            r#type: credential.kind.as_str().to_owned(),
            provider: credential.provider.as_str().to_owned(),
            key_ref: (credential.kind == CredentialType::ApiKey).then(reference),
            token_ref: (credential.kind == CredentialType::Token).then(reference),
            expires: credential.expires,
            email: credential.email.clone(),
            display_name: credential.display_name.clone(),
            copy_to_agents: credential.copy_to_agents,
            strongroom: mark,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryIn<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    provider: Option<&'a RawValue>,
    #[serde(borrow)]
    key_ref: Option<&'a RawValue>,
    #[serde(borrow)]
    token_ref: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    expires: Option<&'a RawValue>,
    #[serde(borrow)]
    email: Option<&'a RawValue>,
    #[serde(borrow)]
    display_name: Option<&'a RawValue>,
    #[serde(borrow)]
    copy_to_agents: Option<&'a RawValue>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    access: Option<&'a RawValue>,
    #[serde(borrow)]
    refresh: Option<&'a RawValue>,
    #[serde(borrow, alias = "api_key")]
    api_key: Option<&'a RawValue>,
    #[serde(borrow)]
    strongroom: Option<&'a RawValue>,
}

impl Entry {
    pub(super) fn read(id: &str, raw: &RawValue) -> Self {
        let mut entry = Self {
            id: id.to_owned(),
            kind: None,
            provider: None,
            expires: None,
            invalid_expires: false,
            email: None,
            display_name: None,
            copy_to_agents: None,
            reference: None,
            foreign_reference: None,
            plaintext: false,
            mark: None,
        };
        let Ok(read) = serde_json::from_str::<EntryIn>(raw.get()) else { return entry };
        entry.kind = text(read.r#type).and_then(|text| CredentialType::parse(&text));
        entry.provider = text(read.provider).and_then(|text| Provider::named(&text));
        entry.email = text(read.email).map(Cow::into_owned);
        entry.display_name = text(read.display_name).map(Cow::into_owned);
        entry.copy_to_agents = read.copy_to_agents.and_then(|raw| serde_json::from_str(raw.get()).ok());
        entry.mark = read.strongroom.and_then(|raw| serde_json::from_str(raw.get()).ok());
        entry.expires = read.expires.and_then(|raw| instant(raw.get()));
        // The client looks at the expiry of no other type.
        entry.invalid_expires =
            entry.kind == Some(CredentialType::Token) && read.expires.is_some() && entry.expires.is_none();
        let plain = [read.key, read.token, read.access, read.refresh, read.api_key];
        entry.plaintext =
            plain.into_iter().flatten().any(|raw| raw.get().starts_with('"') && raw.get() != "\"\"");
        for raw in [read.key_ref, read.token_ref].into_iter().flatten() {
            let Ok(reference) = serde_json::from_str::<RefIn>(raw.get()) else { continue };
            if reference.source == "exec" && reference.provider == EXEC_PROVIDER {
                entry.reference = Some(reference.id.into_owned());
            } else {
                entry.foreign_reference = Some(format!("{}:{}", reference.source, reference.id));
            }
        }
        entry
    }
}

#[derive(Deserialize)]
struct RefIn<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// A value that is there, be it null.
fn even_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// An expiry in Unix milliseconds. As it is over at its instant, a fraction counts as the next
/// millisecond; beyond the last instant of JavaScript's `Date` it is none.
fn instant(raw: &str) -> Option<i64> {
    // Out of range, `as` saturates, and is filtered.
    #[allow(clippy::cast_possible_truncation)]
    let fraction = || serde_json::from_str::<f64>(raw).ok().map(|fraction| fraction.ceil() as i64);
    raw.parse().ok().or_else(fraction).filter(|ms| (1..=EXPIRES_MAX).contains(ms))
}

/// The text of a value that is one.
fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let raw = raw?.get();
    // Between its quotes a text without escapes stands as it is.
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}
