//! Entries of an index: what Strongroom reads of one, and what it writes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::exposed;
use crate::error::Result;
use crate::json::scan::Members;
use crate::vault::credential::{Credential, CredentialType, EXPIRES_MAX};
use crate::vault::id::{AgentName, ProfileId, Provider, Reference};
use crate::vault::store::Store;

/// The name under which OpenClaw's configuration knows Strongroom as an exec provider.
pub const EXEC_PROVIDER: &str = "strongroom";

/// Fields of an entry in which the client keeps the secret itself, in all spellings. A new secret replaces them.
const GIVE_WAY: [&str; 7] = ["key", "apiKey", "api_key", "token", "access", "refresh", "mode"];

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

/// Returns whether replacing a field of an entry would lose something: a secret, or a reference to one that is not
/// Strongroom's.
pub(in crate::vault) fn would_be_lost(field: &str, raw: &str) -> bool {
    match field {
        "mode" => false,
        "keyRef" | "tokenRef" => {
            !Ref::read(raw).is_some_and(|reference| reference.is_ours()) && raw != "null"
        }
        _ => GIVE_WAY.contains(&field) && raw.starts_with(['"', '{', '[']) && raw != "\"\"",
    }
}

/// Returns whether Strongroom replaces or drops a field of an entry.
pub(in crate::vault) fn gives_way(field: &str) -> bool {
    GIVE_WAY.contains(&field) || OURS.contains(&field)
}

/// What Strongroom notes in an entry of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark<'a> {
    /// The store of the record. It is a text because a newer program may know more stores.
    pub store: Cow<'a, str>,
    /// The record's generation.
    pub generation: u64,
}

impl<'a> Mark<'a> {
    /// Returns the mark of a record with this generation.
    #[must_use]
    pub const fn of(store: Store, generation: u64) -> Self {
        Self { store: Cow::Borrowed(store.as_str()), generation }
    }

    /// Returns whether the mark names this store.
    #[must_use]
    pub fn is_in(&self, store: Store) -> bool {
        self.store == store.as_str()
    }

    fn read(raw: &'a str) -> Option<Self> {
        let (mut store, mut generation) = (None, None);
        for (field, raw) in Members::of(raw)? {
            match &*field {
                "store" => store = text(raw),
                "generation" => generation = raw.parse().ok(),
                _ => {}
            }
        }
        Some(Self { store: store?, generation: generation? })
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
    strongroom: Mark<'static>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct SecretRef {
    source: String,
    provider: String,
    id: String,
}

impl NewEntry {
    /// Returns the store that the record goes to.
    ///
    /// # Errors
    /// `NEWER_FORMAT` for an unknown one.
    pub fn store(&self) -> Result<Store> {
        self.strongroom.store.parse()
    }

    /// Returns the record's generation.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.strongroom.generation
    }

    /// Returns the entry for a credential.
    #[must_use]
    pub fn of(agent: &AgentName, profile: &ProfileId, credential: &Credential, mark: Mark<'static>) -> Self {
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

/// An entry as it is read, without copies. Fields of an unexpected type count as absent.
#[derive(Clone, Debug, Default)]
pub struct Entry<'a> {
    /// The entry's id as it is in the file.
    pub id: &'a str,
    /// The credential's type.
    pub kind: Option<CredentialType>,
    provider: Option<Cow<'a, str>>,
    /// When it expires, in Unix milliseconds.
    pub expires: Option<i64>,
    /// Whether there is an `expires` that is not a valid instant.
    pub invalid_expires: bool,
    /// The e-mail address of the account.
    pub email: Option<Cow<'a, str>>,
    /// A name for people.
    pub display_name: Option<Cow<'a, str>>,
    /// Whether OpenClaw may copy it to other agents.
    pub copy_to_agents: Option<bool>,
    key_ref: Option<&'a str>,
    token_ref: Option<&'a str>,
    /// Whether there is a secret in plain text in a field where the client looks for it.
    pub plaintext: bool,
    /// Whether another field looks like a secret.
    pub exposed: bool,
    /// The store and generation that Strongroom wrote.
    pub mark: Option<Mark<'a>>,
}

impl<'a> Entry<'a> {
    /// Returns its provider.
    #[must_use]
    pub fn provider(&self) -> Option<Provider> {
        Provider::named(self.provider.as_ref()?)
    }

