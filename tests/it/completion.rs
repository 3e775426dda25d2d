//! Completion, asked as the shells' scripts ask it: what is offered, without unlocking, and what never is.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::session::{Ran, Session, kept, ran};

const VARIABLE: &str = "_STRONGROOM_COMPLETE";

/// Asks which words may stand in place of the last one. Whatever is wrong, nothing is said on standard error.
#[track_caller]
fn asked(session: &Session, shell: &str, variables: &[(&str, &str)], words: &[&str]) -> Vec<String> {
    let mut command = session.command(["--", "strongroom"].iter().chain(words));
    command.env(VARIABLE, shell).envs(variables.iter().copied());
    let Ran { status, stdout, stderr } = ran(command, b"").sane("made-up-key");
    assert_eq!((status, stderr.as_str()), (0, ""), "{words:?}: {stdout}");
    stdout.lines().map(str::to_owned).collect()
}

#[track_caller]
fn offered(session: &Session, words: &[&str]) -> Vec<String> {
    asked(session, "bash", &[], words)
}

fn two_agents() -> Session {
    let session = Session::new();
    for id in ["anthropic:home", "anthropic:work", "openai:me+x@example.com"] {
        session.paste(id, "made-up-key-0");
    }
    let add = ["paste-api-key", "--agent", "ops", "--provider", "groq", "--profile-id", "groq:ops"];
    session.feed("made-up-key-1", add).ok();
    session
}

/// An index with these ids, each an entry that looks like Strongroom's own.
fn index_of(ids: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let entry = serde_json::json!({
        "type": "api_key",
        "provider": "anthropic",
        "keyRef": { "source": "exec", "provider": "strongroom", "id": "main/anthropic:x" },
        "strongroom": { "store": "file", "generation": 1 }
    });
    let entries: serde_json::Map<_, _> =
        ids.into_iter().map(|id| (id.as_ref().to_owned(), entry.clone())).collect();
    serde_json::json!({ "version": 1, "profiles": entries }).to_string()
}

#[test]
fn a_removed_profile_is_offered_to_what_can_bring_it_back() {
    let session = two_agents();
    session.run(["remove", "anthropic:work", "--yes"]).ok();
    for verb in ["undo", "history", "forget"] {
        assert_eq!(offered(&session, &[verb, "anth"]), ["anthropic:home", "anthropic:work"], "{verb}");
    }
    assert_eq!(offered(&session, &["get", "anth"]), ["anthropic:home"]);
    session.run(["forget", "anthropic:work", "--yes"]).ok();
    assert_eq!(offered(&session, &["undo", "anth"]), ["anthropic:home"]);
}

#[test]
fn names_are_completed_where_they_belong() {
    let session = two_agents();
    let both = ["anthropic:home", "anthropic:work"];
    for words in [
        &["get", "anth"][..],
        &["rotate", "anth"],
        &["remove", "anth"],
        &["rename", "anth"],
        &["export", "openai:x", "anth"],
        &["store", "move", "anth"],
        &["order", "set", "--provider", "anthropic", ""],
        &["order", "set", "--provider=anthropic", "openai:x", ""],
        &["pin", "--session", "s", "anth"],
        &["report", "anth"],
        &["log", "--profile", "anth"],
        &["status", "--profile", "anth"],
        &["models", "auth", "logout", "anth"],
        &["get", "--reveal", "'anth"],
        &["get", "\"anthropic:"],
        &["--agent", "main", "get", "anthropic:"],
    ] {
        assert_eq!(offered(&session, words), both, "{words:?}");
    }
    assert_eq!(offered(&session, &["get", ""]), [both[0], both[1], "openai:me+x@example.com"]);
    assert_eq!(offered(&session, &["log", "--profile=anthropic:w"]), ["--profile=anthropic:work"]);
    assert_eq!(offered(&session, &["get", "--agent", ""]), ["main", "ops"]);
    assert_eq!(offered(&session, &["--agent=o"]), ["--agent=ops"]);
    assert_eq!(offered(&session, &["unlock-method", "remove", ""]), ["key-file"]);
    assert_eq!(offered(&session, &["status", "--explain", "openr"]), ["openrouter"]);
    assert_eq!(offered(&session, &["paste-token", "--provider", "openr"]), ["openrouter"]);
    assert_eq!(offered(&session, &["paste-token", "--store", ""]), ["file", "keychain"]);
    assert_eq!(offered(&session, &["import", ""]), [":files"]);
    assert_eq!(offered(&session, &["get", "--key-file=x"]), [":files"]);
    assert_eq!(offered(&session, &["--home", ""]), [":directories"]);
    assert_eq!(offered(&session, &["unlock-m"]), ["unlock-method"]);
    assert_eq!(offered(&session, &["rename", "anthropic:home", "anth"]), [""; 0]);
    // A colon and a backslash separate a word from its description in zsh.
    assert_eq!(asked(&session, "zsh", &[], &["get", "anthropic:h"]), ["anthropic\\:home"]);
    let options = asked(&session, "fish", &[], &["get", "--rev"]);
    assert!(options.len() == 1 && options[0].starts_with("--reveal\t"), "{options:?}");
}

