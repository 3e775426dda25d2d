//! Attacks on, and damage to, what controls a vault: the index, the logs, notes, unlock files and the cache.
//!
//! Two attackers. H can write the home and has no key: a synchronised folder, a backup server, a container that
//! shares the volume, or simply a restored backup. U runs as the same user and knows no secret of a passphrase
//! vault that is locked.
//!
//! Each test looks at the vault from outside: through the command line, and at the files of a home.

mod backup;
mod caches;
mod clocks;
mod cut_short;
mod forged_lines;
mod given_up_keys;
mod given_up_passphrase;
mod half_made;
mod ledgers;
mod loose_modes;
mod lost_parts;
mod many_profiles;
mod own_log;
mod planted_ways_in;
mod restored_homes;
mod rolled_back;
mod same_vault_twice;
mod unrecoverable;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::faults::vault;
use crate::session::{Ran, Session};
use backup::Backup;

/// The profile under attack.
const ONE: &str = "openrouter:one";
/// Its first value.
const OLD: &str = "made-up-old-secret";
/// Its current value.
const CURRENT: &str = "made-up-current-secret";
/// Another profile, and its secret.
const TWO: &str = "openrouter:two";
const SECOND: &str = "made-up-second-secret";
/// The value that is pasted after an attack.
const NEXT: &str = "made-up-next-secret";
/// The record of `openrouter:one`.
const RECORD: &str = "agents/main/records/openrouter_3aone.age";
const INDEX: &str = "agents/main/auth-profiles.json";
const LOG: &str = "agents/main/log.jsonl";
const LEDGER: &str = "agents/main/ledger";
/// The place below `HOME` where a home is remembered outside it.
const ANCHOR: &str = ".local/state/strongroom";

/// Returns a vault whose profile was rotated, and the home as it was before.
fn rotated() -> (Session, Backup) {
    let session = vault();
    session.paste(ONE, OLD);
    session.paste(TWO, SECOND);
    let before = Backup::of(&session.home());
    session.feed(CURRENT, ["rotate", ONE]).ok();
    (session, before)
}

fn paste_next(session: &Session) -> Ran {
    session.feed(NEXT, ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:next"])
}

/// The results of `get` and `resolve` for a profile: its secret, or the code of the error.
type Seen = (Result<String, String>, Result<String, String>);

fn seen(session: &Session, id: &str) -> Seen {
    let got = session.run(["get", id]);
    let got = if got.status == 0 { Ok(got.stdout.trim_end().to_owned()) } else { Err(code(&got)) };
    let reference = format!("main/{id}");
    let answer = session.resolve(&[&reference]);
    let resolved = match answer["values"][&reference].as_str() {
        Some(secret) => Ok(secret.to_owned()),
        None => Err(answer["errors"][&reference]["code"].as_str().unwrap_or("NO ANSWER").to_owned()),
    };
    (got, resolved)
}

/// Both return this secret.
fn served(secret: &str) -> Seen {
    (Ok(secret.to_owned()), Ok(secret.to_owned()))
}

/// Both fail with this code.
fn refused(code: &str) -> Seen {
    (Err(code.to_owned()), Err(code.to_owned()))
}

/// Returns the code of a printed error.
fn code(ran: &Ran) -> String {
    let code = ran.stderr.split_once("error: [").and_then(|(_, rest)| rest.split_once(']'));
    code.map_or_else(|| format!("no code: {}", ran.stderr), |(code, _)| code.to_owned())
}

/// Returns whether a write was refused because the home was tampered with.
fn is_tampered(ran: &Ran) -> bool {
    ran.status == 65 && code(ran) == "TAMPERED"
}

/// Checks that a command reports findings that name this text, ignoring case.
#[track_caller]
fn reports(session: &Session, arguments: &[&str], what: &str) {
    let ran = session.run(arguments);
    let said = ran.stdout.to_lowercase();
    assert!(
        ran.status == 65 && said.contains(&what.to_lowercase()),
        "{arguments:?} does not report {what:?}: exit {}\n{}{}",
        ran.status,
        ran.stdout,
        ran.stderr
    );
}

/// Returns the digest that a refusal names, which `doctor --accept-rollback` takes.
#[track_caller]
fn digest(ran: &Ran) -> String {
    let (_, rest) = ran
        .stderr
        .split_once("--accept-rollback ")
        .unwrap_or_else(|| panic!("no digest is named: exit {}\n{}", ran.status, ran.stderr));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Runs something again after each remedy that its refusal names, and returns the last result.
fn by_its_remedy(session: &Session, act: impl Fn() -> Ran) -> Ran {
    for _ in 0..3 {
        let ran = act();
        if ran.status == 0 {
            return ran;
        }
        if ran.stderr.contains("--accept-rollback ") {
            session.run(["doctor", "--accept-rollback", &digest(&ran)]);
        } else if ran.stderr.contains("strongroom doctor --repair") {
            session.run(["doctor", "--repair"]);
        } else if ran.stderr.contains("strongroom rekey") {
            session.run(["rekey", "--yes"]);
        } else {
            return ran;
        }
    }
    act()
}

/// Checks that writing works, at once or after the printed remedy, and that all is well afterwards.
#[track_caller]
fn is_mended(session: &Session) {
    by_its_remedy(session, || paste_next(session)).ok();
    session.run(["doctor", "--repair"]);
    session.run(["verify"]).ok();
    assert_eq!(seen(session, "openrouter:next"), served(NEXT));
}

/// Returns the generation that `list` shows.
fn generation(session: &Session, id: &str) -> u64 {
    let document = session.run(["list", "--json"]).ok().json();
    let profiles = document["agents"][0]["profiles"].as_array().unwrap();
    profiles.iter().find(|profile| profile["profileId"] == id).unwrap()["generation"].as_u64().unwrap()
}

/// Returns whether a generation is close to the current time, and so is not a forged one.
fn is_near_the_clock(generation: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    u128::from(generation).abs_diff(now) < 3_600_000
}

/// Returns whether `log --json` marks any line as damaged.
fn marks_damage(document: &Value) -> bool {
    let lines = document["lines"].as_array().unwrap();
    let marked = |line: &Value| line["damaged"] == true || line["verified"] == false;
    document["damaged"].as_u64().is_some_and(|count| count > 0) || lines.iter().any(marked)
}

/// Returns the files under a directory that a recovery key opens and that contain this secret.
fn readable_by(recovery_key: &str, directory: &Path, secret: &str) -> Vec<PathBuf> {
    let identity: age::x25519::Identity = recovery_key.trim().parse().unwrap();
    let opens = |sealed: &[u8]| -> Option<String> {
        let opened =
            age::Decryptor::new_buffered(sealed).ok()?.decrypt(std::iter::once(&identity as _)).ok()?;
        std::io::read_to_string(opened).ok()
    };
    let all = crate::session::snapshot(directory).into_iter();
    all.filter(|(_, _, bytes)| opens(bytes).is_some_and(|plain| plain.contains(secret)))
        .map(|(path, ..)| path)
        .collect()
}
