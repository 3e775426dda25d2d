//! Readers of a vault while its keys change: nothing is lost, and nothing is reported as lost.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::session::Session;

#[test]
fn whoever_looks_beside_a_change_of_keys_finds_nothing_wrong() {
    let session = Session::new();
    for n in 0..8 {
        session.paste(&format!("openrouter:n{n}"), &format!("made-up-key-number-{n}"));
    }
    beside_rekeys(
        &session,
        &[&["verify"], &["doctor"], &["doctor", "--repair"], &["status"], &["get", "openrouter:n7"]],
    );
}

#[test]
fn a_repair_beside_a_change_of_keys_leaves_an_empty_vault_whole() {
    beside_rekeys(&Session::new(), &[&["doctor", "--repair"], &["doctor", "--repair"]]);
}

/// Changes the keys again and again while other commands keep running.
fn beside_rekeys(session: &Session, looks: &[&[&str]]) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for look in looks {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let ran = session.run(*look).ok();
                    assert!(!ran.stderr.contains("interrupted"), "{look:?}: {}", ran.stderr);
                }
            });
        }
        let rekeys: Vec<_> = (0..20).map(|_| session.run(["rekey", "--yes"])).collect();
        done.store(true, Ordering::SeqCst);
        for rekey in rekeys {
            rekey.ok();
        }
    });
    session.run(["verify"]).ok();
}

/// Each one makes its own key file, and only one of them may replace the existing one.
#[test]
fn changes_of_keys_at_once_lock_nobody_out() {
    let session = Session::new();
    session.paste("openrouter:one", "made-up-key-number-1");
    let changed = std::thread::scope(|scope| {
        let rekeys = || (0..10).filter(|_| session.run(["rekey", "--yes"]).status == 0).count();
        let looks = || {
            for _ in 0..40 {
                assert_eq!(session.get("openrouter:one"), "made-up-key-number-1");
            }
        };
        scope.spawn(looks);
        let all: Vec<_> = (0..3).map(|_| scope.spawn(rekeys)).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum::<usize>()
    });
    assert!(changed >= 10, "{changed} changes of keys");
    assert_eq!(session.get("openrouter:one"), "made-up-key-number-1");
    session.run(["verify"]).ok();
    assert!(!session.key_file().with_extension("next").exists());
}
