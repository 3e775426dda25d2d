//! What a record has in addition to its secret, as `list --long` and `status --check` show it, and how it gets there
//! with a paste or an import.

use serde_json::json;

use crate::session::Session;

#[test]
fn list_long_shows_hosts_note_and_when_the_secret_changed() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    session
        .run(["edit", "groq:one", "--username", "me", "--note", "of Ann\nrenew", "--helper", "codex"])
        .ok();
    let shown = session.run(["list", "--long"]).ok().sane("made-up-key").stdout;
    for line in [
        "groq:one\n",
        "  type       api_key\n",
        "  user name  me\n",
        "  hosts      https://api.groq.com\n",
        "  helpers    codex\n",
        "  note       of Ann\n             renew\n",
    ] {
        assert!(shown.contains(line), "{line:?} in {shown}");
    }
    assert!(shown.contains("  created    ") && !shown.contains("rotated"), "an edit is no rotation: {shown}");
    session.feed("made-up-key-2", ["rotate", "groq:one"]).ok();
    assert!(session.run(["list", "-l"]).ok().stdout.contains("  rotated    "));

    let document = session.run(["list", "--long", "--json"]).ok().sane("made-up-key").json();
    let profile = &document["agents"][0]["profiles"][0];
    assert_eq!((&profile["username"], &profile["note"]), (&json!("me"), &json!("of Ann\nrenew")));
    assert_eq!(profile["hosts"], json!(["https://api.groq.com"]));
    assert!(profile["rotated"].as_i64() > profile["created"].as_i64(), "{profile}");
    let short = session.run(["list", "--json"]).ok().json();
    assert_eq!(short["agents"][0]["profiles"][0].get("hosts"), None);
}

#[test]
fn list_long_names_what_cannot_be_decrypted_and_lists_the_rest() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    session.paste("groq:two", "made-up-key-2");
    std::fs::write(session.agent_file("records/groq_3aone.age"), "not a record").unwrap();
    let shown = session.run(["list", "--long"]).ok().stdout;
    assert!(shown.contains("  unreadable  ") && shown.contains("(CORRUPT)"), "{shown}");
    assert!(shown.contains("groq:two\n") && shown.contains("https://api.groq.com"), "{shown}");
    let document = session.run(["list", "--long", "--json"]).ok().json();
    assert_eq!(document["agents"][0]["profiles"][0]["unreadable"], "CORRUPT");
}

#[test]
fn list_long_needs_the_key_and_list_does_not() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    std::fs::remove_file(session.key_file()).unwrap();
    session.run(["list"]).ok();
    session.run(["list", "--long"]).failed("LOCKED", 77);
}

#[test]
fn status_of_one_profile_shows_them_after_it_was_decrypted() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    session.run(["edit", "groq:one", "--note", "of Ann"]).ok();
    let checked = session.run(["status", "--check", "--profile", "groq:one"]).ok().stdout;
    assert!(checked.contains("     hosts  https://api.groq.com\n     note   of Ann\n"), "{checked}");
    let unchecked = session.run(["status", "--profile", "groq:one"]).ok().stdout;
    assert!(!unchecked.contains("of Ann"), "{unchecked}");
    let document = session.run(["status", "--check", "--json"]).json();
    assert_eq!(document["vault"]["profiles"][0]["note"], "of Ann");
    assert_eq!(document["vault"]["profiles"][0]["hosts"], json!(["https://api.groq.com"]));
}

#[test]
fn a_paste_names_a_host_and_a_user_name_and_the_log_says_so() {
    let session = Session::new();
    let paste = ["paste-api-key", "--provider", "azure-openai", "--host", "https://ann.openai.azure.com"];
    let ran = session.feed("made-up-key-1", paste.iter().chain(&["--username", "ann"])).ok();
    assert!(!ran.stderr.contains("host of its own"), "{}", ran.stderr);
    let held = session.run(["get", "azure-openai:default", "--json"]).ok().json();
    assert_eq!(held["hosts"], json!(["https://ann.openai.azure.com"]));
    assert_eq!(held["username"], "ann");
    session.feed("made-up-key-2", ["paste-api-key", "--provider", "azure-openai"]).ok();
    assert_eq!(
        session.run(["get", "azure-openai:default", "--field", "hosts"]).ok().stdout,
        "https://ann.openai.azure.com\n"
    );
    let log = session.run(["log", "--op", "paste", "--json"]).ok().json()["lines"].clone();
    assert_eq!(log[1]["field"], "hosts", "{log}");
    session.run(["verify"]).ok();
    let bad = ["paste-api-key", "--provider", "groq", "--host", "https://10.0.0.1"];
    session.feed("made-up-key-1", bad).failed("USAGE", 64);
}

#[test]
fn a_vault_that_is_only_kept_unlocked_takes_no_host_from_a_paste_or_an_import() {
    let Some(session) = Session::kept_unlocked() else { return };
    let from = Session::new();
    from.feed("made-up-key-1", ["paste-api-key", "--provider", "made-up", "--host", "https://x.io"]).ok();
    from.paste("groq:one", "made-up-key-2");
    // The cache does not hold the vault's own identity for bundles, so that they are sealed to another one.
    let identity = session.run(["recovery-key", "--passphrase-file", "passphrase"]).ok().stdout;
    session.write("identity", &identity);
    let key: age::x25519::Identity = identity.trim().parse().unwrap();
    let recipient = key.to_public().to_string();
    from.run(["export", "groq:one", "--to", &recipient, "--out", "plain"]).ok();
    from.run(["export", "made-up:default", "--to", &recipient, "--out", "wide"]).ok();

    let paste = ["paste-api-key", "--provider", "made-up", "--host", "https://x.io"];
    session.feed("made-up-key-1", paste).failed("LOCKED", 77);
    let import = |name: &str, more: &[&str]| {
        let bundle = std::fs::read(from.path(name)).unwrap();
        session.feed(bundle, ["import", "-", "--yes"].iter().chain(more))
    };
    import("plain", &["--bundle-identity", "identity"]).ok();
    import("wide", &["--bundle-identity", "identity"]).failed("LOCKED", 77);
    session.run(["get", "made-up:default"]).failed("NOT_FOUND", 66);
    import("wide", &["--bundle-identity", "identity", "--passphrase-file", "passphrase"]).ok();
    assert_eq!(session.get("made-up:default"), "made-up-key-1");
}

#[test]
fn a_rotation_after_the_expiry_takes_the_lifetime_of_the_secret_not_of_its_last_edit() {
    let session = Session::new();
    let token = ["paste-token", "--provider", "made-up", "--expires-in", "2s"];
    session.feed("made-up-token-1", token).ok();
    session.run(["edit", "made-up:manual", "--note", "of Ann"]).ok();
    let held =
        |member: &str| session.run(["get", "made-up:manual", "--json"]).ok().json()[member].as_i64().unwrap();
    let (created, ends) = (held("created"), held("expires"));
    while held("expires") == ends && session.run(["status", "--check"]).status != 1 {}
    session.feed("made-up-token-2", ["rotate", "made-up:manual"]).ok();
    assert_eq!(held("expires") - held("updated"), ends - created);
}
