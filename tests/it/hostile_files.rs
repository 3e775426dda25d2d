//! Files of a home that are not what they should be: links, FIFOs, garbage, too large.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use crate::session::{COMMANDS, HANGS, Ran, Session, kept, snapshot};

const CANARY: &str = "made-up-canary-value";

fn session() -> Session {
    let session = Session::new();
    session.write("pass", "made-up horse");
    session.paste("openrouter:one", CANARY);
    session.run(["order", "set", "--provider", "openrouter", "openrouter:one"]).ok();
    session
}

fn run(session: &Session, arguments: &[&str], input: &str) -> Ran {
    let begun = Instant::now();
    let ran = session.feed(input, arguments);
    assert!(begun.elapsed() < HANGS, "{arguments:?} took {:?}", begun.elapsed());
    ran
}

/// What is in the place of a file or a directory.
fn put(kind: &str, at: &Path, outside: &Path) {
    match kind {
        "link" => symlink(outside, at).unwrap(),
        "dangling link" => symlink("/nonexistent/made-up", at).unwrap(),
        "fifo" => rustix::fs::mkfifoat(rustix::fs::CWD, at, rustix::fs::Mode::RWXU).unwrap(),
        "socket" => drop(std::os::unix::net::UnixListener::bind(at).unwrap()),
        "directory" => fs::create_dir(at).unwrap(),
        "file" => fs::write(at, "garbage").unwrap(),
        _ => unreachable!(),
    }
}

/// Puts something else in the place of each file and directory, and runs every command on it.
fn in_place_of(places: &[(&str, &str)], kinds: &[&str]) {
    for (place, code) in places {
        for kind in kinds {
            let session = session();
            let at = session.home().join(place);
            let outside = session.path("outside");
            if at.is_dir() {
                fs::rename(&at, &outside).unwrap();
            } else if at.exists() {
                // A link to the very file that should be there is refused too.
                fs::rename(&at, &outside).unwrap();
            } else {
                fs::write(&outside, "garbage").unwrap();
            }
            put(kind, &at, &outside);
            let victim = if outside.is_dir() { snapshot(&outside) } else { Vec::new() };
            let file = fs::read(&outside).ok();
            let before = kept(&session.home());
            let mut refused = 0;
            for (arguments, input) in COMMANDS {
                let ran = run(&session, arguments, input);
                let shown = ran.status == 0 && arguments[0] == "get";
                let ran = if shown { ran } else { ran.sane(CANARY) };
                if shown {
                    assert_eq!(ran.stdout.trim_end(), CANARY);
                }
                if ran.stderr.contains(code) {
                    refused += 1;
                    assert!([65, 78].contains(&ran.status), "{place} {kind} {arguments:?}: {}", ran.stderr);
                }
                // A command that goes on does nothing through the link.
                assert!(fs::read(&outside).ok() == file, "{place} {kind} {arguments:?}");
                assert!(!outside.is_dir() || snapshot(&outside) == victim, "{place} {kind} {arguments:?}");
                if ran.status != 0 {
                    let after = kept(&session.home());
                    let changed = before != after && refused == COMMANDS.len();
                    assert!(!changed, "{place} {kind} {arguments:?} changed something");
                }
            }
            assert!(refused > 0, "{kind} at {place} was refused by no command");
        }
    }
}

#[test]
fn a_file_that_is_something_else_is_refused_and_not_followed() {
    in_place_of(
        &[
            ("vault.json", "UNSAFE_FILE"),
            ("unlock/key-file.age", "UNSAFE_FILE"),
            ("agents/main/auth-profiles.json", "UNSAFE_FILE"),
            ("agents/main/records/openrouter_3aone.age", "UNSAFE_FILE"),
            ("agents/main/log.jsonl", "UNSAFE_FILE"),
            ("agents/main/lock", "UNSAFE_FILE"),
            ("lock", "UNSAFE_FILE"),
            ("log.jsonl", "UNSAFE_FILE"),
        ],
        &["link", "fifo"],
    );
}

