//! H removes the ledger, alters it, or puts an old one back: nothing is lost, nothing is returned that the ledger does
//! not vouch for, and no write continues silently.

use std::fs;

use super::backup::{Backup, write};
use super::given_up_keys::Part;
use super::{
    ANCHOR, CURRENT, LEDGER, NEXT, OLD, ONE, RECORD, SECOND, TWO, by_its_remedy, digest, is_tampered,
    paste_next, refused, rotated, seen, served,
};
use crate::session::{Ran, Session};

/// Every kind of write of profiles, as it is typed.
fn writes(session: &Session) -> Vec<(&'static str, Ran)> {
    vec![
        ("paste", paste_next(session)),
        ("rotate", session.feed(NEXT, ["rotate", ONE])),
        ("import", session.feed("GROQ_API_KEY=made-up-imported", ["import", "-", "--from", "env"])),
        ("rename", session.run(["rename", ONE, "openrouter:other"])),
        ("remove", session.run(["remove", TWO, "--yes"])),
    ]
}

#[track_caller]
fn all_are_refused(session: &Session, what: &str) {
    let before = Backup::of(&session.home());
    for (write, ran) in writes(session) {
        assert!(is_tampered(&ran), "{what}: {write}: exit {} {}", ran.status, ran.stderr);
    }
    let after = Backup::of(&session.home());
    assert!(before.same(&after), "{what}: a refused write changed the home");
}

/// Returns what `get` gives to a person who accepts a rollback.
fn by_hand(session: &Session, id: &str) -> String {
    session.run(["get", id, "--accept-rollback"]).ok().stdout.trim_end().to_owned()
}

