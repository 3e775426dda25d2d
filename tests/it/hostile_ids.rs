//! Names that violate their grammar, on every command that takes one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::session::{COMMANDS, Session, snapshot};

const CANARY: &str = "made-up-canary-value";

/// Invalid profile ids.
const IDS: &[&str] = &[
    "",
    ":",
    "anthropic",
    "anthropic:",
    ":default",
    "Anthropic:default",
    "anthropic:default:more",
    "anthropic :default",
    "anthropic:de fault",
    "../../x:y",
    "anthropic:../../x",
    "/etc/passwd:x",
    "anthropic:/b",
    "anthropic:a\\b",
    "anthropic:..",
    "anthropic:.hidden",
    "anthropic:-flag",
    "..:x",
    "~root:x",
    "__proto__",
    "__proto__:x",
    "anthropic:__proto__",
    "constructor:x",
    "anthropic:constructor",
    "anthropic:toString",
    "anthropic:hasOwnProperty",
    "anthropic:%2e%2e%2f",
    "anthropic:de\nfault",
    "anthropic:de\rfault",
    "anthropic:default\n",
    "anthropic:\u{1b}[2J",
    "anthropic:\u{1b}]52;c;eA==\u{7}",
    "anthropic:\u{1b}]8;;http://x\u{7}",
    "anthropic:\u{9b}2J",
    "anthropic:\u{85}x",
    "anthropic:\u{2028}x",
    "anthropic:\u{202e}x",
    "anthropic:\u{2066}x",
    "anthropic:\u{200d}x",
    "\u{430}nthropic:default",
    "anthropic:cafe\u{301}",
    "anthropic:\u{ff41}",
    concat!(
        "anthropic:0123456789012345678901234567890123456789012345678901234567890123456789x",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678x",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678x",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678x",
    ),
];

fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", CANARY);
    session
}

/// Every place where a command takes a profile id.
fn with_id(id: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["get", id],
        vec!["models", "auth", "get", id],
        vec!["remove", "--yes", id],
        vec!["rotate", id],
        vec!["rename", id, "openrouter:two"],
        vec!["report", id, "--success"],
        vec!["pin", "--session", "s", id],
        vec!["rename", "openrouter:one", id],
        vec!["order", "set", "--provider", "openrouter", "openrouter:one", id],
        vec!["export", "--passphrase", "--out", "bundle", id],
        vec!["log", "--profile", id],
        vec!["status", "--profile", id],
    ]
}

#[test]
fn ids_outside_the_grammar_are_refused_everywhere() {
    let session = session();
    let before = snapshot(session.temp.path());
    for id in IDS {
        for arguments in with_id(id) {
            let ran = session.feed("made-up-new-value", &arguments).sane(CANARY);
            if arguments.contains(&"get") && *id == "anthropic" {
                // A provider alone means its best profile.
                ran.failed("NOT_FOUND", 66);
                continue;
            }
            let known = ["[INVALID_ID]", "[USAGE]"].iter().any(|code| ran.stderr.contains(code));
            assert!(ran.status == 64 && known, "{arguments:?}: {} {}", ran.status, ran.stderr);
            assert_eq!(ran.stdout, "", "{arguments:?}");
        }
    }
    assert!(snapshot(session.temp.path()) == before);
}

#[test]
fn a_bare_name_that_is_pasted_obeys_the_grammar_too() {
    let session = session();
    let before = snapshot(session.temp.path());
    for id in IDS.iter().filter(|id| !["anthropic", "__proto__"].contains(id)) {
        let paste = ["paste-token", "--provider", "anthropic", "--profile-id", id];
        let ran = session.feed("made-up-new-value", paste).sane(CANARY);
        assert_eq!(ran.status, 64, "{id:?}: {}", ran.stderr);
    }
    let paste = ["paste-token", "--provider", "anthropic", "--profile-id", "__proto__"];
    session.feed("made-up-new-value", paste).failed("INVALID_ID", 64);
    assert!(snapshot(session.temp.path()) == before);
}

