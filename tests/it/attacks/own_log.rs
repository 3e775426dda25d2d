//! H empties, cuts or alters the vault's own log: that is detected, blocks no one for good, and can be repaired.

use std::fs;

use super::backup::write;
use super::{
    CURRENT, ONE, SECOND, TWO, by_its_remedy, is_mended, is_tampered, marks_damage, paste_next, reports,
    rotated, seen, served,
};
use crate::session::Session;

/// A vault whose own log has several lines.
fn session() -> Session {
    let (session, _) = rotated();
    let add = ["unlock-method", "add", "key-file", "--name", "second", "--new-key-file", "second"];
    session.run(add).ok();
    session.run(["unlock-method", "remove", "second", "--yes"]).ok();
    session
}

/// Returns the damaged log, or `None` if it is removed.
type Damage = fn(&str) -> Option<String>;

const DAMAGES: [(&str, Damage); 7] = [
    ("emptied", |_| Some(String::new())),
    ("gone", |_| None),
    ("without its last two lines", |log| Some(without_last(log, 2))),
    ("without its first line", |log| Some(log.split_inclusive('\n').skip(1).collect())),
    ("with another method", |log| Some(log.replacen("\"method\":\"second\"", "\"method\":\"secont\"", 1))),
    ("with a line twice", |log| Some(format!("{log}{}\n", log.lines().next_back().unwrap()))),
    ("with garbage at its end", |log| Some(format!("{log}damaged\n"))),
];

fn without_last(log: &str, lines: usize) -> String {
    let all: Vec<_> = log.split_inclusive('\n').collect();
    all[..all.len() - lines].concat()
}

/// A kill after the commit leaves the same state: the next change puts the line back.
#[test]
fn a_last_line_that_is_cut_off_comes_back() {
    let session = session();
    let path = session.home().join("log.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    write(&path, without_last(&log, 1).as_bytes());
    assert_eq!(seen(&session, ONE), served(CURRENT));
    by_its_remedy(&session, || paste_next(&session)).ok();
    let now = fs::read_to_string(&path).unwrap();
    assert!(now.starts_with(&log), "the removal of a method is in no log: {now}");
    session.run(["verify"]).ok();
}

#[test]
fn damage_of_the_vaults_own_log_is_reported_and_mended() {
    for (what, damage) in DAMAGES {
        let session = session();
        let path = session.home().join("log.jsonl");
        match damage(&fs::read_to_string(&path).unwrap()) {
            Some(log) => write(&path, log.as_bytes()),
            None => fs::remove_file(&path).unwrap(),
        }
        println!("the vault's own log: {what}");
        reports(&session, &["verify"], "log");
        reports(&session, &["doctor"], "log");
        // Reading still works.
        assert_eq!(seen(&session, ONE), served(CURRENT), "{what}");
        assert_eq!(seen(&session, TWO), served(SECOND), "{what}");
        let refusal = paste_next(&session);
        assert!(
            refusal.status == 0 || is_tampered(&refusal),
            "{what}: {} {}",
            refusal.status,
            refusal.stderr
        );
        is_mended(&session);
        // So do changes of the vault itself.
        let add = ["unlock-method", "add", "key-file", "--name", "third", "--new-key-file", "third"];
        by_its_remedy(&session, || session.run(add)).ok();
        assert_eq!(session.run(["--key-file", "third", "get", ONE]).ok().stdout.trim_end(), CURRENT);
        session.run(["verify"]).ok();
        session.run(["rekey", "--yes", "--with", "third=third"]).ok();
        session.run(["verify"]).ok();
    }
}

#[test]
fn log_marks_what_does_not_verify_in_the_vaults_own_log() {
    let session = session();
    let path = session.home().join("log.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    assert!(!marks_damage(&session.run(["log", "--vault", "--json"]).ok().json()));
    for (what, damage) in &DAMAGES[3..] {
        write(&path, damage(&log).unwrap().as_bytes());
        let shown = session.run(["log", "--vault", "--json"]).ok().json();
        assert!(marks_damage(&shown), "{what}: {shown}");
    }
}
