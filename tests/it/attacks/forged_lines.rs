//! H writes into a log: a line that does not verify decides neither a generation, nor a removal, nor what is current.

use std::fs;

use super::backup::write;
use super::{
    CURRENT, INDEX, LOG, ONE, SECOND, Seen, TWO, by_its_remedy, generation, is_mended, is_near_the_clock,
    marks_damage, paste_next, refused, reports, seen, served,
};
use crate::faults::vault;
use crate::session::Session;

const THREE: &str = "openrouter:three";

/// What a forged line has as its MAC.
#[derive(Clone, Copy, Debug)]
enum Mac {
    Copied,
    Empty,
    Missing,
}

/// Returns the last line of a log that names a profile.
fn line_of(log: &str, profile: &str) -> String {
    let name = format!("\"profile\":\"{profile}\"");
    log.lines().rfind(|line| line.contains(&name)).unwrap().to_owned()
}

/// Returns a line with another generation.
fn forged(line: &str, generation: u64, mac: Mac) -> String {
    let (before, rest) = line.split_once("\"generation\":").unwrap();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let forged = format!("{before}\"generation\":{generation}{rest}");
    let (open, _) = forged.split_once(",\"mac\":").unwrap();
    match mac {
        Mac::Copied => forged,
        Mac::Empty => format!("{open},\"mac\":\"\"}}"),
        Mac::Missing => format!("{open}}}"),
    }
}

/// A vault with two lines in its log after those of `openrouter:one`, so that a forged line can precede them.
fn session() -> Session {
    let session = vault();
    session.paste(ONE, CURRENT);
    session.paste(TWO, SECOND);
    session.paste(THREE, "made-up-third-secret");
    session
}

/// Inserts a line before the last two.
fn insert(session: &Session, line: &str) {
    let path = session.home().join(LOG);
    let log = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = log.lines().collect();
    lines.insert(lines.len() - 2, line);
    write(&path, (lines.join("\n") + "\n").as_bytes());
}

fn take_out(session: &Session, line: &str) {
    let path = session.home().join(LOG);
    let log = fs::read_to_string(&path).unwrap();
    let kept: String = log.split_inclusive('\n').filter(|other| other.trim_end() != line).collect();
    write(&path, kept.as_bytes());
}

/// The effects of a forged generation.
#[derive(Debug)]
struct Outcome {
    /// What is read after the line was removed and an old record put back.
    old_record: Seen,
    /// The generation of the secret that was stored while the forged line was there.
    generation: u64,
    /// The exit status of `verify`, and whether `log` marks the line.
    seen_by: (i32, bool),
    /// The exit status of the last `verify`.
    repaired: i32,
}

fn forge_a_generation(value: u64, mac: Mac) -> Outcome {
    let session = session();
    let log = fs::read_to_string(session.home().join(LOG)).unwrap();
    let line = forged(&line_of(&log, ONE), value, mac);
    insert(&session, &line);
    let log = session.run(["log", "--json"]).ok().json();
    let seen_by = (session.run(["verify"]).status, marks_damage(&log));
    let rotate = |secret: &str| by_its_remedy(&session, || session.feed(secret, ["rotate", ONE])).ok();
    rotate("made-up-third");
    let generation = generation(&session, ONE);
    take_out(&session, &line);
    let record = session.agent_file("records/openrouter_3aone.age");
    let old = fs::read(&record).unwrap();
    rotate("made-up-fourth");
    let current = fs::read(&record).unwrap();
    write(&record, &old);
    let old_record = seen(&session, ONE);
    write(&record, &current);
    session.run(["doctor", "--repair"]);
    let repaired = session.run(["verify"]).status;
    Outcome { old_record, generation, seen_by, repaired }
}

