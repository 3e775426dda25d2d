//! `migrate openclaw` beside files that are not as the client writes them: nothing goes but what the vault has.

use std::fs;

use serde_json::json;

use crate::migrate::{Beside, MAIN, profiles};

/// A client up to 2026.6.1 with one profile, whose secret is `made-up-groq-one`.
fn with_one_profile() -> Beside {
    let beside = Beside::new();
    beside.write(MAIN, &profiles(&[("groq:one", "made-up-groq-one")]));
    beside.write("openclaw.json", "{}");
    beside
}

#[test]
fn an_entry_with_a_secret_that_the_vault_does_not_have_stays() {
    let reference = json!({ "source": "env", "provider": "default", "id": "XAI_API_KEY" });
    for entry in [
        json!({ "type": "api_key", "provider": "groq", "key": "made-up-first", "token": "made-up-second" }),
        json!({ "type": "token", "provider": "groq", "token": "made-up-first", "key": "made-up-second" }),
        json!({ "type": "api_key", "provider": "groq", "keyRef": reference, "key": "made-up-second" }),
    ] {
        let beside = with_one_profile();
        beside.write(".env", "XAI_API_KEY=made-up-xai-key\n");
        let document = json!({ "version": 1, "profiles": { "groq:two": entry } });
        beside.write(MAIN, &document.to_string());
        let ran = beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65);
        assert!(beside.has("made-up-second"), "{entry}");
        let left = ran.json()["left"].to_string();
        assert!(left.contains("groq:two") && left.contains("several secrets"), "{left}");
    }
}

#[test]
fn a_copy_of_a_store_keeps_what_is_not_in_the_vault() {
    let copy = json!({ "version": 1, "profiles": {
        "groq:one": { "type": "api_key", "provider": "groq", "key": "made-up-groq-one" },
        "x:more": { "type": "api_key", "provider": "x", "key": "made-up-groq-one", "refresh": "made-up-refresh" },
        "x:cloud": { "type": "aws", "provider": "x", "secretAccessKey": "made-up-access-key" },
        "x:text": "made-up-bare-text",
        "x:both": { "type": "api_key", "key": "made-up-both", "keyRef": { "source": "file", "id": "/x" } },
        "x:odd": { "type": "oauth", "provider": "x", "refreshToken": "made-up-odd-refresh" },
    } });
    let flat = json!({
        "groq": { "type": "api_key", "key": "made-up-groq-one" },
        "cloud": { "accessToken": "made-up-access-key" },
        "text": "made-up-bare-text",
    });
    let noted = json!({ "version": 1, "notes": "made-up-note", "profiles": {
        "groq:one": { "type": "api_key", "provider": "groq", "key": "made-up-groq-one" } } });
    for (copy, kept) in [
        (
            copy,
            &[
                "made-up-refresh",
                "made-up-access-key",
                "made-up-bare-text",
                "made-up-both",
                "made-up-odd-refresh",
            ][..],
        ),
        (flat, &["made-up-access-key", "made-up-bare-text"]),
        (noted, &["made-up-note"]),
    ] {
        for name in ["auth-profiles.json.migrated-2026-11-01", "auth-profiles.json.bak", "auth.json"] {
            let beside = with_one_profile();
            let path = beside.write(&format!("agents/main/agent/{name}"), &copy.to_string());
            beside.session.run(["migrate", "openclaw", "--yes"]);
            let text = fs::read_to_string(&path).unwrap_or_default();
            for secret in kept {
                assert!(text.contains(secret), "{name}: {secret} is gone: {text}");
            }
            assert!(!text.contains(r#"key":"made-up-groq-one"}"#), "{name}: {text}");
        }
    }
}

#[test]
fn what_ends_the_lines_of_a_dotenv_file_does_not_matter() {
    for line in ["\r", "\r\n", "\n"] {
        let beside = with_one_profile();
        let lines = ["A=keep", "XAI_API_KEY='made-up-xai-key'", "OTHER=made-up-other", ""];
        beside.write(".env", &lines.join(line));
        beside.migrate();
        assert_eq!(beside.read(".env"), ["A=keep", "OTHER=made-up-other", ""].join(line), "{line:?}");
    }
}

#[test]
fn links_to_the_clients_directory_and_files_are_searched_too() {
    let beside = Beside::new();
    let elsewhere = beside.session.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &beside.state).unwrap();
    beside.write(MAIN, &profiles(&[("groq:one", "made-up-groq-one")]));
    beside.write(&format!("{MAIN}.bak"), &profiles(&[("groq:one", "made-up-groq-one")]));
    beside.write("logs/gateway.log", "made-up-groq-one");
    let config = beside.session.write("linked.json", "{ env: { HOST: 'made-up-groq-one' } }");
    std::os::unix::fs::symlink(config, beside.state.join("openclaw.json")).unwrap();
    let ran = beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65);
    let found = ran.json()["found"].to_string();
    assert!(found.contains("logs/gateway.log") && found.contains("openclaw.json"), "{found}");
    assert!(!beside.state.join(format!("{MAIN}.bak")).exists());
}

