//! A new secret clears the cooldown of the old one.

use serde_json::{Value, json};

use crate::session::{Ran, Session};

fn usage_of(session: &Session, id: &str) -> Value {
    let state = std::fs::read(session.agent_file("auth-state.json")).unwrap();
    serde_json::from_slice::<Value>(&state).unwrap()["usageStats"][id].clone()
}

/// Returns the only line of standard error about a cleared cooldown.
#[track_caller]
fn lifted(ran: &Ran, id: &str, was: &str, reason: &str) {
    let lines: Vec<_> = ran.stderr.lines().filter(|line| line.contains("is no longer")).collect();
    let [line] = lines.as_slice() else { panic!("{}", ran.stderr) };
    assert!(
        line.contains(&format!("{id} is no longer {was} ({reason}, until 20"))
            && line.ends_with("): its secret was replaced"),
        "{line}"
    );
}

#[test]
fn a_new_secret_lifts_what_the_old_one_earned() {
    let session = Session::new();
    let paste = |secret: &str| {
        session.feed(secret, ["paste-token", "--provider", "groq", "--profile-id", "groq:one"]).ok()
    };
    let import = |secret: &str| {
        let entry = json!({ "type": "token", "provider": "groq", "token": secret });
        session.write("new.json", json!({ "version": 1, "profiles": { "groq:one": entry } }).to_string());
        session.run(["import", "new.json", "--on-conflict", "replace"]).ok()
    };
    let rotate = |secret: &str| session.feed(secret, ["rotate", "groq:one"]).ok();
    paste("made-up-token-0");
    session.paste("groq:two", "made-up-key");
    session.run(["report", "groq:one", "--success"]).ok();
    let served = usage_of(&session, "groq:one")["lastUsed"].clone();
    let begun = std::fs::read(session.agent_file("auth-state.json")).unwrap();
    let ways: [&dyn Fn(&str) -> Ran; 3] = [&paste, &rotate, &import];
    let failures = [("auth_permanent", "disabled"), ("billing", "disabled"), ("rate_limit", "cooling down")];
    for (n, way) in ways.iter().enumerate() {
        for (m, (kind, was)) in failures.iter().enumerate() {
            session.run(["report", "groq:one", "--failure", "auth"]).ok();
            session.run(["report", "groq:one", "--failure", kind]).ok();
            session.run(["report", "groq:two", "--failure", kind]).ok();
            let other = usage_of(&session, "groq:two");
            let said = way(&format!("made-up-token-{n}-{m}"));
            lifted(&said, "groq:one", was, kind);
            let usage = usage_of(&session, "groq:one");
            assert!(usage["lastFailureAt"].is_number(), "{usage}");
            let members: Vec<_> = usage.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["errorCount", "lastFailureAt", "lastUsed"], "way {n}, {kind}");
            assert_eq!((&usage["lastUsed"], &usage["errorCount"]), (&served, &json!(0)));
            assert_eq!(usage_of(&session, "groq:two"), other, "another profile's is its own");
            let status = session.run(["status", "--json"]).ok().json();
            assert_eq!(status["vault"]["providers"][0]["next"], "groq:one");
            assert_eq!(status["vault"]["providers"][0]["lastGood"], "groq:one");
            std::fs::write(session.agent_file("auth-state.json"), &begun).unwrap();
        }
    }
    // Programs find it among the warnings.
    session.run(["report", "groq:one", "--failure", "billing"]).ok();
    let pasted = session
        .feed("made-up-token-9", ["paste-token", "--json", "--provider", "groq", "--profile-id", "one"]);
    let warnings = pasted.ok().json()["warnings"].to_string();
    assert!(warnings.contains("is no longer disabled (billing, until"), "{warnings}");
}

#[test]
fn the_same_secret_again_lifts_nothing() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    for kind in ["auth_permanent", "rate_limit"] {
        session.run(["report", "groq:one", "--failure", kind]).ok();
    }
    let before = std::fs::read(session.agent_file("auth-state.json")).unwrap();
    let mut said = session.paste("groq:one", "made-up-key-1").stderr;
    said += &session.feed("made-up-key-1\n", ["rotate", "groq:one", "--expires-in", "30d"]).ok().stderr;
    // Other fields, and the same secret.
    let entry =
        json!({ "type": "api_key", "provider": "groq", "key": "made-up-key-1", "email": "a@b.example" });
    session.write("new.json", json!({ "version": 1, "profiles": { "groq:one": entry } }).to_string());
    let imported = session.run(["import", "new.json", "--on-conflict", "replace"]).ok();
    assert!(imported.stdout.contains("Imported 1 profile."), "{}", imported.stdout);
    said += &imported.stderr;
    assert!(!said.contains("is no longer"), "{said}");
    assert_eq!(std::fs::read(session.agent_file("auth-state.json")).unwrap(), before);
}

#[test]
fn a_state_that_cannot_be_written_fails_no_paste() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    std::fs::write(session.agent_file("auth-state.json"), "{\"version\":1,").unwrap();
    let said = session.paste("groq:one", "made-up-key-2");
    assert!(said.stderr.contains("could not clear the cooldown of groq:one"), "{}", said.stderr);
    let said = session.feed("made-up-key-3", ["rotate", "groq:one"]).ok();
    assert!(said.stderr.contains("repair auth-state.json"), "{}", said.stderr);
    assert_eq!(session.get("groq:one"), "made-up-key-3");
    assert_eq!(std::fs::read(session.agent_file("auth-state.json")).unwrap(), b"{\"version\":1,");
    std::fs::remove_file(session.agent_file("auth-state.json")).unwrap();
    std::fs::create_dir(session.agent_file("auth-state.json")).unwrap();
    let said = session.paste("groq:one", "made-up-key-4");
    assert!(said.stderr.contains("could not clear the cooldown of groq:one"), "{}", said.stderr);
    assert_eq!(session.get("groq:one"), "made-up-key-4");
}
