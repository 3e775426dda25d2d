//! A journal that was damaged, put back or altered, and one that is applied again after a boot.

use std::fs;

use crate::cases::Form;
use crate::session::Session;
use crate::tamper::{CANARY, OTHER, damage, damaged, session, unfinished};

#[test]
fn a_damaged_journal_costs_no_other_value_and_is_not_applied() {
    let (session, journal) = unfinished(Form::Journal);
    let (tried, given, _) = damage(&session, &journal, true, 5);
    assert_eq!(given, tried);
    // No write is blocked: a damaged journal is set aside, or its intact part is taken over.
    let count = damaged(&fs::read(&journal).unwrap()).count();
    for nth in (0..count).step_by(count / 24) {
        let (session, journal) = unfinished(Form::Journal);
        let bytes = fs::read(&journal).unwrap();
        let Some((what, damage)) = damaged(&bytes).nth(nth) else { continue };
        fs::write(&journal, damage).unwrap();
        let two = session.run(["get", "openrouter:two"]);
        assert!([OTHER, "made-up-pending", ""].contains(&two.stdout.trim_end()), "{what}: {}", two.stdout);
        let ran = session.feed("made-up-new-value", ["rotate", "openrouter:one"]).sane(CANARY);
        assert_eq!(ran.status, 0, "{what}: {}", ran.stderr);
        assert_eq!(session.get("openrouter:one"), "made-up-new-value", "{what}");
        let two = session.run(["get", "openrouter:two"]);
        assert!([OTHER, "made-up-pending", ""].contains(&two.stdout.trim_end()), "{what}: {}", two.stdout);
    }
}

#[test]
fn a_journal_that_is_put_back_undoes_nothing() {
    let (session, journal) = unfinished(Form::Journal);
    let old = fs::read(&journal).unwrap();
    session.feed("made-up-later", ["rotate", "openrouter:two"]).ok();
    // As it was, and as if this machine had applied it.
    let mark = "strongroom-journal/v1 ".len()..;
    let marked = [
        &old[..mark.start],
        &fs::read(&journal).unwrap()[mark.start..mark.start + 64],
        &old[mark.start + 64..],
    ];
    for planted in [old.clone(), marked.concat()] {
        let log = fs::read(session.agent_file("log.jsonl")).unwrap();
        fs::write(&journal, planted).unwrap();
        assert_eq!(session.get("openrouter:two"), "made-up-later");
        session.run(["verify"]).ok();
        session.feed("made-up-one", ["rotate", "openrouter:one"]).ok();
        assert_eq!(session.get("openrouter:two"), "made-up-later");
        assert_eq!(session.get("openrouter:one"), "made-up-one");
        assert!(fs::read(session.agent_file("log.jsonl")).unwrap().starts_with(&log));
        session.run(["verify"]).ok();
    }
}

/// A record that is also in a journal is refused if it was altered in its place, even after a boot.
#[test]
fn a_journal_hides_no_damage_of_what_is_in_place() {
    let session = session();
    session.paste("openrouter:two", "made-up-new");
    let record = session.agent_file("records/openrouter_3atwo.age");
    let whole = fs::read(&record).unwrap();
    let journal = session.agent_file("journal");
    for booted in [false, true] {
        if booted {
            let mut bytes = fs::read(&journal).unwrap();
            bytes["strongroom-journal/v1 ".len()] = b'x';
            fs::write(&journal, bytes).unwrap();
        }
        for at in [0, 40, whole.len() / 2, whole.len() - 1] {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            fs::write(&record, altered).unwrap();
            let ran = session.run(["get", "openrouter:two"]);
            assert_eq!((ran.status, ran.stdout.as_str()), (65, ""), "{booted} {at}: {}", ran.stderr);
            assert_eq!(session.run(["verify"]).status, 65, "{booted} {at}");
        }
        fs::write(&record, &whole).unwrap();
        session.run(["verify"]).ok();
    }
    // An old record in its place is a replay while the machine runs; after a boot it may be a leftover.
    assert_eq!(session.get("openrouter:two"), "made-up-new");
}

/// A file system can lose power while the machine keeps running: files are then torn although the journal says that
/// they are in place.
#[test]
fn what_a_journal_holds_is_put_back_by_a_repair_and_before_it_goes() {
    for by_repair in [true, false] {
        let session = session();
        let record = session.agent_file("records/openrouter_3atwo.age");
        fs::write(&record, b"").unwrap();
        session.run(["get", "openrouter:two"]).failed("CORRUPT", 65);
        assert_eq!(session.run(["verify"]).status, 65);
        if by_repair {
            session.run(["doctor", "--repair"]).ok();
            assert_eq!(session.get("openrouter:two"), OTHER);
        }
        for n in 0..20 {
            session.paste(&format!("openrouter:more{n}"), "made-up-more");
        }
        assert_eq!(session.get("openrouter:two"), OTHER, "{by_repair}");
        session.run(["verify"]).ok();
    }
}

