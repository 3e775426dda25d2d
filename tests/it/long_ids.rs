//! Ids that are too long for a file name or a reference, in everything that has to find out whose record a file
//! contains; and agents as the client names them.

use std::fs;

use serde_json::json;

use crate::session::Session;

/// An id whose file name and reference are both in the short form.
fn long(tail: &str) -> String {
    format!("openai-codex:{}'{tail}@example.org", "a-very.long+address/".repeat(13))
}

fn reference_of(session: &Session, id: &str) -> String {
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(session.agent_file("auth-profiles.json")).unwrap()).unwrap();
    index["profiles"][id]["keyRef"]["id"].as_str().unwrap().to_owned()
}

fn records(session: &Session) -> Vec<String> {
    let there = fs::read_dir(session.agent_file("records")).unwrap();
    there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn paste(session: &Session, id: &str, secret: &str) {
    session.feed(secret, ["paste-api-key", "--provider", "openai-codex", "--profile-id", id]).ok();
}

fn clean(session: &Session) {
    session.run(["verify"]).ok();
    let list = session.run(["list", "--json"]).ok().json();
    assert_eq!(list["agents"][0]["profiles"].as_array().map(Vec::len), Some(2), "{list}");
}

#[test]
fn a_long_id_is_stored_found_renamed_moved_and_removed() {
    let session = Session::new();
    let (one, two) = (long("one"), long("two"));
    paste(&session, &one, "made-up-secret-one-1");
    paste(&session, &two, "made-up-secret-two-2");
    clean(&session);
    assert!(records(&session).iter().all(|name| name.contains("_x") && name.len() < 70));
    assert_eq!(session.get(&one), "made-up-secret-one-1");
    let reference = reference_of(&session, &one);
    assert!(reference.len() < 70 && reference.starts_with("main/openai-codex:_x"), "{reference}");
    let bare = reference.trim_start_matches("main/").to_owned();
    // A request is at most as long as a reference; a file name is shortened sooner.
    let medium = format!("openai-codex:{}", "m/".repeat(100));
    paste(&session, &medium, "made-up-secret-medium-1");
    let plain = format!("main/{medium}");
    let answered = session.resolve(&[&reference, &bare, &medium, &plain, "main/openai-codex:_x00", &one]);
    session.run(["remove", &medium, "--yes"]).ok();
    assert_eq!(
        answered["values"],
        json!({
            &reference: "made-up-secret-one-1",
            &bare: "made-up-secret-one-1",
            &medium: "made-up-secret-medium-1",
            &plain: "made-up-secret-medium-1",
        })
    );
    assert_eq!(answered["errors"][&one]["code"], "INVALID_ID");
    let unknown = format!("main/openai-codex:_x{}", "0".repeat(40));
    assert_eq!(session.resolve(&[&unknown])["errors"][&unknown]["code"], "NOT_FOUND");

    session.feed("made-up-secret-one-3", ["rotate", &one]).ok();
    session.run(["rekey", "--yes"]).ok();
    clean(&session);
    let renamed = long("renamed");
    session.run(["rename", &two, &renamed]).ok();
    assert_eq!(session.get(&renamed), "made-up-secret-two-2");
    session.run(["rename", &renamed, "openai-codex:short"]).ok();
    session.run(["rename", "openai-codex:short", &two]).ok();
    clean(&session);

    let mut export = vec!["export".to_owned(), "--out".into(), "bundle".into(), "--to".into()];
    let other = Session::new();
    export.push(other.run(["recipient"]).ok().stdout.trim().to_owned());
    session.run(&export).ok();
    let bundle = fs::read(session.path("bundle")).unwrap();
    other.feed(&bundle, ["import", "-", "--yes"]).ok();
    assert_eq!(other.get(&one), "made-up-secret-one-3");

    session.run(["remove", &one, "--yes"]).ok();
    session.run(["get", &one]).failed("NOT_FOUND", 66);
    session.run(["verify"]).ok();
    assert_eq!(records(&session).len(), 1);
}

#[test]
fn the_record_of_a_long_id_is_found_without_index_or_ledger() {
    let session = Session::new();
    let (one, two) = (long("one"), long("two"));
    paste(&session, &one, "made-up-secret-one-1");
    paste(&session, &two, "made-up-secret-two-2");
    let index = session.agent_file("auth-profiles.json");
    fs::write(&index, "{}").unwrap();
    session.run(["list"]).ok();
    assert_eq!(session.get(&one), "made-up-secret-one-1");
    session.run(["doctor", "--repair"]).ok();
    clean(&session);

    let key = session.run(["recovery-key"]).ok().stdout;
    session.write("recovery", key);
    for gone in ["ledger", "auth-profiles.json", "journal"] {
        let _ = fs::remove_file(session.agent_file(gone));
    }
    fs::remove_file(session.home().join("unlock/key-file.age")).unwrap();
    fs::remove_file(session.home().join("ledger")).unwrap();
    session.run(["recover", "--recovery-key", "recovery"]).ok();
    assert_eq!(session.get(&two), "made-up-secret-two-2");
    session.run(["doctor", "--repair"]).ok();
    clean(&session);
}

#[test]
fn a_file_with_a_short_name_that_nobody_knows_is_a_finding_and_no_stop() {
    let session = Session::new();
    paste(&session, &long("one"), "made-up-secret-one-1");
    paste(&session, &long("two"), "made-up-secret-two-2");
    let planted = session.agent_file("records").join(format!("openai_3a_x{}.age", "0".repeat(40)));
    let other = &records(&session)[0];
    fs::copy(session.agent_file("records").join(other), &planted).unwrap();
    let verified = session.run(["verify"]);
    assert_eq!(verified.status, 65, "{}", verified.stdout);
    assert!(verified.stdout.contains("_x0000"), "{}", verified.stdout);
    session.run(["list"]).ok();
    paste(&session, "openai-codex:short", "made-up-secret-three-3");
    assert!(planted.exists());
}

#[test]
fn agents_are_as_the_client_names_them() {
    let session = Session::new();
    let longest = format!("a{}", "_b".repeat(31));
    for (agent, secret) in [("my_agent", "made-up-secret-one-1"), (longest.as_str(), "made-up-secret-two-2")]
    {
        let paste = ["--agent", agent, "paste-token", "--provider", "openrouter"];
        session.feed(secret, paste).ok();
        let index = session.home().join("agents").join(agent).join("auth-profiles.json");
        let index: serde_json::Value = serde_json::from_slice(&fs::read(index).unwrap()).unwrap();
        let reference = index["profiles"]["openrouter:manual"]["tokenRef"]["id"].as_str().unwrap().to_owned();
        assert!(reference.len() <= 256 && !reference.starts_with(&format!("{agent}/")), "{reference}");
        for id in [reference, format!("{agent}/openrouter:manual")] {
            assert_eq!(session.resolve(&[&id])["values"][&id], secret, "{id}");
        }
    }
    session.run(["verify"]).ok();
    let confined =
        session.resolve_with(&["--agent", "my_agent"], &["my_5fagent/openrouter:manual", "my_agent2/a:b"]);
    assert_eq!(confined["values"]["my_5fagent/openrouter:manual"], "made-up-secret-one-1");
    assert_eq!(confined["errors"]["my_agent2/a:b"]["code"], "DENIED");
}

#[test]
fn a_remedy_with_an_id_can_be_pasted_into_a_shell() {
    let session = Session::new();
    let id = "openai-codex:o'brien`id`$(id)@x.io".replace(['(', ')'], "");
    let refused = session.run(["get", &id]).failed("NOT_FOUND", 66).stderr;
    assert!(refused.contains(r"--profile-id 'openai-codex:o'\''brien`id`$id@x.io'"), "{refused}");
    let refused = session.run(["get", "OpenAI:me@x.io"]).failed("INVALID_ID", 64).stderr;
    assert!(refused.contains("openai:me@x.io"), "{refused}");
}
