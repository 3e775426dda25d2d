//! An agent with so many profiles that its ledger has several parts: H alters, removes and puts back a part.

use std::fs;

use serde_json::json;

use super::backup::{Backup, write};
use super::{INDEX, LOG, Seen, is_tampered, paste_next, refused, seen, served};
use crate::faults::{resolve_all, vault};
use crate::session::Session;

const COUNT: usize = 600;

fn id(n: usize) -> String {
    format!("groq:k{n}")
}

fn secret(n: usize) -> String {
    format!("made-up-secret-{n}")
}

fn record(n: usize) -> String {
    format!("agents/main/records/groq_3ak{n}.age")
}

fn session() -> Session {
    let session = vault();
    let profiles: serde_json::Map<_, _> = (0..COUNT)
        .map(|n| (id(n), json!({ "type": "api_key", "provider": "groq", "key": secret(n) })))
        .collect();
    session.feed(json!({ "version": 1, "profiles": profiles }).to_string(), ["import", "-"]).ok();
    session
}

/// Returns the parts of the ledger.
fn parts(session: &Session) -> Vec<String> {
    let entries = fs::read_dir(session.agent_file("")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut parts: Vec<_> = names.filter(|name| name.starts_with("ledger-")).collect();
    parts.sort();
    parts
}

/// Returns how many ids give their own secret, and how many are TAMPERED: no other result is allowed.
fn counts(session: &Session) -> (usize, usize) {
    let ids: Vec<_> = (0..COUNT).map(id).collect();
    let answers = resolve_all(session, &[], ids.iter().map(String::as_str));
    let given = (0..COUNT).filter(|n| answers[&id(*n)] == Ok(secret(*n))).count();
    let tampered = answers.values().filter(|answer| **answer == Err("TAMPERED".to_owned())).count();
    assert_eq!(given + tampered, COUNT, "{:?}", answers.iter().find(|(_, answer)| answer.is_err()));
    (given, tampered)
}

#[test]
fn an_old_record_among_many_is_not_given() {
    let session = session();
    let before = Backup::of(&session.home());
    session.feed("made-up-later", ["rotate", &id(7)]).ok();
    let expect = |names: &[&str], due: Seen| {
        before.put_back(|name| names.contains(&name));
        assert_eq!(seen(&session, &id(7)), due, "{names:?}");
    };
    expect(&[&record(7), INDEX, LOG], refused("TAMPERED"));
    assert_eq!(seen(&session, &id(8)), served(&secret(8)));
    session.run(["remove", &id(8), "--yes"]).ok();
    before.put_back(|name| [&record(8), INDEX, LOG].contains(&name));
    assert_eq!(seen(&session, &id(8)), refused("NOT_FOUND"));
}

#[test]
fn a_part_of_a_ledger_that_is_damaged_costs_its_own_ids_alone_and_loses_nothing() {
    let session = session();
    let parts = parts(&session);
    assert!(parts.len() > 1, "the ledger of {COUNT} profiles has no parts");
    let whole = Backup::of(&session.home());
    assert_eq!(counts(&session), (COUNT, 0));
    for (part, other) in [(&parts[0], &parts[1]), (&parts[1], &parts[0])] {
        let path = session.agent_file(part);
        let bytes = fs::read(&path).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        let damages =
            [None, Some(flipped), Some(Vec::new()), Some(fs::read(session.agent_file(other)).unwrap())];
        for damage in damages {
            match damage {
                None => fs::remove_file(&path).unwrap(),
                Some(bytes) => write(&path, &bytes),
            }
            let (given, tampered) = counts(&session);
            assert!(given > 0 && tampered > 0, "{given} given, {tampered} tampered");
            assert_eq!(session.run(["verify"]).status, 65);
            // Profiles in the damaged part are not overwritten as if they were new.
            for n in 0..COUNT {
                if seen(&session, &id(n)) == refused("TAMPERED") {
                    let ran = session.feed("made-up-later", ["rotate", &id(n)]);
                    assert!(is_tampered(&ran), "{}: exit {} {}", id(n), ran.status, ran.stderr);
                    break;
                }
            }
            whole.restore();
            assert_eq!(counts(&session), (COUNT, 0), "the part is back");
            session.run(["verify"]).ok();
        }
    }
    paste_next(&session).ok();
}

/// An old root and its old parts, with the old record: the anchor gives it away.
#[test]
fn an_old_ledger_in_parts_stops_writes_and_no_reads() {
    let session = session();
    let before = Backup::of(&session.home());
    session.feed("made-up-later", ["rotate", &id(7)]).ok();
    before.put_back(|name| name == record(7) || name.starts_with("agents/main/ledger"));
    let refusal = paste_next(&session);
    assert!(is_tampered(&refusal), "a paste goes on: exit {} {}", refusal.status, refusal.stderr);
    assert_eq!(seen(&session, &id(7)), served(&secret(7)));
    assert_eq!(counts(&session), (COUNT, 0));
    super::by_its_remedy(&session, || paste_next(&session)).ok();
    session.run(["doctor", "--repair"]);
    session.run(["verify"]).ok();
}

/// The remedy is printed, and takes over every existing record.
#[test]
fn a_part_that_is_gone_for_good_is_gone_on_without_by_a_digest() {
    let session = session();
    for part in parts(&session).into_iter().take(2) {
        fs::remove_file(session.agent_file(&part)).unwrap();
    }
    let (given, tampered) = counts(&session);
    assert!(given > 0 && tampered > 0, "{given} given, {tampered} refused");
    session.run(["doctor", "--repair"]).failed("FINDINGS", 65);
    let doctor = session.run(["doctor"]);
    let (_, rest) = doctor.stdout.split_once("--accept-rollback ").expect("the way out is printed");
    let digest: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    session.run(["doctor", "--accept-rollback", &digest]).ok();
    assert_eq!(counts(&session), (COUNT, 0));
    paste_next(&session).ok();
    session.run(["verify"]).ok();
}
