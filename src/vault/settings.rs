//! `settings.json`: the user's choices, with a MAC of the vault key.
//!
//! Settings decide where a secret goes and what is deleted, so they count only if they verify: by their MAC, and by the
//! vault's own ledger, which has their SHA-256. Otherwise the safe defaults apply, and it is a finding. Colour and time
//! zone decide only what output looks like, so they are read without a key.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use strongroom_backends::StoreError;
use strongroom_backends::fs::dir::Dir;

use super::allowed_files::AllowedFile;
use super::id::AgentName;
use super::store::Store;
use crate::error::{Error, Result};
use crate::messages::vault::settings as messages;
use crate::seal::keys::{Ring, hex, label};
use crate::seal::signed::{self, Use};
use crate::term::style::Color;
use crate::time::Zone;

/// The file's name in the home.
pub const FILE: &str = "settings.json";
/// The largest such file, in bytes. Most of it is what undoes the changes to clients' files, and which files may have
/// secrets.
pub const MAX: usize = 1024 * 1024;
/// The version of its format. A later version that this program must not overlook has a higher number.
const FORMAT: u32 = 1;

/// How many days earlier versions of a profile are kept, if the user did not choose.
pub const HISTORY_DAYS: u32 = 30;
/// The longest time that earlier versions are kept, in days.
pub const HISTORY_DAYS_MAX: u32 = 3650;

/// The member of a connection that says which agent its client uses if none is named.
const CLIENT_AGENT: &str = "defaultAgent";

const PURPOSE: Use<'static> = Use { salt: "settings", label: label::SETTINGS };

/// The settings of a vault. `None` is the default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// The store of new profiles.
    pub default_store: Store,
    /// The agent of commands that name none.
    pub default_agent: Option<AgentName>,
    /// How many days earlier versions of a profile are kept.
    pub history_days: Option<u32>,
    /// The time zone of times for people.
    pub time_zone: Option<Zone>,
    /// When colour is used.
    pub color: Option<Color>,
    /// The clients that are connected, by their names, each with what undoes the changes to its files.
    pub connections: Map<String, Value>,
    /// The files of variables that may have secrets.
    pub env_files: Vec<AllowedFile>,
    /// What a later version has set. It is kept as it is.
    pub others: Map<String, Value>,
}

/// The name of a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// `default-store`.
    DefaultStore,
    /// `default-agent`.
    DefaultAgent,
    /// `history-days`.
    HistoryDays,
    /// `time-zone`.
    TimeZone,
    /// `color`.
    Color,
}

impl Key {
    /// All settings, in the order in which they are listed.
    pub const ALL: [Self; 5] =
        [Self::DefaultStore, Self::DefaultAgent, Self::HistoryDays, Self::TimeZone, Self::Color];

