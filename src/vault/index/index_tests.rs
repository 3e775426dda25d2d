//! Reads, changes and writes indexes.

use super::*;
use crate::secret::SecretString;
use crate::vault::credential::{Credential, CredentialType};
use crate::vault::id::AgentName;
use crate::vault::store::Store;

fn id(text: &str) -> ProfileId {
    text.parse().unwrap()
}

fn entry(profile: &str, kind: CredentialType) -> NewEntry {
    let profile = id(profile);
    let credential = Credential::new(kind, profile.provider(), SecretString::from("canary"));
    NewEntry::of(&AgentName::default(), &profile, &credential, Mark::of(Store::File, 5))
}

#[test]
fn an_entry_is_a_reference_and_no_secret() {
    let mut index = Index::default();
    index.put(&id("anthropic:work"), &entry("anthropic:work", CredentialType::Token), &[]).unwrap();
    assert_eq!(
        String::from_utf8(index.to_bytes()).unwrap(),
        r#"{
  "version": 1,
  "profiles": {
    "anthropic:work": {
      "type": "token",
      "provider": "anthropic",
      "tokenRef": {"source":"exec","provider":"strongroom","id":"main/anthropic:work"},
      "strongroom": {"store":"file","generation":5}
    }
  }
}
"#
    );
}

#[test]
fn an_oauth_entry_has_no_reference_for_openclaw_refuses_it() {
    let mut index = Index::default();
    index.put(&id("openai-codex:me"), &entry("openai-codex:me", CredentialType::OAuth), &[]).unwrap();
    let entry = index.entry("openai-codex:me").unwrap();
    assert_eq!((entry.reference(), entry.mark.unwrap().generation), (None, 5));
}

#[test]
fn what_stood_there_survives_untouched_and_in_order() {
    let text = r#"{
  "zeta": [1.10, 1e300, 123456789012345678901234567890],
  "version": 1,
  "profiles": {
    "Foreign Thing": {"type":"new-kind","x":1.0},
    "anthropic:b": {"note":"kept",  "type":"api_key","key":"canary"}
  },
  "lastGood": {"a":"b"}
}
"#;
    let mut index = Index::parse(text.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(index.to_bytes()).unwrap(), text);
    index.put(&id("anthropic:b"), &entry("anthropic:b", CredentialType::ApiKey), &[]).unwrap();
    index.put(&id("anthropic:c"), &entry("anthropic:c", CredentialType::ApiKey), &[]).unwrap();
    let out = String::from_utf8(index.to_bytes()).unwrap();
    assert!(out.contains("\"zeta\": [1.10, 1e300, 123456789012345678901234567890],\n  \"version\""));
    assert!(out.contains(r#""Foreign Thing": {"type":"new-kind","x":1.0},"#));
    assert!(out.contains(r#""note": "kept""#));
    assert!(!out.contains("canary"));
    index.remove(&id("anthropic:c"));
    assert_eq!(index.ids().collect::<Vec<_>>(), ["Foreign Thing", "anthropic:b"]);
}

#[test]
fn what_was_sealed_goes_and_what_came_meanwhile_stays() {
    let text = r#"{"profiles":{"anthropic:b":{
        "type":"token","token":"canary","refresh":"canary","access_token":"canary","note":null,
        "baseUrl":"https://example.com","cookie":"came-meanwhile"}}}"#;
    let mut index = Index::parse(text.as_bytes()).unwrap();
    let rest: Vec<_> = index.rest_of("anthropic:b").map(|(field, _)| field.into_owned()).collect();
    assert_eq!(rest, ["access_token", "baseUrl", "cookie"]);
    let new = entry("anthropic:b", CredentialType::ApiKey);
    index.put(&id("anthropic:b"), &new, &rest[..2]).unwrap();
    let rest: Vec<_> = index.rest_of("anthropic:b").map(|(field, _)| field.into_owned()).collect();
    assert_eq!(rest, ["cookie"]);
    assert!(!String::from_utf8(index.to_bytes()).unwrap().contains("canary"));
    assert_eq!(index.exposed_in("anthropic:b"), ["cookie"]);
}

