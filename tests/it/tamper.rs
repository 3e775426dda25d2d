//! Every truncation of every file of a home, and a flipped bit in each of its bytes: the result is the
//! value or a refusal, and never a panic, a hang or another value.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use strongroom::env::Env;
use strongroom::error::Result;
use strongroom::secret::ExposeSecret;
use strongroom::unlock::key_sources::Named;
use strongroom::vault::home::{LockWait, Vault};
use strongroom::vault::index::Index;
use strongroom::vault::verify;
use strongroom::vault::watch::Unwatched;

use crate::cases::Form;
use crate::session::{HANGS, Session, kept, strace};

pub const CANARY: &str = "made-up-canary-value";
pub const OTHER: &str = "made-up-other-value";

pub fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", CANARY);
    session.paste("openrouter:two", OTHER);
    session.run(["order", "set", "--provider", "openrouter", "openrouter:one", "openrouter:two"]).ok();
    session
}

/// What a reader sees that uses the library as the commands do.
struct Seen {
    one: Result<Option<String>>,
    /// Whether `verify` finds nothing.
    clean: Result<bool>,
}

fn look(session: &Session) -> Seen {
    let begun = Instant::now();
    let named = Named { key_file: Some(session.key_file()), ..Named::default() };
    let opened = || -> Result<_> {
        let vault = Vault::open(&session.home(), &strongroom::vault::home::Setup::default(), Duration::ZERO)?;
        let unlocked = vault.unlock(&named, &Env::default(), None)?;
        Ok((vault, unlocked))
    };
    let one = opened().and_then(|(vault, session)| {
        let Some(agent) = vault.agent(&"main".parse()?)? else { return Ok(None) };
        let record = agent
            .reader(session.keys().agent("main")?, vault.keychain())?
            .record(&"openrouter:one".parse()?)?;
        Ok(record.map(|record| record.credential.secret.expose_secret().to_owned()))
    });
    let clean =
        opened().and_then(|(vault, session)| Ok(verify::verify(&vault, &session, &waits())?.is_clean()));
    assert!(begun.elapsed() < HANGS, "{:?}", begun.elapsed());
    for error in [one.as_ref().err(), clean.as_ref().err()].into_iter().flatten() {
        let said = format!("{error} {error:?} {}", error.remedy());
        assert!(!said.contains(CANARY) && !said.contains(OTHER), "{said}");
    }
    Seen { one, clean }
}

/// Returns the bytes with every truncation, and with one bit of every byte flipped.
pub fn damaged(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let cuts = (0..bytes.len()).map(|cut| (format!("cut to {cut}"), bytes[..cut].to_vec()));
    let flips = (0..bytes.len()).map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        (format!("bit {} of byte {at}", at % 8), flipped)
    });
    cuts.chain(flips)
}

/// Damages a file in every way; returns how often the value could still be read, and how often
/// `verify` found nothing in those cases.
pub fn damage(session: &Session, path: &Path, may_give: bool, step: usize) -> (usize, usize, usize) {
    let bytes = fs::read(path).unwrap();
    let (mut tried, mut given, mut unseen) = (0, 0, 0);
    for (what, damaged) in damaged(&bytes).step_by(step) {
        fs::write(path, &damaged).unwrap();
        let seen = look(session);
        tried += 1;
        match &seen.one {
            Ok(Some(value)) => {
                assert_eq!(value, CANARY, "{what}");
                assert!(may_give, "{} with {what} was taken", path.display());
                given += 1;
                unseen += usize::from(seen.clean.as_ref().is_ok_and(|clean| *clean));
            }
            Ok(None) => panic!("{} with {what} was taken for nothing", path.display()),
            Err(_) => assert!(!seen.clean.is_ok_and(|clean| clean), "{} with {what}", path.display()),
        }
    }
    fs::write(path, bytes).unwrap();
    println!("{}: {tried} damages, {given} times the value, {unseen} unseen", path.display());
    (tried, given, unseen)
}

