//! Earlier versions of profiles: what replaces or removes a secret can be undone, and what is forgotten is gone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::keyring;
use crate::selection::feed_at;
use crate::session::{Session, snapshot};
use crate::unlock_cache::Vault;

const ID: &str = "openai:work";
const GOOD: &str = "sk-made-up-good-0123456789abcdef";
const BAD: &str = "sk-made-up-bad-0123456789abcdef";

/// Returns a session with a vault that has one profile.
fn session() -> Session {
    let session = Session::new();
    session.paste(ID, GOOD);
    session
}

fn undo(session: &Session, id: &str) {
    session.run(["undo", id, "--yes"]).ok();
}

/// Returns the files of earlier versions.
fn versions(session: &Session) -> Vec<PathBuf> {
    let files = snapshot(&session.home()).into_iter().map(|(path, ..)| path);
    files
        .filter(|path| path.is_file() && path.components().any(|part| part.as_os_str() == "history"))
        .collect()
}

fn ops(session: &Session, id: &str) -> Vec<String> {
    let listed = session.run(["history", id, "--json"]).ok().json();
    let op = |version: &serde_json::Value| version["op"].as_str().unwrap_or("-").to_owned();
    listed.as_array().unwrap().iter().map(op).collect()
}

#[test]
fn whatever_replaces_or_removes_a_secret_is_undone() {
    let session = session();
    session.paste(ID, BAD);
    undo(&session, ID);
    assert_eq!(session.get(ID), GOOD);
    undo(&session, ID);
    assert_eq!(session.get(ID), BAD, "a second undo is a redo");
    undo(&session, ID);

    session.feed(BAD, ["rotate", ID]).ok();
    undo(&session, ID);
    assert_eq!(session.get(ID), GOOD);

    let entry = serde_json::json!({ "type": "token", "provider": "openai", "token": BAD, "expires": 4_102_444_800_000_i64 });
    let file = serde_json::json!({ "version": 1, "profiles": { ID: entry } }).to_string();
    session.feed(&file, ["import", "-", "--on-conflict", "replace", "--yes"]).ok();
    assert_eq!(session.get(ID), BAD);
    undo(&session, ID);
    assert_eq!(session.get(ID), GOOD);
    let status = session.run(["list", "--json"]).ok().json();
    let profile = &status["agents"][0]["profiles"][0];
    assert_eq!((&profile["type"], &profile["expires"]), (&"api_key".into(), &serde_json::Value::Null));

    session.run(["remove", ID, "--yes"]).ok();
    let missing = session.run(["get", ID]).failed("NOT_FOUND", 66);
    assert!(missing.stderr.contains("strongroom undo openai:work"), "{}", missing.stderr);
    undo(&session, ID);
    assert_eq!(session.get(ID), GOOD);

    session.run(["rename", ID, "openai:home"]).ok();
    session.run(["undo", ID, "--yes"]).failed("NOT_FOUND", 66);
    assert_eq!(
        ops(&session, "openai:home"),
        ["rename", "undo", "import", "undo", "rotate", "undo", "undo", "undo", "paste", "paste"]
    );
    undo(&session, "openai:home");
    session.run(["verify"]).ok();
}

#[test]
fn a_rename_there_and_back_keeps_every_version() {
    let session = session();
    session.paste(ID, BAD);
    session.run(["rename", ID, "openai:home"]).ok();
    session.run(["rename", "openai:home", ID]).ok();
    session.run(["verify"]).ok();
    undo(&session, ID);
    assert_eq!(session.get(ID), GOOD);
    // Also to an id whose own earlier versions were forgotten.
    session.paste("openai:other", BAD);
    session.run(["remove", "openai:other", "--revoked", "--yes"]).ok();
    session.run(["rename", ID, "openai:other"]).ok();
    session.run(["verify"]).ok();
    undo(&session, "openai:other");
    assert_eq!(session.get("openai:other"), BAD);
    undo(&session, "openai:other");
    assert_eq!(session.get("openai:other"), GOOD);
    session.run(["verify"]).ok();
}