    /// Returns its name on the command line and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DefaultStore => "default-store",
            Self::DefaultAgent => "default-agent",
            Self::HistoryDays => "history-days",
            Self::TimeZone => "time-zone",
            Self::Color => "color",
        }
    }

    /// Returns the value that applies if the user did not choose one.
    #[must_use]
    pub fn default_value(self) -> String {
        match self {
            Self::DefaultStore => Store::default().to_string(),
            Self::DefaultAgent => AgentName::default().to_string(),
            Self::HistoryDays => HISTORY_DAYS.to_string(),
            Self::TimeZone => Zone::LOCAL.to_owned(),
            Self::Color => Color::default().as_str().to_owned(),
        }
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = || Self::ALL.map(Self::as_str);
        Self::ALL.into_iter().find(|key| key.as_str() == text).ok_or_else(|| messages::unknown_key(&known()))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    format: u32,
    vault: String,
    key: String,
    default_store: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history_days: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    color: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    connections: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    env_files: Vec<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Returns what the file says, unverified: enough for output, and to tell whether a keychain may be in use. A value
/// that cannot be right is left out.
#[must_use]
pub fn unverified(home: &Dir) -> Settings {
    let read = || -> Option<Value> {
        let bytes = home.read_if_any(FILE, MAX).ok()??;
        serde_json::from_str(signed::split(&bytes)?.json).ok()
    };
    let text = read().unwrap_or_default();
    let says = |member: &str| text.get(member).and_then(Value::as_str);
    Settings {
        default_store: says("defaultStore").and_then(|text| text.parse().ok()).unwrap_or_default(),
        default_agent: says("defaultAgent").and_then(|text| text.parse().ok()),
        history_days: text
            .get("historyDays")
            .and_then(Value::as_u64)
            .and_then(|days| u32::try_from(days).ok())
            .filter(|days| are_days(*days)),
        time_zone: says("timeZone").and_then(Zone::named),
        color: says("color").and_then(Color::named),
        connections: text.get("connections").map(agents_of).unwrap_or_default(),
        env_files: Vec::new(),
        others: Map::new(),
    }
}

/// Returns the connections without anything but the default agents of their clients.
fn agents_of(connections: &Value) -> Map<String, Value> {
    let agent = |(client, connection): (&String, &Value)| {
        let agent = connection.get(CLIENT_AGENT)?.clone();
        Some((client.clone(), Value::Object(Map::from_iter([(CLIENT_AGENT.to_owned(), agent)]))))
    };
    connections.as_object().map(|all| all.iter().filter_map(agent).collect()).unwrap_or_default()
}

/// Returns whether the file names a connected client, unverified: whether it is worth reading the settings for that.
#[must_use]
pub fn names_connections(home: &Dir) -> bool {
    let read = home.read_if_any(FILE, MAX).ok().flatten();
    read.is_some_and(|bytes| bytes.windows(CONNECTIONS.len()).any(|part| part == CONNECTIONS))
}

/// The member of the file that names connected clients.
const CONNECTIONS: &[u8] = b"\"connections\"";

fn are_days(days: u32) -> bool {
    (1..=HISTORY_DAYS_MAX).contains(&days)
}

impl Settings {
    /// Reads the settings in a home. `digest` is their SHA-256 in the ledger, in hex.
    ///
    /// # Errors
    /// `TAMPERED` if they are others, `IO` if they cannot be read; then the defaults apply. `NEWER_FORMAT` if a later
    /// version wrote them, and this one would misread them.
    pub fn read(home: &Dir, ring: &Ring, digest: &str) -> Result<Self> {
        let tampered = messages::altered;
        let read = |name: &str| -> Result<Option<Vec<u8>>> {
            let bytes = match home.read_if_any(name, MAX) {
                // The file may be the right one.
                Err(error @ (StoreError::Denied { .. } | StoreError::Io { .. })) => return Err(error.into()),
                read => read.ok().flatten(),
            };
            Ok(bytes.filter(|bytes| hex(&Sha256::digest(bytes)) == digest))
        };
        // The name of settings that are committed but not yet in place.
        let staged = format!("{FILE}{}", crate::unlock::listing::NEW);
        let bytes = match read(FILE)? {
            Some(bytes) => bytes,
            None => read(&staged)?.ok_or_else(tampered)?,
        };
        let parts = signed::split(&bytes).ok_or_else(tampered)?;
        let text: Text = serde_json::from_str(parts.json).map_err(|_| tampered())?;
        let key = ring.get(&text.key).ok_or_else(tampered)?;
        if text.vault != ring.vault.as_str() || !signed::verifies(key, PURPOSE, &parts)? {
            return Err(tampered());
        }
        Self::of(text).ok_or_else(messages::newer)
    }

    /// Returns what a verified file says; `None` if it says what this version does not know.
    fn of(text: Text) -> Option<Self> {
        if text.format != FORMAT || text.history_days.is_some_and(|days| !are_days(days)) {
            return None;
        }
        Some(Self {
            default_store: text.default_store.parse().ok()?,
            default_agent: text.default_agent.map(|name| name.parse()).transpose().ok()?,
            history_days: text.history_days,
            time_zone: match text.time_zone {
                Some(name) => Some(Zone::named(&name)?),
                None => None,
            },
            color: match text.color {
                Some(name) => Some(Color::named(&name)?),
                None => None,
            },
            connections: text.connections,
            env_files: text.env_files.iter().map(AllowedFile::read).collect::<Option<_>>()?,
            others: text.others,
        })
    }

    /// Returns the signed bytes of the file.
    ///
    /// # Errors
    /// `TOO_LARGE` if it would not be read again; `INTERNAL`.
    pub fn to_bytes(&self, ring: &Ring) -> Result<Vec<u8>> {
        let env_files = self.env_files.iter().map(AllowedFile::to_value).collect::<Option<_>>();
        let text = Text {
            format: FORMAT,
            vault: ring.vault.to_string(),
            key: ring.current().id().to_string(),
            default_store: self.default_store.to_string(),
            default_agent: self.default_agent.as_ref().map(ToString::to_string),
            history_days: self.history_days,
            time_zone: self.time_zone.as_ref().map(|zone| zone.as_str().to_owned()),
            color: self.color.map(|color| color.as_str().to_owned()),
            connections: self.connections.clone(),
            env_files: env_files.ok_or_else(messages::not_serialized)?,
            others: self.others.clone(),
        };
        let json = serde_json::to_string(&text).map_err(|_| messages::not_serialized())?;
        let bytes = signed::sign(ring.current(), PURPOSE, &json)?.0.into_bytes();
        if bytes.len() > MAX { Err(messages::too_large(MAX)) } else { Ok(bytes) }
    }

    /// Returns the agent of commands that name none: the one that was chosen, else the default agent of a connected
    /// client, else `main`.
    #[must_use]
    pub fn agent(&self) -> AgentName {
        let of_client = || self.client_agent().map(|(_, agent)| agent);
        self.default_agent.clone().or_else(of_client).unwrap_or_default()
    }

    /// Returns the first connected client that has a default agent, and that agent, as it was when it was connected.
    #[must_use]
    pub fn client_agent(&self) -> Option<(&str, AgentName)> {
        self.connections.iter().find_map(|(client, connection)| {
            let agent = connection.get(CLIENT_AGENT)?.as_str()?.parse().ok()?;
            Some((client.as_str(), agent))
        })
    }

    /// Returns the value that applies without a choice, and the connected client that it comes from, if it does.
    #[must_use]
    pub fn default_of(&self, key: Key) -> (String, Option<&str>) {
        match self.client_agent().filter(|_| key == Key::DefaultAgent) {
            Some((client, agent)) => (agent.to_string(), Some(client)),
            None => (key.default_value(), None),
        }
    }

    /// Returns the value of a setting, unless the default applies.
    #[must_use]
    pub fn value(&self, key: Key) -> Option<String> {
        match key {
            Key::DefaultStore => {
                (self.default_store != Store::default()).then(|| self.default_store.to_string())
            }
            Key::DefaultAgent => self.default_agent.as_ref().map(ToString::to_string),
            Key::HistoryDays => self.history_days.map(|days| days.to_string()),
            Key::TimeZone => self.time_zone.as_ref().map(|zone| zone.as_str().to_owned()),
            Key::Color => self.color.map(|color| color.as_str().to_owned()),
        }
    }

    /// Changes a setting; without a value, to the default.
    ///
    /// # Errors
    /// `USAGE` or `INVALID_AGENT` for a value that the setting cannot have. The value is not quoted.
    pub fn put(&mut self, key: Key, value: Option<&str>) -> Result<()> {
        let Some(value) = value else {
            let default = Self::default();
            match key {
                Key::DefaultStore => self.default_store = default.default_store,
                Key::DefaultAgent => self.default_agent = None,
                Key::HistoryDays => self.history_days = None,
                Key::TimeZone => self.time_zone = None,
                Key::Color => self.color = None,
            }
            return Ok(());
        };
        match key {
            Key::DefaultStore => self.default_store = value.parse().map_err(|_| messages::not_a_store())?,
            Key::DefaultAgent => self.default_agent = Some(value.parse()?),
            Key::HistoryDays => {
                let digits = value.bytes().all(|byte| byte.is_ascii_digit());
                let days = value.parse().ok().filter(|days| digits && are_days(*days));
                self.history_days = Some(days.ok_or_else(|| messages::not_days(HISTORY_DAYS_MAX))?);
            }
            Key::TimeZone => {
                let zone = Zone::named(value).filter(Zone::is_known);
                self.time_zone = Some(zone.ok_or_else(messages::not_a_zone)?);
            }
            Key::Color => self.color = Some(Color::named(value).ok_or_else(messages::not_a_color)?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn text(more: &Value) -> Text {
        let mut text = serde_json::json!({
            "format": 1, "vault": "v", "key": "k", "defaultStore": "file",
        });
        text.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn an_older_file_has_the_defaults_and_a_later_one_is_kept() {
        assert_eq!(Settings::of(text(&serde_json::json!({}))).unwrap(), Settings::default());
        let later = Settings::of(text(&serde_json::json!({ "engine": { "url": "x" } }))).unwrap();
        assert_eq!(later.others["engine"]["url"], "x");
        for unknown in [
            serde_json::json!({ "format": 2 }),
            serde_json::json!({ "color": "rainbow" }),
            serde_json::json!({ "historyDays": 0 }),
            serde_json::json!({ "defaultStore": "cloud" }),
            serde_json::json!({ "defaultAgent": "../x" }),
            serde_json::json!({ "envFiles": [{ "path": "/p", "until": 9 }] }),
        ] {
            assert_eq!(Settings::of(text(&unknown)), None, "{unknown}");
        }
    }

    #[test]
    fn a_connected_client_names_the_agent_unless_one_was_chosen() {
        let of = |connections: Value| {
            Settings::of(text(&serde_json::json!({ "connections": connections }))).unwrap()
        };
        for (connections, agent) in [
            (serde_json::json!({}), "main"),
            (serde_json::json!({ "openclaw": { "config": "/c", "defaultAgent": "ops" } }), "ops"),
            (serde_json::json!({ "git": {}, "openclaw": { "defaultAgent": "ops" } }), "ops"),
            (serde_json::json!({ "openclaw": { "defaultAgent": "../x" } }), "main"),
            (serde_json::json!({ "openclaw": { "defaultAgent": 3 } }), "main"),
            (serde_json::json!({ "openclaw": "ops" }), "main"),
        ] {
            let mut settings = of(connections.clone());
            assert_eq!(settings.agent().as_str(), agent, "{connections}");
            assert_eq!(settings.default_of(Key::DefaultAgent).0, agent);
            settings.put(Key::DefaultAgent, Some("work")).unwrap();
            assert_eq!(settings.agent().as_str(), "work");
        }
        let claimed =
            agents_of(&serde_json::json!({ "openclaw": { "config": "/c", "defaultAgent": "ops" } }));
        assert_eq!(Value::Object(claimed), serde_json::json!({ "openclaw": { "defaultAgent": "ops" } }));
    }

    #[test]
    fn each_setting_is_put_read_and_unset() {
        let mut settings = Settings::default();
        for (key, value) in [
            (Key::DefaultStore, "keychain"),
            (Key::DefaultAgent, "work"),
            (Key::HistoryDays, "3650"),
            (Key::TimeZone, "UTC"),
            (Key::Color, "always"),
        ] {
            assert_eq!(key.as_str().parse::<Key>().unwrap(), key);
            settings.put(key, Some(value)).unwrap();
            assert_eq!(settings.value(key).as_deref(), Some(value));
        }
        for key in Key::ALL {
            settings.put(key, Some(&key.default_value())).unwrap();
            settings.put(key, None).unwrap();
            assert_eq!(settings.value(key), None);
        }
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn a_value_that_cannot_be_right_is_refused() {
        for (key, values) in [
            (Key::DefaultStore, ["", "File", "cloud", "file "].as_slice()),
            (Key::DefaultAgent, &["", "Work", "../x", "providers", "a b"]),
            (Key::HistoryDays, &["", "0", "3651", "-1", "+5", "1.5", "30d", "99999999999"]),
            (Key::TimeZone, &["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "a\nb", ":UTC"]),
            (Key::Color, &["", "yes", "Always"]),
        ] {
            for value in values {
                let mut settings = Settings::default();
                let error = settings.put(key, Some(value)).unwrap_err();
                assert!(matches!(error.code(), Code::Usage | Code::InvalidAgent), "{key:?} {value}");
                assert_eq!(settings, Settings::default(), "{key:?} {value}");
            }
        }
        assert_eq!("colour".parse::<Key>().unwrap_err().code(), Code::Usage);
    }
}
