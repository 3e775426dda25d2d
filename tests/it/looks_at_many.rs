//! Many profiles: what a command opens, and how that grows.

use std::fmt::Write as _;
use std::fs;

use crate::session::{Session, ran, strace};

const PAST: i64 = 1_700_000_000_000;

/// An agent with that many profiles of one provider. The first `past` of them have expired.
fn many(profiles: usize, past: usize) -> Session {
    let session = Session::new();
    let mut source = String::from("{\"version\":1,\"profiles\":{");
    for n in 0..profiles {
        let comma = if n == 0 { "" } else { "," };
        let expires = if n < past { format!(",\"expires\":{PAST}") } else { String::new() };
        let _ = write!(
            source,
            "{comma}\"groq:k{n:05}\":{{\"type\":\"token\",\"provider\":\"groq\",\"token\":\"made-up-canary-{n:05}\"{expires}}}"
        );
    }
    source.push_str("}}");
    session.feed(source, ["import", "-"]).ok();
    session
}

fn best(session: &Session) -> String {
    let answer = session.resolve(&["providers/groq/apiKey"]);
    answer["values"]["providers/groq/apiKey"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn a_providers_best_profile_is_found_without_opening_all_records() {
    let session = many(1_200, 0);
    let mut command = strace(&session, "openat", &["-o", "trace"]);
    command.arg("resolve");
    let ids = r#"{"protocolVersion":1,"provider":"strongroom","ids":["providers/groq/apiKey"]}"#;
    let answer = ran(command, ids.as_bytes()).ok().json();
    assert_eq!(answer["values"]["providers/groq/apiKey"], "made-up-canary-00000");
    let trace = fs::read_to_string(session.path("trace")).unwrap();
    let opened = trace.matches(".age\"").count();
    assert!((1..300).contains(&opened), "{opened} records of 1,200 were opened");
}

#[test]
fn of_many_profiles_too_the_records_say_which_have_expired() {
    let session = many(700, 600);
    assert_eq!(best(&session), "made-up-canary-00600");
    // An index without expiry times: the profiles that come first have expired, according to their records.
    let index = session.agent_file("auth-profiles.json");
    let text = fs::read_to_string(&index).unwrap();
    let told = text.replace(&format!("      \"expires\": {PAST},\n"), "");
    assert!(told.len() < text.len());
    fs::write(&index, told).unwrap();
    assert_eq!(best(&session), "made-up-canary-00600");
}

#[test]
fn one_record_is_opened_for_one_id_whatever_the_number_of_profiles() {
    let calls = |profiles: usize| {
        let session = many(profiles, 0);
        let mut command = strace(&session, "openat,read", &["-o", "trace"]);
        command.args(["get", "groq:k00000"]);
        assert_eq!(ran(command, b"").ok().stdout, "made-up-canary-00000\n");
        fs::read_to_string(session.path("trace")).unwrap().lines().count()
    };
    let (few, many) = (calls(1), calls(1_000));
    // The ledger is in parts then: one directory and one file more.
    assert!(many <= few + 8, "{few} calls for one of 1, {many} for one of 1,000");
}
