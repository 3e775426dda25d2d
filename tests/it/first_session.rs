//! What a new user is told, and how often; and what a session bus that never answers costs.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use crate::session::{Session, in_time, ran, setup_token};

/// Returns the warnings of the commands of a typical first session.
fn warnings_of_a_first_session(session: &Session) -> Vec<String> {
    let recipient = session.run(["recipient"]).ok().stdout.trim().to_owned();
    let steps: [&[&str]; 10] = [
        &["paste-token", "--provider", "anthropic"],
        &["paste-token", "--provider", "anthropic", "--profile-id", "anthropic:two"],
        &["list"],
        &["get", "anthropic:two"],
        &["rotate", "anthropic:two"],
        &["order", "set", "--provider", "anthropic", "anthropic:two"],
        &["rename", "anthropic:two", "anthropic:three"],
        &["export", "anthropic:three", "--to", &recipient, "--out", "bundle.age"],
        &["remove", "anthropic:three", "--yes"],
        &["verify"],
    ];
    let mut said = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let done = session.feed(setup_token(&format!("-{n:03}")), *step).ok();
        said.extend(done.stderr.lines().filter(|line| line.starts_with("warning:")).map(str::to_owned));
    }
    said
}

#[test]
fn nothing_is_said_twice_in_a_first_session() {
    let session = Session::new();
    assert_eq!(warnings_of_a_first_session(&session), [""; 0]);
}

#[test]
fn a_machine_that_cannot_remember_homes_says_so_in_doctor_alone() {
    let session = Session::empty();
    std::fs::create_dir(session.path(".local")).unwrap();
    session.write(".local/state", "a file instead of a directory");
    session.run(["init", "--store", "file"]).ok();
    assert_eq!(warnings_of_a_first_session(&session), [""; 0]);
    let said = session.run(["doctor"]).ok().stdout;
    assert!(said.contains(".local/state/strongroom, so an older copy of the home goes unnoticed"), "{said}");
}

#[test]
fn a_machine_that_can_remember_says_once_that_it_did_not_know_a_home() {
    let session = Session::new();
    std::fs::remove_dir_all(session.path(".local/state/strongroom")).unwrap();
    let said = warnings_of_a_first_session(&session);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("this machine sees this home for the first time"), "{said:?}");
}

#[test]
fn a_bus_that_never_answers_is_waited_for_once() {
    const LIMIT: Duration = Duration::from_millis(500);
    let session = Session::new();
    session.paste("groq:one", "gsk_EXAMPLE");
    let socket = session.path("silent");
    let _silent = UnixListener::bind(&socket).unwrap();
    let commands: [&[&str]; 6] = [
        &["--home", "other", "init"],
        &["doctor"],
        &["store", "prune", "--yes"],
        &["store", "move", "--to", "keychain"],
        &["unlock-method", "add", "keychain"],
        &["paste-api-key", "--provider", "groq", "--profile-id", "groq:two", "--store", "keychain"],
    ];
    for arguments in commands {
        let once = || {
            let mut command = session.command(["--keychain-timeout", "500ms"].iter().chain(arguments));
            command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()));
            let begun = Instant::now();
            let done = ran(command, b"gsk_EXAMPLE");
            (begun.elapsed(), done)
        };
        let (took, done) = in_time(once, |(took, _)| *took >= LIMIT * 2);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(took < LIMIT * 2, "{arguments:?} took {took:?}: {said}");
        // A repeated `init` finds the vault that the late one made.
        assert!(
            said.contains("did not answer within 500 ms") || said.contains("[EXISTS]"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_vault_whose_key_is_a_credential_takes_a_paste() {
    let session = Session::empty();
    session.run(["--key-file", "strongroom-key", "init", "--store", "file"]).ok();
    std::fs::create_dir(session.path("credentials")).unwrap();
    std::fs::rename(session.path("strongroom-key"), session.path("credentials/strongroom-key")).unwrap();
    session.feed("gsk_EXAMPLE", ["paste-api-key", "--provider", "groq"]).failed("LOCKED", 77);
    let with = |arguments: &[&str], input: &[u8]| {
        let mut command = session.command(arguments);
        command.env("CREDENTIALS_DIRECTORY", session.path("credentials"));
        ran(command, input).ok()
    };
    with(&["paste-api-key", "--provider", "groq"], b"gsk_EXAMPLE");
    assert_eq!(with(&["get", "groq:default"], b"").stdout.trim_end(), "gsk_EXAMPLE");
    with(&["status", "--check"], b"");
}
