//! SIGKILLs while the keys themselves change: `rekey`, `recover` and `init`.

use std::path::PathBuf;
use std::time::Instant;

use crate::faults::{
    Moment, copy, in_memory, kill_at, leftovers, moments, resolve_all, say, table, two_at_a_time, vault,
};
use crate::session::Session;

const PASSPHRASE: [&str; 2] = ["--passphrase-file", "passphrase"];
const REKEY: [&str; 4] = ["rekey", "--yes", "--passphrase-file", "passphrase"];
const DROPPING: [&str; 5] = ["rekey", "--yes", "--drop-history", "--passphrase-file", "passphrase"];
const EARLIER: &str = "made-up-earlier-key";
const IDS: [(&str, &str); 6] = [
    ("main/anthropic:one", "made-up-key-m1"),
    ("main/openrouter:two", "made-up-key-m2"),
    ("main/openrouter:three", "made-up-key-m3"),
    ("other/anthropic:one", "made-up-key-o1"),
    ("other/groq:two", "made-up-key-o2"),
    ("other/groq:three", "made-up-key-o3"),
];

/// A vault of two agents that a key file and a passphrase unlock.
fn template() -> Session {
    let session = vault();
    for (reference, secret) in IDS {
        let (agent, id) = reference.split_once('/').unwrap();
        let provider = id.split(':').next().unwrap();
        let paste = ["--agent", agent, "paste-api-key", "--provider", provider, "--profile-id", id];
        if id.ends_with(":two") {
            session.feed(EARLIER, paste).ok();
        }
        session.feed(secret, paste).ok();
    }
    session.write("passphrase", "made up, and long enough\n");
    session.run(["unlock-method", "add", "passphrase", "--new-passphrase-file", "passphrase"]).ok();
    session
}

/// Returns everything that does not read correctly with the key file.
fn unread(session: &Session) -> Vec<String> {
    let answers = resolve_all(session, &[], IDS.map(|(reference, _)| reference));
    IDS.iter()
        .filter(|(reference, secret)| answers[*reference].as_deref() != Ok(*secret))
        .map(|(reference, _)| format!("{reference}: {:?}", answers[*reference]))
        .collect()
}

/// Returns how many records a passphrase opens, with a single key derivation.
fn open_by_passphrase(session: &Session) -> u64 {
    let document = session.run(["verify", "--json"].into_iter().chain(PASSPHRASE)).json();
    document["records"].as_u64().unwrap_or(0)
}

/// The variable with which every moment is tried, and not only some.
const EVERY: &str = "STRONGROOM_TEST_EVERY_KILL";

/// Returns all moments of the calls that commit, and some of the others, or all if [`EVERY`] is set.
fn some(all: Vec<Moment>, most: usize) -> Vec<Moment> {
    if std::env::var_os(EVERY).is_some() {
        return all;
    }
    let every = all.len().div_ceil(most);
    all.into_iter()
        .enumerate()
        .filter(|(n, moment)| n % every == 0 || moment.call.starts_with("rename"))
        .map(|(_, moment)| moment)
        .collect()
}

fn tell(what: &str, planned: &[Moment], of: usize, results: &[Result<(), String>], begun: Instant) {
    let bad: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    let alive = bad.iter().filter(|what| what.contains(ALIVE)).count();
    say(&format!(
        "{what}: {} kills planned of {of} moments ({}), {} delivered, {} bad, in {:.1} s",
        planned.len(),
        table(planned),
        planned.len() - alive,
        bad.len(),
        begun.elapsed().as_secs_f64()
    ));
    assert!(bad.is_empty(), "{bad:#?}");
}

const ALIVE: &str = "it was not killed";

#[test]
fn a_rekey_that_is_killed_locks_nobody_out() {
    kill("rekey", &REKEY);
}

#[test]
fn a_killed_rekey_that_drops_the_history_drops_it_in_the_end() {
    kill("rekey --drop-history", &DROPPING);
}

/// Kills a rekey at all moments that commit, and at some others, and finishes each.
fn kill(what: &str, rekey: &[&str]) {
    let begun = Instant::now();
    let template = template();
    let all = moments(&copy(&template), rekey, b"");
    let of = all.len();
    let planned = some(all, 12);
    let results = two_at_a_time(&planned, |moment| killed_rekey(&template, moment, rekey));
    tell(what, &planned, of, &results, begun);
    assert!(planned.len() >= 24);
}

