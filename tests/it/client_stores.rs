//! What `status` says of OpenClaw's own stores: which profile it uses, what hides another one, what is in plain text.

use std::time::Instant;

use serde_json::{Value, json};

use crate::import_installation::{OF_AGENT, SHARED, database, write};
use crate::session::{HANGS, Session, ran, snapshot};

const SHARED_STORE: &str = ".openclaw/state/openclaw.sqlite";
const OWN_STORE: &str = ".openclaw/agents/main/agent/openclaw-agent.sqlite";
const USING_GROQ: &str = "{ agents: { defaults: { model: { primary: 'groq/x' } } } }";

/// Returns a session whose client keeps a key in its shared database, and a reference of the same id before it.
fn beside_databases() -> Session {
    let session = Session::new();
    let plain = json!({ "version": 1, "profiles": {
        "groq:one": { "type": "api_key", "provider": "groq", "key": "made-up-canary" },
        "zai:one": { "type": "api_key", "provider": "zai", "key": "made-up-canary-2" } } });
    database(&session.path(SHARED_STORE), SHARED, &plain.to_string());
    let own = json!({ "version": 1, "profiles": { "groq:one": { "type": "api_key", "provider": "groq",
        "keyRef": { "source": "exec", "provider": "strongroom", "id": "main/groq:one" } } } });
    database(&session.path(OWN_STORE), OF_AGENT, &own.to_string());
    let shared = rusqlite::Connection::open(session.path(SHARED_STORE)).unwrap();
    let state = json!({ "usageStats": { "zai:one": { "disabledUntil": 9_000_000_000_000_i64, "disabledReason": "billing" } } });
    for (key, value) in
        [("auth.sharedStore", json!({ "location": "state-db" })), ("authProfiles.state", state)]
    {
        shared
            .execute("INSERT INTO config_machine_state VALUES (?1, ?2, 1)", [key, &value.to_string()])
            .unwrap();
    }
    session
}

fn provider<'v>(report: &'v Value, name: &str) -> &'v Value {
    let all = report["client"]["providers"].as_array().unwrap();
    all.iter().find(|of| of["provider"] == name).unwrap()
}

#[test]
fn status_says_which_profile_openclaw_uses_what_it_hides_and_what_is_in_plain_text() {
    let session = beside_databases();
    session.paste("groq:one", "made-up-key");
    let before = snapshot(&session.path(".openclaw"));
    let report = session.run(["status", "--check", "--json"]).ok().sane("made-up-canary").json();
    let groq = &provider(&report, "groq")["profiles"][0];
    assert_eq!((&groq["kept"], &groq["reference"]), (&json!("strongroom"), &json!("exec:main/groq:one")));
    assert_eq!(groq["shadows"]["kept"], "plaintext");
    assert!(groq["shadows"]["store"].as_str().unwrap().ends_with(SHARED_STORE), "{groq}");
    let zai = provider(&report, "zai");
    assert_eq!((&zai["next"], &zai["profiles"][0]["verdict"]), (&json!("zai:one"), &json!("disabled")));
    let unusable = &report["auth"]["unusableProfiles"][0];
    assert_eq!((&unusable["profileId"], &unusable["client"]), (&json!("zai:one"), &json!("openclaw")));
    assert_eq!(report["check"]["exit"], 0, "a cooldown of OpenClaw fails no check");
    let said = session.run(["status"]).ok().sane("made-up-canary").stdout;
    let lines: Vec<_> = said.lines().filter(|line| line.contains("strongroom migrate openclaw")).collect();
    assert!(lines.len() == 1 && lines[0].contains("2 secrets in plain text (groq:one, zai:one)"), "{said}");
    assert!(said.contains("used instead of the shared one, in plain text in"), "{said}");
    assert!(!session.run(["status", "--plain"]).ok().stdout.contains("zai"));
    let one = session.run(["status", "--provider", "zai", "--json"]).ok().json();
    assert_eq!(one["client"]["providers"].as_array().unwrap().len(), 1);
    let other = session.run(["--agent", "lab", "status", "--json"]).ok().json();
    assert_eq!(other["client"], Value::Null, "an agent that OpenClaw does not have");
    assert_eq!(snapshot(&session.path(".openclaw")), before, "nothing of OpenClaw's is changed");
}

