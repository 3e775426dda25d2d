//! `auth-state.json`: what happened to profiles at run time. Nothing in it is secret, and all of it is optional.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::json;
use crate::messages::client as messages;
use crate::select::pin::Model;
use crate::select::state::{AuthState, Usage};
use crate::vault::credential::EXPIRES_MAX;
use crate::vault::id::{ProfileId, Provider};

/// The file's name in an agent's directory.
pub const FILE: &str = "auth-state.json";
/// The largest such file, in bytes.
pub const MAX: usize = 16 * 1024 * 1024;
/// The version of the format that this program reads.
pub const VERSION: u64 = 1;
/// The longest reason that is kept, in bytes.
const REASON_MAX: usize = 40;
/// The member of `auth-state.json` in which pins are kept.
pub const PINS: &str = "pins";

/// Parses the state. Without a file it is empty.
///
/// Unknown fields are ignored, and so are single values of the wrong form and entries whose key is not a provider or a
/// profile id: one odd entry must not hide the cooldowns of the others.
///
/// # Errors
/// `BAD_DATA` or `DUPLICATE_KEY` if it is not a state at all, `NEWER_FORMAT` for a version that this program does not
/// read. The caller reports it and continues with an empty state.
pub fn parse(bytes: Option<&[u8]>) -> Result<AuthState> {
    let Some(bytes) = bytes else { return Ok(AuthState::default()) };
    let mut document: Map<String, Value> = json::parse(bytes, "auth-state.json")?;
    let version = document.get("version").map_or(Some(VERSION), Value::as_u64);
    match version {
        Some(VERSION) => {}
        Some(version) if version > VERSION => {
            return Err(messages::newer_state(version, VERSION));
        }
        _ => return Err(messages::state_without_version()),
    }
    Ok(AuthState {
        order: entries(document.remove("order"), Provider::named, |value| {
            let ids = value.as_array()?.iter().filter_map(profile_id).collect::<Vec<_>>();
            (!ids.is_empty()).then_some(ids)
        })?,
        last_good: entries(document.remove("lastGood"), Provider::named, |value| profile_id(&value))?,
        usage: entries(document.remove("usageStats"), parsed, usage)?,
        pins: entries(document.remove(PINS), parsed, |value| serde_json::from_value(value).ok())?,
    })
}

/// A [`Usage`] as it is in the file.
#[derive(Deserialize)]
#[serde(remote = "Usage", rename_all = "camelCase")]
struct StoredUsage {
    #[serde(default, deserialize_with = "past")]
    last_used: Option<i64>,
    #[serde(default, deserialize_with = "end")]
    cooldown_until: Option<i64>,
    #[serde(default, deserialize_with = "reason")]
    cooldown_reason: Option<String>,
    #[serde(default, deserialize_with = "model")]
    cooldown_model: Option<Model>,
    #[serde(default, deserialize_with = "count")]
    error_count: u64,
    #[serde(default, deserialize_with = "counts")]
    failure_counts: BTreeMap<String, u64>,
    #[serde(default, deserialize_with = "past")]
    last_failure_at: Option<i64>,
    #[serde(default, deserialize_with = "end")]
    disabled_until: Option<i64>,
    #[serde(default, deserialize_with = "reason")]
    disabled_reason: Option<String>,
    #[serde(default, deserialize_with = "end")]
    blocked_until: Option<i64>,
    #[serde(default, deserialize_with = "reason")]
    blocked_reason: Option<String>,
    #[serde(default, deserialize_with = "model")]
    blocked_model: Option<Model>,
}

fn usage(value: Value) -> Option<Usage> {
    // The newest client names a model also for a block of all of them; only the scope tells which it is.
    let of_model = value.get("blockedScope").and_then(Value::as_str) == Some("model");
    // A struct could also be read from an array.
    let usage = value.is_object().then_some(value).and_then(|value| StoredUsage::deserialize(value).ok())?;
    Some(Usage { blocked_model: usage.blocked_model.filter(|_| of_model), ..usage })
}

fn entries<K, V, C: FromIterator<(K, V)>>(
    section: Option<Value>,
    name: impl Fn(&str) -> Option<K>,
    read: impl Fn(Value) -> Option<V>,
) -> Result<C> {
    let object = match section {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(object)) => object,
        Some(_) => return Err(messages::state_malformed()),
    };
    Ok(object.into_iter().filter_map(|(key, value)| Some((name(&key)?, read(value)?))).collect())
}

fn parsed<K: FromStr>(key: &str) -> Option<K> {
    key.parse().ok()
}

fn profile_id(value: &Value) -> Option<ProfileId> {
    value.as_str()?.trim().parse().ok()
}

/// Reads an instant in the past. JavaScript writes an integer or, after a division, a fraction. Zero means "never".
fn past<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    // Out of range, `as` saturates, which still means "very long ago".
    #[allow(clippy::cast_possible_truncation)]
    let instant = value.as_i64().or_else(|| value.as_f64().map(|fraction| fraction.floor() as i64));
    Ok(instant.filter(|at| *at != 0))
}