/// The same through the binary, with every command that reads or writes, for a few kinds of damage.
fn sample(session: &Session, path: &Path) {
    let bytes = fs::read(path).unwrap();
    let all: Vec<_> = damaged(&bytes).collect();
    for (what, damaged) in all.iter().step_by(all.len() / 12 + 1) {
        fs::write(path, damaged).unwrap();
        let before = kept(&session.home());
        for arguments in
            [&["list"][..], &["status", "--check"], &["verify"], &["doctor"], &["log"], &["recipient"]]
        {
            let begun = Instant::now();
            session.run(arguments).sane(CANARY).sane(OTHER);
            assert!(begun.elapsed() < HANGS, "{arguments:?}, {what}: {:?}", begun.elapsed());
        }
        let ran = session.run(["get", "openrouter:one"]);
        assert!(ran.status != 0 || ran.stdout.trim_end() == CANARY, "{what}: {}", ran.stdout);
        let asked = session.resolve(&["main/openrouter:one", "providers/openrouter/apiKey"]);
        for (id, value) in asked["values"].as_object().unwrap() {
            let any = id.starts_with("providers/") && value == OTHER;
            assert!(value == CANARY || any, "{what}: {asked}");
        }
        assert!(kept(&session.home()) == before, "{what}: reading wrote");
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_record_is_never_taken() {
    let session = session();
    let path = session.agent_file("records/openrouter_3aone.age");
    let (tried, ..) = damage(&session, &path, false, 1);
    assert!(tried > 700, "{tried}");
    sample(&session, &path);
}

#[test]
fn a_damaged_unlock_file_is_never_taken() {
    let session = session();
    let path = session.home().join("unlock/key-file.age");
    let (tried, ..) = damage(&session, &path, false, 1);
    assert!(tried > 1000, "{tried}");
    sample(&session, &path);
}

#[test]
fn a_damaged_vault_json_is_refused_or_means_the_same() {
    let session = session();
    let path = session.home().join("vault.json");
    let (_, given, unseen) = damage(&session, &path, true, 1);
    // Without effect: white space, and the line break at the end.
    assert!(given < 20 && unseen == given, "{given} {unseen}");
    sample(&session, &path);
}

#[test]
fn a_damaged_index_costs_no_value_and_is_seen() {
    let session = session();
    let path = session.agent_file("auth-profiles.json");
    for (_, damaged) in damaged(&fs::read(&path).unwrap()) {
        if let Err(error) = Index::parse(&damaged) {
            assert!(!format!("{error}{error:?}").contains(CANARY));
        }
    }
    // A reader waits 45 ms for a torn file to become whole: too long to try every damage.
    let (tried, given, unseen) = damage(&session, &path, true, 7);
    assert_eq!(tried, given);
    // Without effect: white space, and the text of fields that no one reads.
    assert!(unseen < tried / 3, "{unseen} of {tried}");
    sample(&session, &path);
}

#[test]
fn a_damaged_log_costs_no_value_and_is_seen() {
    for (path, told) in [("agents/main/log.jsonl", 0), ("log.jsonl", 1)] {
        let session = session();
        let path = session.home().join(path);
        let (tried, given, unseen) = damage(&session, &path, true, 1);
        assert_eq!(tried, given);
        // The vault's own ledger contains its last line, which is put back.
        assert_eq!(unseen, told, "{unseen} of {tried}");
        sample(&session, &path);
    }
}

#[test]
fn a_log_that_lost_its_last_change_is_seen() {
    let session = session();
    let log = session.agent_file("log.jsonl");
    let before = fs::read(&log).unwrap();
    session.feed("made-up-new-value", ["rotate", "openrouter:one"]).ok();
    fs::write(&log, before).unwrap();
    let ran = session.run(["verify"]).failed("FINDINGS", 65);
    assert!(ran.stdout.contains("the log does not end at line 3"), "{}", ran.stdout);
}

#[test]
fn a_record_that_was_put_back_is_seen() {
    let session = session();
    let record = session.agent_file("records/openrouter_3aone.age");
    let old = fs::read(&record).unwrap();
    session.feed("made-up-new-value", ["rotate", "openrouter:one"]).ok();
    fs::write(&record, &old).unwrap();
    let ran = session.run(["verify"]).failed("FINDINGS", 65);
    assert!(ran.stdout.contains("is older than the ledger says"), "{}", ran.stdout);
    let status = session.run(["status", "--check", "--json"]).json();
    assert_eq!(status["check"]["exit"], 1, "{status}");
    session.run(["remove", "openrouter:one", "--yes"]).ok();
    fs::write(&record, old).unwrap();
    let ran = session.run(["verify"]).failed("FINDINGS", 65);
    assert!(ran.stdout.contains("someone put an old file back"), "{}", ran.stdout);
}

/// A session whose last paste, a new value for `openrouter:two`, was killed after its commit, and the file
/// that contains that value.
pub fn unfinished(form: Form) -> (Session, PathBuf) {
    let session = session();
    form.prepare(&session);
    let kill = ["-o", "/dev/null", "-e", "inject=/^rename:signal=KILL:when=2"];
    let mut strace = strace(&session, "/^rename", &kill);
    strace.args(["paste-api-key", "--provider", "openrouter", "--profile-id", "two"]);
    let ran = crate::session::ran(strace, b"made-up-pending");
    let committed = form.committed(&session);
    assert!(committed.exists(), "no kill was delivered: {} {}", ran.status, ran.stderr);
    (session, committed)
}

#[test]
fn damaged_operations_cost_no_other_value_and_are_not_applied() {
    let (session, ops) = unfinished(Form::Directory);
    let (tried, given, unseen) = damage(&session, &ops, true, 1);
    assert_eq!((given, unseen), (tried, 0));
    // No write is blocked: a damaged journal is set aside, and its record is taken over.
    let count = damaged(&fs::read(&ops).unwrap()).count();
    for nth in (0..count).step_by(count / 12) {
        let (session, ops) = unfinished(Form::Directory);
        let bytes = fs::read(&ops).unwrap();
        let Some((what, damage)) = damaged(&bytes).nth(nth) else { continue };
        fs::write(&ops, damage).unwrap();
        let two = session.run(["get", "openrouter:two"]);
        assert!([OTHER, "made-up-pending"].contains(&two.stdout.trim_end()), "{what}: {}", two.stdout);
        let ran = session.feed("made-up-new-value", ["rotate", "openrouter:one"]).sane(CANARY);
        assert_eq!(ran.status, 0, "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains("was set aside as txn.damaged-"), "{what}: {}", ran.stderr);
        assert_eq!(session.get("openrouter:one"), "made-up-new-value", "{what}");
        assert_eq!(session.get("openrouter:two"), "made-up-pending", "{what}");
    }
}

#[test]
fn a_transaction_that_is_put_back_undoes_nothing() {
    let (session, ops) = unfinished(Form::Directory);
    let txn = session.agent_file("txn");
    let kept_aside = session.path("old-txn");
    let copy = std::process::Command::new("cp").arg("-a").arg(&txn).arg(&kept_aside).status().unwrap();
    assert!(copy.success());
    session.feed("made-up-later", ["rotate", "openrouter:two"]).ok();
    assert!(!ops.exists());
    let log = fs::read(session.agent_file("log.jsonl")).unwrap();
    fs::rename(&kept_aside, &txn).unwrap();
    assert_eq!(session.get("openrouter:two"), "made-up-later");
    let ran = session.feed("made-up-one", ["rotate", "openrouter:one"]).ok();
    assert!(ran.stderr.contains("was set aside as txn.stale-"), "{}", ran.stderr);
    assert_eq!(session.get("openrouter:two"), "made-up-later");
    assert!(fs::read(session.agent_file("log.jsonl")).unwrap().starts_with(&log));
    session.run(["verify"]).ok();
}

#[test]
fn an_unlock_file_that_is_put_back_seals_nothing() {
    let session = session();
    let file = session.home().join("unlock/key-file.age");
    let old = fs::read(&file).unwrap();
    session.run(["rekey", "--yes"]).ok();
    let new = fs::read(&file).unwrap();
    fs::write(&file, old).unwrap();
    let before = kept(&session.home());
    for arguments in [
        &["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:next"][..],
        &["remove", "openrouter:one", "--yes"],
        &["rekey", "--yes"],
        &["doctor", "--repair"],
    ] {
        let ran = session.feed("made-up-next", arguments);
        // The key file was replaced as well.
        assert_eq!(ran.status, 77, "{arguments:?}: {}", ran.stderr);
    }
    let former = session.path(".config/strongroom/key.former");
    let key = fs::read(session.key_file()).unwrap();
    fs::copy(&former, session.key_file()).unwrap();
    let ran =
        session.feed("made-up-next", ["paste-api-key", "--provider", "openrouter", "--profile-id", "next"]);
    assert_eq!(ran.status, 65, "{}", ran.stderr);
    fs::write(session.key_file(), key).unwrap();
    assert!(kept(&session.home()) == before);
    fs::write(&file, new).unwrap();
    session.run(["verify"]).ok();
}

fn waits() -> LockWait {
    LockWait {
        limit: Duration::from_secs(5),
        command: "test".into(),
        now: 1,
        watched: std::sync::Arc::new(Unwatched),
    }
}