    /// Returns the id of its reference, if that is one to Strongroom.
    #[must_use]
    pub fn reference(&self) -> Option<Cow<'a, str>> {
        self.references().filter(Ref::is_ours).last().map(|reference| reference.id)
    }

    /// Returns `source:id` of its reference, if that is one to another provider.
    #[must_use]
    pub fn foreign_reference(&self) -> Option<String> {
        let foreign = self.references().filter(|reference| !reference.is_ours()).last();
        foreign.map(|reference| format!("{}:{}", reference.source, reference.id))
    }

    fn references(&self) -> impl Iterator<Item = Ref<'a>> {
        [self.key_ref, self.token_ref].into_iter().flatten().filter_map(Ref::read)
    }

    /// Returns whether it names that provider in exactly this spelling.
    #[must_use]
    pub fn is_of(&self, provider: &Provider) -> bool {
        self.provider.as_ref().is_some_and(|name| *name == provider.as_str())
    }

    pub(in crate::vault) fn read(id: &'a str, raw: &'a str) -> Self {
        let mut entry = Self { id, ..Self::default() };
        let Some(fields) = Members::of(raw) else { return entry };
        let mut has_expires = false;
        for (field, raw) in fields {
            match &*field {
                "type" => entry.kind = text(raw).and_then(|text| CredentialType::parse(&text)),
                "provider" => entry.provider = text(raw),
                "email" => entry.email = text(raw),
                "displayName" => entry.display_name = text(raw),
                "copyToAgents" => entry.copy_to_agents = raw.parse().ok(),
                "keyRef" => entry.key_ref = Some(raw),
                "tokenRef" => entry.token_ref = Some(raw),
                "strongroom" => entry.mark = Mark::read(raw),
                "expires" => {
                    has_expires = true;
                    entry.expires = instant(raw);
                }
                "key" | "token" | "access" | "refresh" | "apiKey" | "api_key" => {
                    entry.plaintext |= raw.starts_with('"') && raw != "\"\"";
                }
                _ => entry.exposed |= exposed::holds_one(&field, raw),
            }
        }
        let shown = [&entry.provider, &entry.email, &entry.display_name];
        entry.exposed |= shown.into_iter().flatten().any(|text| exposed::is_one(text));
        // The client ignores the expiry of other types.
        entry.invalid_expires =
            entry.kind == Some(CredentialType::Token) && has_expires && entry.expires.is_none();
        entry
    }
}

/// A reference of a client to a secret.
struct Ref<'a> {
    source: Cow<'a, str>,
    provider: Cow<'a, str>,
    id: Cow<'a, str>,
}

impl<'a> Ref<'a> {
    fn is_ours(&self) -> bool {
        self.source == "exec" && self.provider == EXEC_PROVIDER
    }

    fn read(raw: &'a str) -> Option<Self> {
        let (mut source, mut provider, mut id) = (None, None, None);
        for (field, raw) in Members::of(raw)? {
            match &*field {
                "source" => source = text(raw),
                "provider" => provider = text(raw),
                "id" => id = text(raw),
                _ => {}
            }
        }
        Some(Self { source: source?, provider: provider?, id: id? })
    }
}

/// Parses an expiry in Unix milliseconds. A fraction is rounded up, because the credential has expired at that instant.
/// Returns `None` after the last instant of JavaScript's `Date`.
fn instant(raw: &str) -> Option<i64> {
    // `as` saturates out of range, which the filter below refuses.
    #[allow(clippy::cast_possible_truncation)]
    let fraction = || serde_json::from_str::<f64>(raw).ok().map(|fraction| fraction.ceil() as i64);
    raw.parse().ok().or_else(fraction).filter(|ms| (1..=EXPIRES_MAX).contains(ms))
}

/// Returns the text of a JSON string.
fn text(raw: &str) -> Option<Cow<'_, str>> {
    // Without escapes, that is what is between the quotes.
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}