#[test]
fn the_home_and_the_agent_of_the_line_and_of_the_environment_count() {
    let session = two_agents();
    for words in [
        &["--agent", "ops", "get", "gr"][..],
        &["get", "--agent=ops", "gr"],
        &["get", "--agent", "main", "--agent", "ops", ""],
    ] {
        assert_eq!(offered(&session, words), ["groq:ops"], "{words:?}");
    }
    assert_eq!(asked(&session, "bash", &[("STRONGROOM_AGENT", "ops")], &["get", ""]), ["groq:ops"]);
    let main = asked(&session, "bash", &[("STRONGROOM_AGENT", "ops")], &["--agent", "main", "get", "openai"]);
    assert_eq!(main.len(), 1);

    let elsewhere = Session::empty();
    let home = session.home();
    let home = home.to_str().unwrap();
    assert_eq!(offered(&elsewhere, &["get", "openai"]), [""; 0]);
    assert_eq!(offered(&elsewhere, &["--home", home, "get", "openai"]).len(), 1);
    assert_eq!(offered(&elsewhere, &["get", &format!("--home=\"{home}\""), "openai"]).len(), 1);
    assert_eq!(asked(&elsewhere, "bash", &[("STRONGROOM_HOME", home)], &["get", "openai"]).len(), 1);
    symlink(home, elsewhere.path("v")).unwrap();
    fs::rename(session.home(), elsewhere.path("vault")).unwrap();
    for typed in ["~/vault", "$HOME/vault", "${HOME}/vault", "vault"] {
        assert_eq!(offered(&elsewhere, &["--home", typed, "get", "openai"]).len(), 1, "{typed}");
    }
}

/// The keys are gone, another command holds every lock, and the home may not be written.
#[test]
fn nothing_is_unlocked_locked_or_written() {
    let session = two_agents();
    fs::remove_file(session.key_file()).unwrap();
    let before = kept(session.temp.path());
    let locks =
        [session.home().join("lock"), session.agent_file("lock")].map(|path| fs::File::open(path).unwrap());
    for lock in &locks {
        lock.lock().unwrap();
    }
    assert_eq!(offered(&session, &["get", "anthropic:w"]), ["anthropic:work"]);
    assert_eq!(offered(&session, &["--agent", ""]), ["main", "ops"]);
    drop(locks);
    assert!(kept(session.temp.path()) == before);
}

/// Other programs write the index, and a shell inserts what it is offered.
#[test]
fn a_hostile_index_puts_nothing_on_the_command_line() {
    let session = two_agents();
    let hostile = [
        "anthropic:$(id)",
        "anthropic:`id`",
        "anthropic:$HOME",
        "anthropic:a;id",
        "anthropic:a|id",
        "anthropic:a&id",
        "anthropic:a'b",
        "anthropic:a\"b",
        "anthropic:a b",
        "anthropic:a\nanthropic:b",
        "anthropic:a\tb",
        "anthropic:\u{1b}]0;x\u{7}",
        "anthropic:\u{202e}x",
        "anthropic:a\u{0}b",
        "anthropic:é",
        "anthropic:!!",
        "anthropic:{a,b}",
        "anthropic:a*",
        "anthropic:~root",
        "anthropic:-x",
        "anthropic",
        ":files",
        "-x:y",
        "--help",
        "anthropic:sk-ant-oat01-EXAMPLEEXAMPLEEXAMPLEEXAMPLE1234567890abcdefghij",
    ];
    let long = format!("anthropic:{}", "a".repeat(10 * 1024 * 1024));
    let ids = hostile.into_iter().chain([long.as_str(), "anthropic:good"]);
    fs::write(session.agent_file("auth-profiles.json"), index_of(ids)).unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let good = if shell == "zsh" { "anthropic\\:good" } else { "anthropic:good" };
        for start in ["", "anth", "anthropic:"] {
            assert_eq!(asked(&session, shell, &[], &["get", start]), [good], "{shell} {start}");
        }
        for start in ["anthropic:$(", "anthropic:a", ":", "-", "anthropic:sk-"] {
            let found = asked(&session, shell, &[], &["get", start]);
            assert!(found.iter().all(|word| word.starts_with('-')), "{shell} {start}: {found:?}");
        }
    }
    fs::create_dir(session.home().join("agents/$(id)")).unwrap();
    fs::create_dir(session.home().join("agents/a b")).unwrap();
    fs::write(session.home().join("unlock/$(id).age"), "x").unwrap();
    assert_eq!(offered(&session, &["--agent", ""]), ["main", "ops"]);
    assert_eq!(offered(&session, &["unlock-method", "remove", ""]), ["key-file"]);
}

