//! A part of a home is missing, or came back without what names it: that is reported, and no change of keys loses it
//! for good. No attacker is needed: a half-synchronised folder is enough.

use std::fs;

use super::backup::{Backup, write};
use super::{
    ANCHOR, CURRENT, LEDGER, ONE, RECORD, SECOND, TWO, by_its_remedy, digest, is_mended, is_tampered,
    paste_next, refused, reports, rotated, seen, served,
};
use crate::faults::vault;
use crate::session::{Ran, Session};

const REKEY: [&str; 2] = ["rekey", "--yes"];

fn of_ops(session: &Session) -> Ran {
    session.run(["--agent", "ops", "get", "groq:default"])
}

/// A vault with two agents.
fn two_agents() -> Session {
    let session = vault();
    session.paste(ONE, CURRENT);
    session.feed(SECOND, ["--agent", "ops", "paste-api-key", "--provider", "groq"]).ok();
    session
}

#[test]
fn an_agent_that_is_away_is_told_and_is_not_left_behind_by_a_rekey() {
    let session = two_agents();
    let (there, away) = (session.home().join("agents/ops"), session.home().join("agents/.ops"));
    fs::rename(&there, &away).unwrap();
    reports(&session, &["verify"], "agent ops is gone");
    reports(&session, &["doctor"], "agent ops is gone");
    let status = session.run(["status"]);
    assert!(status.stdout.contains("agent ops is gone"), "{}", status.stdout);
    assert!(is_tampered(&session.run(REKEY)));
    // The others can be read and written.
    paste_next(&session).ok();
    fs::rename(&away, &there).unwrap();
    session.run(["verify"]).ok();
    session.run(REKEY).ok();
    assert_eq!(of_ops(&session).ok().stdout.trim_end(), SECOND);
}

#[test]
fn an_agent_that_is_gone_is_given_up_by_its_digest() {
    for what in ["its directory", "all agents", "a file in its place"] {
        let session = two_agents();
        let ops = session.home().join("agents/ops");
        match what {
            "all agents" => fs::remove_dir_all(session.home().join("agents")).unwrap(),
            _ => fs::remove_dir_all(&ops).unwrap(),
        }
        if what.starts_with("a file") {
            write(&ops, b"");
            assert!(is_tampered(&session.run(REKEY)));
            fs::remove_file(&ops).unwrap();
        }
        by_its_remedy(&session, || session.run(REKEY)).ok();
        is_mended(&session);
        session.feed(SECOND, ["--agent", "ops", "paste-api-key", "--provider", "groq"]).ok();
        assert_eq!(of_ops(&session).ok().stdout.trim_end(), SECOND, "{what}");
    }
}

/// An older ledger over newer records: the newest credential is there, and nothing names it.
#[test]
fn a_record_that_the_ledger_does_not_know_stops_a_rekey() {
    for anchor in [true, false] {
        let session = vault();
        session.paste(ONE, CURRENT);
        let before = Backup::of(&session.home());
        session.paste(TWO, SECOND);
        before.put_back(|name| name == LEDGER);
        if anchor {
            session.run(["doctor", "--accept-rollback", &digest(&paste_next(&session))]);
        } else {
            fs::remove_dir_all(session.path(ANCHOR)).unwrap();
        }
        assert_eq!(seen(&session, TWO), refused("NOT_FOUND"));
        reports(&session, &["verify"], "strongroom get openrouter:two --accept-rollback");
        let told = session.run(["verify"]).stdout;
        assert!(!told.contains("its secret is gone"), "it is there: {told}");
        let rekey = session.run(REKEY);
        assert!(is_tampered(&rekey) && rekey.stderr.contains(TWO), "{}", rekey.stderr);
        let there = session.run(["get", TWO, "--accept-rollback"]).ok().stdout;
        assert_eq!(there.trim_end(), SECOND);
        session.paste(TWO, &there);
        session.run(REKEY).ok();
        assert_eq!((seen(&session, ONE), seen(&session, TWO)), (served(CURRENT), served(SECOND)));
        is_mended(&session);
    }
}

/// A backup from before a rekey with one damaged record: the printed remedies repair it.
#[test]
fn a_damaged_record_is_removed_from_a_home_of_before_a_rekey() {
    let (session, _) = rotated();
    let (before, key) = (Backup::of(&session.home()), fs::read(session.key_file()).unwrap());
    session.run(REKEY).ok();
    before.restore();
    write(&session.key_file(), &key);
    let mut record = fs::read(session.home().join(RECORD)).unwrap();
    *record.last_mut().unwrap() ^= 1;
    write(&session.home().join(RECORD), &record);
    let rekey = session.run(REKEY);
    assert!(rekey.status == 65 && rekey.stderr.contains("remove it first"), "{}", rekey.stderr);
    session.run(["remove", ONE, "--yes"]).ok();
    // Nothing is encrypted with the old key, now or after the removal.
    assert!(is_tampered(&paste_next(&session)));
    session.run(REKEY).ok();
    assert_eq!(seen(&session, TWO), served(SECOND));
    is_mended(&session);
}

#[test]
fn an_unlock_file_that_is_gone_is_told_and_its_method_can_be_removed() {
    let session = vault();
    session.paste(ONE, CURRENT);
    let add = ["unlock-method", "add", "key-file", "--name", "spare", "--new-key-file", "spare"];
    session.run(add).ok();
    fs::remove_file(session.home().join("unlock/spare.age")).unwrap();
    reports(&session, &["verify"], "unlock/spare.age is gone");
    reports(&session, &["doctor"], "unlock/spare.age is gone");
    paste_next(&session).ok();
    session.run(["unlock-method", "remove", "spare", "--yes"]).ok();
    session.run(["verify"]).ok();
    is_mended(&session);
}