#[test]
fn state_that_is_something_else_is_not_followed_and_hides_no_credential() {
    for kind in ["link", "dangling link", "fifo", "directory", "socket"] {
        let session = session();
        let outside = session.path("outside");
        fs::write(&outside, "{\"version\":1}").unwrap();
        let state = session.agent_file("auth-state.json");
        let _socket = match kind {
            "link" => symlink(&outside, &state).map(|()| None),
            "dangling link" => symlink("nowhere", &state).map(|()| None),
            "directory" => fs::create_dir(&state).map(|()| None),
            "socket" => std::os::unix::net::UnixListener::bind(&state).map(Some),
            _ => {
                let made = std::process::Command::new("mkfifo").arg(&state).status();
                made.map(|made| assert!(made.success())).map(|()| None)
            }
        }
        .unwrap();
        session.run(["report", "openrouter:one", "--success"]).failed("UNSAFE_FILE", 78);
        let status = session.run(["status", "--check"]).ok();
        assert!(status.stdout.contains("selection continues without it"), "{kind}: {}", status.stdout);
        assert!(session.run(["doctor"]).stdout.contains("state: agent main: "), "{kind}");
        assert!(!session.get("openrouter:one").is_empty());
        assert_eq!(fs::read(&outside).unwrap(), b"{\"version\":1}");
    }
}

#[test]
fn a_socket_or_a_directory_for_a_file_is_refused() {
    in_place_of(
        &[
            ("vault.json", "UNSAFE_FILE"),
            ("agents/main/auth-profiles.json", "UNSAFE_FILE"),
            ("agents/main/lock", "UNSAFE_FILE"),
        ],
        &["socket", "directory", "dangling link"],
    );
}

#[test]
fn a_directory_that_is_something_else_is_refused_and_not_followed() {
    in_place_of(
        &[
            ("agents", "UNSAFE_FILE"),
            ("agents/main", "UNSAFE_FILE"),
            ("agents/main/records", "UNSAFE_FILE"),
            ("agents/main/txn", "UNSAFE_FILE"),
            ("unlock", "UNSAFE_FILE"),
        ],
        &["link", "fifo", "file"],
    );
}

#[test]
fn what_is_staged_is_not_written_through_a_planted_link() {
    let session = session();
    let victim = session.write("victim", "kept");
    for place in ["agents/main/auth-profiles.json.tmp", "vault.json.tmp", "unlock/key-file.age.tmp"] {
        symlink(&victim, session.home().join(place)).unwrap();
    }
    symlink(session.temp.path(), session.home().join("agents/main/txn.tmp")).unwrap();
    for arguments in [&["order", "clear", "--provider", "openrouter"][..], &["rekey", "--yes"]] {
        session.run(arguments).sane(CANARY);
    }
    session.feed("made-up-2", ["paste-api-key", "--provider", "openrouter"]).sane(CANARY);
    assert_eq!(fs::read(&victim).unwrap(), b"kept");
    assert!(session.key_file().exists());
}

