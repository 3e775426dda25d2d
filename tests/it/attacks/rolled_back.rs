//! H puts old records back: none is returned as current, whatever the index says, and the index alone blocks nothing.

use std::fs;

use super::backup::{Backup, write};
use super::{
    CURRENT, INDEX, LOG, NEXT, OLD, ONE, RECORD, SECOND, TWO, is_mended, paste_next, refused, reports,
    rotated, seen, served,
};
use crate::faults::{copy, vault};
use crate::session::Session;

type Damage = fn(&mut Vec<u8>);

/// The state of an index: whole, with one byte changed, or missing.
const DAMAGES: [(&str, Damage); 5] = [
    ("whole", |_| {}),
    ("no JSON", |index| index[0] = b'['),
    ("of a later version", |index| change(index, "\"version\": 1", "\"version\": 2")),
    ("without a generation", |index| change(index, "\"generation\"", "\"generatiom\"")),
    ("gone", Vec::clear),
];

fn change(index: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(index.clone()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    *index = text.replace(from, to).into_bytes();
}

#[test]
fn an_old_record_is_not_given_whatever_became_of_the_index() {
    for (what, damage) in DAMAGES {
        let (session, before) = rotated();
        write(&session.home().join(RECORD), before.file(RECORD));
        let path = session.home().join(INDEX);
        let mut index = fs::read(&path).unwrap();
        damage(&mut index);
        if index.is_empty() {
            fs::remove_file(&path).unwrap();
        } else {
            write(&path, &index);
        }
        assert_eq!(seen(&session, ONE), refused("TAMPERED"), "index {what}");
        session.run(["get", ONE]).sane(OLD).failed("TAMPERED", 65);
        // The other profile is returned, and a person can get the old value explicitly.
        assert_eq!(seen(&session, TWO), served(SECOND), "index {what}");
        let got = session.run(["get", ONE, "--accept-rollback"]).ok();
        assert_eq!(got.stdout.trim_end(), OLD, "index {what}");
        assert_eq!(session.run(["verify"]).status, 65);
    }
}

/// The old record, and everything that says what is current.
#[test]
fn an_old_record_is_not_given_with_the_index_and_log_of_its_time() {
    for (what, names) in [("index", &[RECORD, INDEX][..]), ("index and log", &[RECORD, INDEX, LOG])] {
        let (session, before) = rotated();
        before.put_back(|name| names.contains(&name));
        assert_eq!(seen(&session, ONE), refused("TAMPERED"), "with its {what}");
        reports(&session, &["verify"], ONE);
        reports(&session, &["doctor"], ONE);
        // A new secret replaces it, and then all is well.
        session.paste(ONE, "made-up-later");
        assert_eq!(seen(&session, ONE), served("made-up-later"));
        is_mended(&session);
    }
}

#[test]
fn a_removed_record_that_is_put_back_is_not_found() {
    for names in [&[RECORD][..], &[RECORD, INDEX], &[RECORD, INDEX, LOG]] {
        let session = vault();
        session.paste(ONE, CURRENT);
        session.paste(TWO, SECOND);
        let before = Backup::of(&session.home());
        session.run(["remove", ONE, "--yes"]).ok();
        before.put_back(|name| names.contains(&name));
        assert_eq!(seen(&session, ONE), refused("NOT_FOUND"), "{names:?}");
        reports(&session, &["verify"], ONE);
        reports(&session, &["doctor"], ONE);
        // No repair and no write brings it back.
        session.run(["doctor", "--repair"]);
        paste_next(&session).ok();
        assert_eq!(seen(&session, ONE), refused("NOT_FOUND"), "{names:?}, after --repair");
        assert_eq!(seen(&session, TWO), served(SECOND));
    }
}

/// A record from a copy of the vault: it opens, but this vault never had it.
#[test]
fn a_record_that_the_ledger_does_not_know_is_not_found() {
    let session = vault();
    session.paste(TWO, SECOND);
    let clone = copy(&session);
    clone.paste("openrouter:planted", "made-up-planted-secret");
    let name = "agents/main/records/openrouter_3aplanted.age";
    write(&session.home().join(name), &fs::read(clone.home().join(name)).unwrap());
    assert_eq!(seen(&session, "openrouter:planted"), refused("NOT_FOUND"));
    write(&session.home().join(INDEX), &fs::read(clone.home().join(INDEX)).unwrap());
    assert_eq!(seen(&session, "openrouter:planted"), refused("NOT_FOUND"), "listed in the index");
    reports(&session, &["verify"], "openrouter:planted");
    // It blocks nothing: everything else works, and the id can be used.
    assert_eq!(seen(&session, TWO), served(SECOND));
    paste_next(&session).ok();
    session.paste("openrouter:planted", "made-up-own-secret");
    assert_eq!(seen(&session, "openrouter:planted"), served("made-up-own-secret"));
}

/// A newer record from a copy, in place of the one of this vault.
#[test]
fn a_record_that_a_copy_of_the_vault_made_later_is_not_given() {
    let session = vault();
    session.paste(ONE, CURRENT);
    let clone = copy(&session);
    clone.feed("made-up-of-the-copy", ["rotate", ONE]).ok();
    for names in [&[RECORD][..], &[RECORD, INDEX]] {
        for name in names {
            write(&session.home().join(name), &fs::read(clone.home().join(name)).unwrap());
        }
        assert_eq!(seen(&session, ONE), refused("TAMPERED"), "{names:?}");
    }
    reports(&session, &["verify"], ONE);
}

/// Returns the index with each digit of the generation of `openrouter:one` changed, up and down.
fn altered_generations(session: &Session) -> Vec<String> {
    let index = fs::read_to_string(session.home().join(INDEX)).unwrap();
    let generation = super::generation(session, ONE).to_string();
    let at = index.find(&generation).unwrap();
    let altered = |digit: usize, to: &str| {
        let mut altered = index.clone();
        altered.replace_range(at + digit..=at + digit, to);
        altered
    };
    let all = (0..generation.len()).flat_map(|digit| ["1", "9"].map(|to| altered(digit, to)));
    all.filter(|altered| *altered != index).collect()
}

#[test]
fn a_digit_of_the_index_denies_nothing() {
    let session = vault();
    session.paste(ONE, CURRENT);
    session.paste(TWO, SECOND);
    for index in altered_generations(&session) {
        write(&session.home().join(INDEX), index.as_bytes());
        assert_eq!(seen(&session, ONE), served(CURRENT), "{index}");
        assert_eq!(session.run(["verify"]).status, 65, "verify sees nothing: {index}");
    }
    session.feed(NEXT, ["rotate", ONE]).ok();
    assert!(super::is_near_the_clock(super::generation(&session, ONE)), "the index decided a generation");
    assert_eq!(seen(&session, ONE), served(NEXT));
    is_mended(&session);
}

/// The index says that the record is elsewhere.
#[test]
fn an_index_that_names_another_store_denies_and_deletes_nothing() {
    let session = vault();
    session.paste(ONE, CURRENT);
    session.paste(TWO, SECOND);
    let path = session.home().join(INDEX);
    let mut index = fs::read(&path).unwrap();
    change(&mut index, "\"store\":\"file\"", "\"store\":\"keychain\"");
    write(&path, &index);
    assert_eq!(seen(&session, ONE), served(CURRENT));
    reports(&session, &["verify"], ONE);
    paste_next(&session).ok();
    session.feed("made-up-later", ["rotate", TWO]).ok();
    assert!(session.home().join(RECORD).exists(), "the record was deleted on the word of the index");
    assert_eq!(seen(&session, ONE), served(CURRENT));
    session.run(["doctor", "--repair"]).ok();
    let listed = session.run(["list", "--json"]).ok().json();
    for profile in listed["agents"][0]["profiles"].as_array().unwrap() {
        assert_eq!(profile["store"], "file", "{profile}");
    }
    session.run(["verify"]).ok();
}
