//! `recover` leaves nothing if it refuses.

use crate::session::{Session, kept, snapshot};

/// A vault with one record, whose key file is lost, and its recovery key in `recovery`.
fn without_key() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", "made-up-key-1");
    let recovery = session.run(["recovery-key"]).ok().stdout;
    session.write("recovery", recovery);
    std::fs::remove_dir_all(session.path(".config")).unwrap();
    session
}

const RECOVER: [&str; 3] = ["recover", "--recovery-key", "recovery"];

#[test]
fn a_refusal_leaves_no_new_key_behind() {
    // There are unlock files, which may still open it.
    let session = without_key();
    let before = kept(&session.home());
    session.run(RECOVER).failed("EXISTS", 73);
    assert!(!session.path(".config").exists());
    let locked = session.run(["get", "openrouter:one"]).failed("LOCKED", 77);
    assert!(locked.stderr.contains("no key found"), "{}", locked.stderr);
    session.run(["--key-file", "other"].iter().chain(&RECOVER)).failed("EXISTS", 73);
    assert!(!session.path("other").exists());
    // Another vault's recovery key.
    let other = Session::new();
    session.write("not-it", other.run(["recovery-key"]).ok().stdout);
    let refused = ["recover", "--recovery-key", "not-it", "--discard-unlock-files"];
    session.run(refused).failed("NOT_FOUND", 66);
    // A log that could not be continued.
    let log = session.agent_file("log.jsonl");
    let lines = std::fs::read(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    let discard = [&RECOVER[..], &["--discard-unlock-files"]].concat();
    assert_ne!(session.run(&discard).status, 0);
    std::fs::remove_dir(&log).unwrap();
    std::fs::write(&log, lines).unwrap();
    // A record that nothing opens.
    let whole = session.agent_file("records/openrouter_3aone.age");
    session.write("aside", std::fs::read(&whole).unwrap());
    let copy = session.agent_file("records/openrouter_3atwo.age");
    std::fs::write(&copy, "made-up bytes").unwrap();
    session.run(&discard).failed("CORRUPT", 65);
    std::fs::remove_file(copy).unwrap();
    assert!(!session.path(".config").exists());
    assert_eq!(
        before.iter().map(|(path, _, bytes)| (path, bytes)).collect::<Vec<_>>(),
        kept(&session.home()).iter().map(|(path, _, bytes)| (path, bytes)).collect::<Vec<_>>()
    );
    // If nothing is refused, there is a key file.
    session.run(&discard).ok();
    assert!(session.key_file().exists());
    assert_eq!(session.get("openrouter:one"), "made-up-key-1");
}

#[test]
fn a_refusal_keeps_the_key_that_was_there() {
    let session = without_key();
    let other = Session::new();
    std::fs::create_dir_all(session.path(".config/strongroom")).unwrap();
    let key = session.write(".config/strongroom/key", std::fs::read(other.key_file()).unwrap());
    let before = snapshot(&session.path(".config"));
    session.run(RECOVER).failed("EXISTS", 73);
    assert_eq!(snapshot(&session.path(".config")), before);
    // As after a recovery that was killed right after it created the key.
    session.run([&RECOVER[..], &["--discard-unlock-files"]].concat()).ok();
    assert_eq!(std::fs::read(&key).unwrap(), std::fs::read(other.key_file()).unwrap());
    assert_eq!(session.get("openrouter:one"), "made-up-key-1");
}

/// If there is no place for a key, nothing is started.
#[test]
fn a_key_that_cannot_be_written_changes_nothing() {
    let session = without_key();
    session.write("file", "");
    let before = kept(&session.home());
    let recover = [&RECOVER[..], &["--discard-unlock-files", "--key-file", "file/key"]].concat();
    assert_ne!(session.run(recover).status, 0);
    assert_eq!(kept(&session.home()), before);
}

#[test]
fn a_lost_key_is_told_how_to_go_on_and_one_that_may_be_there_is_not() {
    let session = without_key();
    let said = |session: &Session| session.run(["get", "openrouter:one"]).failed("LOCKED", 77).stderr;
    let told = "strongroom recover --recovery-key FILE";
    assert!(said(&session).contains(told), "{}", said(&session));
    // The place holds another vault's key.
    let other = Session::new();
    std::fs::create_dir_all(session.path(".config/strongroom")).unwrap();
    let key = session.write(".config/strongroom/key", std::fs::read(other.key_file()).unwrap());
    assert!(!said(&session).contains(told), "{}", said(&session));
    // It cannot be determined whether it exists.
    std::fs::remove_file(key).unwrap();
    std::fs::remove_dir(session.path(".config/strongroom")).unwrap();
    std::os::unix::fs::symlink("strongroom", session.path(".config/strongroom")).unwrap();
    assert!(!said(&session).contains(told), "{}", said(&session));
}
