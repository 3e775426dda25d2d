use super::*;
use crate::select::backoff::{BackoffPolicy, Failed, after_success};

const NOW: i64 = 1_800_000_000_000;

fn id(text: &str) -> ProfileId {
    text.parse().unwrap()
}

fn text(file: &StateFile) -> String {
    String::from_utf8(file.to_bytes()).unwrap()
}

fn fail_at(file: &mut StateFile, profile: &str, kind: &str, now: i64) {
    let profile = id(profile);
    let usage = file.state.usage(&profile).cloned().unwrap_or_default();
    let failed = Failed { provider: &profile.provider(), failure: kind.parse().unwrap(), model: None };
    let next = BackoffPolicy::default().after_failure(&usage, failed, now);
    file.set_usage(&profile, &next.unwrap()).unwrap();
}

#[test]
fn a_new_file_has_openclaws_form() {
    let mut file = StateFile::parse(None).unwrap();
    fail_at(&mut file, "anthropic:work", "rate_limit", NOW);
    file.set_last_good(&"anthropic".parse().unwrap(), &id("anthropic:default")).unwrap();
    let pin = Pin { profile: id("anthropic:work"), model: None, source: PinnedBy::User, at: NOW };
    file.set_pin(&"tg:1".parse().unwrap(), Some(&pin)).unwrap();
    let expected = r#"{
  "version": 1,
  "usageStats": {
    "anthropic:work": {
      "cooldownUntil": 1800000030000,
      "cooldownReason": "rate_limit",
      "errorCount": 1,
      "failureCounts": {
        "rate_limit": 1
      },
      "lastFailureAt": 1800000000000
    }
  },
  "lastGood": {
    "anthropic": "anthropic:default"
  },
  "pins": {
    "tg:1": {"profile":"anthropic:work","source":"user","at":1800000000000}
  }
}
"#;
    assert_eq!(text(&file), expected);
    assert_eq!(state::parse(Some(expected.as_bytes())).unwrap(), file.state);
    file.set_pin(&"tg:1".parse().unwrap(), None).unwrap();
    assert!(!text(&file).contains("pins") && file.state.pins.is_empty());
}

#[test]
fn what_is_not_known_survives_untouched_and_in_order() {
    let before = r#"{
  "later": [1.50, {"b": 1, "a": 2}],
  "usageStats": {
    "no id":   {"x": 1e3},
    "anthropic:work": { "zeta": 1.0, "errorCount": 2, "failureCounts": {"auth": 2, "NEW": 7}, "alpha": null, "lastUsed": 5.5, "blockedUntil": 9, "blockedSource": "wham" },
    "openai:x": { "lastUsed":   5 }
  },
  "version": 1,
  "pins": {"odd session": 3}
}
"#;
    let mut file = StateFile::parse(Some(before.as_bytes())).unwrap();
    assert_eq!(text(&file).matches("\"later\": [1.50, {\"b\": 1, \"a\": 2}]").count(), 1);
    fail_at(&mut file, "anthropic:work", "auth", 10);
    let after = text(&file);
    let expected = r#"{
  "later": [1.50, {"b": 1, "a": 2}],
  "usageStats": {
    "no id": {"x": 1e3},
    "anthropic:work": {
      "zeta": 1.0,
      "errorCount": 1,
      "failureCounts": {
        "auth": 1,
        "NEW": 7
      },
      "alpha": null,
      "lastUsed": 5,
      "cooldownUntil": 30010,
      "cooldownReason": "auth",
      "lastFailureAt": 10
    },
    "openai:x": { "lastUsed":   5 }
  },
  "version": 1,
  "pins": {"odd session": 3}
}
"#;
    assert_eq!(after, expected);
}

#[test]
fn success_takes_the_windows_away_and_leaves_the_rest() {
    let before = br#"{"version":1,"usageStats":{"a:b":{"mine":1,"cooldownUntil":9,"cooldownReason":"auth",
            "cooldownModel":"m","errorCount":2,"failureCounts":{"auth":2},"lastFailureAt":3,"disabledUntil":8,
            "disabledReason":"billing","blockedUntil":7,"blockedReason":"x","blockedModel":"m"}}}"#;
    let mut file = StateFile::parse(Some(before)).unwrap();
    let usage = after_success(file.state.usage(&id("a:b")).unwrap(), 20);
    file.set_usage(&id("a:b"), &usage).unwrap();
    let after: serde_json::Value = serde_json::from_slice(&file.to_bytes()).unwrap();
    assert_eq!(
        after["usageStats"]["a:b"],
        serde_json::json!({ "mine": 1, "errorCount": 0, "lastFailureAt": 3, "lastUsed": 20 })
    );
}

