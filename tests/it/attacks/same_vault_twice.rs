//! One vault in two homes: restored twice from a backup, or kept identical by a program that synchronises folders.

use std::fs;

use super::backup::{Backup, write};
use super::{
    ANCHOR, CURRENT, INDEX, LEDGER, LOG, NEXT, OLD, ONE, RECORD, SECOND, TWO, by_its_remedy, is_mended,
    is_tampered, paste_next, rotated, seen, served,
};
use crate::faults::copy;
use crate::session::Session;

/// Two machines with the same home and key. Each has its own anchor after its first write.
fn machines() -> (Session, Session) {
    let (one, _) = rotated();
    let two = copy(&one);
    let _ = fs::remove_dir_all(two.path(ANCHOR));
    (one, two)
}

/// Synchronises as such a program does: `to` becomes a copy of `from`.
fn synchronise(from: &Session, to: &Session) {
    fs::remove_dir_all(to.home()).unwrap();
    Backup::of(&from.home()).unpack(&to.home());
}

/// They take turns, and neither blocks the other.
#[test]
fn homes_that_are_synchronised_in_turn_raise_no_alarm() {
    let (one, two) = machines();
    for n in 0..4 {
        let (writer, reader) = if n % 2 == 0 { (&two, &one) } else { (&one, &two) };
        let secret = format!("made-up-{n}");
        for _ in 0..=n {
            writer.feed(&secret, ["rotate", ONE]).ok();
        }
        synchronise(writer, reader);
        assert_eq!(seen(reader, ONE), served(&secret));
        assert_eq!(seen(reader, TWO), served(SECOND));
        reader.run(["verify"]).ok();
        let doctor = reader.run(["doctor"]).ok();
        assert!(!doctor.stdout.contains("--accept-rollback"), "{}", doctor.stdout);
    }
    for machine in [&one, &two] {
        assert!(!paste_next(machine).ok().stderr.contains("TAMPERED"));
        machine.run(["verify"]).ok();
    }
}

/// Both wrote since they were identical, and one replaces the other: a fork, which does not stop readers.
#[test]
fn a_fork_is_read_and_reported_and_a_person_chooses() {
    let (one, two) = machines();
    one.feed("made-up-on-one", ["rotate", ONE]).ok();
    two.feed("made-up-on-two", ["rotate", ONE]).ok();
    two.feed("made-up-on-two-too", ["rotate", TWO]).ok();
    synchronise(&two, &one);
    assert_eq!(seen(&one, ONE), served("made-up-on-two"));
    assert_eq!(seen(&one, TWO), served("made-up-on-two-too"));
    assert_eq!(one.run(["verify"]).status, 65, "verify does not report the fork");
    let refusal = paste_next(&one);
    assert!(is_tampered(&refusal), "a fork goes on unsaid: exit {} {}", refusal.status, refusal.stderr);
    is_mended(&one);
    assert_eq!(seen(&one, ONE), served("made-up-on-two"));
    // The other machine has seen nothing of it.
    paste_next(&two).ok();
    two.run(["verify"]).ok();
}

/// Files that arrive one by one, in any order: a reader gets a value that existed, or an error; at the end all
/// is well.
#[test]
fn a_home_that_arrives_file_by_file_is_whole_at_the_end() {
    for order in [[RECORD, INDEX, LOG, LEDGER], [LEDGER, LOG, INDEX, RECORD], [LOG, LEDGER, RECORD, INDEX]] {
        let (one, two) = machines();
        two.feed("made-up-on-two", ["rotate", ONE]).ok();
        let arriving = Backup::of(&two.home());
        for name in order {
            if two.home().join(name).exists() {
                write(&one.home().join(name), arriving.file(name));
            }
            for seen in <[_; 2]>::from(seen(&one, ONE)) {
                let due = ["made-up-on-two", CURRENT].map(|secret| Ok(secret.to_owned()));
                assert!(due.contains(&seen) || seen == Err("TAMPERED".to_owned()), "{order:?}: {seen:?}");
            }
            assert_eq!(seen(&one, TWO), served(SECOND), "{order:?}");
        }
        assert_eq!(seen(&one, ONE), served("made-up-on-two"), "{order:?}");
        one.run(["verify"]).ok();
        paste_next(&one).ok();
        one.run(["verify"]).ok();
    }
}