/// H: "the next secret gets the highest possible generation, and after that any old record counts as new".
#[test]
fn a_forged_generation_in_mid_log_is_never_taken_over() {
    let mut bad = Vec::new();
    for value in [u64::MAX, u64::MAX - 1, 1 << 53, (1 << 52) + 1, 1 << 52] {
        for mac in [Mac::Copied, Mac::Empty, Mac::Missing] {
            let outcome = forge_a_generation(value, mac);
            let due = outcome.old_record == refused("TAMPERED")
                && is_near_the_clock(outcome.generation)
                && outcome.seen_by == (65, true)
                && outcome.repaired == 0;
            if !due {
                bad.push(format!("{value}, MAC {mac:?}: {outcome:?}"));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// H: "a profile that I say was removed is left out when the index is rebuilt".
#[test]
fn a_forged_removal_hides_no_profile() {
    let session = session();
    let log = fs::read_to_string(session.home().join(LOG)).unwrap();
    let removal = line_of(&log, ONE).replacen("\"op\":\"paste\"", "\"op\":\"remove\"", 1);
    insert(&session, &removal);
    assert_eq!(seen(&session, ONE), served(CURRENT));
    write(&session.home().join(INDEX), b"{\"version\":1,\"profiles\":{}}");
    assert_eq!(seen(&session, ONE), served(CURRENT));
    session.run(["doctor", "--repair"]);
    let listed = session.run(["list"]).ok();
    assert!(listed.stdout.contains(ONE), "it is not listed again: {}{}", listed.stdout, listed.stderr);
    is_mended(&session);
    assert_eq!(seen(&session, ONE), served(CURRENT));
}

/// H replays a line that the vault made itself: a removal from before the profile was stored again.
#[test]
fn a_line_that_is_played_again_steers_nothing_and_is_marked() {
    for at_the_end in [true, false] {
        let session = vault();
        session.paste(ONE, "made-up-first");
        session.run(["remove", ONE, "--yes"]).ok();
        let path = session.home().join(LOG);
        let removal = line_of(&fs::read_to_string(&path).unwrap(), ONE);
        session.paste(ONE, CURRENT);
        session.paste(TWO, SECOND);
        session.paste(THREE, "made-up-third-secret");
        if at_the_end {
            let log = fs::read_to_string(&path).unwrap();
            write(&path, format!("{log}{removal}\n").as_bytes());
        } else {
            insert(&session, &removal);
        }
        reports(&session, &["verify"], "log");
        assert_eq!(seen(&session, ONE), served(CURRENT));
        let log = session.run(["log", "--json"]).ok().json();
        assert!(marks_damage(&log), "at the end {at_the_end}: `log` does not mark it: {log}");
        is_mended(&session);
        assert_eq!(seen(&session, ONE), served(CURRENT));
        session.feed("made-up-later", ["rotate", ONE]).ok();
        assert!(is_near_the_clock(generation(&session, ONE)));
    }
}

/// H empties an agent's log: no removed profile comes back, and no existing one is lost.
#[test]
fn an_emptied_log_brings_back_no_removed_profile() {
    for gone in [true, false] {
        let session = session();
        let record = session.agent_file("records/openrouter_3aone.age");
        let old = fs::read(&record).unwrap();
        session.run(["remove", ONE, "--yes"]).ok();
        let path = session.home().join(LOG);
        if gone {
            fs::remove_file(&path).unwrap();
        } else {
            write(&path, b"");
        }
        write(&record, &old);
        assert_eq!(seen(&session, ONE), refused("NOT_FOUND"), "log gone: {gone}");
        reports(&session, &["verify"], "log");
        by_its_remedy(&session, || paste_next(&session)).ok();
        session.run(["doctor", "--repair"]);
        assert_eq!(seen(&session, ONE), refused("NOT_FOUND"), "after --repair");
        assert_eq!(seen(&session, TWO), served(SECOND));
        session.paste(ONE, CURRENT);
        assert!(is_near_the_clock(generation(&session, ONE)));
        session.run(["verify"]).ok();
    }
}