#[test]
fn without_its_ledger_an_agent_gives_nothing_and_loses_nothing() {
    let (session, _) = rotated();
    let whole = Backup::of(&session.home());
    let path = session.home().join(LEDGER);
    let ledger = fs::read(&path).ok();
    let mut damages = vec![None];
    if let Some(ledger) = &ledger {
        let cut = ledger[..ledger.len() / 2].to_vec();
        let flips = (0..ledger.len()).step_by(37).map(|at| {
            let mut flipped = ledger.clone();
            flipped[at] ^= 1;
            flipped
        });
        damages.extend(flips.chain([cut, Vec::new()]).map(Some));
    }
    for damage in damages {
        let what = match &damage {
            None => "gone".to_owned(),
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        match damage {
            None => drop(fs::remove_file(&path)),
            Some(bytes) => write(&path, &bytes),
        }
        for id in [ONE, TWO] {
            assert_eq!(seen(&session, id), refused("TAMPERED"), "ledger {what}");
        }
        assert_eq!(session.run(["verify"]).status, 65, "ledger {what}");
        assert_eq!(session.run(["doctor"]).status, 65, "ledger {what}");
        all_are_refused(&session, &what);
        assert_eq!(by_hand(&session, ONE), CURRENT, "a person gets what opens; ledger {what}");
        whole.restore();
        assert_eq!(seen(&session, ONE), served(CURRENT), "the ledger is back");
        assert_eq!(seen(&session, TWO), served(SECOND), "the ledger is back");
        session.run(["verify"]).ok();
    }
    paste_next(&session).ok();
}

/// No backup has the ledger: the printed remedy makes a new one from the existing records.
#[test]
fn a_lost_ledger_is_made_again_by_the_printed_remedy() {
    let (session, _) = rotated();
    let _ = fs::remove_file(session.home().join(LEDGER));
    assert!(is_tampered(&paste_next(&session)), "a paste goes on without the ledger");
    by_its_remedy(&session, || paste_next(&session)).ok();
    assert_eq!(seen(&session, ONE), served(CURRENT));
    assert_eq!(seen(&session, TWO), served(SECOND));
    session.run(["doctor", "--repair"]);
    session.run(["verify"]).ok();
}

#[test]
fn without_the_vaults_own_ledger_nothing_is_written() {
    let (session, _) = rotated();
    let whole = Backup::of(&session.home());
    let path = session.home().join("ledger");
    let ledger = fs::read(&path).unwrap_or_default();
    for bytes in [None, Some(&ledger[..ledger.len() / 2]), Some(&b"{}\nmac x\n"[..])] {
        match bytes {
            None => drop(fs::remove_file(&path)),
            Some(bytes) => write(&path, bytes),
        }
        all_are_refused(&session, "the ledger of the vault");
        assert_eq!(session.run(["verify"]).status, 65);
        whole.restore();
        assert_eq!(seen(&session, ONE), served(CURRENT));
        session.run(["verify"]).ok();
    }
    paste_next(&session).ok();
}

/// The ledger of another agent, of another vault, or of a copy of the vault.
#[test]
fn a_ledger_of_another_agent_or_vault_is_none() {
    let (session, _) = rotated();
    let paste = ["paste-api-key", "--provider", "groq", "--profile-id", "groq:theirs"];
    session.feed(NEXT, ["--agent", "other"].iter().chain(&paste)).ok();
    let (foreign, _) = rotated();
    let whole = Backup::of(&session.home());
    for path in [session.home().join("agents/other/ledger"), foreign.home().join(LEDGER)] {
        let planted = fs::read(&path).expect("an agent has a ledger");
        write(&session.home().join(LEDGER), &planted);
        assert_eq!(seen(&session, ONE), refused("TAMPERED"));
        all_are_refused(&session, "a foreign ledger");
        whole.restore();
    }
    session.run(["verify"]).ok();
}

/// What H puts back: at least what makes the old record current.
const ROLLBACKS: [Part; 3] = [
    ("ledger and record", |name| name == RECORD || name.starts_with(LEDGER)),
    ("the agent", |name| name.starts_with("agents/main/")),
    ("the home", |_| true),
];

#[test]
fn an_old_ledger_and_record_are_read_and_reported_and_stop_every_write() {
    for (what, belongs) in ROLLBACKS {
        let (session, before) = rotated();
        before.put_back(belongs);
        let refusal = paste_next(&session);
        assert!(is_tampered(&refusal), "{what}: a paste goes on: exit {} {}", refusal.status, refusal.stderr);
        all_are_refused(&session, what);
        // Reading continues: a restored backup stops no gateway.
        assert_eq!(seen(&session, ONE), served(OLD), "{what}");
        assert_eq!(seen(&session, TWO), served(SECOND), "{what}");
        for verb in ["verify", "doctor"] {
            assert_eq!(session.run([verb]).status, 65, "{what}: {verb} does not report it");
        }
        let status = session.run(["status", "--json"]).json();
        let status = status.to_string();
        let says = ["rolled back", "rollback", "older", "behind", "restored"];
        assert!(says.iter().any(|word| status.contains(word)), "{what}: status is silent: {status}");
    }
}

#[test]
fn a_rollback_is_accepted_once_and_only_the_one_that_was_named() {
    for (what, belongs) in ROLLBACKS {
        let (session, before) = rotated();
        before.put_back(belongs);
        let named = digest(&paste_next(&session));
        assert!(named.len() >= 16, "{what}: {named:?}");
        for wrong in ["0000000000000000", &named[..named.len() - 1], &swapped(&named)] {
            let ran = session.run(["doctor", "--accept-rollback", wrong]);
            assert_ne!(ran.status, 0, "{what}: {wrong} was accepted");
            assert!(is_tampered(&paste_next(&session)), "{what}: {wrong}");
        }
        let accepted = session.run(["doctor", "--accept-rollback", &named]);
        assert!([0, 65].contains(&accepted.status), "{what}: {}", accepted.stderr);
        paste_next(&session).ok();
        assert_eq!(seen(&session, "openrouter:next"), served(NEXT), "{what}");
        assert_eq!(seen(&session, ONE), served(OLD), "{what}");
        session.run(["doctor", "--repair"]);
        session.run(["verify"]).ok();
        // The same digest does not work twice: neither now nor if the same state comes back.
        assert_ne!(session.run(["doctor", "--accept-rollback", &named]).status, 0, "{what}: twice");
        before.put_back(belongs);
        assert!(is_tampered(&paste_next(&session)), "{what}: the same state again");
        assert_ne!(session.run(["doctor", "--accept-rollback", &named]).status, 0, "{what}: again");
        let refusal = paste_next(&session);
        assert!(is_tampered(&refusal), "{what}: the old digest was accepted again");
        // A person who restores the same backup again also has a way out.
        session.run(["doctor", "--accept-rollback", &digest(&refusal)]);
        paste_next(&session).ok();
    }
}

/// Returns another digest of the same length.
fn swapped(digest: &str) -> String {
    digest.chars().map(|c| if c == '0' { '1' } else { '0' }).collect()
}

/// A kill between a commit and its anchor leaves an anchor that lags: that is no rollback.
#[test]
fn an_anchor_that_lags_is_no_rollback() {
    let (session, _) = rotated();
    assert!(session.path(ANCHOR).exists(), "nothing outside the home remembers it");
    let before_rekey = Backup::of(&session.path(ANCHOR));
    session.run(["rekey", "--yes"]).ok();
    let anchor = Backup::of(&session.path(ANCHOR));
    session.feed("made-up-later", ["rotate", ONE]).ok();
    paste_next(&session).ok();
    // A rekey makes its anchors durable: an older anchor means that the keys were changed elsewhere or replaced.
    before_rekey.restore();
    assert!(is_tampered(&paste_next(&session)));
    assert_eq!(seen(&session, ONE), served("made-up-later"));
    by_its_remedy(&session, || paste_next(&session)).ok();
    anchor.restore();
    assert_eq!(seen(&session, ONE), served("made-up-later"));
    session.run(["verify"]).ok();
    session.feed(NEXT, ["rotate", ONE]).ok();
    assert_eq!(seen(&session, ONE), served(NEXT));
}