/// Conflict copies that such programs leave next to a file are reported, and block no one.
#[test]
fn sync_conflicts_are_findings_and_no_stop() {
    let (session, before) = rotated();
    for (name, copy) in [
        (RECORD, "agents/main/records/openrouter_3aone.sync-conflict-20261128-101500-ABCDEFG.age"),
        (INDEX, "agents/main/auth-profiles.sync-conflict-20261128-101500-ABCDEFG.json"),
        (LOG, "agents/main/log (conflicted copy 2026-11-28).jsonl"),
        ("unlock/key-file.age", "unlock/key-file.sync-conflict-20261128-101500-ABCDEFG.age"),
    ] {
        write(&session.home().join(copy), before.file(name));
    }
    write(&session.home().join("agents/main/ledger.sync-conflict-20261128-101500-ABCDEFG"), b"{}\n");
    write(&session.home().join("ledger (conflicted copy)"), b"{}\n");
    assert_eq!(seen(&session, ONE), served(CURRENT));
    let verified = session.run(["verify"]);
    for what in ["openrouter_3aone.sync-conflict", "key-file.sync-conflict"] {
        assert!(verified.stdout.contains(what), "{what} is not told of: {}", verified.stdout);
    }
    paste_next(&session).ok();
    session.feed("made-up-later", ["rotate", ONE]).ok();
    session.run(["rekey", "--yes"]).ok();
    assert_eq!(seen(&session, ONE), served("made-up-later"));
    assert_eq!(seen(&session, "openrouter:next"), served(NEXT));
}

/// One backup, two homes of one user: the original place, and another.
#[test]
fn two_homes_of_one_backup_beside_each_other_are_both_used() {
    let (session, before) = rotated();
    let beside = session.path("beside");
    before.unpack(&beside);
    before.restore();
    let at = |arguments: &[&str]| session.feed(NEXT, [&["--home", "beside"], arguments].concat());
    assert_eq!(seen(&session, ONE), served(OLD));
    assert_eq!(at(&["get", ONE]).ok().stdout.trim_end(), OLD);
    // In its own place it was rolled back; the other is a copy with its own anchor.
    assert!(is_tampered(&paste_next(&session)), "a rollback goes on unsaid");
    let first = by_its_remedy(&session, || at(&["rotate", TWO])).ok();
    assert!(first.stderr.lines().filter(|line| !line.contains("unusually")).count() <= 1, "{}", first.stderr);
    at(&["rotate", TWO]).ok();
    at(&["verify"]).ok();
    assert_eq!(at(&["get", TWO]).ok().stdout.trim_end(), NEXT);
    is_mended(&session);
    assert_eq!(seen(&session, TWO), served(SECOND), "the two are apart");
    at(&["rotate", ONE]).ok();
    at(&["verify"]).ok();
    session.run(["verify"]).ok();
}

/// One backup, two machines: neither knows about the other.
#[test]
fn two_machines_restored_from_one_backup_are_both_used() {
    let (one, before) = rotated();
    let two = copy(&one);
    fs::remove_dir_all(two.home()).unwrap();
    let _ = fs::remove_dir_all(two.path(ANCHOR));
    before.unpack(&two.home());
    before.restore();
    for session in [&one, &two] {
        assert_eq!(seen(session, ONE), served(OLD));
        assert_eq!(seen(session, TWO), served(SECOND));
    }
    let first = paste_next(&two).ok();
    assert_eq!(
        first.stderr.lines().filter(|line| !line.contains("unusually")).count(),
        1,
        "{}",
        first.stderr
    );
    assert!(is_tampered(&paste_next(&one)), "where it was further once, a rollback goes on unsaid");
    for session in [&one, &two] {
        is_mended(session);
        session.feed("made-up-later", ["rotate", ONE]).ok();
        assert_eq!(seen(session, ONE), served("made-up-later"));
        session.run(["verify"]).ok();
    }
}