#[test]
fn an_index_that_cannot_be_read_is_kept_by_every_command() {
    let deep = "[".repeat(100_000);
    let entry = format!(r#"{{"type":"api_key","provider":"a","key":"{CANARY}"}}"#);
    let indexes: Vec<(Vec<u8>, &str)> = vec![
        (CANARY.into(), "INDEX_UNREADABLE"),
        (b" ".to_vec(), "INDEX_UNREADABLE"),
        (Vec::new(), "INDEX_UNREADABLE"),
        (b"{".to_vec(), "INDEX_UNREADABLE"),
        (b"null".to_vec(), "INDEX_UNREADABLE"),
        (format!("\u{feff}{{\"profiles\":{{\"a:b\":{entry}}}}}").into(), "INDEX_UNREADABLE"),
        (format!(r#"{{"profiles":{{"a:b":{entry}"#).into(), "INDEX_UNREADABLE"),
        (format!(r#"{{"profiles":["{CANARY}"]}}"#).into(), "INDEX_UNREADABLE"),
        (format!(r#"{{"profiles":{{"__proto__":{entry}}}}}"#).into(), "INDEX_UNREADABLE"),
        (format!(r#"{{"version":"{CANARY}","profiles":{{}}}}"#).into(), "INDEX_UNREADABLE"),
        (b"\xff\xfe{\0}\0".to_vec(), "INDEX_UNREADABLE"),
        (deep.into_bytes(), "INDEX_UNREADABLE"),
        (format!(r#"{{"version":2,"profiles":{{"a:b":{entry}}}}}"#).into(), "NEWER_FORMAT"),
        (format!(r#"{{"profiles":{{"a:b":{entry},"a:b":{entry}}}}}"#).into(), "DUPLICATE_KEY"),
        (format!(r#"{{"profiles":{{"a:b":{{"key":"{CANARY}","key":"x"}}}}}}"#).into(), "DUPLICATE_KEY"),
        (format!(r#"{{"x":[{{"y":1,"\u0079":"{CANARY}"}}],"profiles":{{}}}}"#).into(), "DUPLICATE_KEY"),
    ];
    let session = session();
    let index = session.agent_file("auth-profiles.json");
    for (bytes, code) in indexes {
        fs::write(&index, &bytes).unwrap();
        let before = kept(&session.home());
        for (arguments, input) in COMMANDS {
            // These do not look at an index, or report it in another way; rekey is the only one
            // of them that could write.
            let others =
                ["get", "export", "recipient", "recovery-key", "unlock-method", "log", "verify", "doctor"];
            let whole: [&[&str]; 2] = [&["list", "--all-agents", "--json"], &["access", "list"]];
            if others.contains(&arguments[0]) || whole.contains(&arguments) {
                continue;
            }
            let ran = run(&session, arguments, input).sane(CANARY);
            ran.failed(code, 65);
            assert!(kept(&session.home()) == before, "{arguments:?} {code}");
        }
        run(&session, &["verify"], "").sane(CANARY).failed("FINDINGS", 65);
        run(&session, &["doctor", "--repair"], "").sane(CANARY).failed("FINDINGS", 65);
        assert_eq!(session.get("openrouter:one"), CANARY);
        assert_eq!(fs::read(&index).unwrap(), bytes);
    }
}

#[test]
fn files_that_are_too_large_are_refused_unread() {
    let session = session();
    for (place, size, codes) in [
        ("vault.json", 1 << 30, &["TOO_LARGE"][..]),
        ("unlock/key-file.age", 1 << 40, &["TOO_LARGE"]),
        ("agents/main/auth-profiles.json", 1 << 40, &["TOO_LARGE"]),
        ("agents/main/records/openrouter_3aone.age", 1 << 40, &["CORRUPT"]),
        ("agents/main/log.jsonl", 1 << 40, &["TOO_LARGE"]),
    ] {
        let at = session.home().join(place);
        let saved = fs::read(&at).unwrap();
        fs::OpenOptions::new().write(true).open(&at).unwrap().set_len(size).unwrap();
        let before = kept_names(&session);
        let mut refused = 0;
        let mut commands = vec![&["get", "openrouter:one"][..], &["verify"], &["list"]];
        // A log decides nothing: one that is too large is set aside.
        if !place.ends_with("log.jsonl") {
            commands.push(&["rotate", "openrouter:one"]);
        }
        for arguments in commands {
            let ran = run(&session, arguments, "made-up-new-value");
            if codes.iter().any(|code| ran.stderr.contains(code) || ran.stdout.contains("larger than")) {
                refused += 1;
                ran.sane(CANARY);
            }
        }
        assert!(refused > 0, "{place}");
        assert_eq!(kept_names(&session), before, "{place}");
        fs::write(&at, saved).unwrap();
        session.run(["verify"]).ok();
    }
}

#[test]
fn a_log_that_is_larger_than_any_is_set_by_and_keeps_nobody_from_writing() {
    let session = session();
    let log = session.agent_file("log.jsonl");
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(1 << 40).unwrap();
    run(&session, &["rotate", "openrouter:one"], "made-up-new-value").ok();
    assert!(fs::metadata(&log).unwrap().len() < 4096);
    assert_eq!(session.get("openrouter:one"), "made-up-new-value");
    let verified = session.run(["verify"]).ok();
    assert!(
        verified.stdout.contains("is a damaged part of the log that was set aside"),
        "{}",
        verified.stdout
    );
}

fn kept_names(session: &Session) -> Vec<String> {
    let mut names = Vec::new();
    for directory in ["", "agents/main", "agents/main/records", "unlock"] {
        for entry in fs::read_dir(session.home().join(directory)).unwrap() {
            names.push(entry.unwrap().file_name().into_string().unwrap());
        }
    }
    names.sort();
    names.retain(|name| !name.starts_with("lock"));
    names
}

#[test]
fn a_newer_format_is_refused_by_every_command_and_kept() {
    let session = session();
    fs::write(session.home().join("vault.json"), r#"{"format":2,"vaultId":"x","defaultStore":"y"}"#).unwrap();
    let before = kept(&session.home());
    for (arguments, input) in COMMANDS {
        // `doctor` looks at a damaged home, and must not write over a newer one.
        let code = if arguments[0] == "doctor" { "" } else { "NEWER_FORMAT" };
        let ran = run(&session, arguments, input).sane(CANARY);
        assert!(
            ran.status == 65 && ran.stderr.contains(code),
            "{arguments:?}: {} {}",
            ran.status,
            ran.stderr
        );
        assert!(kept(&session.home()) == before, "{arguments:?}");
    }
    session.run(["init"]).sane(CANARY).failed("EXISTS", 73);
}
