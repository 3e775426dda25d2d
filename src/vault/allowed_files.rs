//! Files of variables that a person allowed to have secrets. The settings keep them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{AgentName, ProfileId};
use super::settings::Settings;

/// The most files that are allowed at once, for all agents together.
pub const FILES_MAX: usize = 100;
/// The most profiles that one file may have.
pub const PROFILES_MAX: usize = 64;

/// A file that a person allowed. It counts for these bytes at this path, and for these profiles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedFile {
    /// The absolute path by which it is named, without `.` and `..`. Links are not followed.
    pub path: String,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// The agent whose profiles it may have.
    pub agent: AgentName,
    /// The profiles.
    pub profiles: Vec<AllowedProfile>,
    /// When it was allowed, in Unix milliseconds.
    pub at: i64,
}

/// A profile that a file may have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedProfile {
    /// Its id.
    pub id: ProfileId,
    /// When the profile was created, in Unix milliseconds: a profile that was removed and created again under the same
    /// id is another one, and one with a new secret is the same.
    pub created: i64,
}

impl AllowedFile {
    /// Returns whether it is at this path and for this agent: there is one such entry at most.
    #[must_use]
    pub fn is_at(&self, path: &str, agent: &AgentName) -> bool {
        self.path == path && self.agent == *agent
    }

    /// Returns it as the log records it.
    #[must_use]
    pub fn told(&self) -> String {
        let ids: Vec<_> = self.profiles.iter().map(|profile| profile.id.as_str()).collect();
        format!("{} (sha256 {}, agent {}: {})", self.path, self.sha256, self.agent, ids.join(", "))
    }

    /// Returns it as the settings have it; `None` if it has what this version does not know.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = Text::deserialize(value).ok()?;
        let profile =
            |one: TextProfile| Some(AllowedProfile { id: one.id.parse().ok()?, created: one.created });
        Some(Self {
            path: text.path,
            sha256: text.sha256,
            agent: text.agent.parse().ok()?,
            profiles: text.profiles.into_iter().map(profile).collect::<Option<_>>()?,
            at: text.at,
        })
    }

    /// Returns it for the settings.
    pub(super) fn to_value(&self) -> Option<Value> {
        let profile = |one: &AllowedProfile| TextProfile { id: one.id.to_string(), created: one.created };
        serde_json::to_value(Text {
            path: self.path.clone(),
            sha256: self.sha256.clone(),
            agent: self.agent.to_string(),
            profiles: self.profiles.iter().map(profile).collect(),
            at: self.at,
        })
        .ok()
    }
}

/// A member that a later version adds may narrow what is allowed, so it is not overlooked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    path: String,
    sha256: String,
    agent: String,
    profiles: Vec<TextProfile>,
    at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextProfile {
    id: String,
    created: i64,
}

impl Settings {
    /// Returns the allowed file at a path, for an agent.
    #[must_use]
    pub fn allowed_file(&self, path: &str, agent: &AgentName) -> Option<&AllowedFile> {
        self.env_files.iter().find(|file| file.is_at(path, agent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> AllowedFile {
        AllowedFile {
            path: "/p/.env".to_owned(),
            sha256: "00".repeat(32),
            agent: "ops".parse().unwrap(),
            profiles: vec![AllowedProfile { id: "groq:default".parse().unwrap(), created: 7 }],
            at: 8,
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        assert_eq!(AllowedFile::read(&file().to_value().unwrap()), Some(file()));
    }

    #[test]
    fn what_this_version_does_not_know_is_not_overlooked() {
        for (member, value) in [
            ("until", serde_json::json!(9)),
            ("agent", "../x".into()),
            ("profiles", serde_json::json!([{ "id": "groq:default", "created": 7, "host": "x" }])),
            ("profiles", serde_json::json!([{ "id": "nope", "created": 7 }])),
        ] {
            let mut written = file().to_value().unwrap();
            written[member] = value;
            assert_eq!(AllowedFile::read(&written), None, "{written}");
        }
    }
}
