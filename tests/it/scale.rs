//! Limits: what is too large is refused as a whole or done in parts. Nothing is timed.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::faults::{Moment, in_memory, kill_at};
use crate::session::{Ran, Session, binary, kept, ran, strace};

/// The maximum number of entries of an import, and of profiles of an agent.
const MOST: usize = 100_000;

fn object(members: impl Iterator<Item = String>) -> String {
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// A source with that many entries, none of which contains a secret.
fn profiles(entries: usize) -> String {
    format!(r#"{{"profiles":{}}}"#, object((0..entries).map(|n| format!(r#""zai:n{n}":{{}}"#))))
}

#[test]
fn a_source_of_more_entries_than_the_bound_is_refused_as_a_whole() {
    let session = Session::new();
    let before = kept(&session.home());
    let flat = object((0..=MOST).map(|n| format!(r#""n{n}":{{"key":"made-up-{n}"}}"#)));
    for (name, text) in [
        ("profiles", profiles(MOST + 1)),
        ("flat", flat),
        ("env", "A=b\n".repeat(MOST + 1)),
        ("bad", "b\n".repeat(MOST + 1)),
    ] {
        session.write(name, text);
        let said = session.run(["import", name]).failed("TOO_LARGE", 65).stderr;
        assert!(said.contains("contains more than 100000 entries"), "{said}");
        assert!(said.contains("import it in parts; nothing was changed"), "{said}");
    }
    // As many as the limit allows are looked at one by one.
    session.write("most", profiles(MOST));
    session.run(["import", "most"]).failed("IMPORT_INVALID", 65);
    session.write("most", format!("OPENAI_API_KEY=made-up-key\n{}", "A=b\n".repeat(MOST - 1)));
    session.run(["import", "--dry-run", "most"]).ok();
    assert!(kept(&session.home()) == before);
}

/// Runs an import whose mapped memory is limited to four times the size of the source, plus what the program itself
/// needs.
#[track_caller]
fn import_within(session: &Session, source: &str, options: &[&str]) -> Ran {
    const PROGRAM: usize = 64 * 1024 * 1024;
    let path = session.write("source", source);
    let plain = session.command(["import", path.to_str().unwrap()]);
    let mut command = Command::new("/usr/bin/prlimit");
    command.arg(format!("--as={}", PROGRAM + 4 * source.len())).arg(binary());
    command.args(plain.get_args()).args(options).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(session.temp.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(command, b"")
}

#[test]
fn an_import_takes_a_small_multiple_of_its_bytes_whatever_is_in_it() {
    const SIZE: usize = 16 * 1024 * 1024;
    let session = Session::new();
    let repeated = |what: &str| vec![what; SIZE / (what.len() + 1)].join(",");
    let fields = object((0..SIZE / 14).map(|n| format!(r#""{n:08}":0"#)));
    for source in [
        fields.clone(),
        format!(r#"{{"profiles":{{"zai:x":{fields}}}}}"#),
        format!(r#"{{"profiles":{{}},"order":{{"zai":[{}]}}}}"#, repeated("0")),
        format!(r#"{{"zai:x":[{}]}}"#, repeated("[]")),
        "A=\n".repeat(SIZE / 3),
        "\"\n".repeat(SIZE / 2),
    ] {
        import_within(&session, &source, &[]).failed("TOO_LARGE", 65);
    }
    // Entries of the maximum size.
    let secret = "made-up ".repeat(1270);
    let entry = |n| format!(r#""zai:n{n}":{{"type":"api_key","key":"{n} {}"}}"#, secret.trim());
    let large = format!(r#"{{"profiles":{}}}"#, object((0..SIZE / 10_300).map(entry)));
    import_within(&session, &large, &["--dry-run"]).ok();
}

#[test]
fn an_agent_grows_up_to_its_bound_and_not_beyond() {
    let session = Session::new();
    session.paste("zai:first", "made-up-first");
    let foreign =
        |n| format!(r#""x:n{n}":{{"type":"api_key","provider":"x","keyRef":{{"source":"env","id":"X"}}}}"#);
    let text = format!(r#"{{"version":1,"profiles":{}}}"#, object((0..MOST - 2).map(foreign)));
    fs::write(session.agent_file("auth-profiles.json"), text).unwrap();
    session.run(["doctor", "--repair"]);

    let before = kept(&session.home());
    session.write("two", r#"{"profiles":{"zai:a":{"key":"made-up-a"},"zai:b":{"key":"made-up-b"}}}"#);
    for options in [&["--dry-run"][..], &[]] {
        let said = session.run(["import", "two"].iter().chain(options)).failed("TOO_LARGE", 65).stderr;
        assert!(
            said.contains("agent main would have 100001 profiles, more than the limit of 100000"),
            "{said}"
        );
        assert!(said.contains("remove profiles that are no longer needed"), "{said}");
    }
    assert!(kept(&session.home()) == before);

    session.write("one", r#"{"profiles":{"zai:a":{"key":"made-up-a"}}}"#);
    session.run(["import", "one"]).ok();
    let before = kept(&session.home());
    let paste = ["paste-api-key", "--provider", "zai", "--profile-id", "zai:b"];
    session.feed("made-up-b", paste).failed("TOO_LARGE", 65);
    assert!(kept(&session.home()) == before);
    // Existing profiles can change, and removed ones make room.
    session.paste("zai:a", "made-up-a2");
    session.run(["remove", "--yes", "zai:first"]).ok();
    session.feed("made-up-b", paste).ok();
    assert_eq!(session.get("zai:a"), "made-up-a2");
}

/// Returns how many files a rekey opens in a home with that many empty agents.
fn opened_by_rekey(empty: usize) -> usize {
    let session = in_memory();
    session.run(["init"]).ok();
    session.paste("zai:x", "made-up-x");
    for n in 0..empty {
        let path = session.home().join(format!("agents/empty{n}"));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }
    let mut command = strace(&session, "openat,openat2", &["-o", "trace"]);
    command.args(["rekey", "--yes"]);
    ran(command, b"").ok();
    fs::read_to_string(session.path("trace")).unwrap().lines().filter(|line| line.contains("openat")).count()
}

#[test]
fn a_rekey_hardly_looks_at_agents_without_anything_in_them() {
    let each = (opened_by_rekey(60) - opened_by_rekey(10)) / 50;
    println!("{each} files opened for each empty agent");
    assert!(each <= 8, "{each}");
}

/// That many profiles, each with an index entry of the maximum size.
fn large_entries(count: usize) -> String {
    let label = "made up ".repeat(39);
    let mut text = String::from(r#"{"profiles":{"#);
    for n in 0..count {
        let comma = if n > 0 { "," } else { "" };
        write!(
            text,
            r#"{comma}"zai:{n:076}":{{"key":"made-up-{n}","email":"{0}","displayName":"{0}"}}"#,
            label.trim()
        )
        .unwrap();
    }
    text + "}}"
}

/// Returns the number of the agent's ledger, which counts its changes.
fn ledger_number(session: &Session) -> u64 {
    let text = fs::read_to_string(session.agent_file("ledger")).unwrap();
    let json: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    json["number"].as_u64().unwrap()
}

#[test]
fn a_rekey_of_very_many_records_is_several_changes_and_goes_on_where_it_was_killed() {
    const RECORDS: u64 = 7_300;
    let session = in_memory();
    session.run(["init"]).ok();
    session.write("source", large_entries(7_300));
    session.run(["import", "source"]).ok();
    let before = ledger_number(&session);
    // During the second change: each change moves each of its records with one call.
    let moment = Moment { call: "renameat".to_owned(), n: 7_250, tells: false };
    assert!(kill_at(&session, &["rekey", "--yes"], b"", &moment));
    assert_eq!(ledger_number(&session), before + 1);
    assert_eq!(session.get(&format!("zai:{:076}", 0)), "made-up-0");
    assert_eq!(session.get(&format!("zai:{:076}", 7_299)), "made-up-7299");

    session.run(["rekey", "--yes"]).ok();
    assert_eq!(session.run(["verify", "--json"]).ok().json()["records"], RECORDS);
}
