//! `get --copy`, as far as it needs no display. `tests/real/clipboard.sh` has displays.

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use crate::session::{Ran, Session, ran};

/// Runs `get --copy` with these variables.
fn copy(session: &Session, id: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = session.command(["get", id, "--copy"]);
    command.envs(variables.iter().copied());
    ran(command, b"")
}

fn session() -> Session {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    session
}

#[test]
fn without_a_display_the_vault_is_not_unlocked() {
    let session = session();
    copy(&session, "groq:one", &[]).failed("CLIPBOARD_UNAVAILABLE", 69);
    copy(&session, "groq:one", &[("DISPLAY", ""), ("WAYLAND_DISPLAY", "")])
        .failed("CLIPBOARD_UNAVAILABLE", 69);
    std::fs::remove_file(session.key_file()).unwrap();
    let refused = copy(&session, "groq:one", &[]).failed("CLIPBOARD_UNAVAILABLE", 69);
    assert_eq!(refused.stdout, "");
    copy(&session, "groq:one", &[("DISPLAY", ":7654")]).failed("LOCKED", 77);
}

#[test]
fn a_display_that_cannot_be_reached_is_told_from_a_profile_that_does_not_exist() {
    let session = session();
    let nowhere = [("DISPLAY", ":7654"), ("WAYLAND_DISPLAY", "wayland-none")];
    copy(&session, "groq:one", &nowhere).failed("CLIPBOARD_UNAVAILABLE", 69);
    copy(&session, "groq:two", &nowhere).failed("NOT_FOUND", 66);
    // Any user could listen there.
    copy(&session, "groq:one", &[("DISPLAY", "localhost:0")]).failed("CLIPBOARD_UNAVAILABLE", 69);
}

#[test]
fn a_display_that_does_not_answer_costs_no_more_than_its_time() {
    let session = session();
    let path = session.path("display");
    let listener = UnixListener::bind(&path).unwrap();
    let path = path.to_str().unwrap();
    for variable in ["WAYLAND_DISPLAY", "DISPLAY"] {
        let begun = Instant::now();
        let refused = copy(&session, "groq:one", &[(variable, path)]).failed("TIMEOUT", 69);
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(1_400), "{took:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
        assert_eq!(refused.stdout, "");
        // The holder was connected, told the display nothing of the secret, and has ended.
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert!(!said.is_empty());
        assert!(!said.windows(13).any(|bytes| bytes == b"made-up-key-1"));
    }
}

#[test]
fn a_copy_prints_nothing_so_it_excludes_what_prints() {
    let session = session();
    for other in [&["--reveal"][..], &["--json"], &["--field", "username"], &["--field", "secret"]] {
        let arguments = ["get", "groq:one", "--copy"].iter().chain(other);
        session.run(arguments).failed("USAGE", 64);
    }
}

#[test]
fn a_holder_that_is_started_by_hand_says_that_there_is_no_display() {
    let held = Session::empty().feed("made-up-key-1", ["__clipboard"]);
    assert_eq!((held.stdout.as_str(), held.stderr.as_str()), ("-", ""));
    assert_eq!(held.status, 1);
}