/// Reads the end of a window. The window is in force before it, so a fraction counts as the next millisecond. An end
/// after the last instant of the client is ignored.
fn end<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    // Out of range, `as` saturates, and the value is filtered.
    #[allow(clippy::cast_possible_truncation)]
    let instant = value.as_i64().or_else(|| value.as_f64().map(|fraction| fraction.ceil() as i64));
    Ok(instant.filter(|at| (1..=EXPIRES_MAX).contains(at)))
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u64, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_u64().unwrap_or(0))
}

fn counts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<String, u64>, D::Error> {
    let Value::Object(object) = Value::deserialize(deserializer)? else { return Ok(BTreeMap::new()) };
    Ok(object
        .into_iter()
        .filter(|(name, _)| is_reason(name))
        .filter_map(|(name, count)| Some((name, count.as_u64()?)))
        .collect())
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if is_reason(&text) => Some(text),
        _ => None,
    })
}

fn model<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Model>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().and_then(|text| text.parse().ok()))
}

/// Returns whether a text is a reason, a word such as `rate_limit`. Anything else could be a message that quotes a
/// secret.
fn is_reason(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= REASON_MAX
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::select::state::Orders;

    fn id(text: &str) -> ProfileId {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_killed_write_leaves_is_swept_by_the_next_change() {
        assert_eq!(crate::vault::agent::STAGED_STATE, format!("{FILE}.tmp"));
    }

    #[test]
    fn a_missing_file_is_an_empty_state() {
        assert_eq!(parse(None).unwrap(), AuthState::default());
        assert_eq!(parse(Some(b"{}")).unwrap(), AuthState::default());
    }

    #[test]
    fn the_known_fields_are_read_and_others_ignored() {
        let state = parse(Some(
            br#"{"version":1,"later":[1],"order":{"anthropic":["anthropic:work","anthropic:default"],"x":[]},
                "lastGood":{"anthropic":"anthropic:work"},
                "usageStats":{"anthropic:work":{"lastUsed":5,"cooldownUntil":7.9,"cooldownReason":"rate_limit",
                "cooldownModel":"m/1","errorCount":2,"failureCounts":{"rate_limit":2},"lastFailureAt":6,"disabledUntil":0,
                "disabledReason":"billing","blockedModel":"m"}}}"#,
        ))
        .unwrap();
        let anthropic: Provider = "anthropic".parse().unwrap();
        assert_eq!(state.order.len(), 1);
        assert_eq!(state.order[&anthropic], [id("anthropic:work"), id("anthropic:default")]);
        assert_eq!(state.last_good[&anthropic], id("anthropic:work"));
        let usage = Usage {
            last_used: Some(5),
            cooldown_until: Some(8),
            cooldown_reason: Some("rate_limit".to_owned()),
            cooldown_model: Some("m/1".parse().unwrap()),
            error_count: 2,
            failure_counts: BTreeMap::from([("rate_limit".to_owned(), 2)]),
            last_failure_at: Some(6),
            disabled_until: None,
            disabled_reason: Some("billing".to_owned()),
            ..Usage::default()
        };
        assert_eq!(state.usage(&id("anthropic:work")), Some(&usage));
    }

    #[test]
    fn an_odd_value_hides_nothing_else() {
        let state = parse(Some(
            br#"{"version":1,"order":{"__proto__":["a:b"],"a":[1,"a:b","no id"],"b":"b:c"},"lastGood":{"a":1},
                "usageStats":{"a:b":{"lastUsed":"x","cooldownUntil":9,"cooldownReason":"sk-CANARY key","cooldownModel":"no model",
                "failureCounts":{"ESC":1,"auth":2},"errorCount":-1},"no id":{},"a:c":3,"a:d":[1]}}"#,
        ))
        .unwrap();
        assert_eq!(state.order, Orders::from([("a".parse().unwrap(), vec![id("a:b")])]));
        assert!(state.last_good.is_empty());
        assert_eq!(state.usage.len(), 1);
        let usage = state.usage(&id("a:b")).unwrap();
        assert_eq!((usage.last_used, usage.cooldown_until, usage.error_count), (None, Some(9), 0));
        assert_eq!((&usage.cooldown_reason, &usage.cooldown_model), (&None, &None));
        assert_eq!(usage.failure_counts, BTreeMap::from([("auth".to_owned(), 2)]));
    }

    #[test]
    fn garbage_is_an_error_that_quotes_nothing() {
        for (text, code) in [
            ("", Code::BadData),
            ("canary", Code::BadData),
            ("[]", Code::BadData),
            (r#"{"version":1,"usageStats":"canary"}"#, Code::BadData),
            (r#"{"version":"canary"}"#, Code::BadData),
            (r#"{"version":null}"#, Code::BadData),
            (r#"{"version":2}"#, Code::NewerFormat),
            (r#"{"version":1,"version":1}"#, Code::DuplicateKey),
        ] {
            let error = parse(Some(text.as_bytes())).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(!error.what().contains("canary"), "{error}");
        }
    }
}
