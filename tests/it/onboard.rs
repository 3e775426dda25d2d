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
    // Nor over the remains of one.
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
