//! Without an attacker: homes are restored, moved, copied to new machines, or used on machines that keep nothing else.
//! Reading never stops, and a person whose write is refused has a remedy that works.

use std::fs;

use super::backup::{Backup, write};
use super::{
    ANCHOR, CURRENT, NEXT, OLD, ONE, SECOND, TWO, by_its_remedy, digest, is_mended, is_tampered, paste_next,
    rotated, seen, served,
};
use crate::faults::{copy, in_memory, vault};
use crate::session::{Ran, Session};

/// Returns what a write says about the missing anchor: the lines of standard error, without warnings about the length
/// of the secret.
fn notices(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines().filter(|line| !line.trim().is_empty());
    lines.filter(|line| !line.contains("unusually short")).collect()
}

fn rotate(session: &Session, secret: &str) -> Ran {
    session.feed(secret, ["rotate", ONE])
}

/// The home on another machine: the same path below another `HOME`, with the key and without an anchor.
fn cloned(session: &Session) -> Session {
    let clone = copy(session);
    let _ = fs::remove_dir_all(clone.path(ANCHOR));
    clone
}

#[test]
fn a_restored_backup_is_read_and_one_command_makes_it_current() {
    let (session, before) = rotated();
    session.paste("groq:lost", "made-up-lost-secret");
    before.restore();
    assert_eq!(seen(&session, ONE), served(OLD));
    assert_eq!(seen(&session, TWO), served(SECOND));
    let refusal = paste_next(&session);
    assert!(is_tampered(&refusal), "a rollback goes on unsaid: exit {} {}", refusal.status, refusal.stderr);
    assert!(refusal.stderr.contains(&format!("strongroom doctor --accept-rollback {}", digest(&refusal))));
    is_mended(&session);
    rotate(&session, "made-up-later").ok();
    assert_eq!(seen(&session, ONE), served("made-up-later"));
    session.run(["rekey", "--yes"]).ok();
    session.run(["verify"]).ok();
}

/// Also with `--json`, for scripts that restore homes.
#[test]
fn what_restores_homes_by_a_script_finds_the_digest() {
    let (session, before) = rotated();
    before.restore();
    let refusal = session.feed("made-up", ["--json", "rotate", ONE]).failed("TAMPERED", 65);
    let named = digest(&refusal);
    session.run(["doctor", "--accept-rollback", &named, "--json"]).json();
    rotate(&session, NEXT).ok();
    assert_eq!(seen(&session, ONE), served(NEXT));
}

/// A backup that was taken during writes: the records of one moment, and the rest of another.
#[test]
fn a_backup_of_two_moments_stops_no_reading_and_is_mended() {
    let (session, before) = rotated();
    before.put_back(|name| !name.contains("/records/"));
    assert_eq!(seen(&session, TWO), served(SECOND));
    let refusal = paste_next(&session);
    assert!(is_tampered(&refusal), "exit {} {}", refusal.status, refusal.stderr);
    by_its_remedy(&session, || paste_next(&session)).ok();
    assert_eq!(seen(&session, TWO), served(SECOND));
    // A person can accept what opens.
    assert_eq!(session.run(["get", ONE, "--accept-rollback"]).ok().stdout.trim_end(), CURRENT);
    session.paste(ONE, "made-up-later");
    is_mended(&session);
    assert_eq!(seen(&session, ONE), served("made-up-later"));
}

#[test]
fn a_clone_on_another_machine_writes_with_one_notice_and_then_none() {
    let (session, _) = rotated();
    let clone = cloned(&session);
    let before = crate::session::kept(&clone.home());
    assert_eq!(seen(&clone, ONE), served(CURRENT));
    assert!(crate::session::kept(&clone.home()) == before && !clone.path(ANCHOR).exists(), "reading wrote");
    let first = rotate(&clone, "made-up-of-the-clone").ok();
    assert_eq!(notices(&first).len(), 1, "the first write without an anchor: {}", first.stderr);
    for n in 0..2 {
        let again = rotate(&clone, &format!("made-up-of-the-clone-{n}")).ok();
        assert!(notices(&again).is_empty(), "{}", again.stderr);
    }
    assert_eq!(seen(&clone, ONE), served("made-up-of-the-clone-1"));
    clone.run(["verify"]).ok();
    // The vault that it was copied from knows nothing of it.
    assert!(notices(&rotate(&session, NEXT).ok()).is_empty());
    session.run(["verify"]).ok();
}