/// An older record in the place of one that is in a journal is neither carried over nor put in place.
#[test]
fn a_journal_with_an_older_record_in_it_replaces_nothing() {
    let session = session();
    let journal = session.agent_file("journal");
    let record = session.agent_file("records/openrouter_3atwo.age");
    let old = fs::read(&record).unwrap();
    session.feed("made-up-newer", ["rotate", "openrouter:two"]).ok();
    let new = fs::read(&record).unwrap();
    let bytes = fs::read(&journal).unwrap();
    let at = bytes.windows(new.len()).position(|part| part == new).unwrap();
    let mut planted = [&bytes[..at], &old, &bytes[at + new.len()..]].concat();
    let listed = format!("{} openrouter_3atwo.age", new.len());
    let line = planted.windows(listed.len()).position(|part| part == listed.as_bytes()).unwrap();
    let due = format!("{} openrouter_3atwo.age", old.len());
    planted.splice(line..line + listed.len(), due.into_bytes());
    for marked in [true, false] {
        if !marked {
            planted["strongroom-journal/v1 ".len()] = b'x';
        }
        fs::write(&journal, &planted).unwrap();
        session.paste("openrouter:next", "made-up-next");
        assert_eq!(session.get("openrouter:two"), "made-up-newer", "{marked}");
        assert_eq!(fs::read(&record).unwrap(), new, "{marked}");
        session.run(["verify"]).ok();
    }
}

/// An old journal with a forged mark has no effect: not even a removed record comes back.
#[test]
fn an_old_journal_that_says_it_is_in_place_brings_nothing_back() {
    let session = session();
    let (journal, record) =
        (session.agent_file("journal"), session.agent_file("records/openrouter_3atwo.age"));
    let old = fs::read(&journal).unwrap();
    session.run(["remove", "openrouter:two", "--yes"]).ok();
    fs::write(&journal, old).unwrap();
    session.paste("openrouter:next", "made-up-next");
    assert!(!record.exists());
    session.run(["get", "openrouter:two"]).failed("NOT_FOUND", 66);
    session.run(["verify"]).ok();
}

/// A refused command changes nothing, whether or not there is an older change to finish.
#[test]
fn an_older_journal_is_not_put_in_place_before_it_is_refused() {
    let session = session();
    let (journal, ledger) = (session.agent_file("journal"), session.agent_file("ledger"));
    let mut old = fs::read(&journal).unwrap();
    old["strongroom-journal/v1 ".len()] = b'x';
    session.feed("made-up-newer", ["rotate", "openrouter:two"]).ok();
    let (newer, last) = (fs::read(&ledger).unwrap(), fs::read(&journal).unwrap());
    fs::write(&journal, &old).unwrap();
    fs::remove_file(&ledger).unwrap();
    let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:next"];
    session.feed("made-up-next", paste).failed("TAMPERED", 65);
    fs::write(&ledger, newer).unwrap();
    fs::write(&journal, last).unwrap();
    assert_eq!(session.get("openrouter:two"), "made-up-newer");
    session.run(["verify"]).ok();
}

/// What a client has written into the index since is not undone when a journal is applied again.
#[test]
fn what_others_wrote_into_the_index_outlives_a_boot() {
    let session = session();
    let index = session.agent_file("auth-profiles.json");
    let text = fs::read_to_string(&index).unwrap();
    let mut parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    parsed["profiles"]["openrouter:two"] =
        serde_json::json!({"type": "api_key", "provider": "openrouter", "key": "made-up-by-the-client"});
    fs::write(&index, parsed.to_string()).unwrap();
    let journal = session.agent_file("journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes["strongroom-journal/v1 ".len()] = b'x';
    fs::write(&journal, bytes).unwrap();
    session.paste("openrouter:next", "made-up-next");
    assert!(fs::read_to_string(&index).unwrap().contains("made-up-by-the-client"));
}

/// A change of the index alone starts from the current index, which the journal has not reached yet.
#[test]
fn an_index_that_is_edited_meanwhile_gets_what_is_missing() {
    let edit = |session: &Session| {
        session.run(["order", "set", "--provider", "openrouter", "openrouter:one"]).ok();
    };
    let other_program = |session: &Session| {
        let path = session.agent_file("auth-profiles.json");
        let text = fs::read_to_string(&path).unwrap().replacen('{', "{\"lastGood\":{},", 1);
        fs::write(&path, text).unwrap();
    };
    for edit in [&edit as &dyn Fn(&Session), &other_program] {
        let (session, _) = unfinished(Form::Journal);
        edit(&session);
        assert_eq!(session.get("openrouter:two"), "made-up-pending");
        session.paste("groq:next", "made-up-next");
        session.run(["verify"]).ok();
        assert_eq!(session.get("openrouter:two"), "made-up-pending");
    }
}
