//! Fields that other programs write into an index: they are encrypted with the profile that is stored next, reported
//! if they look like a secret, and never lost.

use serde_json::{Value, json};

use crate::forge;
use crate::session::Session;

const OLD: &str = "made-up-canary-of-another-program";

fn index(session: &Session) -> Value {
    let bytes = std::fs::read(session.home().join("agents/main/auth-profiles.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn write_index(session: &Session, index: &Value) {
    let text = serde_json::to_string_pretty(index).unwrap();
    std::fs::write(session.home().join("agents/main/auth-profiles.json"), text).unwrap();
}

/// Returns what the record of `openrouter:x` contains.
fn sealed(session: &Session) -> String {
    let recovery_key = session.run(["recovery-key"]).ok().stdout;
    let record = std::fs::read(session.agent_file("records/openrouter_3ax.age")).unwrap();
    forge::shown(&record, &recovery_key)
}

/// A vault with one profile, to whose entry another program adds these fields.
fn with_fields(fields: &Value) -> Session {
    let session = Session::new();
    session.paste("openrouter:x", "made-up-key-1");
    let mut document = index(&session);
    let entry = document["profiles"]["openrouter:x"].as_object_mut().unwrap();
    entry.extend(fields.as_object().unwrap().clone());
    write_index(&session, &document);
    session
}

fn secrets() -> Value {
    json!({
        "access_token": OLD, "refresh_token": OLD, "client_secret": OLD, "cookie": OLD, "idToken": OLD,
        "headers": {"Authorization": format!("Bearer {OLD}"), "x-api-key": OLD}, "password": OLD,
        "session": {"jwt": OLD}, "metadata": {"org": "made-up"}, "baseUrl": "https://example.com", "note": OLD,
    })
}

#[test]
fn a_paste_over_an_entry_seals_what_else_stands_in_it() {
    let session = with_fields(&secrets());
    let pasted = session
        .feed("made-up-key-2", ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:x"])
        .ok();
    assert!(pasted.stderr.contains("access_token, baseUrl, client_secret"), "{}", pasted.stderr);
    let after = index(&session);
    let entry = after["profiles"]["openrouter:x"].as_object().unwrap();
    let mut fields: Vec<_> = entry.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["keyRef", "provider", "strongroom", "type"]);
    assert!(!after.to_string().contains(OLD));
    session.run(["verify"]).ok();
    // None of it is lost: it moves with the profile.
    let receiver = Session::new();
    let recipient = receiver.run(["recipient"]).ok().stdout;
    session.run(["export", "--to", recipient.trim(), "--out", session.path("b").to_str().unwrap()]).ok();
    receiver.run(["import", session.path("b").to_str().unwrap(), "--yes"]).ok();
    let plain = sealed(&receiver);
    for field in ["access_token", "refresh_token", "client_secret", "cookie", "headers", "baseUrl", "note"] {
        assert!(plain.contains(&format!("\"{field}\"")), "{field} is lost");
    }
}

#[test]
fn rotate_rename_and_import_seal_it_too() {
    let commands: [&[&str]; 2] = [&["rotate", "openrouter:x"], &["rename", "openrouter:x", "openrouter:y"]];
    for command in commands {
        let session = with_fields(&secrets());
        session.feed("made-up-key-3", command).ok();
        assert!(!index(&session).to_string().contains(OLD), "{command:?}");
        session.run(["verify"]).ok();
    }
    let session = with_fields(&secrets());
    let source = json!({"version": 1, "profiles": {
        "openrouter:x": {"type": "api_key", "provider": "openrouter", "key": "made-up-key-4", "baseUrl": "https://new.example.com"}}});
    std::fs::write(session.path("source.json"), source.to_string()).unwrap();
    session
        .run(["import", session.path("source.json").to_str().unwrap(), "--on-conflict", "replace", "--yes"])
        .ok();
    assert!(!index(&session).to_string().contains(OLD));
    let plain = sealed(&session);
    // Fields of the source take precedence; those of the index are not lost.
    for member in ["\"baseUrl\":\"https://new.example.com\"", "\"baseUrl.index\":\"https://example.com\""] {
        assert!(plain.contains(member), "{plain}");
    }
}

#[test]
fn a_rekey_leaves_what_it_was_not_given() {
    let session = with_fields(&json!({"tokenEndpoint": "https://planted.example.com"}));
    session.run(["rekey", "--yes"]).ok();
    assert_eq!(
        index(&session)["profiles"]["openrouter:x"]["tokenEndpoint"],
        json!("https://planted.example.com")
    );
}

#[test]
fn more_than_a_record_can_hold_is_refused_and_stays() {
    let session = with_fields(&json!({"metadata": "x".repeat(16 * 1024)}));
    let before = index(&session);
    let refused = session
        .feed("made-up-key-2", ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:x"])
        .failed("TOO_LARGE", 65);
    assert!(refused.stderr.contains("openrouter:x"), "{}", refused.stderr);
    assert_eq!(index(&session), before);
    assert_eq!(session.run(["get", "openrouter:x"]).ok().stdout, "made-up-key-1\n");
}

#[test]
fn what_looks_like_a_secret_is_a_finding_everywhere() {
    for (name, plant) in [
        ("an entry of the vault's", json!({"profiles": {"openrouter:x": {"headers": {"Cookie": OLD}}}})),
        (
            "another program's entry",
            json!({"profiles": {"mine:x": {"type": "api_key", "provider": "mine", "client_secret": OLD}}}),
        ),
        ("an unknown type", json!({"profiles": {"Foreign Thing": {"type": "new", "sessionKey": OLD}}})),
        ("beside the profiles", json!({"plugin": {"accessToken": OLD}})),
        ("by shape alone", json!({"plugin": {"note": "sk-ant-oat01-made-up-made-up-made-up"}})),
        ("a name of a member", json!({"plugin": {"sk-ant-oat01-made-up-made-up-made-up": true}})),
        ("in an order", json!({"order": {"anthropic": ["sk-ant-oat01-made-up-made-up-made-up"]}})),
    ] {
        let session = Session::new();
        session.paste("openrouter:x", "made-up-key-1");
        let mut document = index(&session);
        merge(&mut document, &plant);
        write_index(&session, &document);
        let verified = session.run(["verify"]);
        let doctor = session.run(["doctor"]);
        let status = session.run(["status"]).ok();
        assert_eq!(verified.status, 65, "{name}: {}", verified.stdout);
        std::fs::rename(session.key_file(), session.path("away")).unwrap();
        for said in [verified, doctor, status, session.run(["doctor"])] {
            let said = format!("{}{}", said.stdout, said.stderr);
            assert!(said.contains("seems to hold a secret in plain text"), "{name}: {said}");
            assert!(!said.contains(OLD) && !said.contains("made-up-made-up"), "{name}: {said}");
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[test]
fn what_comes_a_second_time_is_sealed_beside_the_first() {
    let session = with_fields(&json!({"refresh_token": "made-up-first"}));
    session.feed("made-up-key-2", ["rotate", "openrouter:x"]).ok();
    for (round, command) in [
        ("made-up-second", &["rotate", "openrouter:x"][..]),
        ("made-up-third", &["rename", "openrouter:x", "openrouter:y"]),
        ("made-up-third", &["rename", "openrouter:y", "openrouter:x"]),
    ] {
        let mut document = index(&session);
        let id = command[1];
        document["profiles"][id]["refresh_token"] = json!(round);
        write_index(&session, &document);
        session.feed("made-up-key-3", command).ok();
        assert!(!index(&session).to_string().contains(round), "{command:?}");
    }
    let plain = sealed(&session);
    for value in ["made-up-first", "made-up-second", "made-up-third"] {
        assert_eq!(plain.matches(value).count(), 1, "{value}: {plain}");
    }
}

#[test]
fn a_key_that_another_program_puts_in_the_place_of_ours_is_not_lost() {
    let theirs = json!({"type": "api_key", "provider": "openrouter", "key": OLD});
    for command in [&["doctor", "--repair"][..], &["rekey", "--yes"], &["rotate", "openrouter:x"]] {
        let session = Session::new();
        session.paste("openrouter:x", "made-up-key-1");
        let mut document = index(&session);
        document["profiles"]["openrouter:x"] = theirs.clone();
        write_index(&session, &document);
        session.feed("made-up-key-2", command);
        let stays = index(&session).to_string().contains(OLD);
        assert!(stays || sealed(&session).contains(OLD), "{command:?}: it is lost");
    }
}

#[test]
fn an_address_in_a_reference_is_no_secret() {
    let session = Session::new();
    let id = "anthropic:Maximilian.Mustermann2@a-rather-long-example-company.com";
    session.feed("sk-ant-made-up", ["paste-token", "--provider", "anthropic", "--profile-id", id]).ok();
    session.run(["verify"]).ok();
    assert!(!session.run(["status"]).ok().stdout.contains("looks like a secret"));
}
