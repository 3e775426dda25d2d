//! A profile in one of the client's stores.

use std::fmt;

use serde_json::value::RawValue;

use crate::error::Result;
use crate::json;
use crate::json::fields::{Fields, object, text};
use crate::messages::stores as messages;
use crate::secret::{ExposeSecret, SecretString};
use crate::secret_format;
use crate::vault::credential::{CredentialType, EXPIRES_MAX};
use crate::vault::id::{Provider, quoted_in_full};
use crate::vault::index::entry::EXEC_PROVIDER;

/// A profile as the client has it. Anything odd is left out rather than refused: only the client uses it.
#[derive(Clone)]
pub struct StoredProfile {
    /// Its id, which need not be a valid one.
    pub id: String,
    /// Its provider, in lower case; the part of the id before the colon if the entry has none.
    pub provider: String,
    /// Its type, if it is a known one.
    pub kind: Option<CredentialType>,
    /// When it expires, in Unix milliseconds.
    pub expires: Option<i64>,
    /// Its secret, or what refers to it.
    pub secret: Kept,
    /// Further secrets in plain text in its entry. A reference in the place of [`Self::secret`] does not stand for them.
    pub others: Vec<SecretString>,
    /// Whether its entry has members that are not known. They can be secrets too.
    pub has_more: bool,
}

/// The members of an entry that hold its secret in plain text, unless it is a sign-in.
const INLINE: [&str; 4] = ["key", "apiKey", "api_key", "token"];
/// Those that hold a sign-in.
const OF_SIGN_IN: [&str; 3] = ["access", "refresh", "idToken"];
/// The other members that the client or this program writes.
const KNOWN: [&str; 11] = [
    "type",
    "mode",
    "provider",
    "keyRef",
    "tokenRef",
    "expires",
    "email",
    "displayName",
    "metadata",
    "copyToAgents",
    "strongroom",
];

/// Where the secret of a profile is.
#[derive(Clone)]
pub enum Kept {
    /// In the store, in plain text.
    Plain(SecretString),
    /// In the store, in plain text: a sign-in that the client renews.
    SignIn,
    /// Elsewhere.
    Reference(Reference),
    /// Nowhere.
    Nowhere,
}

/// A reference to a secret: OpenClaw's SecretRef.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reference {
    /// `env`, `file`, `exec` or `store`.
    pub source: String,
    /// The name of the secret provider in the client's configuration.
    pub provider: String,
    /// The id by which that provider knows the secret.
    pub id: String,
}

impl Reference {
    /// Returns whether it refers to this program.
    #[must_use]
    pub fn is_to_strongroom(&self) -> bool {
        self.source == "exec" && self.provider == EXEC_PROVIDER
    }

    /// Returns the name of its secret provider for people, unless it may contain a secret.
    #[must_use]
    pub fn shown_provider(&self) -> Option<String> {
        secret_format::may_be_shown(&self.provider).then(|| shown(&self.provider, "provider", 0))
    }
}

impl StoredProfile {
    /// Returns its id for people, or its place if the id may contain a secret.
    #[must_use]
    pub fn shown(&self, index: usize) -> String {
        shown(&self.id, "profile", index)
    }

    /// Returns whether its secret is in the store in plain text.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.secret, Kept::Plain(_) | Kept::SignIn)
    }

    /// Returns what refers to its secret, if that is elsewhere.
    #[must_use]
    pub fn secret_reference(&self) -> Option<&Reference> {
        match &self.secret {
            Kept::Reference(reference) => Some(reference),
            Kept::Plain(_) | Kept::SignIn | Kept::Nowhere => None,
        }
    }

    /// Returns whether it holds a secret in plain text that Strongroom could keep instead: neither a sign-in that the
    /// client renews, nor a mask or a marker of a local provider.
    #[must_use]
    pub fn holds_secret(&self) -> bool {
        let Kept::Plain(secret) = &self.secret else { return false };
        let is_marker =
            |provider: Provider| secret_format::is_local_marker(&provider, secret.expose_secret());
        is_something(secret) && !self.provider.parse().is_ok_and(is_marker)
    }

    fn read(id: &str, raw: &RawValue) -> Option<Self> {
        let fields = object(raw)?;
        let word = |name| text(fields.get(name)?).map(|text| text.expose_secret().trim().to_owned());
        let named = word("type").or_else(|| word("mode"));
        let kind = match named.as_deref() {
            Some("apiKey") => Some(CredentialType::ApiKey),
            Some(name) => CredentialType::parse(name),
            None => None,
        };
        let secret = match (kind, kept(&fields, kind)) {
            (Some(CredentialType::OAuth), Kept::Plain(_)) => Kept::SignIn,
            (_, secret) => secret,
        };
        let others = others(&fields, &secret);
        let is_known =
            |name: &str| KNOWN.iter().chain(&INLINE).chain(&OF_SIGN_IN).any(|known| *known == name);
        let has_more = fields.keys().any(|name| !is_known(name));
        let provider = word("provider").filter(|provider| !provider.is_empty());
        let provider = provider.unwrap_or_else(|| id.split(':').next().unwrap_or_default().to_owned());
        Some(Self {
            id: id.to_owned(),
            provider: provider.to_ascii_lowercase(),
            kind,
            expires: fields.get("expires").and_then(|raw| instant(raw)),
            secret,
            others,
            has_more,
        })
    }
}

