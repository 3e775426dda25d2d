//! OpenClaw's files in every shape, sound and unsound.

use super::{Candidate, Format, ParseOptions, Parsed, parse};
use crate::error::Code;
use crate::secret::ExposeSecret;
use crate::vault::credential::{CredentialType, SECRET_MAX};
use crate::vault::id::ProfileId;

fn read_with(text: &str, include_oauth: bool) -> Parsed {
    parse(text.as_bytes(), Format::OpenClaw, "the file", &ParseOptions { include_oauth, renames: None })
        .unwrap()
}

fn read(text: &str) -> Parsed {
    read_with(text, false)
}

fn error_of(text: &str) -> crate::error::Error {
    parse(text.as_bytes(), Format::OpenClaw, "the file", &ParseOptions::default()).unwrap_err()
}

/// The file with one profile `zai:a` of these fields.
fn with_fields(fields: &str) -> String {
    format!(r#"{{"version":1,"profiles":{{"zai:a":{{{fields}}}}}}}"#)
}

fn only(parsed: Parsed) -> Candidate {
    assert!(parsed.invalid.is_empty() && parsed.skipped.is_empty(), "{parsed:?}");
    assert_eq!(parsed.candidates.len(), 1);
    parsed.candidates.into_iter().next().unwrap()
}

fn secret_of(candidate: &Candidate) -> &str {
    candidate.credential.secret.expose_secret()
}

fn extra_of(candidate: &Candidate) -> Vec<(&str, &str)> {
    candidate.credential.extra.iter().map(|(k, v)| (k.as_str(), v.expose_secret())).collect()
}

#[test]
fn a_profile_keeps_every_field() {
    let candidate = only(read(
        r#"{"version":1,"profiles":{"openai:work":{"type":"api_key","provider":"openai",
        "key":"made-up-key-1","email":"me@x.io","displayName":"Mé","copyToAgents":false,
        "expires":1795000000000,"metadata": {"n": 1.50},"z":null}}}"#,
    ));
    assert_eq!(candidate.id.as_str(), "openai:work");
    assert_eq!(candidate.place, r#"profiles."openai:work""#);
    let credential = &candidate.credential;
    assert_eq!(credential.kind, CredentialType::ApiKey);
    assert_eq!(credential.provider.as_str(), "openai");
    assert_eq!(secret_of(&candidate), "made-up-key-1");
    assert_eq!(credential.email.as_deref(), Some("me@x.io"));
    assert_eq!(credential.display_name.as_deref(), Some("Mé"));
    assert_eq!(credential.copy_to_agents, Some(false));
    assert_eq!(credential.expires, Some(1_795_000_000_000));
    assert_eq!(extra_of(&candidate), [("metadata", r#"{"n": 1.50}"#), ("z", "null")]);
}

#[test]
fn every_spelling_of_the_fields_is_understood() {
    use CredentialType::{ApiKey, Token};
    for (fields, kind) in [
        (r#""type":"api_key","key":"made-up-1""#, ApiKey),
        (r#""type":"apiKey","key":"made-up-1""#, ApiKey),
        (r#""mode":"api_key","apiKey":"made-up-1""#, ApiKey),
        (r#""api_key":"made-up-1""#, ApiKey),
        (r#""apiKey":"made-up-1","key":"made-up-1""#, ApiKey),
        (r#""key":"made-up-1","keyRef":null,"type":null"#, ApiKey),
        (r#""type":"token","mode":"token","token":"made-up-1""#, Token),
        (r#""token":"made-up-1""#, Token),
        (r#""token":"made\u002dup-1""#, Token),
    ] {
        let candidate = only(read(&with_fields(fields)));
        assert_eq!((candidate.credential.kind, secret_of(&candidate)), (kind, "made-up-1"), "{fields}");
        assert!(candidate.credential.extra.is_empty(), "{fields}");
        assert_eq!(candidate.credential.provider.as_str(), "zai");
    }
}

#[test]
fn the_flat_map_becomes_default_profiles() {
    let parsed = read(
        r#"{"ollama":{"apiKey":"made-up-1","baseUrl":"http://x:1"},"zai:b":{"key":"made-up-2"},"order":null}"#,
    );
    let ids: Vec<_> = parsed.candidates.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["ollama:default", "zai:b"]);
    assert_eq!(extra_of(&parsed.candidates[0]), [("baseUrl", r#""http://x:1""#)]);
    assert_eq!(parsed.candidates[0].place, r#""ollama""#);
    assert!(parsed.invalid.is_empty());
}

#[test]
fn legacy_auth_and_oauth_files_are_understood() {
    let auth = r#"{"anthropic":{"type":"oauth","access":"made-up-a","refresh":"made-up-r","expires":1795000000000},
        "openai":{"type":"api_key","key":"made-up-k"}}"#;
    let parsed = read(auth);
    assert_eq!(parsed.candidates.len(), 1);
    assert_eq!(parsed.skipped[0].reason, "an OAuth sign-in; add `--include-oauth` to import it too");
    let parsed = read_with(auth, true);
    assert_eq!(parsed.candidates.len(), 2);

    let oauth = r#"{"zai":{"access":"made-up-a","refresh":"made-up-r","expires":1795000000000},
        "groq":{"access":"made-up-b","refresh":"made-up-s","expires":1795000000000}}"#;
    assert_eq!(read(oauth).skipped.len(), 2);
    let parsed = read_with(oauth, true);
    assert_eq!(parsed.candidates[0].credential.kind, CredentialType::OAuth);
    assert_eq!(secret_of(&parsed.candidates[0]), "made-up-a");
    assert_eq!(extra_of(&parsed.candidates[0]), [("refresh", r#""made-up-r""#)]);
    let said = parsed.warnings.iter().filter(|w| w.contains("logs one of them out")).count();
    assert_eq!(said, 1, "{:?}", parsed.warnings);
}

#[test]
fn references_and_markers_are_passed_by() {
    let reference = r#"{"source":"exec","provider":"vault","id":"x"}"#;
    for fields in [
        format!(r#""type":"api_key","keyRef":{reference}"#),
        format!(r#""type":"api_key","key":{reference}"#),
        format!(r#""key":"","keyRef":{reference}"#),
        format!(r#""token":{reference}"#),
        format!(r#""tokenRef":{reference},"expires":5"#),
        format!(r#""key":"made-up-1","keyRef":{reference}"#),
        r#""type":"aws-sdk""#.to_owned(),
        r#""mode":"aws-sdk","key":"x""#.to_owned(),
        r#""type":"api_key","provider":"ollama","key":"ollama-local""#.to_owned(),
    ] {
        let parsed = read(&with_fields(&fields));
        assert!(parsed.invalid.is_empty() && parsed.candidates.is_empty(), "{fields}: {parsed:?}");
        assert!(parsed.skipped[0].reason.starts_with("a "), "{fields}: {parsed:?}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let long = format!(r#""key":"{}""#, "b".repeat(SECRET_MAX + 1));
    let wide = format!(r#""key":"made-up","metadata":"{}""#, "b".repeat(15 * 1024));
    for (fields, place, code) in [
        (r#""type":"magic","key":"k""#, ".type", Code::BadData),
        (r#""type":1,"key":"k""#, ".type", Code::BadData),
        (r#""type":"token","mode":"api_key","token":"k""#, ".mode", Code::BadData),
        (r#""type":"api_key""#, ".key", Code::BadData),
        (r#""type":"token","key":"k""#, ".token", Code::BadData),
        (r#""baseUrl":"k""#, "", Code::BadData),
        (r#""key":1"#, ".key", Code::BadData),
        (r#""key":{"a":1}"#, ".key", Code::BadData),
        (r#""key":["k"]"#, ".key", Code::BadData),
        (r#""key":"  ""#, ".key", Code::BadData),
        (r#""key":"a\u0000b""#, ".key", Code::BadData),
        (r#""key":"a","apiKey":"b""#, ".apiKey", Code::DuplicateKey),
        (r#""keyRef":"k""#, ".keyRef", Code::BadData),
        (r#""key":"***""#, ".key", Code::NotASecret),
        (r#""apiKey":"${OPENAI_API_KEY}""#, ".apiKey", Code::NotASecret),
        (r#""key":"k","provider":"No Provider""#, ".provider", Code::InvalidId),
        (r#""key":"k","provider":"0123456789abcdef0123456789abcdef""#, ".provider", Code::InvalidId),
        (r#""key":"k","provider":7"#, ".provider", Code::BadData),
        (r#""key":"k","expires":0"#, ".expires", Code::BadData),
        (r#""key":"k","expires":-5"#, ".expires", Code::BadData),
        (r#""key":"k","expires":0.5"#, ".expires", Code::BadData),
        (r#""key":"k","expires_at":"soon""#, ".expires_at", Code::BadData),
        (r#""key":"k","expires_in":3600"#, ".expires_in", Code::BadData),
        (r#""key":"k","expires":1795000000000,"expiry":1795000000001"#, ".expiry", Code::DuplicateKey),
        (r#""key":"k","provider":"openai""#, ".provider", Code::InvalidId),
        (r#""key":"k","expires":8640000000000001"#, ".expires", Code::BadData),
        (r#""key":"k","email":1"#, ".email", Code::BadData),
        (r#""key":"k","email":"sk-ant-oat01-abc""#, ".email", Code::BadData),
        (r#""key":"k","displayName":"a\u001b[2J""#, ".displayName", Code::BadData),
        (r#""key":"k","copyToAgents":"yes""#, ".copyToAgents", Code::BadData),
        (long.as_str(), ".key", Code::TooLarge),
        (wide.as_str(), "", Code::TooLarge),
    ] {
        let parsed = read(&with_fields(fields));
        assert!(parsed.candidates.is_empty(), "{fields}");
        let invalid = &parsed.invalid[0];
        assert_eq!(
            (invalid.place.as_str(), invalid.code),
            (format!(r#"profiles."zai:a"{place}"#).as_str(), code)
        );
    }
}

#[test]
fn a_signed_out_stub_is_invalid() {
    let parsed = read_with(r#"{"anthropic":{"type":"oauth","access":"","refresh":"","expires":0}}"#, true);
    assert_eq!(parsed.invalid[0].code, Code::NotASecret);
    assert!(parsed.invalid[0].reason.contains("signed out"), "{parsed:?}");
    let parsed = read_with(r#"{"zai":{"access":"made-up","refresh":"***","expires":9}}"#, true);
    assert_eq!(parsed.invalid[0].place, r#""zai".refresh"#);
}

#[test]
fn every_bad_entry_is_named_and_the_good_ones_are_kept() {
    let parsed = read(
        r#"{"profiles":{"zai:a":{"key":1},"zai:b":{"key":"made-up"},"zai:c":"made-up","zai:d":{"key":"***"},
        "zai:my key":{"key":"made-up"},"canary secret":{"key":"made-up"},"openai:sk-proj-canary1":{"key":"k"},
        "__proto__":{"key":"k"}}}"#,
    );
    assert_eq!(parsed.candidates.len(), 1);
    let places: Vec<_> = parsed.invalid.iter().map(|i| i.place.as_str()).collect();
    assert_eq!(
        places,
        [
            r#"profiles."zai:a".key"#,
            r#"profiles."zai:c""#,
            r#"profiles."zai:d".key"#,
            r#"profiles."zai:my key""#,
            r#"profiles."canary secret""#,
            "profiles entry 7",
            r#"profiles."__proto__""#,
        ]
    );
    let reasons: Vec<_> = parsed.invalid[3..].iter().map(|i| i.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "has no valid id: its name contains a space",
            "has no valid id: it has no provider and colon before the name",
            "has a name that looks like a secret",
            "has no valid id: it has no provider and colon before the name",
        ]
    );
}

#[test]
fn a_key_that_looks_like_a_secret_is_no_provider() {
    let parsed = read(r#"{"sk-canary-secret":{"key":"made-up"},"Ollama":{"key":"made-up"}}"#);
    let places: Vec<_> = parsed.invalid.iter().map(|i| i.place.as_str()).collect();
    assert_eq!(places, ["entry 1"]);
    assert_eq!(parsed.candidates[0].id.as_str(), "ollama:default");
    assert!(parsed.warnings[0].contains("changed to lower case"), "{:?}", parsed.warnings);
}

#[test]
fn whole_files_that_cannot_be_read_say_why() {
    for (text, code, said) in [
        (r#"{"version":2,"profiles":{}}"#, Code::NewerFormat, "version 2"),
        (r#"{"version":99999999999999999999,"profiles":{}}"#, Code::BadData, "version"),
        (r#"{"version":"1","profiles":{}}"#, Code::BadData, "version"),
        (r#"{"profiles":[]}"#, Code::BadData, "profiles"),
        (r#"{"profiles":{"a:b":{"key":"k","key":"k"}}}"#, Code::DuplicateKey, "column 35"),
        (r#"{"a":{"x":[{"y":1,"y":2}]}}"#, Code::DuplicateKey, "line 1"),
        ("{", Code::BadData, "line 1"),
        ("[]", Code::BadData, "not a JSON object"),
        (r#"{"a":1} x"#, Code::BadData, "line 1"),
        (r#"{"claudeAiOauth":{"accessToken":"made-up"}}"#, Code::BadData, "Claude Code"),
        (r#"{"auth_mode":"chatgpt","tokens":{}}"#, Code::BadData, "Codex"),
    ] {
        let error = error_of(text);
        assert_eq!(error.code(), code, "{text}");
        assert!(error.what().contains(said), "{error}");
    }
}

#[test]
fn seconds_and_odd_shapes_are_warned_of() {
    let parsed = read(&with_fields(r#""key":"made-up-key","expires":1795000000"#));
    assert_eq!(parsed.candidates[0].credential.expires, Some(1_795_000_000_000));
    assert!(parsed.warnings[0].contains("in seconds"), "{:?}", parsed.warnings);
    let parsed = read(r#"{"profiles":{"anthropic:a":{"token":"sk-ant-oat01-short"}}}"#);
    assert!(
        parsed.warnings[0].starts_with(r#"profiles."anthropic:a": the secret looks cut off"#),
        "{:?}",
        parsed.warnings
    );
}

#[test]
fn the_order_is_taken_over_for_known_ids() {
    let parsed = read(
        r#"{"version":1,"profiles":{"zai:a":{"key":"made-up-1"},"zai:b":{"key":"made-up-2"}},
        "order":{"zai":["zai:b","zai:gone","zai:a","zai:b"],"groq":["groq:x"]},
        "lastGood":{"zai":"zai:a"},"usageStats":{"zai:a":{"errorCount":1}}}"#,
    );
    assert!(parsed.invalid.is_empty(), "{parsed:?}");
    let order: Vec<_> = parsed
        .orders
        .iter()
        .map(|order| (order.provider.as_str(), order.ids.iter().map(ProfileId::as_str).collect::<Vec<_>>()))
        .collect();
    assert_eq!(order, [("zai", vec!["zai:b", "zai:a"])]);

    for (order, place) in [
        ("7", "order"),
        (r#"{"zai":"zai:a"}"#, r#"order."zai""#),
        (r#"{"zai":[1]}"#, r#"order."zai""#),
        (r#"{"Canary!":[]}"#, "order entry 1"),
    ] {
        let parsed = read(&format!(r#"{{"profiles":{{}},"order":{order}}}"#));
        assert_eq!(parsed.invalid[0].place, place);
    }
}

#[test]
fn a_mark_of_windows_and_an_empty_file_are_no_trouble() {
    assert_eq!(read("\u{feff}{\"zai\":{\"key\":\"made-up-1\"}}").candidates.len(), 1);
    for text in ["{}", r#"{"version":1,"order":{"zai":["zai:a"]},"usageStats":{}}"#] {
        assert_eq!(read(text).warnings, ["the file contains no credentials"]);
    }
}
