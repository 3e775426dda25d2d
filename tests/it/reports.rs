//! Many processes report at once, while others paste: every count is right.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::faults::{leftovers, listed, vault};
use crate::session::Session;

const PROCESSES: usize = 32;
const REPORTS: usize = 12;
const PROFILES: [&str; 3] = ["groq:one", "groq:two", "groq:three"];
const KINDS: [&str; 3] = ["rate_limit", "auth", "timeout"];

fn state(session: &Session) -> Value {
    serde_json::from_slice(&std::fs::read(session.agent_file("auth-state.json")).unwrap()).unwrap()
}

fn paste(session: &Session, writer: usize, n: usize) -> String {
    let id = format!("openrouter:w{writer:02}n{n}");
    session.paste(&id, &format!("made-up-key-{writer}-{n}"));
    id
}

#[test]
fn thirty_two_processes_lose_no_failure_while_others_paste() {
    let session = vault();
    for id in PROFILES {
        session.paste(id, "made-up-key");
    }
    let begun = std::fs::read_to_string(session.agent_file("auth-profiles.json")).unwrap();
    assert!(begun.contains("groq:three"));
    std::thread::scope(|scope| {
        for process in 0..PROCESSES {
            let session = &session;
            scope.spawn(move || {
                for n in 0..REPORTS {
                    let (id, kind) = (PROFILES[n % 3], KINDS[(process + n / 3) % 3]);
                    // Disabled periods are long, so that counters do not start again meanwhile.
                    let kind = if n < 3 { "billing" } else { kind };
                    session.run(["models", "report", id, "--failure", kind]).ok();
                }
            });
        }
        for writer in 0..8 {
            let session = &session;
            scope.spawn(move || (0..4).for_each(|n| drop(paste(session, writer, n))));
        }
    });
    let state = state(&session);
    for id in PROFILES {
        let usage = &state["usageStats"][id];
        let counts = usage["failureCounts"].as_object().unwrap();
        let total: u64 = counts.values().map(|count| count.as_u64().unwrap()).sum();
        let each = (PROCESSES * REPORTS / PROFILES.len()) as u64;
        assert_eq!((usage["errorCount"].as_u64(), total), (Some(each), each), "{usage}");
        assert_eq!(counts["billing"], PROCESSES, "{usage}");
        assert_eq!(usage["disabledReason"], "billing");
    }
    assert_eq!(listed(&session).unwrap().len(), PROFILES.len() + 8 * 4);
    assert_eq!(leftovers(&session.home()), Vec::<std::path::PathBuf>::new());
    session.run(["verify"]).ok();
}

#[test]
fn thirty_two_processes_of_failures_and_successes_leave_counts_that_follow_from_an_order() {
    let session = vault();
    for id in PROFILES {
        session.paste(id, "made-up-key");
    }
    // Half of the reports of each profile are successes, in all processes. The last report of each profile is known,
    // because it comes after all others.
    let said = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for process in 0..PROCESSES {
            let (session, said) = (&session, &said);
            scope.spawn(move || {
                for n in 0..REPORTS {
                    let id = PROFILES[n % 3];
                    let name = format!("s{process}");
                    let outcome: &[&str] = match (process + n) % 2 {
                        0 => &["--success"],
                        _ => &["--failure", "billing"],
                    };
                    let mut arguments = vec!["report", id, "--session", &name];
                    arguments.extend(outcome);
                    session.run(arguments).ok();
                    said.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| (0..8).for_each(|n| drop(paste(&session, 99, n))));
    });
    assert_eq!(said.into_inner(), PROCESSES * REPORTS);
    let before = state(&session);
    for id in PROFILES {
        let usage = &before["usageStats"][id];
        let errors = usage["errorCount"].as_u64().unwrap();
        // Whatever the order, the counts agree with each other and with the cooldowns.
        assert_eq!(usage["failureCounts"]["billing"].as_u64().unwrap_or(0), errors, "{usage}");
        assert_eq!(usage["disabledUntil"].is_number(), errors > 0, "{usage}");
        assert!(errors <= (PROCESSES * REPORTS / 6) as u64 && usage["lastUsed"].is_number(), "{usage}");
        session.run(["report", id, "--success"]).ok();
        for _ in 0..3 {
            session.run(["report", id, "--failure", "billing"]).ok();
        }
    }
    let after = state(&session);
    for id in PROFILES {
        assert_eq!(after["usageStats"][id]["errorCount"], 3);
        assert_eq!(after["usageStats"][id]["failureCounts"]["billing"], 3);
    }
    assert_eq!(after["lastGood"]["groq"], PROFILES[2]);
    // Each session has the profile that last served it, or none if that profile failed afterwards.
    let pins = after["pins"].as_object().unwrap();
    assert!(pins.keys().all(|name| name.starts_with('s')) && pins.len() <= PROCESSES);
    assert_eq!(leftovers(&session.home()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_others_keep_in_the_file_survives_and_nothing_is_unlocked() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key");
    let before = "{\n  \"zeta\": [1.50, {\"b\": 1e3}],\n  \"usageStats\": {\n    \"groq:one\": {\"mine\": 1.0, \"errorCount\": 0},\n    \"strange id\": {\"x\": 2}\n  },\n  \"version\": 1\n}\n";
    std::fs::write(session.agent_file("auth-state.json"), before).unwrap();
    std::fs::remove_file(session.key_file()).unwrap();
    session.run(["report", "groq:one", "--failure", "auth"]).ok();
    session.run(["pin", "--session", "s", "groq:one"]).ok();
    session.run(["pin", "--session", "s", "--clear"]).ok();
    let after = std::fs::read_to_string(session.agent_file("auth-state.json")).unwrap();
    for kept in [
        "{\n  \"zeta\": [1.50, {\"b\": 1e3}],\n  \"usageStats\": {",
        "\"mine\": 1.0,",
        "\"strange id\": {\"x\": 2}",
    ] {
        assert!(after.contains(kept), "{after}");
    }
    assert!(after.ends_with("  \"version\": 1\n}\n"), "{after}");
    std::fs::write(session.agent_file("auth-state.json"), "{\"version\":1,").unwrap();
    session.run(["report", "groq:one", "--failure", "auth"]).failed("BAD_DATA", 65);
    assert_eq!(std::fs::read(session.agent_file("auth-state.json")).unwrap(), b"{\"version\":1,");
}

#[test]
fn pastes_that_lift_lose_no_report_of_others() {
    let session = vault();
    for id in PROFILES {
        session.paste(id, "made-up-key");
    }
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let session = &session;
            scope.spawn(move || {
                for n in 0..REPORTS {
                    session.run(["report", PROFILES[0], "--failure", "billing"]).ok();
                    session.paste(PROFILES[0], &format!("made-up-key-{writer}-{n}"));
                }
            });
            scope.spawn(move || {
                for _ in 0..REPORTS {
                    session.run(["report", PROFILES[1], "--failure", "billing"]).ok();
                }
            });
        }
    });
    let usage = &state(&session)["usageStats"];
    assert_eq!(usage[PROFILES[1]]["failureCounts"]["billing"], 4 * REPORTS);
    assert_eq!(usage[PROFILES[0]]["errorCount"], 0, "the last word was a new secret");
    assert_eq!(usage[PROFILES[0]]["disabledUntil"], Value::Null);
    session.run(["verify"]).ok();
}