/// Returns what is wrong with the earlier versions after a rekey: each comes back, or none is left.
fn wrong_history(session: &Session, drops: bool) -> Option<String> {
    for (agent, id) in [("main", "openrouter:two"), ("other", "groq:two")] {
        let undone = session.run(["undo", id, "--yes", "--agent", agent]);
        let got = session.run(["get", id, "--agent", agent]).stdout;
        if (undone.status == 66) != drops || (got.trim_end() == EARLIER) == drops {
            return Some(format!("undo of {id}: {} {}", undone.status, undone.stderr));
        }
    }
    None
}

fn killed_rekey(template: &Session, moment: &Moment, rekey: &[&str]) -> Result<(), String> {
    let session = copy(template);
    let wrong = |what: String| Err(format!("rekey at {} {}: {what}", moment.call, moment.n));
    if !kill_at(&session, rekey, b"", moment) {
        return wrong(ALIVE.to_owned());
    }
    let unread_now = unread(&session);
    if !unread_now.is_empty() {
        return wrong(format!("by the key file: {unread_now:?}"));
    }
    let open = open_by_passphrase(&session);
    if open != 6 {
        return wrong(format!("by the passphrase only {open} records open"));
    }
    if moment.n.is_multiple_of(2) {
        // A gateway that keeps running encrypts with the new key while other records still have the old one.
        for agent in ["main", "other"] {
            let paste = ["--agent", agent, "paste-api-key", "--provider", "mistral"];
            let pasted = session.feed("made-up-between", paste);
            if pasted.status != 0 {
                return wrong(format!("a paste before it is finished: {}", pasted.stderr));
            }
        }
    }
    let again = session.run(rekey);
    if again.status != 0 {
        return wrong(format!("again: {}", again.stderr));
    }
    let left = leftovers(&session.home());
    let verified = session.run(["verify"]);
    let unread_then = unread(&session);
    if !left.is_empty() || verified.status != 0 || !unread_then.is_empty() {
        return wrong(format!("afterwards: {left:?} {} {unread_then:?}", verified.stdout));
    }
    if let Some(what) = wrong_history(&session, rekey.contains(&"--drop-history")) {
        return wrong(what);
    }
    // The old unlock file, put back, can be opened with its key, and then opens no record.
    std::fs::copy(template.home().join("unlock/key-file.age"), session.home().join("unlock/key-file.age"))
        .unwrap();
    let answers = resolve_all(&session, &[], IDS.map(|(reference, _)| reference));
    if answers.values().any(Result::is_ok) {
        return wrong(format!("the old unlock file opens new records: {answers:?}"));
    }
    Ok(())
}

#[test]
fn after_a_rekey_old_unlock_files_open_no_new_record() {
    let session = template();
    let old = copy(&session);
    session.run(REKEY).ok();
    assert_eq!((unread(&session), open_by_passphrase(&session)), (Vec::new(), 6));
    for method in ["key-file", "passphrase"] {
        let file = format!("unlock/{method}.age");
        std::fs::copy(old.home().join(&file), session.home().join(&file)).unwrap();
    }
    for (reference, secret) in IDS {
        let (agent, id) = reference.split_once('/').unwrap();
        for options in [&[][..], &PASSPHRASE[..]] {
            let got = session.run(["--agent", agent, "get", id].iter().chain(options));
            assert!(got.status != 0 && !got.stdout.contains(secret), "{reference} {options:?}");
        }
    }
    // And the old records still belong to the old vault.
    assert_eq!(unread(&old), Vec::<String>::new());
}