/// Returns whether a value of the client can be a secret, instead of a mask or a word for nothing.
#[must_use]
pub fn is_something(secret: &SecretString) -> bool {
    let text = secret.expose_secret().trim();
    !text.is_empty() && secret_format::is_mask(text).is_none() && !secret_format::is_nothing(text)
}

/// Parses the profiles of a store, in their order: `{"version": 1, "profiles": {…}}`, or the flat map of older clients.
///
/// # Errors
/// `BAD_DATA` and `DUPLICATE_KEY` if it is not a store; the message quotes nothing.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<StoredProfile>> {
    let root: &RawValue = json::parse(bytes, messages::PROFILES)?;
    let root = object(root).ok_or_else(messages::no_profiles)?;
    let is_flat = !root.contains_key("profiles");
    let entries = match root.get("profiles") {
        Some(profiles) => object(profiles).ok_or_else(messages::no_profiles)?,
        None => root,
    };
    let read = entries.iter().filter_map(|(id, raw)| StoredProfile::read(id, raw));
    // A flat map also has members that are no profiles.
    Ok(read.filter(|one| !is_flat || one.kind.is_some() || one.is_plain()).collect())
}

/// Returns where the secret of an entry is. A reference counts before a value, as it does for the client.
fn kept(fields: &Fields<'_>, kind: Option<CredentialType>) -> Kept {
    let given = |name| fields.get(name).copied();
    let references = ["keyRef", "tokenRef"].into_iter().chain(INLINE);
    if let Some(reference) = references.filter_map(given).find_map(reference) {
        return Kept::Reference(reference);
    }
    let own = (kind == Some(CredentialType::Token)).then_some("token");
    if let Some(value) = own.into_iter().chain(INLINE).find_map(|name| value(fields, name)) {
        return Kept::Plain(value);
    }
    if OF_SIGN_IN.into_iter().any(|name| value(fields, name).is_some()) {
        return Kept::SignIn;
    }
    Kept::Nowhere
}

/// Returns the secrets of an entry beside its own. A sign-in consists of several.
fn others(fields: &Fields<'_>, own: &Kept) -> Vec<SecretString> {
    let is_own = |text: &SecretString| match own {
        Kept::Plain(own) => own.expose_secret().trim() == text.expose_secret().trim(),
        Kept::SignIn => true,
        Kept::Reference(_) | Kept::Nowhere => false,
    };
    let values = INLINE.into_iter().chain(OF_SIGN_IN).filter_map(|name| value(fields, name));
    values.filter(|text| is_something(text) && !is_own(text)).collect()
}

fn value(fields: &Fields<'_>, name: &str) -> Option<SecretString> {
    let value = text(fields.get(name)?)?;
    (!value.expose_secret().trim().is_empty()).then_some(value)
}

fn reference(raw: &RawValue) -> Option<Reference> {
    let fields = object(raw)?;
    let word = |name| fields.get(name).and_then(|raw| text(raw)).map(|text| text.expose_secret().to_owned());
    Some(Reference {
        source: word("source")?,
        provider: word("provider").unwrap_or_default(),
        id: word("id")?,
    })
}

/// Reads a time in Unix milliseconds, which JavaScript writes as an integer or a fraction. Zero means that it never expires.
fn instant(raw: &RawValue) -> Option<i64> {
    let number: f64 = raw.get().parse().ok()?;
    // Out of range, `as` saturates, and the value is filtered.
    #[allow(clippy::cast_possible_truncation)]
    Some(number.floor() as i64).filter(|at| (1..=EXPIRES_MAX).contains(at))
}

/// Returns a name of the client for people, or `what` and its number if the name may contain a secret.
pub(super) fn shown(name: &str, what: &str, index: usize) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@+/".contains(c);
    if !secret_format::may_be_shown(name) {
        format!("{what} {}", index + 1)
    } else if name.chars().all(is_plain) {
        name.to_owned()
    } else {
        quoted_in_full(name)
    }
}

// Not derived, because an id comes from the file unchecked.
impl fmt::Debug for StoredProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredProfile")
            .field("kind", &self.kind)
            .field("plain", &self.is_plain())
            .finish_non_exhaustive()
    }
}