#[test]
fn a_version_is_never_read_as_a_current_record() {
    let session = session();
    let record = session.agent_file("records/openai_3awork.age");
    let current = fs::read(&record).unwrap();
    session.paste(ID, BAD);
    let version = versions(&session).pop().unwrap();
    let kept = fs::read(&version).unwrap();
    for planted in [&kept, &current] {
        let good = fs::read(&record).unwrap();
        fs::write(&record, planted).unwrap();
        assert_eq!(session.run(["get", ID]).status, 65);
        assert_ne!(session.run(["verify"]).status, 0);
        fs::write(&record, good).unwrap();
    }
    // Nor is a record a version, nor one version another.
    session.feed(GOOD, ["rotate", ID]).ok();
    fs::write(&version, &current).unwrap();
    let listed = session.run(["history", ID, "--json"]).ok().json();
    assert!(listed[2]["problem"].is_string(), "{listed}");
    session
        .run(["undo", ID, "--to", version.file_stem().unwrap().to_str().unwrap(), "--yes"])
        .failed("NOT_FOUND", 66);
    assert!(session.run(["verify"]).failed("FINDINGS", 65).stdout.contains("openai:work"));
    fs::write(&version, kept).unwrap();
    session.run(["verify"]).ok();
}

#[test]
fn a_loop_of_pastes_does_not_push_the_good_version_out() {
    let session = session();
    let listed = session.run(["history", ID, "--json"]).ok().json();
    let good = listed[0]["generation"].to_string();
    for n in 0..70 {
        session.paste(ID, &format!("{BAD}{n}"));
    }
    assert_eq!(versions(&session).len(), 64);
    session.run(["undo", ID, "--to", &good, "--yes"]).ok();
    assert_eq!(session.get(ID), GOOD);
    session.run(["verify"]).ok();
}

/// The year 2030, a day, and the year 2099, in Unix milliseconds.
const IN_2030: i64 = 1_893_456_000_000;
const DAY: i64 = 86_400_000;
const IN_2099: i64 = 4_070_908_800_000;

fn paste_at(session: &Session, at: i64) {
    let paste = ["paste-api-key", "--provider", "openai", "--profile-id", ID];
    feed_at(session, at, format!("{BAD}{at}").as_bytes(), &paste).ok();
}

#[test]
fn what_is_older_than_a_month_goes_if_five_later_secrets_are_kept() {
    let session = session();
    for week in 0..12 {
        paste_at(&session, IN_2030 + 7 * week * DAY);
    }
    // The sixth was replaced 35 days ago, and its longest week does not count.
    assert_eq!(versions(&session).len(), 6);
    // Unless the settings say otherwise.
    let session = self::session();
    session.run(["settings", "set", "history-days", "365"]).ok();
    for week in 0..12 {
        paste_at(&session, IN_2030 + 7 * week * DAY);
    }
    assert_eq!(versions(&session).len(), 12);
}

#[test]
fn a_clock_set_to_2099_drops_nothing() {
    let session = session();
    for day in 0..10 {
        paste_at(&session, IN_2030 + day * DAY);
    }
    for n in 0..10 {
        paste_at(&session, IN_2099 + n);
    }
    // And back.
    paste_at(&session, IN_2030 + 10 * DAY);
    assert_eq!(versions(&session).len(), 21);
}

#[test]
fn what_is_forgotten_leaves_no_file_and_does_not_come_back_with_one() {
    for forget in
        [&["forget", ID, "--yes"][..], &["rotate", ID, "--revoked"], &["remove", ID, "--revoked", "--yes"]]
    {
        let session = session();
        session.paste(ID, BAD);
        session.paste(ID, "sk-made-up-third-0123456789abcdef");
        let before: Vec<(PathBuf, Vec<u8>)> =
            versions(&session).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        assert_eq!(before.len(), 2);
        let forgot = session.feed("sk-made-up-fourth-0123456789abcdef", forget).ok();
        assert!(forgot.stderr.contains("Backups"), "{forget:?}: {}", forgot.stderr);
        assert_eq!(versions(&session), Vec::<PathBuf>::new(), "{forget:?}");
        let contents = snapshot(&session.home());
        for (_, sealed) in &before {
            let is_left = |bytes: &[u8]| bytes.windows(sealed.len()).any(|part| part == sealed);
            assert!(!contents.iter().any(|(_, _, bytes)| is_left(bytes)), "{forget:?}");
        }
        // A backup puts the files back.
        for (path, sealed) in &before {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, sealed).unwrap();
        }
        session.run(["undo", ID, "--yes"]).failed("NOT_FOUND", 66);
        assert!(session.run(["verify"]).failed("FINDINGS", 65).stdout.contains("removed for good"));
        // Nor do they after the profile is stored again.
        session.paste(ID, GOOD);
        for (path, _) in &before {
            let generation = path.file_stem().unwrap().to_str().unwrap().to_owned();
            session.run(["undo", ID, "--to", &generation, "--yes"]).failed("NOT_FOUND", 66);
            session.run(["forget", ID, "--generation", &generation, "--yes"]).ok();
        }
        session.run(["verify"]).ok();
    }
}

