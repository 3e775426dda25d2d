//! What selection and status know about a profile, without its secret.

use serde::Serialize;

use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider, Reference};
use crate::vault::record::Details;

/// Providers that distribute the requests of one key: a failure says nothing about the next request.
const EXEMPT_FROM_COOLDOWN: [&str; 2] = ["openrouter", "kilocode"];

/// Returns whether a provider's profiles never cool down after failures.
#[must_use]
pub fn is_exempt(provider: &Provider) -> bool {
    EXEMPT_FROM_COOLDOWN.contains(&provider.as_str())
}

/// Whether a profile has a usable secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usable {
    /// The record was decrypted, and matches the index.
    Verified,
    /// The record exists; it was not decrypted.
    Unverified,
    /// There is no record.
    Missing,
    /// The record cannot be decrypted, or belongs somewhere else.
    Corrupt,
    /// The record exists but cannot be read by this user or from this disk; it may be intact.
    Unreadable,
    /// The record is older than the index entry.
    RolledBack,
    /// The index entry holds its secret in plaintext: another program wrote it, Strongroom has no record.
    Plaintext,
    /// The index entry refers to another secret provider: Strongroom has no record.
    Reference,
}

impl Usable {
    /// Returns the word as it is spelled in a report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Missing => "missing",
            Self::Corrupt => "corrupt",
            Self::Unreadable => "unreadable",
            Self::RolledBack => "rolled-back",
            Self::Plaintext => "plaintext",
            Self::Reference => "reference",
        }
    }
}

/// A profile as selection and status see it. Type, provider and expiry come from the record if it was decrypted, or
/// else from the index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileView {
    /// Its id.
    pub id: ProfileId,
    /// Its provider.
    pub provider: Provider,
    /// Its type.
    pub kind: CredentialType,
    /// When it expires, in Unix milliseconds.
    pub expires: Option<i64>,
    /// Whether its expiry is invalid. `expires` is then `None`.
    pub invalid_expires: bool,
    /// The account's address.
    pub email: Option<String>,
    /// Whether its secret is usable.
    pub usable: Usable,
    /// The name of the store that holds the record.
    pub store: Option<String>,
    /// A reference to another secret provider, as `<source>:<id>`, for [`Usable::Reference`].
    pub foreign: Option<String>,
    /// What the record has in addition to the credential, if it was decrypted.
    pub details: Option<Details>,
}

impl ProfileView {
    /// Returns a profile about which only the necessary is known: unverified and without an expiry.
    #[must_use]
    pub fn new(id: ProfileId, kind: CredentialType) -> Self {
        Self {
            provider: id.provider(),
            id,
            kind,
            expires: None,
            invalid_expires: false,
            email: None,
            usable: Usable::Unverified,
            store: None,
            foreign: None,
            details: None,
        }
    }

    /// Returns whether the credential has expired. At that exact millisecond it has.
    #[must_use]
    pub fn expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Returns the reference by which a client asks for it, as OpenClaw shows one: `exec:main/anthropic:work`.
    #[must_use]
    pub fn reference(&self, agent: &AgentName) -> Option<String> {
        match self.usable {
            Usable::Plaintext => None,
            Usable::Reference => self.foreign.clone(),
            _ => Some(format!("exec:{}", Reference::id_of(agent, &self.id))),
        }
    }

    /// Returns OpenClaw's label of a profile, such as `anthropic:work=token:ref(exec:main/anthropic:work)`. It never
    /// contains a character of a secret.
    #[must_use]
    pub fn label(&self, agent: &AgentName) -> String {
        let place = match (self.usable, self.reference(agent)) {
            (Usable::Missing, _) => "missing".to_owned(),
            (Usable::Plaintext, _) => "plaintext".to_owned(),
            (_, Some(reference)) => format!("ref({reference})"),
            (_, None) => "ref(unknown)".to_owned(),
        };
        let kind = match self.kind {
            CredentialType::ApiKey => "",
            CredentialType::Token => "token:",
            CredentialType::OAuth => "oauth:",
        };
        format!("{}={kind}{place}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(id: &str, kind: CredentialType) -> ProfileView {
        ProfileView::new(id.parse().unwrap(), kind)
    }

    #[test]
    fn labels_show_references_as_openclaw_does() {
        let agent = AgentName::default();
        for (kind, usable, label) in [
            (CredentialType::ApiKey, Usable::Verified, "a:b@c=ref(exec:main/a:b_40c)"),
            (CredentialType::Token, Usable::Unverified, "a:b@c=token:ref(exec:main/a:b_40c)"),
            (CredentialType::OAuth, Usable::Corrupt, "a:b@c=oauth:ref(exec:main/a:b_40c)"),
            (CredentialType::Token, Usable::Missing, "a:b@c=token:missing"),
            (CredentialType::ApiKey, Usable::Plaintext, "a:b@c=plaintext"),
            (CredentialType::ApiKey, Usable::Reference, "a:b@c=ref(env:KEY)"),
        ] {
            let view = ProfileView { usable, foreign: Some("env:KEY".to_owned()), ..view("a:b@c", kind) };
            assert_eq!(view.label(&agent), label);
        }
    }

    #[test]
    fn a_credential_is_expired_at_its_very_millisecond() {
        for (expires, expired) in [(None, false), (Some(999), true), (Some(1000), true), (Some(1001), false)]
        {
            let view = ProfileView { expires, ..view("a:b", CredentialType::Token) };
            assert_eq!(view.expired(1000), expired, "{expires:?}");
        }
    }

    #[test]
    fn names_and_serialised_names_agree() {
        for usable in [Usable::Verified, Usable::Unverified, Usable::RolledBack, Usable::Reference] {
            assert_eq!(serde_json::to_value(usable).unwrap(), usable.as_str());
        }
    }
}
