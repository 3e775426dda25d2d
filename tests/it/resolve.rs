//! The exec protocol, from the client's side: hostile requests, silent pipes, closed streams, and a read-only home.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::session::{Session, binary, kept, ran, setup_token, strace};

const KEY: &str = "made-up-canary-value";
/// How long OpenClaw 2026.2.26 waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", KEY);
    session
}

fn request(ids: &[impl AsRef<str>]) -> String {
    let ids: Vec<_> = ids.iter().map(AsRef::as_ref).collect();
    json!({ "protocolVersion": 1, "provider": "strongroom", "ids": ids }).to_string()
}

/// Returns the single answer to a request that is wrong as a whole.
fn refused(session: &Session, request: impl AsRef<[u8]>) -> String {
    let ran = session.feed(request, ["resolve"]).ok().sane(KEY);
    assert_eq!(ran.stderr, "");
    let answer = ran.json();
    assert_eq!((&answer["protocolVersion"], &answer["values"]), (&json!(1), &json!({})));
    answer["errors"]["request"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn an_empty_environment_is_enough() {
    let session = session();
    let mut command = Command::new(binary());
    command
        .args(["--home", session.home().to_str().unwrap(), "--key-file"])
        .arg(session.key_file())
        .arg("resolve")
        .env_clear()
        .current_dir("/")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let answer = ran(command, request(&["main/openrouter:one"]).as_bytes()).ok().json();
    assert_eq!(answer["values"]["main/openrouter:one"], KEY);
}

#[test]
fn five_hundred_and_twelve_ids_and_no_more() {
    let session = session();
    let mut ids: Vec<String> = (0..511).map(|n| format!("main/openrouter:none-{n}")).collect();
    ids.push("main/openrouter:one".to_owned());
    let begun = Instant::now();
    let answer = session.feed(request(&ids), ["resolve"]).ok().json();
    println!("512 ids in {:?}", begun.elapsed());
    assert_eq!(answer["values"]["main/openrouter:one"], KEY);
    assert_eq!(answer["errors"].as_object().unwrap().len(), 511);
    ids.push("main/openrouter:more".to_owned());
    assert_eq!(refused(&session, request(&ids)), "TOO_LARGE");
}

#[test]
fn one_bad_id_fails_alone() {
    let session = session();
    let bad = [
        "",
        "/",
        "main/",
        "/openrouter:one",
        "main//openrouter:one",
        "main/../main/openrouter:one",
        "../main/openrouter:one",
        "main/openrouter:..",
        "main/openrouter:one\u{0}",
        "main/openrouter:one\n",
        "\u{1b}[2J",
        "\u{202e}x",
        "main/__proto__",
        "__proto__",
        "constructor",
        "providers/__proto__/apiKey",
        "providers/../apiKey",
        "providers/openrouter/token",
        "providers/openrouter/apiKey/x",
        "Main/openrouter:one",
        "main/\u{430}:b",
        "main/openrouter:/x",
        "main//openrouter:one",
        "file:///etc/passwd",
    ];
    let long = format!("main/openrouter:{}", "a".repeat(300));
    let ids: Vec<&str> = bad.iter().copied().chain([long.as_str(), "main/openrouter:one"]).collect();
    let before = kept(&session.home());
    let ran = session.feed(request(&ids), ["resolve"]).ok();
    let answer = ran.json();
    assert_eq!(answer["values"], json!({ "main/openrouter:one": KEY }));
    for id in &ids[..ids.len() - 1] {
        let code = answer["errors"][*id]["code"].as_str();
        assert!(matches!(code, Some("INVALID_ID" | "INVALID_AGENT")), "{id:?}: {}", answer["errors"][*id]);
    }
    // None of them reaches a terminal raw, not even inside JSON.
    assert!(!ran.stdout.contains(|c: char| c.is_control() && c != '\n'), "{:?}", ran.stdout);
    assert!(kept(&session.home()) == before);
}

#[test]
fn hostile_requests_are_refused_as_a_whole() {
    let session = session();
    for (request, code) in [
        ("", "BAD_DATA"),
        ("canary", "BAD_DATA"),
        ("{", "BAD_DATA"),
        ("null", "BAD_DATA"),
        ("[]", "BAD_DATA"),
        (r#"{"ids":["openrouter:one"]}"#, "BAD_DATA"),
        (r#"{"protocolVersion":"1","ids":[]}"#, "BAD_DATA"),
        (r#"{"protocolVersion":2,"ids":["openrouter:one"]}"#, "NEWER_FORMAT"),
        (r#"{"protocolVersion":1,"ids":"openrouter:one"}"#, "BAD_DATA"),
        (r#"{"protocolVersion":1,"ids":[["openrouter:one"]]}"#, "BAD_DATA"),
        (r#"{"protocolVersion":1,"ids":[],"ids":["openrouter:one"]}"#, "DUPLICATE_KEY"),
        (r#"{"protocolVersion":1,"ids":["openrouter:one"]} {}"#, "BAD_DATA"),
        ("\u{feff}{\"protocolVersion\":1,\"ids\":[]}", "BAD_DATA"),
    ] {
        assert_eq!(refused(&session, request), code, "{request}");
    }
    assert_eq!(refused(&session, b"\xff\xfe{}"), "BAD_DATA");
    assert_eq!(refused(&session, "[".repeat(1_000_000)), "BAD_DATA");
    assert_eq!(refused(&session, vec![b' '; 2 * 1024 * 1024]), "TOO_LARGE");
}

fn start(session: &Session) -> Child {
    session.command(["resolve"]).stdin(Stdio::piped()).spawn().unwrap()
}

fn answer(mut child: Child) -> Value {
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success());
    serde_json::from_str(&out).unwrap()
}

/// Asks until an answer comes in time, because a stalled machine makes an answer late. Every answer has to be this
/// error.
fn answered_in_time(code: &str, ask: impl Fn() -> Value) {
    let mut times = (0..5).map(|_| {
        let begun = Instant::now();
        assert_eq!(ask()["errors"]["request"]["code"], code);
        begun.elapsed()
    });
    assert!(times.any(|took| took < PATIENCE), "it is always late");
}

#[test]
fn a_request_that_never_ends_is_answered_in_time() {
    let session = session();
    answered_in_time("TIMEOUT", || {
        let begun = Instant::now();
        let mut child = start(&session);
        let mut held = child.stdin.take().unwrap();
        held.write_all(request(&["main/openrouter:one"]).as_bytes()).unwrap();
        let answer = answer(child);
        assert!(begun.elapsed() > Duration::from_secs(1), "it gives up too soon");
        drop(held);
        answer
    });
}

#[test]
fn endless_data_is_answered_in_time() {
    let session = session();
    answered_in_time("TOO_LARGE", || {
        let mut command = session.command(["resolve"]);
        answer(command.stdin(fs::File::open("/dev/zero").unwrap()).spawn().unwrap())
    });
}

#[test]
fn closed_streams_are_no_reason_to_crash() {
    let session = session();
    let asked = request(&["main/openrouter:one"]);
    let sh = |redirection: &str| {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("exec \"$0\" resolve {redirection}")]).arg(binary());
        shell
            .env_clear()
            .env("HOME", session.temp.path())
            .env("XDG_RUNTIME_DIR", session.temp.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        shell
    };
    let answer = ran(sh("2>&-"), asked.as_bytes()).ok().json();
    assert_eq!(answer["values"]["main/openrouter:one"], KEY);
    ran(sh(">&-"), asked.as_bytes()).ok().sane(KEY);
    ran(sh(">&- 2>&-"), asked.as_bytes()).ok();
    let answer = ran(sh("<&-"), b"").ok().json();
    assert_eq!(answer["errors"]["request"]["code"], "BAD_DATA");
    // A reader that is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = session.command(["resolve"]);
    command.stdout(writer);
    ran(command, asked.as_bytes()).ok().sane(KEY);
    ran(sh(">/dev/full"), asked.as_bytes()).ok().sane(KEY);
}

fn read_only(at: &Path, on: bool) {
    let (directory, file) = if on { (0o500, 0o400) } else { (0o700, 0o600) };
    if !on {
        fs::set_permissions(at, fs::Permissions::from_mode(directory)).unwrap();
    }
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_only(&path, on);
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(file)).unwrap();
        }
    }
    fs::set_permissions(at, fs::Permissions::from_mode(directory)).unwrap();
}

/// For an ordinary user the modes forbid any write; for root, the system calls show that nothing is written.
#[test]
fn a_read_only_home_is_read() {
    let session = session();
    read_only(&session.home(), true);
    let before = kept(&session.home());
    let asked = request(&["main/openrouter:one", "providers/openrouter/apiKey"]);
    let answer = session.feed(&asked, ["resolve"]).ok().json();
    assert_eq!(answer["values"].as_object().unwrap().len(), 2, "{answer}");
    assert_eq!(session.get("openrouter:one"), KEY);
    for arguments in [&["list"][..], &["status", "--check"], &["verify"], &["log"], &["recipient"]] {
        session.run(arguments).ok();
    }
    let doctor = session.run(["doctor"]);
    if rustix::process::geteuid().is_root() {
        doctor.ok();
    } else {
        let told = doctor.failed("FINDINGS", 65).stdout;
        assert!(told.contains("the mode of") && told.contains("chmod -R u+rwX"), "{told}");
    }
    assert!(kept(&session.home()) == before);
    read_only(&session.home(), false);
    let calls = "openat,mkdirat,unlinkat,renameat,renameat2,fchmod,ftruncate";
    let mut strace = strace(&session, calls, &[]);
    strace.arg("resolve");
    let trace = ran(strace, asked.as_bytes()).ok().stderr;
    assert!(trace.contains("records"), "strace shows nothing: {trace}");
    for line in trace.lines().filter(|line| line.contains("strongroom")) {
        assert!(line.contains("O_RDONLY") && !line.contains("O_CREAT"), "{line}");
    }
}

#[test]
fn a_locked_vault_says_so_for_each_id() {
    let session = session();
    fs::rename(session.key_file(), session.path("key")).unwrap();
    let answer = session.resolve(&["main/openrouter:one", "nonsense"]);
    for id in ["main/openrouter:one", "nonsense"] {
        assert_eq!(answer["errors"][id]["code"], "LOCKED", "{answer}");
    }
    let other = Session::new();
    let key = other.key_file();
    let wrong =
        session.feed(request(&["main/openrouter:one"]), ["resolve", "--key-file", key.to_str().unwrap()]);
    assert_eq!(wrong.ok().json()["errors"]["main/openrouter:one"]["code"], "WRONG_KEY");
}

#[test]
fn an_agent_given_by_hand_confines() {
    let session = session();
    let paste = ["--agent", "helper", "paste-api-key", "--provider", "openrouter", "--profile-id", "two"];
    session.feed("made-up-helper-key", paste).ok();
    let ids =
        ["main/openrouter:one", "helper/openrouter:two", "openrouter:two", "providers/openrouter/apiKey"];
    let answer = session.feed(request(&ids), ["--agent", "helper", "resolve"]).ok().json();
    assert_eq!(answer["errors"]["main/openrouter:one"]["code"], "DENIED");
    for id in &ids[1..] {
        assert_eq!(answer["values"][*id], "made-up-helper-key", "{answer}");
    }
    // The variable is a default, and restricts nothing.
    let mut by_variable = session.command(["resolve"]);
    by_variable.env("STRONGROOM_AGENT", "helper");
    let answer = ran(by_variable, request(&ids[..3]).as_bytes()).ok().json();
    assert_eq!(answer["values"]["main/openrouter:one"], KEY);
    assert_eq!(answer["values"]["openrouter:two"], "made-up-helper-key");
}

#[test]
fn what_an_agent_lacks_is_told_with_who_has_it() {
    let session = session();
    for agent in ["ops", "work"] {
        let paste = ["--agent", agent, "paste-api-key", "--provider", "groq", "--profile-id", "two"];
        session.feed("made-up-key", paste).ok();
    }
    // An index alone is enough, and so is a record alone.
    fs::remove_file(session.home().join("agents/work/auth-profiles.json")).unwrap();
    fs::remove_dir_all(session.home().join("agents/ops/records")).unwrap();
    let ids = [
        "main/groq:two",
        "groq:two",
        "new/groq:two",
        "main/groq:none",
        "providers/groq/apiKey",
        "ops/openrouter:one",
    ];
    let answer = session.resolve(&ids);
    let message = |id: &str| answer["errors"][id]["message"].as_str().unwrap().to_owned();
    for id in &ids[..3] {
        assert!(
            message(id).ends_with("agents ops, work have one, and agents do not share profiles"),
            "{answer}"
        );
        assert_eq!(answer["errors"][*id]["code"], "NOT_FOUND");
    }
    assert!(message(ids[3]).ends_with("\"groq:none\" (agent main)"), "{answer}");
    assert!(
        message(ids[4]).ends_with("and agents do not share profiles; agents ops, work have one"),
        "{answer}"
    );
    assert!(message(ids[5]).ends_with("agent main has one, and agents do not share profiles"), "{answer}");
    // A reader that is restricted to one agent learns about no other.
    let confined = session.feed(request(&ids[1..2]), ["--agent", "main", "resolve"]).ok().json();
    assert_eq!(
        confined["errors"]["groq:two"]["message"],
        "No credentials found for profile \"groq:two\" (agent main)"
    );
}

#[test]
fn the_best_profile_goes_by_order_expiry_and_cooldown() {
    let session = Session::new();
    let best = || session.resolve(&["providers/anthropic/apiKey"]);
    let value = || best()["values"]["providers/anthropic/apiKey"].clone();
    let past = 1_700_000_000_000_i64;
    let tokens = ["OLD", "TWO", "THREE"].map(setup_token);
    let source = json!({ "version": 1, "profiles": {
        "anthropic:old": { "type": "token", "provider": "anthropic", "token": tokens[0], "expires": past },
        "anthropic:two": { "type": "token", "provider": "anthropic", "token": tokens[1] },
        "anthropic:three": { "type": "token", "provider": "anthropic", "token": tokens[2] },
    }});
    session.feed(source.to_string(), ["import", "-"]).ok();
    session
        .run(["order", "set", "--provider", "anthropic", "anthropic:old", "anthropic:three", "anthropic:two"])
        .ok();
    assert_eq!(value(), tokens[2]);
    let far = 4_102_444_800_000_i64;
    let state = json!({ "version": 1, "usageStats": { "anthropic:three": { "cooldownUntil": far } } });
    fs::write(session.agent_file("auth-state.json"), state.to_string()).unwrap();
    assert_eq!(value(), tokens[1]);
    fs::write(session.agent_file("auth-state.json"), "{garbage").unwrap();
    assert_eq!(value(), tokens[2]);
    fs::remove_file(session.agent_file("auth-state.json")).unwrap();
    session.run(["order", "set", "--provider", "anthropic", "anthropic:old"]).ok();
    assert_eq!(best()["errors"]["providers/anthropic/apiKey"]["code"], "EXPIRED");
    // An expired profile is returned by name: the client judges expiry itself.
    let named = session.resolve(&["main/anthropic:old"]);
    assert_eq!(named["values"]["main/anthropic:old"], tokens[0]);
}

#[test]
fn no_process_or_thread_stays_behind() {
    let session = session();
    let mut child = start(&session);
    let id = child.id();
    child.stdin.take().unwrap().write_all(request(&["main/openrouter:one"]).as_bytes()).unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(out.contains(KEY) && child.wait().unwrap().success());
    assert!(!Path::new(&format!("/proc/{id}")).exists());
    let mut strace = strace(&session, "fork,vfork,clone,clone3,execve", &[]);
    strace.arg("resolve");
    let trace = ran(strace, request(&["main/openrouter:one"]).as_bytes()).ok().stderr;
    assert_eq!(trace.matches("execve(").count(), 1, "{trace}");
    // The calls, not just the words: the checkout's own path may contain these.
    let begins = |line: &&str| ["clone(", "clone3(", "fork("].iter().any(|call| line.contains(call));
    for line in trace.lines().filter(begins) {
        assert!(line.contains("CLONE_THREAD") || line.contains("resumed"), "a process: {line}");
    }
}
