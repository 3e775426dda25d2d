//! Clocks that are wrong by decades: everything can still be read and written, and the last write is current.

use std::fs;

use super::backup::write;
use super::{LOG, ONE, RECORD, by_its_remedy, generation, refused, seen, served};
use crate::faults::vault;
use crate::selection::{feed_at, run_at};
use crate::session::Session;

/// 1970-01-02 and 2099-01-01, in Unix milliseconds.
const IN_1970: i64 = 86_400_000;
const IN_2099: i64 = 4_070_908_800_000;

fn paste_at(session: &Session, at: i64, secret: &str) {
    let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", ONE];
    feed_at(session, at, secret.as_bytes(), &paste).ok();
}

#[track_caller]
fn is_read_at(session: &Session, at: i64, secret: &str) {
    let got = run_at(session, at, &["get", ONE]).ok();
    assert_eq!(got.stdout.trim_end(), secret);
    let request = format!(r#"{{"protocolVersion":1,"provider":"strongroom","ids":["main/{ONE}"]}}"#);
    let answer = feed_at(session, at, request.as_bytes(), &["resolve"]).ok();
    assert!(answer.stdout.contains(secret), "{}", answer.stdout);
}

#[test]
fn a_clock_that_jumps_stops_no_reading_and_no_writing() {
    let session = vault();
    session.paste(ONE, "made-up-today");
    let mut last = generation(&session, ONE);
    for (at, secret) in [
        (IN_1970, "made-up-in-1970"),
        (0, "made-up-at-zero"),
        (IN_2099, "made-up-in-2099"),
        (IN_1970, "made-up-in-1970-again"),
        (IN_2099 + 1, "made-up-in-2099-again"),
    ] {
        paste_at(&session, at, secret);
        let now = generation(&session, ONE);
        assert!(now > last && now <= 1 << 52, "{secret}: {now} after {last}");
        last = now;
        for reader in [0, IN_1970, IN_2099] {
            is_read_at(&session, reader, secret);
        }
        assert_eq!(seen(&session, ONE), served(secret));
    }
    // With the right clock it continues, one step at a time.
    session.feed("made-up-at-last", ["rotate", ONE]).ok();
    assert_eq!(generation(&session, ONE), last + 1);
    assert_eq!(seen(&session, ONE), served("made-up-at-last"));
    session.run(["rename", ONE, "openrouter:other"]).ok();
    session.run(["remove", "openrouter:other", "--yes"]).ok();
    session.run(["rekey", "--yes"]).ok();
}

/// A vault made at a wrong time is like any other.
#[test]
fn a_vault_made_at_a_wrong_time_is_used_at_the_right_one() {
    for at in [0, IN_1970, IN_2099] {
        let session = crate::faults::in_memory();
        run_at(&session, at, &["init", "--store", "file"]).ok();
        session.paste(ONE, "made-up-today");
        assert_eq!(seen(&session, ONE), served("made-up-today"));
        session.run(["verify"]).ok();
        is_read_at(&session, at, "made-up-today");
    }
}

/// A generation far ahead of the clock is reported, and blocks no one.
#[test]
fn a_generation_far_ahead_of_the_clock_is_a_finding() {
    let session = vault();
    paste_at(&session, IN_2099, "made-up-in-2099");
    let verified = session.run(["verify", "--json"]);
    let document = verified.json();
    let found = document["findings"].as_array().unwrap().iter().any(|finding| finding["profile"] == ONE);
    assert!(found, "verify says nothing of a generation of the year 2099: {document}");
    session.feed("made-up-later", ["rotate", ONE]).ok();
    assert_eq!(seen(&session, ONE), served("made-up-later"));
}

/// H empties the log of a vault whose clock was once ahead: removed profiles do not come back.
#[test]
fn a_removal_of_the_year_2099_is_remembered_without_the_log() {
    let session = vault();
    paste_at(&session, IN_2099, "made-up-in-2099");
    let ahead = generation(&session, ONE);
    let old = fs::read(session.home().join(RECORD)).unwrap();
    session.run(["remove", ONE, "--yes"]).ok();
    write(&session.home().join(LOG), b"");
    by_its_remedy(&session, || {
        let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", ONE];
        session.feed("made-up-today", paste)
    })
    .ok();
    assert_eq!(generation(&session, ONE), ahead + 1, "the removal was forgotten");
    write(&session.home().join(RECORD), &old);
    assert_eq!(seen(&session, ONE), refused("TAMPERED"));
}