#[test]
fn a_recovery_that_is_killed_is_finished_by_another() {
    let begun = Instant::now();
    let template = vault();
    for (reference, secret) in IDS {
        let (agent, id) = reference.split_once('/').unwrap();
        let provider = id.split(':').next().unwrap();
        let paste = ["--agent", agent, "paste-api-key", "--provider", provider, "--profile-id", id];
        template.feed(secret, paste).ok();
    }
    let recovery_key = template.run(["recovery-key"]).ok().stdout;
    template.write("recovery", recovery_key);
    std::fs::remove_dir_all(template.home().join("unlock")).unwrap();
    std::fs::remove_file(template.key_file()).unwrap();
    let recover = ["recover", "--recovery-key", "recovery"];
    let planned = moments(&copy(&template), &recover, b"");
    let results = two_at_a_time(&planned, |moment| {
        let session = copy(&template);
        let wrong = |what: String| Err(format!("recover at {} {}: {what}", moment.call, moment.n));
        if !kill_at(&session, &recover, b"", moment) {
            return wrong(ALIVE.to_owned());
        }
        // After a complete recovery there are unlock files, and it says so; the checks below hold then too.
        let again = session.run(recover);
        if again.status != 0 && again.status != 73 {
            return wrong(format!("again: {} {}", again.status, again.stderr));
        }
        let left = leftovers(&session.home());
        let verified = session.run(["verify"]);
        let unread = unread(&session);
        if !left.is_empty() || verified.status != 0 || !unread.is_empty() {
            return wrong(format!("afterwards: {left:?} {} {unread:?}", verified.stdout));
        }
        Ok(())
    });
    tell("recover", &planned, planned.len(), &results, begun);
}

/// A killed `init` leaves something that another one completes, or that is reported with a remedy that works.
#[test]
fn an_init_that_is_killed_can_be_mended() {
    let begun = Instant::now();
    // A keychain is asked on separate threads, whose calls cannot be counted.
    let init = ["init", "--store", "file"];
    let planned = moments(&in_memory(), &init, b"");
    let results = two_at_a_time(&planned, |moment| {
        let session = in_memory();
        let wrong = |what: String| Err(format!("init at {} {}: {what}", moment.call, moment.n));
        if !kill_at(&session, &init, b"", moment) {
            return wrong(ALIVE.to_owned());
        }
        let again = session.run(init);
        if again.status == 73 {
            session.run(["doctor", "--repair"]);
        } else if again.status != 0 {
            return wrong(format!("again: {} {}", again.status, again.stderr));
        }
        let paste = ["paste-api-key", "--provider", "groq", "--profile-id", "groq:next"];
        let pasted = session.feed("made-up-next-key", paste);
        let verified = session.run(["verify"]);
        let left: Vec<PathBuf> = leftovers(session.temp.path());
        if pasted.status != 0 || verified.status != 0 || !left.is_empty() {
            return wrong(format!("{} {} {} {left:?}", again.stderr, pasted.stderr, verified.stdout));
        }
        Ok(())
    });
    tell("init", &planned, planned.len(), &results, begun);
}

#[test]
fn an_onboard_that_is_killed_goes_on_when_it_is_run_again() {
    let begun = Instant::now();
    let onboard = ["onboard", "--non-interactive", "--store", "file", "--groq-api-key", "-"];
    let planned = moments(&in_memory(), &onboard, b"made-up-first-key");
    // A first write in between gets a remedy, and does no harm.
    let cases: Vec<_> = planned.iter().flat_map(|moment| [(moment, false), (moment, true)]).collect();
    let results = two_at_a_time(&cases, |(moment, writes)| {
        let session = in_memory();
        let wrong = |what: String| {
            Err(format!("onboard at {} {}, a write in between {writes}: {what}", moment.call, moment.n))
        };
        if !kill_at(&session, &onboard, b"made-up-first-key", moment) {
            return wrong(ALIVE.to_owned());
        }
        if *writes {
            session.feed("made-up-other-key", ["paste-api-key", "--provider", "xai"]);
        }
        let again = session.feed("made-up-first-key", onboard);
        if *writes {
            session.run(["doctor", "--repair"]);
        }
        let verified = session.run(["verify"]);
        if again.status != 0 || verified.status != 0 {
            return wrong(format!("{} {}", again.stderr, verified.stdout));
        }
        if session.get("groq:default") != "made-up-first-key" {
            return wrong("another secret".to_owned());
        }
        match leftovers(session.temp.path()) {
            left if left.is_empty() => Ok(()),
            left => wrong(format!("left: {left:?}")),
        }
    });
    tell("onboard", &planned, cases.len(), &results, begun);
}
