//! The steps outside the agent's directory after a commit, and the creation of a vault: whatever a kill at any moment
//! leaves, the next command finishes or undoes.

use std::fs;

use serde_json::json;

use super::{CURRENT, NEXT, ONE, TWO, code, paste_next, seen, served};
use crate::faults::{
    Moment, copy, in_memory, kill_at, leftovers, listed, moments, say, table, two_at_a_time, vault,
};
use crate::session::Session;

const MOVED: &str = "openrouter:moved";

/// A vault whose profile is disabled, and pinned for a session.
fn template() -> Session {
    let session = vault();
    session.paste(ONE, CURRENT);
    session.paste(TWO, "made-up-second-secret");
    session.run(["pin", "--session", "s", ONE]).ok();
    let path = session.agent_file("auth-state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    state["usageStats"] = json!({ ONE: { "errorCount": 2, "disabledUntil": 4_102_444_800_000_i64 } });
    state["lastGood"] = json!({ "openrouter": ONE });
    fs::write(path, state.to_string()).unwrap();
    session
}

fn state(session: &Session) -> String {
    fs::read_to_string(session.agent_file("auth-state.json")).unwrap_or_default()
}

fn run(what: &str, template: &Session, command: &[&str], due: fn(&Session, &[String]) -> Result<(), String>) {
    let moments = moments(&copy(template), command, b"");
    let results = two_at_a_time(&moments, |moment| {
        let session = copy(template);
        let wrong = |what: String| Err(format!("{} at {} {}: {what}", command[0], moment.call, moment.n));
        if !kill_at(&session, command, b"", moment) {
            return wrong("it was not killed".to_owned());
        }
        paste_next(&session).ok();
        let ids = listed(&session)?;
        if let Err(what) = due(&session, &ids) {
            return wrong(what);
        }
        session.run(["verify"]).ok();
        match leftovers(&session.home()) {
            left if left.is_empty() => Ok(()),
            left => wrong(format!("left: {left:?}")),
        }
    });
    tell(what, &moments, results);
}

fn tell(what: &str, moments: &[Moment], results: Vec<Result<(), String>>) {
    let bad: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    say(&format!("{what}: killed at {} moments ({}), {} bad", moments.len(), table(moments), bad.len()));
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Cooldowns, the pin and the last good profile all move to the new id, or all stay with the old one.
#[test]
fn a_rename_that_is_killed_takes_its_state_along() {
    run("rename", &template(), &["rename", ONE, MOVED], |session, ids| {
        let state = state(session);
        let (is, was) = if ids.iter().any(|id| id == MOVED) { (MOVED, ONE) } else { (ONE, MOVED) };
        if state.matches(is).count() != 3 || state.contains(was) {
            return Err(format!("it is {is}, and its state is {state}"));
        }
        Ok(())
    });
}

#[test]
fn a_removal_that_is_killed_leaves_no_state_of_what_is_gone() {
    run("remove", &template(), &["remove", ONE, "--yes"], |session, ids| {
        let (there, state) = (ids.iter().any(|id| id == ONE), state(session));
        let count = state.matches(ONE).count();
        if count == (if there { 3 } else { 0 }) {
            Ok(())
        } else {
            Err(format!("there {there}, state {state}"))
        }
    });
}

/// A new secret ends the cooldown of the old one: after a kill, nothing stays in cooldown forever.
#[test]
fn a_rotation_that_is_killed_keeps_no_new_secret_waiting() {
    let template = template();
    let rotate = ["rotate", ONE];
    let moments = moments(&copy(&template), &rotate, NEXT.as_bytes());
    let results = two_at_a_time(&moments, |moment| {
        let session = copy(&template);
        let wrong = |what: String| Err(format!("rotate at {} {}: {what}", moment.call, moment.n));
        if !kill_at(&session, &rotate, NEXT.as_bytes(), moment) {
            return wrong("it was not killed".to_owned());
        }
        paste_next(&session).ok();
        let (is_new, state) = (session.get(ONE) == NEXT, state(&session));
        if is_new == state.contains("disabledUntil") {
            wrong(format!("new {is_new}, state {state}"))
        } else {
            Ok(())
        }
    });
    tell("rotate", &moments, results);
}

/// A killed `init` is finished or started again by an `init` with the same arguments, and by nothing else.
fn init(what: &str, arguments: &[&str], unlock: &[&str]) {
    let fresh = || {
        let session = in_memory();
        session.write("pass", "made-up horse, made-up battery\n");
        session
    };
    let moments = moments(&fresh(), arguments, b"");
    let results = two_at_a_time(&moments, |moment| {
        let session = fresh();
        let wrong = |what: String| Err(format!("init at {} {}: {what}", moment.call, moment.n));
        if !kill_at(&session, arguments, b"", moment) {
            return wrong("it was not killed".to_owned());
        }
        let again = session.run(arguments);
        if again.status != 0 && (again.status, code(&again).as_str()) != (73, "EXISTS") {
            return wrong(format!("again: {} {}", again.status, again.stderr));
        }
        let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", ONE];
        let pasted = session.feed(CURRENT, unlock.iter().chain(&paste));
        let got = session.run(unlock.iter().chain(&["get", ONE]));
        let verified = session.run(unlock.iter().chain(&["verify"]));
        let left = leftovers(session.temp.path());
        if pasted.status != 0 || got.stdout.trim_end() != CURRENT || verified.status != 0 || !left.is_empty()
        {
            let said = [&again.stderr, &pasted.stderr, &got.stderr, &verified.stdout];
            return wrong(format!("init again exits {}: {said:?} {left:?}", again.status));
        }
        Ok(())
    });
    tell(what, &moments, results);
}

#[test]
fn an_init_with_a_key_file_that_is_killed_goes_on() {
    init("init, key file", &["init", "--store", "file", "--unlock", "key-file"], &[]);
}

#[test]
fn an_init_with_a_passphrase_that_is_killed_goes_on() {
    let pass = ["--passphrase-file", "pass"];
    init(
        "init, passphrase",
        &["init", "--store", "file", "--unlock", "passphrase", "--passphrase-file", "pass"],
        &pass,
    );
}

/// The same without a kill, to show that the checks above can pass.
#[test]
fn state_goes_with_a_rename_and_a_removal() {
    let session = template();
    session.run(["rename", ONE, MOVED]).ok();
    assert_eq!((state(&session).matches(MOVED).count(), state(&session).contains(ONE)), (3, false));
    assert_eq!(seen(&session, MOVED), served(CURRENT));
    session.run(["remove", MOVED, "--yes"]).ok();
    assert!(!state(&session).contains(MOVED), "{}", state(&session));
}