#[test]
fn a_fifo_among_the_clients_files_stops_nothing() {
    let beside = with_one_profile();
    for name in [".env.bak", "openclaw.json.bak", "agents/main/agent/auth-profiles.json.bak", "x.sqlite"] {
        let path = beside.state.join(name);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    }
    beside.migrate();
    assert!(!fs::read_to_string(beside.state.join(MAIN)).unwrap().contains("made-up-groq-one"));
}

#[test]
fn files_of_a_project_in_the_clients_directory_are_reported_and_not_touched() {
    let beside = with_one_profile();
    beside.write(".env", "GROQ_API_KEY=made-up-groq-one\n");
    let project = beside.write("workspace/.env.local", "GROQ_API_KEY=made-up-groq-one\n");
    let database = beside.write("workspace/app.sqlite", "");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('made-up-groq-one'); DELETE FROM t;")
        .unwrap();
    let before = fs::read(&database).unwrap();
    let ran = beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65);
    assert!(ran.json()["found"].to_string().contains("workspace/.env.local"), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(project).unwrap(), "GROQ_API_KEY=made-up-groq-one\n");
    assert!(fs::read(&database).unwrap() == before);
}

#[test]
fn copies_without_a_secret_and_names_of_variables_stay_as_they_are() {
    let beside = with_one_profile();
    beside.write(".env", "XAI_API_KEY=made-up-xai-key\n");
    let copies = [
        ("agents/main/agent/auth.json", "{}"),
        ("agents/main/agent/auth-profiles.json.bak", r#"{"version":1,"profiles":{}}"#),
        ("agents/main/agent/oauth.json", r#"{"x:me":{"type":"oauth","provider":"x"}}"#),
        ("openclaw.json.bak", "{ models: { providers: { xai: { apiKey: '${XAI_API_KEY}' } } } }"),
    ];
    for (name, text) in copies {
        beside.write(name, text);
    }
    beside.migrate();
    for (name, text) in copies {
        assert_eq!(beside.read(name), text, "{name}");
    }
}

#[test]
fn plain_text_that_no_profile_can_have_is_named() {
    let beside = with_one_profile();
    beside.write("agents/Work/agent/auth-profiles.json", &profiles(&[("groq:work", "made-up-groq-work")]));
    beside.write(
        "openclaw.json",
        "{ models: { providers: { '-': { apiKey: 'made-up-odd-key', models: [] } } } }",
    );
    let ran = beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65);
    let left = ran.json()["left"].to_string();
    assert!(left.contains("agents/Work") && left.contains("models.providers.-.apiKey"), "{left}");
    assert!(beside.has("made-up-groq-work") && beside.has("made-up-odd-key"));
}

#[test]
fn included_files_are_named_and_do_not_count_as_left_over() {
    let beside = with_one_profile();
    beside.write(
        "openclaw.json",
        "{ agents: { list: [{ id: 'main' }] }, models: { $include: './models.json5' } }",
    );
    beside.write("models.json5", "{ providers: { lab: { apiKey: 'made-up-included' } } }");
    let receipt = beside.migrate();
    assert!(receipt["left"].to_string().contains("$include"), "{receipt}");
    assert!(beside.has("made-up-included"));
}

#[test]
fn a_dry_run_changes_no_byte_and_no_time() {
    let beside = Beside::in_databases();
    let times = |path: &std::path::Path| {
        let all = crate::session::snapshot(path);
        let of = |(path, _, _): &(std::path::PathBuf, u32, Vec<u8>)| {
            fs::metadata(path).unwrap().modified().unwrap()
        };
        (all.iter().map(of).collect::<Vec<_>>(), all)
    };
    let before = times(&beside.state);
    beside.session.run(["migrate", "openclaw", "--dry-run"]).ok();
    beside.session.run(["migrate", "openclaw"]).failed("NOT_CONFIRMED", 64);
    assert!(times(&beside.state) == before);
}