#[test]
fn a_store_that_cannot_be_read_is_a_warning_and_no_credential() {
    for damage in ["torn", "fifo", "directory"] {
        let session = Session::new();
        session.paste("openrouter:one", "made-up-key");
        write(&session.path(".openclaw/openclaw.json"), USING_GROQ);
        let path = session.path(OWN_STORE);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match damage {
            "torn" => std::fs::write(&path, "no database, made-up-canary").unwrap(),
            "directory" => std::fs::create_dir(&path).unwrap(),
            _ => assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success()),
        }
        let begun = Instant::now();
        let ran = session.run(["status", "--check", "--json"]).sane("made-up-canary");
        assert!(begun.elapsed() < HANGS, "{damage}");
        let report = ran.json();
        let warnings = report["vault"]["warnings"].to_string();
        assert!(warnings.contains("openclaw-agent.sqlite"), "{damage}: {warnings}");
        assert_eq!((ran.status, &report["auth"]["missingProvidersInUse"]), (1, &json!(["groq"])), "{damage}");
        // Without a profile in the vault, what cannot be read is no credential.
        let ran = session.run(["status", "--check", "--provider", "groq", "--json"]);
        assert_eq!(
            (ran.status, &ran.json()["check"]["reasons"][0]["code"]),
            (1, &json!("no_profile")),
            "{damage}"
        );
        std::fs::rename(&path, session.path("away")).unwrap();
        assert_eq!(session.run(["status", "--check"]).status, 1, "{damage}: and then it is missing");
    }
}

#[test]
fn a_key_that_only_the_environment_has_counts_with_a_vault_and_without() {
    for session in [Session::new(), Session::empty()] {
        write(&session.path(".openclaw/openclaw.json"), USING_GROQ);
        assert_eq!(session.run(["status", "--check"]).status, 1);
        for arguments in [&["status", "--check"][..], &["status", "--check", "--provider", "groq"]] {
            let mut command = session.command(arguments);
            command.env("GROQ_API_KEY", "made-up-canary");
            let found = ran(command, b"").ok().sane("made-up-canary");
            assert!(found.stdout.contains("GROQ_API_KEY"), "{}", found.stdout);
        }
        let mut command = session.command(["status", "--check", "--all-agents"]);
        command.env("GROQ_API_KEY", "made-up-canary");
        ran(command, b"").ok();
    }
}

#[test]
fn without_a_vault_what_openclaw_has_itself_is_shown_and_counts() {
    let session = Session::empty();
    write(&session.path(".openclaw/openclaw.json"), USING_GROQ);
    let own = json!({ "profiles": { "groq:one": { "type": "api_key", "provider": "groq", "key": "made-up-canary" } } });
    write(&session.path(".openclaw/agents/main/agent/auth-profiles.json"), &own.to_string());
    let report = session.run(["status", "--check", "--json"]).ok().sane("made-up-canary").json();
    assert_eq!(
        (&report["vault"]["exists"], &provider(&report, "groq")["next"]),
        (&json!(false), &json!("groq:one"))
    );
    let said = session.run(["status"]).ok().stdout;
    assert!(said.contains("no vault yet") && said.contains("groq: OpenClaw uses groq:one"), "{said}");
    assert!(!session.home().exists());
}

#[test]
fn what_an_agent_of_openclaw_has_from_the_main_agent_is_not_missing() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key");
    let zai = ["--agent", "ops", "paste-api-key", "--provider", "zai"];
    session.feed("made-up-key-2", zai).ok();
    write(&session.path(".openclaw/openclaw.json"), USING_GROQ);
    let check = || session.run(["status", "--check", "--all-agents", "--json"]);
    let own = |profiles: Value| {
        let store = json!({ "version": 1, "profiles": profiles }).to_string();
        write(&session.path(".openclaw/agents/main/agent/auth-profiles.json"), &store);
        write(&session.path(".openclaw/agents/ops/agent/auth-profiles.json"), r#"{"profiles":{}}"#);
    };
    own(json!({}));
    let found = check();
    let reason = json!([{ "agent": "ops", "code": "missing_key", "provider": "groq" }]);
    assert_eq!((found.status, &found.json()["check"]["reasons"]), (1, &reason));
    let reference = |id: &str| {
        json!({ "groq:one": { "type": "api_key", "provider": "groq",
            "keyRef": { "source": "exec", "provider": "strongroom", "id": id } } })
    };
    own(reference("main/groq:one"));
    assert_eq!(check().status, 0);
    own(reference("main/groq:gone"));
    assert_eq!(check().status, 1);
}