#[test]
fn providers_outside_the_grammar_are_refused_everywhere() {
    let session = session();
    let before = snapshot(session.temp.path());
    let parts = IDS.iter().map(|id| id.rsplit(':').next().unwrap());
    let bad = parts.filter(|part| part.len() < 40).chain(["Anthropic", "_x", ".x", "a/b", "constructor"]);
    for provider in bad.filter(|p| !["default", "fault", "hidden", "x", "y", "anthropic", "more"].contains(p))
    {
        for command in [
            vec!["paste-token", "--provider", provider],
            vec!["paste-api-key", "--provider", provider],
            vec!["order", "get", "--provider", provider],
            vec!["order", "set", "--provider", provider, "openrouter:one"],
            vec!["order", "clear", "--provider", provider],
            vec!["status", "--provider", provider],
            vec!["list", "--provider", provider],
        ] {
            let ran = session.feed("made-up-new-value", &command).sane(CANARY);
            assert_eq!(ran.status, 64, "{command:?}: {} {}", ran.stdout, ran.stderr);
        }
    }
    assert!(snapshot(session.temp.path()) == before);
}

#[test]
fn agents_outside_the_grammar_are_refused_by_every_command() {
    let session = session();
    session.write("pass", "made-up horse");
    let before = snapshot(session.temp.path());
    let long = "a".repeat(65);
    let bad = ["", "..", "../main", "main/..", "Main", "a b", "providers", "__proto__", "constructor", "-x"];
    let steering = ["a\nb", "\u{1b}[2J", "\u{202e}x", "m\u{430}in", ".", "_ab", long.as_str()];
    let of_no_agent =
        ["recipient", "recovery-key", "unlock-method", "rekey", "verify", "doctor"].map(OsStr::new);
    for agent in bad.iter().chain(&steering) {
        for (arguments, input) in COMMANDS {
            if of_no_agent.contains(&OsStr::new(arguments[0])) || arguments.contains(&"--all-agents") {
                continue;
            }
            let by_flag = format!("--agent={agent}");
            let ran = session.feed(input, [&[by_flag.as_str()], arguments].concat()).sane(CANARY);
            let known = ["[INVALID_AGENT]", "[USAGE]"].iter().any(|code| ran.stderr.contains(code));
            assert!(ran.status == 64 && known, "{agent:?} {arguments:?}: {} {}", ran.status, ran.stderr);
        }
        if !agent.is_empty() {
            let mut by_variable = session.command(["list"]);
            by_variable.env("STRONGROOM_AGENT", agent);
            crate::session::ran(by_variable, b"").sane(CANARY).failed("INVALID_AGENT", 64);
        }
    }
    assert!(snapshot(session.temp.path()) == before);
}

#[test]
fn arguments_that_are_no_text_are_refused() {
    let session = session();
    let before = snapshot(session.temp.path());
    let bytes = OsStr::from_bytes(b"anthropic:\xff\x9b2J");
    for verb in ["get", "rotate", "nonsense"] {
        let arguments: [OsString; 2] = [verb.into(), bytes.into()];
        session.run(arguments).sane(CANARY).failed("USAGE", 64);
    }
    assert!(snapshot(session.temp.path()) == before);
}

#[test]
fn a_secret_in_the_place_of_a_name_is_not_quoted() {
    let session = session();
    let before = snapshot(session.temp.path());
    let secret = "sk-ant-oat01-MADEUPcanaryMADEUP0123456789";
    for mut arguments in with_id(secret) {
        for json in [false, true] {
            if json {
                arguments.push("--json");
            }
            let ran = session.run(&arguments).sane("canary");
            assert_eq!(ran.status, 64, "{arguments:?}: {}", ran.stderr);
        }
    }
    for arguments in [
        &["--agent", secret, "list"][..],
        &["list", secret],
        &["paste-token", "--provider", secret],
        &["paste-token", "--provider", "anthropic", "--token", secret],
        &["paste-token", "--provider", "anthropic", secret],
        &[secret],
        &["list", "--provider", secret],
        &["--lock-timeout", secret, "list"],
        &["paste-token", "--provider", "anthropic", "--expires-in", secret],
        &["log", "--op", secret],
        &["unlock-method", "remove", "--yes", secret],
        &["unlock-method", "add", "key-file", "--name", secret],
        &["rekey", "--yes", "--drop", secret],
        &["export", "--to", secret],
    ] {
        session.run(arguments).sane("canary");
    }
    assert!(snapshot(session.temp.path()) == before);
}
