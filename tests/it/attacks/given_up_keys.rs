//! H has the keys that a `rekey` gave up, and puts old files back: nothing new is encrypted with those keys.
//! Also: what else `rekey` gives up.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::backup::{Backup, write};
use super::{CURRENT, NEXT, ONE, by_its_remedy, code, paste_next, readable_by, seen, served};
use crate::faults::vault;
use crate::selection::{DAY, feed_at};
use crate::session::{Ran, Session};

/// A part of a home, by name.
pub type Part = (&'static str, fn(&str) -> bool);

fn is_log(name: &str) -> bool {
    name.ends_with("log.jsonl")
}

fn is_ledger(name: &str) -> bool {
    name == "ledger" || name.starts_with("agents/main/ledger")
}

/// What H puts back, from one part to everything.
pub const PARTS: [Part; 6] = [
    ("the unlock file", |name| name.starts_with("unlock/")),
    ("and both logs", |name| name.starts_with("unlock/") || is_log(name)),
    ("and the ledgers", |name| name.starts_with("unlock/") || is_log(name) || is_ledger(name)),
    ("and settings.json", |name| !name.starts_with("agents/") || is_log(name) || is_ledger(name)),
    ("everything but the records", |name| !name.contains("/records/")),
    ("the whole home", |_| true),
];

/// A vault before and after a change of its keys, and what H kept from before.
struct Changed {
    session: Session,
    before: Backup,
    after: Backup,
    key: Vec<u8>,
    recovery: String,
}

fn changed(rekey: &[&str]) -> Changed {
    let session = vault();
    session.paste(ONE, CURRENT);
    let recovery = session.run(["recovery-key"]).ok().stdout;
    let (before, key) = (Backup::of(&session.home()), fs::read(session.key_file()).unwrap());
    session.run(rekey).ok();
    let after = Backup::of(&session.home());
    Changed { session, before, after, key, recovery }
}

impl Changed {
    /// Checks that a write was refused, and left nothing that the given-up keys open.
    #[track_caller]
    fn is_refused(&self, ran: &Ran, what: &str) {
        let leaked = readable_by(&self.recovery, &self.session.home(), NEXT);
        assert!(leaked.is_empty(), "{what}: sealed under the given-up keys: {leaked:?}");
        let due = [(65, "TAMPERED"), (77, "LOCKED"), (77, "WRONG_KEY")];
        let refusal = (ran.status, code(ran));
        assert!(
            due.iter().any(|(status, code)| (*status, *code) == (refusal.0, refusal.1.as_str())),
            "{what}: {refusal:?} {}",
            ran.stderr
        );
    }
}

/// H has the old key file, and cannot replace the current one.
#[test]
fn nothing_is_sealed_under_given_up_keys_whatever_is_put_back() {
    for (what, belongs) in PARTS {
        let changed = changed(&["rekey", "--yes"]);
        changed.before.put_back(belongs);
        changed.is_refused(&paste_next(&changed.session), what);
        for write in [&["rotate", ONE][..], &["remove", ONE, "--yes"], &["rename", ONE, "openrouter:other"]] {
            changed.is_refused(&changed.session.feed(NEXT, write), &format!("{write:?} after {what}"));
        }
        changed.after.restore();
        assert_eq!(seen(&changed.session, ONE), served(CURRENT), "{what}");
        changed.session.run(["verify"]).ok();
    }
}

/// The same if a backup also restored the old key file.
#[test]
fn nor_if_the_old_key_file_comes_back_with_it() {
    for (what, belongs) in PARTS {
        let changed = changed(&["rekey", "--yes"]);
        changed.before.put_back(belongs);
        write(&changed.session.key_file(), &changed.key);
        changed.is_refused(&paste_next(&changed.session), what);
    }
}

/// The same if the key file was kept on purpose.
#[test]
fn nor_if_the_key_file_was_kept() {
    for (what, belongs) in PARTS {
        let changed = changed(&["rekey", "--yes", "--keep-key-file"]);
        assert_eq!(fs::read(changed.session.key_file()).unwrap(), changed.key);
        changed.before.put_back(belongs);
        changed.is_refused(&paste_next(&changed.session), what);
    }
}

/// A person restored everything, including the key file: it can be read, and one command makes new keys.
#[test]
fn a_backup_from_before_a_rekey_is_read_and_goes_on_under_new_keys() {
    let changed = changed(&["rekey", "--yes"]);
    changed.before.restore();
    write(&changed.session.key_file(), &changed.key);
    assert_eq!(seen(&changed.session, ONE), served(CURRENT));
    let refusal = paste_next(&changed.session);
    changed.is_refused(&refusal, "the whole home and its key");
    assert!(
        !refusal.stderr.contains("--accept-rollback "),
        "given-up keys are never accepted: {}",
        refusal.stderr
    );
    by_its_remedy(&changed.session, || paste_next(&changed.session)).ok();
    let leaked = readable_by(&changed.recovery, &changed.session.home(), NEXT);
    assert!(leaked.is_empty(), "{leaked:?}");
    assert_eq!(seen(&changed.session, ONE), served(CURRENT));
    assert_eq!(seen(&changed.session, "openrouter:next"), served(NEXT));
    changed.session.run(["verify"]).ok();
}

#[test]
fn a_rekey_makes_a_new_key_file_of_the_same_name() {
    let changed = changed(&["rekey", "--yes"]);
    let session = &changed.session;
    assert!(fs::read(session.key_file()).unwrap() != changed.key, "the key file is the old one");
    assert_eq!(session.key_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(seen(session, ONE), served(CURRENT));
    // The old one stays until another process has opened the vault with the new one.
    paste_next(session).ok();
    let names: Vec<_> = fs::read_dir(session.path(".config/strongroom"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["key"], "something was left beside it");
    // The old one no longer opens anything.
    write(&session.path("old"), &changed.key);
    let ran = session.run(["--key-file", "old", "get", ONE]).sane(CURRENT);
    assert!(ran.status == 77 && ["LOCKED", "WRONG_KEY"].contains(&code(&ran).as_str()), "{}", ran.stderr);
    session.run(["verify"]).ok();
}

#[test]
fn a_rekey_puts_a_new_key_file_where_it_is_told() {
    let changed = changed(&["rekey", "--yes", "--new-key-file", "new"]);
    let session = &changed.session;
    let got = session.run(["--key-file", "new", "get", ONE]).ok();
    assert_eq!(got.stdout.trim_end(), CURRENT);
    session.run(["--key-file", "new", "verify"]).ok();
    if session.key_file().exists() {
        let ran = session.run(["get", ONE]).sane(CURRENT);
        assert_eq!(ran.status, 77, "the old key file opens it: {}", ran.stderr);
    }
    // An existing file is never overwritten, and then nothing is changed.
    session.write("taken", "a file of another program");
    let before = Backup::of(&session.home());
    session.run(["--key-file", "new", "rekey", "--yes", "--new-key-file", "taken"]).failed("EXISTS", 73);
    assert_eq!(fs::read_to_string(session.path("taken")).unwrap(), "a file of another program");
    before.restore();
    session.run(["--key-file", "new", "verify"]).ok();
}

#[test]
fn a_bundle_for_the_former_recipient_is_imported_for_thirty_days() {
    let session = vault();
    session.paste(ONE, CURRENT);
    let recipient = session.run(["recipient"]).ok().stdout.trim().to_owned();
    let sender = vault();
    sender.paste("groq:sent", "made-up-sent-secret");
    sender.run(["export", "--to", &recipient, "--out", "bundle"]).ok();
    fs::copy(sender.path("bundle"), session.path("bundle")).unwrap();
    for times in 1..=2 {
        session.run(["rekey", "--yes"]).ok();
        let now = session.run(["recipient"]).ok().stdout.trim().to_owned();
        assert_ne!(now, recipient, "the recipient is the same after {times} rekeys");
    }
    session.run(["import", "bundle", "--yes"]).ok();
    assert_eq!(seen(&session, "groq:sent"), served("made-up-sent-secret"));
    session.run(["remove", "groq:sent", "--yes"]).ok();
    let rekeyed = i64::try_from(super::generation(&session, ONE)).unwrap();
    for (days, opens) in [(29, true), (31, false)] {
        let ran = feed_at(&session, rekeyed + days * DAY, b"", &["import", "bundle", "--yes", "--dry-run"]);
        assert_eq!(ran.status == 0, opens, "after {days} days: {}", ran.stderr);
    }
}
