//! `onboard` and the other commands of `models auth`, as scripts use them.

use crate::session::{Session, setup_token, snapshot};

#[test]
fn the_documented_commands_do_as_documented() {
    let session = Session::empty();
    let ran = session.run(["onboard", "--anthropic-api-key", "made-up-key-1"]).ok();
    assert!(ran.stderr.contains("rotate it"), "{}", ran.stderr);
    assert_eq!(session.get("anthropic:default"), "made-up-key-1");
    let token = setup_token("ONE");
    let flags = ["--auth-choice", "token", "--token-provider", "anthropic", "--token-expires-in", "365d"];
    let arguments = ["onboard", "--non-interactive", "--token", "-", "--token-profile-id", "anthropic:work"];
    session.feed(&token, arguments.iter().chain(&flags)).ok();
    assert_eq!(session.get("anthropic:work"), token);
    let profiles = session.run(["list", "--json"]).ok().json()["agents"][0]["profiles"].clone();
    assert_eq!(profiles.as_array().unwrap().len(), 2);
    assert!(profiles[1]["expires"].as_i64().is_some(), "{profiles}");
    session.run(["verify"]).ok();
}

#[test]
fn several_keys_at_once_from_where_nobody_can_read_them() {
    let session = Session::empty();
    let mut command = session.command([
        "onboard",
        "--openrouter-api-key",
        "env:OPENROUTER_API_KEY",
        "--gemini-api-key",
        "env:MY_KEY",
        "--json",
    ]);
    command.env("OPENROUTER_API_KEY", "made-up-key-1").env("MY_KEY", "made-up-key-2");
    let ran = crate::session::ran(command, b"").ok();
    assert!(!ran.stderr.contains("rotate it"), "{}", ran.stderr);
    assert_eq!(ran.json()["made"]["store"], "file");
    assert_eq!(session.get("openrouter:default"), "made-up-key-1");
    assert_eq!(session.get("google:default"), "made-up-key-2");
}

#[test]
fn a_vault_is_never_made_over_one() {
    let session = Session::new();
    session.paste("openrouter:one", "made-up-key-1");
    let id = |session: &Session| std::fs::read_to_string(session.home().join("vault.json")).unwrap();
    let before = id(&session);
    session.feed("made-up-key-2", ["onboard", "--openai-api-key", "-", "--unlock", "passphrase"]).ok();
    assert_eq!(id(&session), before);
    assert_eq!(session.get("openrouter:one"), "made-up-key-1");
    assert_eq!(session.get("openai:default"), "made-up-key-2");
    // Nor over the remains of a vault.
    std::fs::rename(session.home().join("unlock"), session.path("unlock-lost")).unwrap();
    std::fs::remove_file(session.home().join("vault.json")).unwrap();
    let before = snapshot(&session.home());
    let ran = session.feed("made-up-key-3", ["onboard", "--openai-api-key", "-"]);
    assert_ne!(ran.status, 0, "{}", ran.stdout);
    assert_eq!(snapshot(&session.home()), before);
}

#[test]
fn what_is_no_secret_leaves_no_vault() {
    for value in ["", " ", "***", "env:NOT_SET", "op://vault/item"] {
        let session = Session::empty();
        let ran = session.run(["onboard", "--anthropic-api-key", value]);
        assert!(ran.status == 65 || ran.status == 66, "{value:?}: {} {}", ran.status, ran.stderr);
        assert!(!session.home().exists(), "{value:?}");
        assert!(!session.key_file().exists(), "{value:?}");
    }
}

#[test]
fn what_a_variable_that_is_not_set_leaves_is_no_secret() {
    for (values, named) in [
        (&["--openai-api-key", "--non-interactive"][..], "is another flag"),
        (&["--openai-api-key", "-h"], "is another flag"),
        (&["--openai-api-key", "env:MY-KEY"], "names no variable"),
        (&["--token", "env:"], "names no variable"),
    ] {
        let session = Session::empty();
        let ran = session.run(["onboard"].iter().chain(values)).failed("USAGE", 64);
        assert!(ran.stderr.contains(named), "{}", ran.stderr);
        assert!(!session.home().exists(), "{values:?}");
    }
    let twice = ["onboard", "--openai-api-key", "made-up-1", "--openai-api-key", "made-up-2"];
    let ran = Session::empty().run(twice).sane("made-up").failed("USAGE", 64);
    assert!(ran.stderr.contains("`--openai-api-key` is given twice"), "{}", ran.stderr);
}