#[test]
fn a_change_of_keys_takes_the_versions_along_or_drops_them() {
    for drops in [false, true] {
        let session = session();
        session.paste(ID, BAD);
        session.paste("openai:gone", "sk-made-up-gone-0123456789abcdef");
        session.run(["remove", "openai:gone", "--yes"]).ok();
        let before: Vec<Vec<u8>> =
            versions(&session).into_iter().map(|path| fs::read(path).unwrap()).collect();
        session.run(if drops { &["rekey", "--yes", "--drop-history"][..] } else { &["rekey", "--yes"] }).ok();
        session.run(["verify"]).ok();
        let after: Vec<Vec<u8>> =
            versions(&session).into_iter().map(|path| fs::read(path).unwrap()).collect();
        assert_eq!(after.len(), if drops { 0 } else { 2 });
        assert!(before.iter().all(|sealed| !after.contains(sealed)));
        if drops {
            session.run(["undo", ID, "--yes"]).failed("NOT_FOUND", 66);
            continue;
        }
        undo(&session, ID);
        assert_eq!(session.get(ID), GOOD);
        undo(&session, "openai:gone");
        assert_eq!(session.get("openai:gone"), "sk-made-up-gone-0123456789abcdef");
    }
}

#[test]
fn a_recovery_brings_the_versions_along() {
    let session = session();
    session.paste(ID, BAD);
    session.run(["remove", ID, "--yes"]).ok();
    session.paste("openai:other", BAD);
    let key = session.run(["recovery-key"]).ok().stdout;
    session.write("recovery", key);
    fs::remove_dir_all(session.home().join("unlock")).unwrap();
    fs::remove_file(session.key_file()).unwrap();
    session.run(["recover", "--recovery-key", "recovery"]).ok();
    session.run(["verify"]).ok();
    assert_eq!(session.get("openai:other"), BAD);
    let sealed = versions(&session);
    assert_eq!(sealed.len(), 2);
    assert!(sealed.iter().all(|path| is_private(path)));
}

fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode().trailing_zeros() >= 6
}

#[test]
fn an_open_vault_without_a_method_brings_nothing_back_and_makes_no_loss_final() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    vault.feed(GOOD, ["paste-api-key", "--provider", "openai", "--profile-id", ID]).ok();
    vault.feed(BAD, ["paste-api-key", "--provider", "openai", "--profile-id", ID]).ok();
    let before = snapshot(&vault.home());
    for refused in [
        &["undo", ID, "--yes"][..],
        &["forget", ID, "--yes"],
        &["rotate", ID, "--revoked"],
        &["remove", ID, "--revoked", "--yes"],
    ] {
        assert_eq!(vault.feed("sk-made-up-other-0123456789abcdef", refused).status, 77, "{refused:?}");
    }
    assert!(snapshot(&vault.home()) == before, "a refused command left something");
    vault.run(["history", ID]).ok();
}

#[test]
fn pins_and_orders_do_not_come_back() {
    let session = session();
    session.paste("openai:other", BAD);
    session.run(["order", "set", "--provider", "openai", ID, "openai:other"]).ok();
    session.run(["pin", "--session", "telegram:42", ID]).ok();
    session.run(["remove", ID, "--yes"]).ok();
    undo(&session, ID);
    let order = session.run(["order", "get", "--provider", "openai", "--json"]).ok().stdout;
    assert!(!order.contains(ID), "{order}");
    let state = fs::read_to_string(session.agent_file("auth-state.json")).unwrap_or_default();
    assert!(!state.contains(ID), "{state}");
}
