//! Who may ask the proxy. An agent's ledger has the list, so that it is signed with the agent's key, and an older list
//! that is put back is an older ledger.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::allowed_files::AllowedProfile;
use super::id::{ProfileId, Provider};
use crate::error::{Error, Result};
use crate::messages::access as messages;
use crate::seal::keys::{hex, unhex};

/// The most accesses of an agent.
pub const ACCESSES_MAX: usize = 64;
/// The most providers and profiles of an access, together.
pub const BOUND_MAX: usize = 64;
/// The longest name, in bytes.
const NAME_MAX: usize = 64;
/// How many requests of an access may run at the same time, if nothing else was chosen.
pub const AT_ONCE: u32 = 64;

/// The name of an access: lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or a digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AccessName(String);

impl AccessName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccessName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for AccessName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let begins = text.bytes().next().is_some_and(is_usual);
        let fits = text.bytes().all(|byte| is_usual(byte) || b"-_.".contains(&byte));
        if begins && fits && text.len() <= NAME_MAX {
            return Ok(Self(text.to_owned()));
        }
        Err(messages::invalid_name(NAME_MAX))
    }
}

/// One who may ask the proxy for an agent's profiles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Access {
    /// Its name.
    pub name: AccessName,
    /// The SHA-256 of its token. The token has 256 random bits, so that a plain digest reveals nothing of it.
    pub token: [u8; 32],
    /// The providers whose profiles it may use, whichever they are at that time.
    pub providers: Vec<Provider>,
    /// Single profiles that it may use.
    pub profiles: Vec<AllowedProfile>,
    /// How many requests it may make in a minute, or `None` without a limit.
    pub per_minute: Option<u32>,
    /// How many of its requests may run at the same time.
    pub at_once: u32,
    /// When it was added, in Unix milliseconds.
    pub created: i64,
    /// When it ends, in Unix milliseconds.
    pub expires: Option<i64>,
}

/// A member that a later version adds may narrow an access, so it is not overlooked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Text {
    name: String,
    token: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    providers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<TextProfile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    per_minute: Option<u32>,
    at_once: u32,
    created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextProfile {
    id: String,
    created: i64,
}

impl Access {
    /// Returns the SHA-256 of a token.
    #[must_use]
    pub fn digest(token: &[u8]) -> [u8; 32] {
        Sha256::digest(token).into()
    }

    /// Returns whether a token with this SHA-256 is its own. Takes the same time whatever the answer.
    #[must_use]
    pub fn has_token(&self, digest: &[u8; 32]) -> bool {
        self.token.ct_eq(digest).into()
    }

    /// Returns whether it has ended.
    #[must_use]
    pub fn has_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// Returns whether it may use a profile. `created` is when the profile was created, in Unix milliseconds: a profile
    /// that was removed and created again under the same id is another one. `shares` says whether two providers share
    /// their profiles.
    #[must_use]
    pub fn may_use(
        &self,
        id: &ProfileId,
        provider: &Provider,
        created: i64,
        shares: impl Fn(&Provider, &Provider) -> bool,
    ) -> bool {
        self.providers.iter().any(|own| shares(own, provider))
            || self.profiles.iter().any(|own| own.id == *id && own.created == created)
    }

    /// Returns it as the log records it.
    #[must_use]
    pub fn bound_to(&self) -> Vec<String> {
        let providers = self.providers.iter().map(ToString::to_string);
        providers.chain(self.profiles.iter().map(|profile| profile.id.to_string())).collect()
    }