#[test]
fn what_is_known_of_a_profile_that_is_gone_is_forgotten() {
    let before = br#"{"version":1,"later":1,"lastGood":{"a":"a:gone","b":"b:x"},
        "usageStats":{"a:gone":{"disabledUntil":9},"a:new":{"lastUsed":5}},
        "pins":{"s1":{"profile":"a:gone","source":"user","at":1},"s2":{"profile":"a:new","source":"user","at":1}}}"#;
    let parsed = || StateFile::parse(Some(before)).unwrap();
    let (gone, new): (ProfileId, ProfileId) = ("a:gone".parse().unwrap(), "a:new".parse().unwrap());
    let mut file = parsed();
    assert!(file.forget(&gone).unwrap());
    assert!(!file.forget(&gone).unwrap());
    assert!(!text(&file).contains("a:gone"), "{}", text(&file));
    assert!(text(&file).contains("\"later\": 1") && text(&file).contains("\"b\": \"b:x\""));
    assert_eq!((file.state.usage.len(), file.state.pins.len(), file.state.last_good.len()), (1, 1, 1));
    // A new profile with its id does not inherit its usage.
    for mut file in [parsed(), file] {
        assert!(file.rename(&new, &gone).unwrap());
        let usage = file.state.usage(&gone).unwrap();
        assert_eq!((usage.disabled_until, usage.last_used), (None, Some(5)));
        assert_eq!(file.state.pins.len(), 1);
    }
}

#[test]
fn a_profile_is_renamed_wherever_it_is_named() {
    let before = br#"{"version":1,"order":{"a":["a:z","a:b"],"b":["b:x"]},"lastGood":{"a":"a:b","b":"b:x"},
            "usageStats":{"a:b":{"mine": 1.0},"a:z":{}},"pins":{"s":{"profile":"a:b","source":"user","at":1},"t":3}}"#;
    let mut file = StateFile::parse(Some(before)).unwrap();
    assert!(!file.rename(&id("a:none"), &id("a:new")).unwrap());
    assert!(file.rename(&id("a:b"), &id("a:new")).unwrap());
    let after: serde_json::Value = serde_json::from_slice(&file.to_bytes()).unwrap();
    assert_eq!(
        after,
        serde_json::json!({
            "version": 1, "order": { "a": ["a:z", "a:new"], "b": ["b:x"] },
            "lastGood": { "a": "a:new", "b": "b:x" }, "usageStats": { "a:new": { "mine": 1.0 }, "a:z": {} },
            "pins": { "s": { "profile": "a:new", "source": "user", "at": 1 }, "t": 3 }
        })
    );
    assert_eq!(file.state.pins[&"s".parse().unwrap()].profile, id("a:new"));
    assert!(text(&file).contains(r#""a:new": {"mine": 1.0}"#));
}

#[test]
fn garbage_is_kept_and_named() {
    for (bytes, code) in [
        (&b""[..], Code::BadData),
        (b"[]", Code::BadData),
        (b"{\"version\":2}", Code::NewerFormat),
        (b"{\"a\":1,\"a\":2}", Code::DuplicateKey),
        (b"{\"usageStats\":3}", Code::BadData),
    ] {
        assert_eq!(StateFile::parse(Some(bytes)).unwrap_err().code(), code);
    }
}

#[test]
fn the_oldest_automatic_pin_gives_way() {
    let mut file = StateFile::parse(None).unwrap();
    let pin = |source, at| Pin { profile: id("a:b"), model: None, source, at };
    let name = |n: usize| format!("s{n}").parse::<SessionName>().unwrap();
    for n in 0..PINS_MAX {
        let source = if n == 7 || n == 3 { PinnedBy::Auto } else { PinnedBy::User };
        let at = i64::try_from(PINS_MAX - n).unwrap();
        file.state.pins.insert(name(n), pin(source, at));
        set(&mut file.top, "x", None::<u8>).unwrap();
    }
    let all: Object =
        (0..PINS_MAX).map(|n| (format!("s{n}"), to_raw_value(&file.state.pins[&name(n)]).unwrap())).collect();
    file.put_section(PINS, &all).unwrap();
    for (new, gone) in [(2000, 7), (2001, 3)] {
        file.set_pin(&name(new), Some(&pin(PinnedBy::User, 1))).unwrap();
        assert!(!file.state.pins.contains_key(&name(gone)) && file.state.pins.len() == PINS_MAX);
    }
    let error = file.set_pin(&name(2002), Some(&pin(PinnedBy::User, 1))).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
    file.set_pin(&name(0), Some(&pin(PinnedBy::User, 1))).unwrap();
    assert_eq!(state::parse(Some(&file.to_bytes())).unwrap(), file.state);
}
