//! `edit`: what a profile has apart from its secret.

use crate::session::{Session, setup_token};

impl Session {
    fn paste_with(&self, options: &[&str], id: &str, secret: &str) {
        let provider = id.split(':').next().unwrap();
        let verb = ["paste-api-key", "--provider", provider, "--profile-id", id];
        self.feed(secret, verb.iter().chain(options)).ok();
    }
}

#[test]
fn an_edit_changes_metadata_and_keeps_the_secret() {
    let session = Session::new();
    session.paste("made-up:one", "made-up-key-1");
    let before = session.run(["get", "made-up:one", "--json"]).ok().json();
    let edited = session
        .run([
            "edit",
            "made-up:one",
            "--username",
            "me@x.io",
            "--host",
            "HTTPS://API.X.io:443",
            "--host",
            "https://b.x.io:8443",
            "--helper",
            "git",
            "--note",
            "bought by Ann\nrenew in May",
            "--display-name",
            "Ann's",
            "--expires-at",
            "2099-01-31",
            "--json",
        ])
        .ok()
        .json();
    assert_eq!(edited["result"], "edited");
    assert_eq!(edited["hosts"], serde_json::json!(["https://api.x.io", "https://b.x.io:8443"]));
    assert_eq!(edited["helpers"], serde_json::json!(["git"]));
    assert_eq!(
        edited["changed"],
        serde_json::json!(["username", "hosts", "helpers", "note", "displayName", "expires"])
    );
    assert!(edited["generation"].as_u64() > before["generation"].as_u64());
    assert_eq!(session.get("made-up:one"), "made-up-key-1");

    let index = std::fs::read_to_string(session.agent_file("auth-profiles.json")).unwrap();
    assert!(index.contains("Ann's") && !index.contains("x.io") && !index.contains("renew"), "{index}");
    session.run(["verify"]).ok();

    let again =
        session.run(["edit", "made-up:one", "--no-host", "https://b.x.io:8443", "--no-note", "--json"]);
    let again = again.ok().json();
    assert_eq!(again["hosts"], serde_json::json!(["https://api.x.io"]));
    assert_eq!((&again["note"], &again["username"]), (&serde_json::Value::Null, &"me@x.io".into()));
    let only = session.run(["edit", "made-up:one", "--no-hosts", "--host", "https://c.x.io", "--json"]).ok();
    assert_eq!(only.json()["hosts"], serde_json::json!(["https://c.x.io"]));
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    session.run(["edit", "groq:one"]).failed("USAGE", 64);
    session.run(["edit", "groq:two", "--note", "mine"]).failed("NOT_FOUND", 66);
    session.run(["edit", "groq:one", "--note", "mine"]).ok();
    let log = || session.run(["log", "--json"]).ok().json()["lines"].as_array().unwrap().len();
    let before = log();
    let same = ["edit", "groq:one", "--note", "mine", "--host", "https://api.groq.com", "--no-helper", "git"];
    assert!(session.run(same).ok().stdout.contains("nothing was changed"));
    assert_eq!(log(), before);
}

#[test]
fn hosts_and_helpers_are_logged_with_old_and_new() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    session.run(["edit", "groq:one", "--host", "https://b.x.io", "--helper", "codex"]).ok();
    let lines = session.run(["log", "--op", "edit", "--json"]).ok().json()["lines"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 3);
    assert_eq!(lines[1]["field"], "hosts");
    assert_eq!(lines[1]["before"], serde_json::json!(["https://api.groq.com"]));
    assert_eq!(lines[1]["after"], serde_json::json!(["https://api.groq.com", "https://b.x.io"]));
    assert_eq!((&lines[2]["field"], &lines[2]["after"]), (&"helpers".into(), &serde_json::json!(["codex"])));
    let shown = session.run(["log"]).ok().stdout;
    assert!(shown.contains("hosts: https://api.groq.com → https://api.groq.com, https://b.x.io"), "{shown}");
    session.run(["verify"]).ok();
}

#[test]
fn a_new_host_or_helper_needs_an_unlock_method() {
    let Some(session) = Session::kept_unlocked() else { return };
    session.paste_with(&["--passphrase-file", "passphrase"], "made-up:one", "made-up-key-1");
    session.run(["edit", "made-up:one", "--note", "mine"]).ok();
    session.run(["edit", "made-up:one", "--no-hosts"]).ok();
    session.run(["edit", "made-up:one", "--host", "https://x.io"]).failed("LOCKED", 77);
    session.run(["edit", "made-up:one", "--helper", "git"]).failed("LOCKED", 77);
    session.run(["edit", "made-up:one", "--host", "https://x.io", "--passphrase-file", "passphrase"]).ok();
}