/// A container that forgets everything except the volume with the home.
#[test]
fn a_container_that_forgets_reads_and_writes_each_time() {
    let (session, _) = rotated();
    for n in 0..4 {
        let _ = fs::remove_dir_all(session.path(ANCHOR));
        let doctor = session.run(["doctor"]);
        let said = doctor.stdout.to_lowercase();
        assert!(doctor.status == 0 && said.contains("anchor"), "doctor says nothing: {}", doctor.stdout);
        let secret = format!("made-up-{n}");
        let ran = rotate(&session, &secret).ok();
        assert_eq!(notices(&ran).len(), 1, "{}", ran.stderr);
        assert_eq!(seen(&session, ONE), served(&secret));
        session.run(["verify"]).ok();
    }
}

/// No write fails if the place for the anchor is not writable or contains garbage.
#[test]
fn an_anchor_that_cannot_be_written_fails_no_write() {
    let (session, _) = rotated();
    assert!(session.path(ANCHOR).exists(), "nothing outside the home remembers it");
    fs::remove_dir_all(session.path(ANCHOR)).unwrap();
    write(&session.path(ANCHOR), b"a file where a directory is due");
    rotate(&session, "made-up-one").ok();
    assert_eq!(seen(&session, ONE), served("made-up-one"));
    session.run(["verify"]).ok();
    // Torn by a crash, the anchor counts as old, and is written again.
    fs::remove_file(session.path(ANCHOR)).unwrap();
    rotate(&session, "made-up-two").ok();
    let anchor = Backup::of(&session.path(ANCHOR));
    for (path, _, bytes) in crate::session::snapshot(&session.path(ANCHOR)) {
        if path.is_file() {
            write(&path, &bytes[..bytes.len() / 2]);
        }
    }
    rotate(&session, "made-up-three").ok();
    assert_eq!(seen(&session, ONE), served("made-up-three"));
    session.run(["verify"]).ok();
    // An old anchor is updated too.
    anchor.restore();
    assert!(notices(&rotate(&session, "made-up-four").ok()).is_empty());
    session.run(["verify"]).ok();
}

/// If it is named explicitly it must exist, because the person who named it relies on it.
#[test]
fn an_anchor_that_is_named_has_to_be_there() {
    let session = in_memory();
    fs::create_dir(session.path("anchor")).unwrap();
    let named = ["--anchor", "anchor"];
    session.run(named.iter().chain(&["init", "--store", "file"])).ok();
    let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", ONE];
    session.feed(CURRENT, named.iter().chain(&paste)).ok();
    assert!(!session.path(ANCHOR).exists(), "it is written in the usual place too");
    fs::remove_dir_all(session.path("anchor")).unwrap();
    let refusal = session.feed(NEXT, named.iter().chain(&["rotate", ONE]));
    assert!(refusal.status > 0 && !session.path("anchor").exists(), "{}", refusal.stderr);
    assert_eq!(seen(&session, ONE), served(CURRENT));
}

/// The place is `$STATE_DIRECTORY` of a unit, or else `$XDG_STATE_HOME`.
#[test]
fn the_anchor_lies_where_the_service_manager_says() {
    let session = vault();
    let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", ONE];
    for name in ["XDG_STATE_HOME", "STATE_DIRECTORY"] {
        let place = session.path(name);
        fs::create_dir(&place).unwrap();
        let mut command = session.command(paste);
        command.env(name, &place);
        crate::session::ran(command, CURRENT.as_bytes()).ok();
        assert!(!crate::session::snapshot(&place).is_empty(), "nothing is in {name}");
    }
}

/// What is remembered of a home moves along with it.
#[test]
fn a_moved_home_goes_on_and_is_remembered() {
    let (session, before) = rotated();
    let moved = session.path("moved");
    fs::rename(session.home(), &moved).unwrap();
    let at = |arguments: &[&str]| session.feed(NEXT, [&["--home", "moved"], arguments].concat());
    assert_eq!(at(&["get", ONE]).ok().stdout.trim_end(), CURRENT);
    let ran = at(&["rotate", ONE]).ok();
    assert!(notices(&ran).len() <= 1, "{}", ran.stderr);
    let again = session.feed("made-up-later", ["--home", "moved", "rotate", ONE]).ok();
    assert!(notices(&again).is_empty(), "{}", again.stderr);
    at(&["verify"]).ok();
    // A backup from before the move is still a rollback there.
    fs::remove_dir_all(&moved).unwrap();
    before.unpack(&moved);
    assert_eq!(at(&["get", ONE]).ok().stdout.trim_end(), OLD);
    let refusal = at(&["rotate", ONE]);
    assert!(is_tampered(&refusal), "exit {} {}", refusal.status, refusal.stderr);
    at(&["doctor", "--accept-rollback", &digest(&refusal)]);
    at(&["rotate", ONE]).ok();
    assert_eq!(at(&["get", ONE]).ok().stdout.trim_end(), NEXT);
}
