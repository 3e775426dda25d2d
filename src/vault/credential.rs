//! The credential of a profile: the secret, and its metadata.

use std::fmt;

use indexmap::IndexMap;

use super::id::Provider;
use crate::secret::{ExposeSecret, SecretString};

/// The latest instant that a JavaScript `Date` can hold, in Unix milliseconds.
pub const EXPIRES_MAX: i64 = 8_640_000_000_000_000;
/// The longest accepted secret, in bytes. A record of 16 KiB has room for it and for the fields of an OAuth credential.
pub const SECRET_MAX: usize = 10 * 1024;

/// The most bytes that a secret and its further fields may take together, so that the encrypted record stays within
/// its limit.
pub const FIELDS_MAX: usize = 14 * 1024;

/// The type of a credential, as OpenClaw spells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CredentialType {
    /// A provider's API key.
    ApiKey,
    /// A static bearer token, with an optional expiry. A setup-token is one.
    Token,
    /// An OAuth sign-in: access token, refresh token, expiry.
    OAuth,
}

impl CredentialType {
    /// Returns its name in indexes and records: `api_key`, `token` or `oauth`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Token => "token",
            Self::OAuth => "oauth",
        }
    }

    /// Returns the type with this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ApiKey, Self::Token, Self::OAuth].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for CredentialType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A credential in memory. The secret and the further fields are never shown.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The type.
    pub kind: CredentialType,
    /// The provider.
    pub provider: Provider,
    /// The key, the token, or the access token of an OAuth credential.
    pub secret: SecretString,
    /// When it expires, in Unix milliseconds.
    pub expires: Option<i64>,
    /// The e-mail address of the account.
    pub email: Option<String>,
    /// A name for people.
    pub display_name: Option<String>,
    /// Whether OpenClaw may copy it to other agents.
    pub copy_to_agents: Option<bool>,
    /// Every other field that was imported (`refresh`, `idToken`, `metadata`, `baseUrl`, …), in
    /// order, each value as its JSON text.
    pub extra: IndexMap<String, SecretString>,
}

impl Credential {
    /// Returns a credential without further metadata.
    #[must_use]
    pub fn new(kind: CredentialType, provider: Provider, secret: SecretString) -> Self {
        Self {
            kind,
            provider,
            secret,
            expires: None,
            email: None,
            display_name: None,
            copy_to_agents: None,
            extra: IndexMap::new(),
        }
    }

    /// Returns the number of bytes that the secret and the further fields take together.
    #[must_use]
    pub fn size(&self) -> usize {
        let extra = self.extra.iter().map(|(name, value)| name.len() + value.expose_secret().len());
        self.secret.expose_secret().len() + extra.sum::<usize>()
    }

    /// Returns whether two credentials have the same secret, whatever their metadata. A refresh token is part of the
    /// secret.
    #[must_use]
    pub fn same_secret_as(&self, other: &Self) -> bool {
        let refresh = [self, other].map(|c| c.extra.get("refresh").map(ExposeSecret::expose_secret));
        self.secret.expose_secret() == other.secret.expose_secret() && refresh[0] == refresh[1]
    }

    /// Returns whether two credentials have the same secret and the same metadata.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let plain = |c: &Self| {
            (c.kind, c.provider.clone(), c.expires, c.email.clone(), c.display_name.clone(), c.copy_to_agents)
        };
        plain(self) == plain(other)
            && self.secret.expose_secret() == other.secret.expose_secret()
            && self.extra.len() == other.extra.len()
            && self.extra.iter().all(|(key, value)| {
                other.extra.get(key).is_some_and(|o| o.expose_secret() == value.expose_secret())
            })
    }
}
