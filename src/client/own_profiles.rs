//! The providers of credentials that the client keeps in its own `auth-profiles.json`.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use super::file;
use super::places::Places;
use crate::env::Env;
use crate::vault::id::AgentName;
use crate::vault::index::entry::EXEC_PROVIDER;

/// The largest file that is read, in bytes.
const MAX: u64 = 4 * 1024 * 1024;

#[derive(serde::Deserialize)]
struct Store<'a> {
    #[serde(borrow)]
    profiles: HashMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'a> {
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(default)]
    key: Said,
    #[serde(default)]
    token: Said,
    #[serde(default)]
    access: Said,
    #[serde(default)]
    refresh: Said,
    #[serde(default, borrow)]
    key_ref: Option<Reference<'a>>,
    #[serde(default, borrow)]
    token_ref: Option<Reference<'a>>,
}

#[derive(serde::Deserialize)]
struct Reference<'a> {
    #[serde(default, borrow)]
    source: Cow<'a, str>,
    #[serde(default, borrow)]
    provider: Cow<'a, str>,
}

impl Reference<'_> {
    /// Returns whether it refers to something else than this program.
    fn is_elsewhere(&self) -> bool {
        match &*self.source {
            "env" | "file" => true,
            "exec" => !self.provider.is_empty() && self.provider != EXEC_PROVIDER,
            _ => false,
        }
    }
}

/// Whether a member is a non-empty text. The text, which is a secret, is not kept.
#[derive(Clone, Copy, Default)]
struct Said(bool);

impl Profile<'_> {
    fn is_kept_there(&self) -> bool {
        let said = [self.key, self.token, self.access, self.refresh].iter().any(|said| said.0);
        let references = [&self.key_ref, &self.token_ref];
        said || references.into_iter().flatten().any(Reference::is_elsewhere)
    }
}

/// Returns the providers of an agent's profiles that contain their secret, or refer to a variable, a file or another
/// program than this one. The agent's directory is the one in the configuration, or else the usual one.
///
/// A file that cannot be read has no profiles, because the client checks its own files.
pub(super) fn providers(env: &Env, agent: &AgentName, directory: Option<&str>) -> BTreeSet<String> {
    let named = directory.map(|directory| {
        match (directory.strip_prefix("~/"), env.path("OPENCLAW_HOME").or_else(|| env.path("HOME"))) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(directory),
        }
    });
    let usual = || -> Option<PathBuf> {
        Some(Places::of(env).dotenv?.parent()?.join("agents").join(agent.as_str()).join("agent"))
    };
    let path = named.or_else(usual).map(|directory| directory.join("auth-profiles.json"));
    let bytes = path.and_then(|path| file::read(&path, MAX).ok());
    let Some((bytes, _)) = bytes else { return BTreeSet::new() };
    let Ok(store) = serde_json::from_slice::<Store>(bytes.expose()) else { return BTreeSet::new() };
    let profiles = store.profiles.values().filter_map(|raw| serde_json::from_str::<Profile>(raw.get()).ok());
    profiles
        .filter(Profile::is_kept_there)
        .map(|profile| profile.provider.trim().to_ascii_lowercase())
        .collect()
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Say)
    }
}

struct Say;

impl Visitor<'_> for Say {
    type Value = Said;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("anything")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Said, E> {
        Ok(Said(!text.trim().is_empty()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Said, E> {
        Ok(Said(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_keeps_itself_is_told_from_what_it_asks_for() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".openclaw/agents/main/agent");
        std::fs::create_dir_all(&directory).unwrap();
        let env = Env::default().with_var("HOME", home.path());
        let found = |text: &str| {
            std::fs::write(directory.join("auth-profiles.json"), text).unwrap();
            providers(&env, &AgentName::default(), None).into_iter().collect::<Vec<_>>()
        };
        let text = r#"{ "version": 1, "profiles": {
            "a:x": { "type": "api_key", "provider": "A", "key": "made-up" },
            "b:x": { "type": "api_key", "provider": "b", "key": "" },
            "c:x": { "type": "token", "provider": "c", "tokenRef": { "source": "exec", "provider": "strongroom", "id": "main/c:x" } },
            "d:x": { "type": "api_key", "provider": "d", "keyRef": { "source": "env", "provider": "default", "id": "D" } },
            "e:x": { "type": "oauth", "provider": "e", "access": "made-up", "refresh": "made-up" },
            "f:x": { "type": "token", "provider": "f", "tokenRef": { "source": "exec", "provider": "other", "id": "f" } } } }"#;
        assert_eq!(found(text), ["a", "d", "e", "f"]);
        for directory in ["~/elsewhere", home.path().join("elsewhere").to_str().unwrap()] {
            std::fs::create_dir_all(home.path().join("elsewhere")).unwrap();
            std::fs::write(home.path().join("elsewhere/auth-profiles.json"), text).unwrap();
            std::fs::write(home.path().join(".openclaw/agents/main/agent/auth-profiles.json"), "{}").unwrap();
            assert_eq!(providers(&env, &AgentName::default(), Some(directory)).len(), 4, "{directory}");
        }
        let text =
            r#"{ "profiles": { "a:x": 1, "b:x": { "provider": "b", "key": "made-up\n", "more": {} } } }"#;
        assert_eq!(found(text), ["b"]);
        for text in [
            "",
            "{",
            "[]",
            r#"{"profiles":[1]}"#,
            r#"{"profiles":{"a:x":1}}"#,
            r#"{"profiles":{"a:x":{"provider":"a","key":null}}}"#,
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