/// OpenClaw starts the resolver in another directory, and passes on no variable except `HOME`.
#[test]
fn what_openclaw_is_told_opens_the_vault_from_anywhere() {
    for (arguments, variables) in [
        (&[][..], &[][..]),
        (&[], &["XDG_DATA_HOME", "XDG_CONFIG_HOME"]),
        (&["--home", "vault", "--key-file", "key"], &[]),
        (&["--unlock", "key-file"], &["STRONGROOM_HOME"]),
    ] {
        let session = Session::empty();
        let flags = ["--json", "onboard", "--openai-api-key", "env:MY_KEY"];
        let mut command = session.command(flags.iter().chain(arguments));
        command.env("MY_KEY", "made-up-key-1");
        for variable in variables {
            command.env(variable, session.path(variable));
        }
        let document = crate::session::ran(command, b"").ok().json();
        let provider = &document["openclaw"]["secrets"]["providers"]["strongroom"];
        let arguments: Vec<_> =
            provider["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()).collect();
        let mut command = session.command(&arguments);
        command.current_dir("/");
        let request = r#"{"protocolVersion":1,"provider":"strongroom","ids":["main/openai:default"]}"#;
        let ran = crate::session::ran(command, request.as_bytes()).ok();
        assert_eq!(ran.json()["values"]["main/openai:default"], "made-up-key-1", "{arguments:?}");
    }
}

#[test]
fn what_was_done_before_an_error_is_told() {
    use crate::goldens::at_terminal;
    let session = Session::empty();
    std::fs::create_dir(session.path("bin")).unwrap();
    std::os::unix::fs::symlink(crate::session::binary(), session.path("bin/strongroom")).unwrap();
    let typed = ["Unlock with => \\r", "name:  => \u{4}"].map(str::to_owned);
    let ran = at_terminal(&session, "strongroom onboard", &typed);
    assert_eq!(ran.status, 130, "{}", ran.stdout);
    assert!(ran.stdout.contains("created before the error, and kept: the vault"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("nothing was changed"), "{}", ran.stdout);
    // A secret that is typed at a visible prompt of `add`.
    let canary = setup_token("CANARY");
    for question in ["Profile id => ", "Expires in => "] {
        let mut typed = vec!["Method => 2\\r".to_owned()];
        if question.starts_with("Expires") {
            typed.push("Profile id => \\r".to_owned());
        }
        typed.push(format!("{question}{canary}\\r"));
        let ran = at_terminal(&session, "strongroom models auth add --provider openai", &typed);
        assert!(ran.stdout.contains("the answer looks like a secret"), "{}", ran.stdout);
    }
}

/// Returns a session beside an OpenClaw with keys of two agents, a sign-in, and a key in `.env`.
fn beside_openclaw() -> Session {
    let session = Session::empty();
    std::fs::create_dir(session.path("bin")).unwrap();
    std::os::unix::fs::symlink(crate::session::binary(), session.path("bin/strongroom")).unwrap();
    for (agent, profiles) in [
        (
            "main",
            serde_json::json!({
            "groq:work": { "type": "api_key", "provider": "groq", "key": "made-up-key-1" },
            "openai-codex:me": { "type": "oauth", "provider": "openai-codex", "access": "made-up-canary" } }),
        ),
        (
            "ops",
            serde_json::json!({
            "mistral:ops": { "type": "api_key", "provider": "mistral", "key": "made-up-key-2" } }),
        ),
    ] {
        let name = format!(".openclaw/agents/{agent}/agent/auth-profiles.json");
        std::fs::create_dir_all(session.path(&name).parent().unwrap()).unwrap();
        session.write(&name, serde_json::json!({ "version": 1, "profiles": profiles }).to_string());
    }
    session.write(".openclaw/.env", "XAI_API_KEY=made-up-key-3\n");
    session
}

#[test]
fn what_the_client_keeps_is_offered_and_the_next_step_is_named() {
    use crate::goldens::at_terminal;
    let session = beside_openclaw();
    let typed =
        ["Unlock with => \\r", "in the vault? => y\\r", "another credential? => n\\r", "this vault? => \\r"];
    let before = snapshot(&session.path(".openclaw"));
    let ran = at_terminal(&session, "strongroom onboard", &typed.map(str::to_owned)).sane("made-up-key");
    for said in
        ["  groq:work  profile", "  ops/mistral:ops  ", "  xai:default  XAI_API_KEY (", "Imported 3 profiles"]
    {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("  strongroom migrate openclaw  "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("made-up-canary"), "{}", ran.stdout);
    assert_eq!(snapshot(&session.path(".openclaw")), before);
    assert_eq!(session.get("groq:work"), "made-up-key-1");
    assert_eq!(session.run(["--agent", "ops", "get", "mistral:ops"]).ok().stdout, "made-up-key-2\n");
    assert_eq!(session.get("xai:default"), "made-up-key-3");
    session.run(["verify"]).ok();
    // What the vault has is kept.
    session.feed("made-up-key-4", ["rotate", "groq:work"]).ok();
    let typed = ["in the vault? => y\\r", "another credential? => n\\r", "this vault? => \\r"];
    let ran = at_terminal(&session, "strongroom onboard", &typed.map(str::to_owned));
    assert_eq!((ran.status, session.get("groq:work")), (0, "made-up-key-4".to_owned()), "{}", ran.stdout);
}

#[test]
fn a_store_that_cannot_be_read_keeps_nothing_else_from_being_offered() {
    use crate::goldens::at_terminal;
    let session = beside_openclaw();
    session.write(".openclaw/agents/ops/agent/auth-profiles.json", "{ made-up-canary");
    let typed =
        ["Unlock with => \\r", "in the vault? => y\\r", "another credential? => n\\r", "this vault? => \\r"];
    let ran =
        at_terminal(&session, "strongroom onboard", &typed.map(str::to_owned)).sane("made-up-canary").ok();
    assert!(ran.stdout.contains("warning: cannot use "), "{}", ran.stdout);
    assert_eq!(session.get("xai:default"), "made-up-key-3");
    session.run(["get", "groq:work"]).failed("NOT_FOUND", 66);
}

#[test]
fn the_next_step_is_to_connect_a_client_that_keeps_nothing_in_plain_text() {
    let next = |session: &Session| {
        let ran = session.feed("made-up-key-1", ["onboard", "--openai-api-key", "-"]).ok();
        ["migrate", "connect"].map(|verb| ran.stderr.contains(&format!("\n  strongroom {verb} openclaw  ")))
    };
    let session = Session::empty();
    assert_eq!(next(&session), [false, false]);
    std::fs::create_dir(session.path(".openclaw")).unwrap();
    let config = session.write(".openclaw/openclaw.json", "{}");
    assert_eq!(next(&session), [false, true]);
    session.write(".openclaw/.env", "XAI_API_KEY=made-up-key-3\n");
    assert_eq!(next(&session), [true, false]);
    std::fs::remove_file(session.path(".openclaw/.env")).unwrap();
    std::fs::create_dir_all(session.path(".openclaw/agents/main/agent")).unwrap();
    session.write(".openclaw/agents/main/agent/auth-profiles.json", "{\"profiles\":{}}");
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert!(std::fs::read_to_string(config).unwrap().contains("strongroom"));
    assert_eq!(next(&session), [false, false]);
}

#[test]
fn what_the_record_says_is_kept_where_the_index_was_wiped() {
    let session = Session::empty();
    session.feed("made-up-key-1", ["onboard", "--anthropic-api-key", "-"]).ok();
    std::fs::write(session.agent_file("auth-profiles.json"), "{\"version\":1,\"profiles\":{}}").unwrap();
    let token = setup_token("ONE");
    session.feed(&token, ["onboard", "--auth-choice", "setup-token", "--token", "-"]).failed("EXISTS", 73);
    assert_eq!(session.get("anthropic:default"), "made-up-key-1");
}

#[test]
fn several_at_once_in_one_home_store_what_each_was_given() {
    for _ in 0..10 {
        // Not even the directories above the home exist yet.
        let session = Session::empty();
        let children = ["openai", "anthropic", "openrouter", "groq"].map(|provider| {
            let mut command = session.command(["onboard", &format!("--{provider}-api-key"), "env:MY_KEY"]);
            command.env("MY_KEY", "made-up-key-1");
            std::thread::spawn(move || crate::session::ran(command, b""))
        });
        // A half-made vault does not count as one yet, or is waited for: it must not look like a damaged one.
        let doctor = loop {
            let all_ended = children.iter().all(std::thread::JoinHandle::is_finished);
            let ran = session.run(["doctor"]);
            if !ran.stdout.contains("there is no vault in ") || all_ended {
                break ran;
            }
        };
        doctor.ok();
        for child in children {
            child.join().unwrap().ok();
        }
        assert_eq!(
            session.run(["list", "--json"]).ok().json()["agents"][0]["profiles"].as_array().unwrap().len(),
            4
        );
        session.run(["verify"]).ok();
    }
}

#[test]
fn a_secret_in_another_argument_is_refused_and_not_quoted() {
    let session = Session::new();
    let canary = setup_token("CANARY");
    for arguments in [
        vec!["onboard", "--token-provider", &canary, "--token", "-"],
        vec!["onboard", "--token-profile-id", &canary, "--token", "-"],
        vec!["models", "auth", "add", "--provider", &canary],
        vec!["models", "auth", "login", "--provider", &canary],
        vec!["setup-token", "--provider", &canary],
        vec!["setup-token", "--profile-id", &canary],
        vec!["models", "auth", "logout", &canary],
        vec!["onboard", &canary],
    ] {
        session.run(&arguments).sane(&canary).failed("USAGE", 64);
    }
}