#[test]
fn garbage_is_refused_and_never_an_empty_index() {
    for text in [
        "",
        " ",
        "{",
        "[]",
        "null",
        "\u{feff}{}",
        r#"{"version":0}"#,
        r#"{"profiles":[]}"#,
        r#"{"order":null}"#,
        r#"{"profiles":{"__proto__":{}}}"#,
    ] {
        assert_eq!(Index::parse(text.as_bytes()).unwrap_err().code(), Code::IndexUnreadable, "{text}");
    }
    let code = |text: &str| Index::parse(text.as_bytes()).unwrap_err().code();
    assert_eq!(code(r#"{"version":2,"profiles":{}}"#), Code::NewerFormat);
    assert_eq!(code(r#"{"version":2,"profiles":[]}"#), Code::NewerFormat);
    assert_eq!(code(r#"{"profiles":{"a:b":{"type":"x","type":"y"}}}"#), Code::DuplicateKey);
}

#[test]
fn renaming_keeps_the_place_and_the_orders() {
    let mut index = Index::default();
    for name in ["a:1", "a:2", "a:3"] {
        index.put(&id(name), &entry(name, CredentialType::ApiKey), &[]).unwrap();
    }
    let provider: Provider = "a".parse().unwrap();
    index.set_order(&provider, Some(&[id("a:3"), id("a:2")]));
    index.rename(&id("a:2"), &id("a:9"));
    assert_eq!(index.ids().collect::<Vec<_>>(), ["a:1", "a:9", "a:3"]);
    assert_eq!(index.order(&provider).unwrap(), [id("a:3"), id("a:9")]);
    let before = index.to_bytes();
    index.rename(&id("a:2"), &id("a:9"));
    assert_eq!(index.to_bytes(), before);
    index.remove(&id("a:9"));
    assert_eq!(index.order(&provider).unwrap(), [id("a:3")]);
}

#[test]
fn entries_are_read_for_what_they_are() {
    let index = Index::parse(
            br#"{"profiles":{
              "a:1":{"type":"api_key","provider":"a","keyRef":{"source":"env","provider":"default","id":"K"}},
              "a:2":{"type":"token","token":"canary","expires":"soon"},
              "a:3":{"type":"token","expires":12,"tokenRef":{"source":"exec","provider":"strongroom","id":"main/a:3"}},
              "a:4":7 }}"#,
        )
        .unwrap();
    let entries: Vec<_> = index.entries().collect();
    assert_eq!(entries[0].foreign_reference().as_deref(), Some("env:K"));
    assert!(entries[1].plaintext && entries[1].invalid_expires);
    assert_eq!((entries[2].reference().as_deref(), entries[2].expires), (Some("main/a:3"), Some(12)));
    assert_eq!(entries[3].kind, None);
}

#[test]
fn an_expiry_is_read_as_the_client_reads_it() {
    for (kind, raw, expires, invalid) in [
        ("token", "1800000000000.5", Some(1_800_000_000_001), false),
        ("token", "1.8e12", Some(1_800_000_000_000), false),
        ("token", "8640000000000000", Some(8_640_000_000_000_000), false),
        ("token", "8640000000000001", None, true),
        ("token", "1e300", None, true),
        ("token", "-0.5", None, true),
        ("token", "null", None, true),
        ("token", "\"1\"", None, true),
        ("api_key", "null", None, false),
        ("oauth", "[]", None, false),
    ] {
        let text = format!(r#"{{"profiles":{{"a:1":{{"type":"{kind}","expires":{raw}}}}}}}"#);
        let index = Index::parse(text.as_bytes()).unwrap();
        let entry = index.entry("a:1").unwrap();
        assert_eq!((entry.expires, entry.invalid_expires), (expires, invalid), "{kind} {raw}");
    }
}

#[test]
fn providers_are_found_in_whatever_case() {
    let text = br#"{"profiles":{"b:1":{"type":"token","provider":" Groq "}},
            "order":{"groq":["groq:1"],"GROQ":[" groq:2"],"a":["a:1"]}}"#;
    let mut index = Index::parse(text).unwrap();
    let groq: Provider = "groq".parse().unwrap();
    assert_eq!(index.entry("b:1").unwrap().provider(), Some(groq.clone()));
    assert_eq!(index.order(&groq), Some(vec![id("groq:2")]), "the later one");
    index.set_order(&groq, Some(&[id("groq:3")]));
    assert_eq!(index.order(&groq), Some(vec![id("groq:3")]));
    index.set_order(&groq, None);
    assert_eq!(index.order(&groq), None);
    assert_eq!(index.orders().len(), 1);
}

#[test]
fn what_no_reader_would_take_is_not_written() {
    let with = |filler: usize| {
        let text = format!("{{\"filler\":\"{}\"}}", "x".repeat(filler));
        let mut index = Index::parse(text.as_bytes()).unwrap();
        index.put(&id("a:1"), &entry("a:1", CredentialType::ApiKey), &[]).unwrap();
        index
    };
    let most = MAX - with(0).to_bytes().len();
    assert_eq!(with(most).to_bounded_bytes().unwrap().len(), MAX);
    assert_eq!(with(most + 1).to_bounded_bytes().unwrap_err().code(), Code::TooLarge);
}

#[test]
fn an_index_is_read_and_written_again_byte_by_byte() {
    let mut index = Index::default();
    for n in 0..300 {
        let name = format!("a:{n}");
        index.put(&id(&name), &entry(&name, CredentialType::Token), &[]).unwrap();
    }
    index.set_order(&"a".parse().unwrap(), Some(&[id("a:7"), id("a:3")]));
    let bytes = index.to_bytes();
    let again = Index::parse(&bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.len(), 300);
    assert_eq!(again.entry("a:299").unwrap().reference().as_deref(), Some("main/a:299"));
    assert_eq!(again.entries().filter(|entry| entry.reference().is_some()).count(), 300);
}

#[test]
fn fields_with_escapes_are_read_too() {
    let text = r#"{"profiles":{"a:\u0031":{"ty\u0070e":"tok\u0065n","email":"\u017c@x.io","keyRef":{"source":"exec",
        "provider":"strongroom","id":"main\/a:1"},"strongroom":{"store":"f\u0069le","generation":7}}}}"#;
    let index = Index::parse(text.as_bytes()).unwrap();
    let entry = index.entry("a:1").unwrap();
    assert_eq!((entry.kind, entry.email.as_deref()), (Some(CredentialType::Token), Some("ż@x.io")));
    assert_eq!(entry.reference().as_deref(), Some("main/a:1"));
    assert_eq!(entry.mark, Some(Mark::of(Store::File, 7)));
}
