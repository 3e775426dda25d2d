//! A closed, full or abandoned standard output, for every command that writes a secret or a bundle to it.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::faults::under;
use crate::session::{RECEIVER, Ran, Session, binary, ran};

const KEY: &str = "made-up-key-of-the-outputs";

fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", KEY);
    session
}

/// Runs the command in a shell with this redirection.
fn redirected(session: &Session, arguments: &[&str], redirection: &str) -> Ran {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")]).arg(binary()).args(arguments);
    shell.env_clear().env("HOME", session.temp.path()).env("XDG_RUNTIME_DIR", session.temp.path());
    shell.current_dir(session.temp.path());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(shell, b"")
}

fn into_a_pipe_that_no_one_reads(session: &Session, arguments: &[&str]) -> Ran {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = session.command(arguments);
    command.stdout(writer);
    ran(command, b"")
}

const SECRETS: [&[&str]; 7] = [
    &["get", "openrouter:one"],
    &["get", "openrouter:one", "--json"],
    &["models", "auth", "get", "openrouter:one"],
    &["recovery-key"],
    &["recovery-key", "--json"],
    &["export", "--to", RECEIVER],
    &["export", "--to", RECEIVER, "--armor"],
];

#[test]
fn a_secret_or_a_bundle_that_went_nowhere_is_told() {
    let session = session();
    for arguments in SECRETS {
        for redirection in [">&-", ">&- 2>/dev/null", ">&- <&-"] {
            let ran = redirected(&session, arguments, redirection).sane(KEY);
            assert_eq!(ran.status, 74, "{arguments:?} {redirection}: {}", ran.stderr);
        }
        let full = redirected(&session, arguments, ">/dev/full").sane(KEY);
        assert_eq!(full.status, 74, "{arguments:?}: {}", full.stderr);
        let abandoned = into_a_pipe_that_no_one_reads(&session, arguments).sane(KEY);
        assert_eq!(abandoned.status, 74, "{arguments:?}: {}", abandoned.stderr);
        assert!(abandoned.stderr.contains("IO"), "{}", abandoned.stderr);
    }
}

/// `/dev/null` is a valid output, and is often used to check whether a secret is available; some runtimes also read it.
#[test]
fn what_is_thrown_away_on_purpose_is_no_error() {
    let session = session();
    for arguments in SECRETS {
        for redirection in [">/dev/null", "1<>/dev/null"] {
            redirected(&session, arguments, redirection).ok();
        }
    }
}

#[test]
fn a_report_to_a_closed_pipe_ends_quietly() {
    let session = session();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["status"],
        &["log"],
        &["verify"],
        &["doctor"],
        &["recipient"],
        &["--help"],
        &["completions", "bash"],
        &["man"],
    ] {
        let quiet = into_a_pipe_that_no_one_reads(&session, arguments).ok();
        assert!(!quiet.stderr.contains("error"), "{arguments:?}: {}", quiet.stderr);
        assert_eq!(redirected(&session, arguments, ">/dev/full").status, 74, "{arguments:?}");
    }
}

/// If a report cannot be written, the exit status still says what was found.
#[test]
fn what_was_found_is_told_by_the_status_all_the_same() {
    let session = session();
    std::fs::remove_file(session.agent_file("records/openrouter_3aone.age")).unwrap();
    assert_eq!(into_a_pipe_that_no_one_reads(&session, &["verify"]).status, 65);
}

#[test]
fn a_bundle_in_a_file_needs_no_standard_output() {
    let session = session();
    redirected(&session, &["export", "--to", RECEIVER, "--out", "bundle"], ">&-").ok();
    assert!(File::open(session.path("bundle")).unwrap().metadata().unwrap().len() > 100);
}

/// Scripts get the system's reason separately from the sentence.
#[test]
fn an_error_of_the_system_has_its_reason_in_json() {
    let session = Session::new();
    let limited = under(["prlimit", "--fsize=5"], &session.command(["--json", "rekey", "--yes"]));
    let said = ran(limited, b"").failed("IO", 74).stderr;
    let error = &serde_json::from_str::<serde_json::Value>(&said).unwrap()["error"];
    assert_eq!(error["reason"], "File too large (os error 27)", "{said}");
}