#[test]
fn what_is_refused_is_not_repeated() {
    let session = Session::new();
    session.paste("made-up:one", "made-up-key-1");
    let secret = setup_token("CANARY");
    let url = format!("https://user:{secret}@x.io");
    for (flag, value) in [
        ("--username", secret.as_str()),
        ("--note", &format!("it is {secret}")),
        ("--display-name", &secret),
        ("--helper", &secret),
        ("--host", &secret),
        ("--host", &url),
        ("--host", &format!("https://x.io/{secret}")),
        ("--host", "https://canary.x.io/CANARY"),
        ("--host", "https://CANARY.x.io."),
        ("--host", "http://127.0.0.1:1/CANARY"),
        ("--helper", "CANARY"),
        ("--username", "CANARY\u{1b}[2J"),
        ("--note", "CANARY\r"),
    ] {
        session.run(["edit", "made-up:one", flag, value]).sane("CANARY").failed("USAGE", 64);
    }
    session.run(["edit", "made-up:one", "--username", "AKIAIOSFODNN7EXAMPLE"]).ok();
}

#[test]
fn what_a_profile_has_stays_through_each_change() {
    let session = Session::new();
    session.paste("made-up:one", "made-up-key-1");
    session
        .run([
            "edit",
            "made-up:one",
            "--host",
            "https://x.io",
            "--helper",
            "git",
            "--note",
            "mine",
            "--username",
            "me",
        ])
        .ok();
    let has = |id: &str| {
        let same = session.run(["edit", id, "--note", "mine", "--json"]).ok().json();
        assert_eq!(same["result"], "unchanged", "{same}");
        assert_eq!(same["hosts"], serde_json::json!(["https://x.io"]), "{same}");
        assert_eq!(same["helpers"], serde_json::json!(["git"]), "{same}");
        assert_eq!(same["username"], "me", "{same}");
    };
    session.paste("made-up:one", "made-up-key-2");
    has("made-up:one");
    session.feed("made-up-key-3", ["rotate", "made-up:one"]).ok();
    has("made-up:one");
    session.run(["rename", "made-up:one", "made-up:two"]).ok();
    has("made-up:two");
    session.run(["rekey", "--yes"]).ok();
    has("made-up:two");
    let index = session.write(
        "profiles.json",
        r#"{"version":1,"profiles":{"made-up:two":{"type":"api_key","provider":"made-up","key":"made-up-key-4"}}}"#,
    );
    session.run(["import", index.to_str().unwrap(), "--on-conflict", "replace", "--yes"]).ok();
    assert_eq!(session.get("made-up:two"), "made-up-key-4");
    has("made-up:two");
    // Another type may go to other places.
    session
        .feed("made-up-token", ["paste-token", "--provider", "made-up", "--profile-id", "made-up:two"])
        .ok();
    let now = session.run(["edit", "made-up:two", "--note", "mine", "--json"]).ok().json();
    assert_eq!((&now["hosts"], &now["helpers"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(now["username"], "me");
}

#[test]
fn a_field_is_printed_alone_and_all_in_json() {
    let session = Session::new();
    session.paste("bedrock:one", "made-up-key-1");
    let edit = ["edit", "bedrock:one", "--username", "AKIAIOSFODNN7EXAMPLE", "--note", "a\nb", "--host"];
    session.run(edit.into_iter().chain(["https://b.x.io", "--host", "https://a.x.io"])).ok();
    for (field, text) in [
        ("username", "AKIAIOSFODNN7EXAMPLE\n"),
        ("hosts", "https://b.x.io\nhttps://a.x.io\n"),
        ("note", "a\nb\n"),
        ("provider", "bedrock\n"),
        ("secret", "made-up-key-1\n"),
    ] {
        assert_eq!(session.run(["get", "bedrock:one", "--field", field]).ok().stdout, text);
    }
    session.run(["get", "bedrock:one", "--field", "helpers"]).failed("NOT_FOUND", 66);
    let all = session.run(["get", "bedrock:one", "--json"]).ok().json();
    assert_eq!((&all["username"], &all["note"]), (&"AKIAIOSFODNN7EXAMPLE".into(), &"a\nb".into()));
    assert_eq!(all["hosts"], serde_json::json!(["https://b.x.io", "https://a.x.io"]));
}

#[test]
fn list_and_export_choose_by_provider_type_and_text() {
    let session = Session::new();
    session.paste("groq:work", "made-up-key-1");
    session.paste("openrouter:home", "made-up-key-2");
    session.feed("made-up-token", ["paste-token", "--provider", "groq", "--profile-id", "groq:t"]).ok();
    session.run(["edit", "openrouter:home", "--display-name", "Ann's Work"]).ok();
    let recipient = session.run(["recipient"]).ok().stdout.trim().to_owned();
    for (number, (flags, ids)) in [
        (&["--provider", "groq"][..], &["groq:work", "groq:t"][..]),
        (&["--type", "token"], &["groq:t"]),
        (&["--matching", "WORK"], &["groq:work", "openrouter:home"]),
        (&["--matching", "work", "--provider", "groq"], &["groq:work"]),
    ]
    .into_iter()
    .enumerate()
    {
        let listed = session.run(["list", "--json"].iter().chain(flags)).ok().json();
        let out = format!("{number}.age");
        let export = ["export", "--to", &recipient, "--out", &out, "--json"];
        let exported = session.run(export.iter().chain(flags)).ok().json();
        for profiles in [&listed["agents"][0]["profiles"], &exported["profiles"]] {
            let mut found: Vec<_> =
                profiles.as_array().unwrap().iter().map(|one| one["profileId"].as_str().unwrap()).collect();
            let mut ids = ids.to_vec();
            found.sort_unstable();
            ids.sort_unstable();
            assert_eq!(found, ids, "{flags:?}");
        }
    }
    session.run(["list", "--type", "key"]).failed("USAGE", 64);
    let nothing = session.run(["list", "--matching", "nowhere"]).ok();
    assert!(nothing.stderr.contains("No profile of agent main matches."), "{}", nothing.stderr);
    session.run(["export", "--to", &recipient, "--out", "no.age", "--type", "oauth"]).failed("NOT_FOUND", 66);
}

#[test]
fn a_provider_alone_means_its_best_profile() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-one");
    session.paste("groq:two", "made-up-key-two");
    session.run(["order", "set", "--provider", "groq", "groq:two", "groq:one"]).ok();
    let best = |session: &Session| session.run(["get", "groq"]).ok().stdout;
    assert_eq!(best(&session), "made-up-key-two\n");
    assert_eq!(
        session.resolve(&["providers/groq/apiKey"])["values"]["providers/groq/apiKey"],
        "made-up-key-two"
    );
    session.run(["report", "groq:two", "--failure", "billing"]).ok();
    assert_eq!(best(&session), "made-up-key-one\n");
    assert_eq!(session.run(["get", "groq", "--field", "type"]).ok().stdout, "api_key\n");
    session.run(["get", "openai"]).failed("NOT_FOUND", 66);
    session.run(["get", "work"]).failed("INVALID_ID", 64);
    // The vault is unlocked once: standard input gives its passphrase only once, and a person is asked once.
    session.write("passphrase", "made up, and long enough");
    session.run(["unlock-method", "add", "passphrase", "--new-passphrase-file", "passphrase"]).ok();
    let got = session.feed("made up, and long enough", ["get", "groq", "--passphrase-file", "-"]).ok();
    assert_eq!(got.stdout, "made-up-key-one\n");
}

#[test]
fn a_paste_for_a_provider_with_hosts_of_each_customer_says_how_to_name_one() {
    let session = Session::new();
    let azure = session.paste("azure-openai:work", "made-up-azure-key");
    assert!(
        azure.stderr.contains("`strongroom edit azure-openai:work --host https://HOST`"),
        "{}",
        azure.stderr
    );
    session.run(["edit", "azure-openai:work", "--host", "https://made-up.openai.azure.com"]).ok();
    let again = session.paste("azure-openai:work", "made-up-azure-key-2");
    assert!(!again.stderr.contains("--host"), "{}", again.stderr);
}

#[test]
fn a_copy_is_another_agents_own() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-one");
    session.run(["edit", "groq:one", "--note", "made up", "--helper", "aws"]).ok();
    session.run(["copy", "groq:one", "--to-agent", "ops"]).ok();
    session.run(["copy", "groq:one", "--to-agent", "ops"]).failed("EXISTS", 73);
    session.run(["copy", "groq:one", "--to-agent", "ops", "--as", "groq:two"]).ok();
    session.run(["copy", "groq:one", "--to-agent", "main"]).failed("USAGE", 64);
    session.run(["copy", "groq:none", "--to-agent", "ops"]).failed("NOT_FOUND", 66);
    session.run(["copy", "groq:one", "--to-agent", "ops", "--as", "zai:one"]).failed("USAGE", 64);
    session.feed("made-up-key-new", ["rotate", "groq:one"]).ok();
    for id in ["groq:one", "groq:two"] {
        let copied = session.run(["get", id, "--agent", "ops", "--json"]).ok().json();
        assert_eq!(copied["secret"], "made-up-key-one");
        assert_eq!((&copied["note"], &copied["helpers"][0]), (&"made up".into(), &"aws".into()));
    }
    session.run(["undo", "groq:one", "--agent", "ops", "--yes"]).failed("NOT_FOUND", 66);
    session.run(["verify"]).ok();
}
