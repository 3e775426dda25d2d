//! Pins: the profile of a session, and the names of sessions and models.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::messages;
use crate::vault::id::ProfileId;

/// The most pins of an agent.
pub const PINS_MAX: usize = 1000;
/// The longest name of a session or of a model, in bytes.
const NAME_MAX: usize = 256;

/// A session's name in the client, such as `agent:main:telegram:group:-100:topic:5`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SessionName(String);

impl SessionName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_name(text) && !matches!(text, "__proto__" | "constructor" | "prototype") {
            return Ok(Self(text.to_owned()));
        }
        Err(messages::select::invalid_session())
    }
}

/// A model, as a person or a configuration spells it: an alias or `<provider>/<model>`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Model(String);

impl Model {
    /// Returns the model as it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Model {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(messages::select::invalid_model())
    }
}

impl TryFrom<String> for Model {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Model> for String {
    fn from(model: Model) -> Self {
        model.0
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:@+/#=-".contains(&byte))
}

/// Who pinned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinnedBy {
    /// A person. No other profile is used for the session.
    User,
    /// A report of a success. The profile is tried first, so that the provider's cache stays warm.
    Auto,
}

/// The profile of a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pin {
    /// The profile.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub profile: ProfileId,
    /// The model that was asked for with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Who pinned it.
    pub source: PinnedBy,
    /// When it was pinned, in Unix milliseconds.
    pub at: i64,
}

fn as_text<S: serde::Serializer>(id: &ProfileId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

fn from_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<ProfileId, D::Error> {
    // The parser's error could quote the value.
    String::deserialize(deserializer)?.parse().map_err(|_| serde::de::Error::custom("not a profile id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_the_clients_names() {
        for text in ["main", "agent:main:telegram:group:-100123:topic:5", "tg/42#x=1", "me@x.io"] {
            assert_eq!(text.parse::<SessionName>().unwrap().as_str(), text);
        }
        let long = "a".repeat(257);
        for text in ["", "a b", "a\u{1b}[2J", "__proto__", "ä", "a\n", long.as_str()] {
            let error = text.parse::<SessionName>().unwrap_err();
            assert!(text.is_empty() || !error.what().contains(text));
        }
    }
}