#[test]
fn a_broken_home_completes_nothing_and_says_nothing() {
    let session = two_agents();
    let index = session.agent_file("auth-profiles.json");
    for text in
        ["", "{", "[]", "{\"version\":9,\"profiles\":{\"a:b\":{}}}", "{\"profiles\":{\"a:b\":{},\"a:b\":{}}}"]
    {
        fs::write(&index, text).unwrap();
        assert_eq!(offered(&session, &["get", "a"]), [""; 0], "{text}");
    }
    fs::write(&index, [0xff, 0xfe]).unwrap();
    assert_eq!(offered(&session, &["get", "a"]), [""; 0]);
    fs::remove_file(&index).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &index, rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(offered(&session, &["get", "a"]), [""; 0]);
    fs::remove_file(&index).unwrap();
    symlink("/etc/passwd", &index).unwrap();
    assert_eq!(offered(&session, &["get", "a"]), [""; 0]);
    fs::remove_file(&index).unwrap();
    fs::write(&index, index_of(["anthropic:good"])).unwrap();
    assert_eq!(offered(&session, &["get", "a"]).len(), 1);
    fs::set_permissions(session.home(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(offered(&session, &["get", "a"]), [""; 0]);
    assert_eq!(offered(&session, &["unlock-m"]), ["unlock-method"]);
    for agent in ["$(id)", "../main", "no-such", ""] {
        assert_eq!(offered(&session, &["--agent", agent, "get", "a"]), [""; 0], "{agent}");
    }
}

#[test]
fn what_no_script_asks_is_answered_with_nothing() {
    let session = two_agents();
    for shell in ["", "0", "1", "tcsh", "elvish", "/bin/bash", "bash\n"] {
        let mut command = session.command(["--", "strongroom", "get", "anth"]);
        command.env(VARIABLE, shell);
        let said = ran(command, b"").sane("made-up-key");
        // Empty counts as unset: then it is a command line like any other.
        let expected = if shell.is_empty() { 64 } else { 0 };
        assert_eq!((said.status, said.stdout.as_str()), (expected, ""), "{shell:?}");
    }
    for words in
        [&[][..], &["--"], &["nonsense", ""], &["get", "--no-such", "a", "b", "c", "d"], &["get", "--", "a"]]
    {
        offered(&session, words);
    }
    let mut command = session.command(["--"]);
    command.env(VARIABLE, "bash");
    let said = ran(command, b"");
    assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""));
}

/// A variable that was left in a gateway's environment makes no completer of its resolver.
#[test]
fn the_variable_alone_changes_no_command() {
    let session = two_agents();
    for variable in [VARIABLE, "COMPLETE", "_CLAP_COMPLETE_INDEX"] {
        for shell in ["bash", "zsh", "fish"] {
            let mut command = session.command(["resolve"]);
            command.env(variable, shell);
            let request = br#"{"protocolVersion":1,"provider":"strongroom","ids":["main/anthropic:work"]}"#;
            let said = ran(command, request).ok();
            assert_eq!(said.json()["values"]["main/anthropic:work"], "made-up-key-0");
            let mut command = session.command(["get", "anthropic:work"]);
            command.env(variable, shell);
            assert_eq!(ran(command, b"").ok().stdout, "made-up-key-0\n");
        }
    }
}

#[test]
fn too_many_matches_are_not_cut_short() {
    let session = Session::new();
    session.paste("anthropic:first", "made-up-key-0");
    let index = session.agent_file("auth-profiles.json");
    fs::write(&index, index_of((0..10_001).map(|n| format!("anthropic:n{n:05}")))).unwrap();
    assert_eq!(offered(&session, &["get", ""]).iter().filter(|word| !word.starts_with('-')).count(), 0);
    assert_eq!(offered(&session, &["get", "anthropic:n0"]).len(), 10_000);
    assert_eq!(offered(&session, &["get", "anthropic:n0123"]).len(), 10);
}

#[test]
fn the_scripts_ask_the_program_and_say_where_they_belong() {
    let session = Session::empty();
    for (shell, place) in [
        ("bash", "~/.local/share/bash-completion/completions/strongroom"),
        ("zsh", "~/.zfunc/_strongroom"),
        ("fish", "~/.config/fish/completions/strongroom.fish"),
    ] {
        let script = session.run(["completions", shell]).ok();
        assert!(
            script.stdout.contains(&format!("{VARIABLE}={shell} command strongroom --")),
            "{}",
            script.stdout
        );
        assert!(
            script.stdout.contains(&format!("strongroom completions {shell} > {place}")),
            "{}",
            script.stdout
        );
        assert_eq!(script.stderr, "");
        let help = session.run(["completions", "--help"]).ok().stdout;
        assert!(help.contains(&format!("strongroom completions {shell} > {place}")), "{help}");
    }
    for shell in ["elvish", "powershell"] {
        assert!(session.run(["completions", shell]).ok().stdout.contains("paste-token"));
    }
}
