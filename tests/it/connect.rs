//! `connect openclaw` and `disconnect openclaw` without the client itself, whose version an old store tells.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::session::Session;

const CONFIG: &str = "// mine\n{ gateway: { mode: \"local\" }, }\n";

/// Returns a vault with a profile, beside an OpenClaw up to 2026.6.1.
fn beside_openclaw() -> Session {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    fs::create_dir_all(own(&session).parent().unwrap()).unwrap();
    fs::write(own(&session), r#"{"version":1,"profiles":{}}"#).unwrap();
    fs::write(config(&session), CONFIG).unwrap();
    session
}

fn config(session: &Session) -> PathBuf {
    session.path(".openclaw/openclaw.json")
}

fn own(session: &Session) -> PathBuf {
    session.path(".openclaw/agents/main/agent/auth-profiles.json")
}

fn references(session: &Session) -> Vec<String> {
    let store: Value = serde_json::from_slice(&fs::read(own(session)).unwrap()).unwrap();
    store["profiles"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_connection_is_shown_first_follows_each_change_and_is_undone() {
    let session = beside_openclaw();
    let shown = session.run(["connect", "openclaw", "--dry-run"]).ok();
    assert!(shown.stdout.contains("secrets: { providers: { strongroom: {"), "{}", shown.stdout);
    session.run(["connect", "openclaw"]).failed("NOT_CONFIRMED", 64);
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(references(&session), ["groq:one"]);
    session.paste("groq:two", "made-up-key-2");
    session.run(["rename", "groq:one", "groq:first"]).ok();
    session.run(["order", "set", "--provider", "groq", "groq:two"]).ok();
    session.run(["rekey", "--yes"]).ok();
    session.run(["remove", "groq:first", "--yes"]).ok();
    assert_eq!(references(&session), ["groq:two"]);
    let text = fs::read_to_string(config(&session)).unwrap();
    assert!(text.contains("\"groq:two\"") && !text.contains("groq:one"), "{text}");
    assert!(!fs::read_to_string(own(&session)).unwrap().contains("made-up-key"));
    session.run(["verify"]).ok();
    let gone = session.run(["disconnect", "openclaw", "--yes", "--json"]).ok().json();
    assert_eq!((&gone["identical"], &gone["left"]), (&json!(true), &json!([])));
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
    assert!(references(&session).is_empty());
    session.paste("groq:three", "made-up-key-3");
    assert!(references(&session).is_empty());
    session.run(["disconnect", "openclaw", "--yes"]).failed("NOT_FOUND", 66);
}

#[test]
fn a_planted_connection_writes_nothing() {
    let session = beside_openclaw();
    session.run(["connect", "openclaw", "--yes"]).ok();
    let settings = session.home().join("settings.json");
    let target = session.path("elsewhere.json");
    let text = fs::read_to_string(&settings).unwrap();
    let planted = text.replace(own(&session).to_str().unwrap(), target.to_str().unwrap());
    assert_ne!(planted, text);
    fs::write(&settings, planted).unwrap();
    let ran = session.feed("made-up-key-2", ["paste-api-key", "--provider", "mistral"]).ok();
    assert!(ran.stderr.contains("strongroom connect openclaw"), "{}", ran.stderr);
    assert!(!target.exists());
    assert_eq!(session.get("mistral:default"), "made-up-key-2");
}

#[test]
fn a_lock_that_the_client_holds_delays_no_change_for_long_and_is_told() {
    let session = beside_openclaw();
    session.run(["connect", "openclaw", "--yes"]).ok();
    let lock = own(&session).with_file_name("auth-profiles.json.lock");
    fs::write(&lock, format!("{{\"pid\":{}}}", std::process::id())).unwrap();
    let paste = ["paste-api-key", "--provider", "mistral", "--lock-timeout", "300ms"];
    let ran = session.feed("made-up-key-2", paste).ok();
    assert!(ran.stderr.contains("is held by process"), "{}", ran.stderr);
    assert_eq!(references(&session), ["groq:one"]);
    fs::remove_file(&lock).unwrap();
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(references(&session), ["groq:one", "mistral:default"]);
}

#[test]
fn what_cannot_be_edited_or_read_is_not_touched() {
    let session = beside_openclaw();
    for (text, code) in [
        ("{ torn", "BAD_DATA"),
        ("[]", "BAD_DATA"),
        ("{ secrets: { $include: \"./more.json\" } }", "CONFIG"),
        ("{ secrets: { providers: { strongroom: { source: \"env\" } } } }", "EXISTS"),
        ("{ secrets: 1 }", "BAD_DATA"),
    ] {
        fs::write(config(&session), text).unwrap();
        let ran = session.run(["connect", "openclaw", "--yes"]);
        assert!(ran.status != 0 && ran.stderr.contains(&format!("[{code}]")), "{text}: {}", ran.stderr);
        assert_eq!(fs::read_to_string(config(&session)).unwrap(), text);
        assert!(references(&session).is_empty());
    }
    fs::write(config(&session), CONFIG).unwrap();
    fs::write(own(&session), "{ torn").unwrap();
    session.run(["connect", "openclaw", "--yes"]).failed("BAD_DATA", 65);
    assert_eq!(fs::read_to_string(own(&session)).unwrap(), "{ torn");
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
}

#[test]
fn a_vault_that_is_locked_connects_nothing() {
    let session = beside_openclaw();
    fs::remove_file(session.key_file()).unwrap();
    session.run(["connect", "openclaw", "--yes"]).failed("LOCKED", 77);
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
}