    /// Returns it as a ledger has it; `None` if it has what this version does not know.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let text = Text::deserialize(value).ok()?;
        let profile =
            |one: TextProfile| Some(AllowedProfile { id: one.id.parse().ok()?, created: one.created });
        Some(Self {
            name: text.name.parse().ok()?,
            token: unhex(&text.token)?,
            providers: text.providers.iter().map(|name| name.parse().ok()).collect::<Option<_>>()?,
            profiles: text.profiles.into_iter().map(profile).collect::<Option<_>>()?,
            per_minute: text.per_minute,
            at_once: text.at_once,
            created: text.created,
            expires: text.expires,
        })
    }

    /// Returns it for a ledger.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn to_value(&self) -> Result<Value> {
        let profile = |one: &AllowedProfile| TextProfile { id: one.id.to_string(), created: one.created };
        serde_json::to_value(Text {
            name: self.name.to_string(),
            token: hex(&self.token),
            providers: self.providers.iter().map(ToString::to_string).collect(),
            profiles: self.profiles.iter().map(profile).collect(),
            per_minute: self.per_minute,
            at_once: self.at_once,
            created: self.created,
            expires: self.expires,
        })
        .map_err(|_| messages::not_serialized())
    }
}

/// Returns the name of an access as a ledger has it, even if this version cannot read the rest.
#[must_use]
pub fn name_of(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}

/// Renames a profile in accesses as a ledger has them. Returns whether one names it.
pub fn rename(accesses: &mut [Value], from: &ProfileId, to: &ProfileId) -> bool {
    let profiles =
        accesses.iter_mut().filter_map(|access| access.get_mut("profiles")?.as_array_mut()).flatten();
    let ids = profiles.filter_map(|profile| profile.get_mut("id"));
    let mut renamed = false;
    for id in ids.filter(|id| id.as_str() == Some(from.as_str())) {
        *id = to.as_str().into();
        renamed = true;
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access {
            name: "builder".parse().unwrap(),
            token: Access::digest(b"made-up-token"),
            providers: vec!["groq".parse().unwrap()],
            profiles: vec![AllowedProfile { id: "openai:default".parse().unwrap(), created: 7 }],
            per_minute: Some(60),
            at_once: AT_ONCE,
            created: 8,
            expires: Some(9),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        assert_eq!(Access::read(&access().to_value().unwrap()), Some(access()));
    }

    #[test]
    fn what_this_version_does_not_know_is_not_overlooked() {
        for (member, value) in [
            ("hours", serde_json::json!("9-17")),
            ("name", "../x".into()),
            ("token", "00".into()),
            ("providers", serde_json::json!(["a b"])),
            ("profiles", serde_json::json!([{ "id": "openai:default", "created": 7, "model": "x" }])),
        ] {
            let mut written = access().to_value().unwrap();
            written[member] = value;
            assert_eq!(Access::read(&written), None, "{written}");
        }
    }

    #[test]
    fn it_is_bound_to_providers_and_to_profiles_that_were_not_created_again() {
        let access = access();
        let may = |id: &str, created| {
            let id: ProfileId = id.parse().unwrap();
            access.may_use(&id, &id.provider(), created, |a, b| a == b)
        };
        assert!(may("groq:one", 1) && may("groq:two", 2) && may("openai:default", 7));
        assert!(!may("openai:default", 8) && !may("openai:other", 7) && !may("xai:default", 7));
    }

    #[test]
    fn a_renamed_profile_is_followed() {
        let mut all = [access().to_value().unwrap()];
        let (from, to) = ("openai:default".parse().unwrap(), "openai:work".parse().unwrap());
        assert!(rename(&mut all, &from, &to) && !rename(&mut all, &from, &to));
        assert_eq!(Access::read(&all[0]).unwrap().profiles[0].id, to);
    }

    #[test]
    fn only_its_own_token_fits() {
        assert!(access().has_token(&Access::digest(b"made-up-token")));
        assert!(!access().has_token(&Access::digest(b"made-up-tokem")));
    }

    #[test]
    fn a_name_is_a_plain_word() {
        for name in ["a", "builder-2", "9.x_y"] {
            assert!(name.parse::<AccessName>().is_ok(), "{name}");
        }
        for name in ["", "-a", "A", "a b", "../x", "a\nb", &"a".repeat(65)] {
            assert!(name.parse::<AccessName>().is_err(), "{name}");
        }
    }
}
