//! `connect --proxy` and `disconnect`, without the clients themselves: what they read is read here.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use crate::connect_clients_ends::{CHANGES, killed};
use crate::proxied::{Upstream, header, post};
use crate::session::{Ran, Session, kept, setup_token};

const KEY: &str = "made-up-canary-key";

struct Case {
    client: &'static str,
    flags: &'static [&'static str],
    config: &'static str,
    /// Its configuration, if it has one.
    text: Option<&'static str>,
    token_file: &'static str,
    /// A path at the proxy, as the client would request it.
    path: &'static str,
}

const CASES: &[Case] = &[
    Case {
        client: "claude-code",
        flags: &[],
        config: ".claude/settings.json",
        text: Some("{\n    \"env\": { \"X\": \"1\" },\n    \"model\": \"x\"\n}"),
        token_file: ".config/strongroom/tokens/claude-code",
        path: "/anthropic/v1/messages",
    },
    Case {
        client: "codex",
        flags: &["--name", "vault"],
        config: ".codex/config.toml",
        text: Some("# mine\nmodel = 'm'\r\n\r\n[tui] # x\r\nnotifications = true\r\n"),
        token_file: ".config/strongroom/tokens/codex",
        path: "/openai/v1/responses",
    },
    Case {
        client: "openclaw",
        flags: &["--provider", "anthropic", "--provider", "openai"],
        config: ".openclaw/openclaw.json",
        text: Some("// mine\n{ gateway: { mode: 'local' }, }\n"),
        token_file: ".config/strongroom/tokens/openclaw",
        path: "/anthropic/v1/messages",
    },
    Case {
        client: "env-file",
        flags: &["--provider", "openai", "--file", "agent.env"],
        config: "agent.env",
        text: None,
        token_file: "agent.env",
        path: "/openai/v1/responses",
    },
];

fn session() -> Session {
    let session = Session::new();
    session.paste("anthropic:one", &format!("{KEY}-anthropic"));
    session.paste("openai:one", &format!("{KEY}-openai"));
    for case in CASES {
        if let Some(text) = case.text {
            put(&session, case.config, text);
        }
    }
    session
}

fn put(session: &Session, name: &str, text: &str) -> PathBuf {
    let path = session.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn connect(session: &Session, case: &Case, more: &[&str]) -> Ran {
    session.run(["connect", case.client, "--proxy"].iter().chain(case.flags).chain(more))
}

fn accesses(session: &Session) -> Vec<String> {
    let listed = session.run(["access", "list", "--json"]).ok().json();
    let names = listed["accesses"].as_array().unwrap().iter();
    names.map(|access| access["name"].as_str().unwrap().to_owned()).collect()
}

/// Returns the files of the clients and of tokens: everything but the vault, and what the machine remembers of it.
fn files(session: &Session) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let is_own = |path: &Path| path.starts_with(session.path(".local"));
    kept(&session.path("")).into_iter().filter(|(path, ..)| !is_own(path)).collect()
}

/// A server that runs, and where it listens.
struct Serving(Child, String);

impl Serving {
    fn start(session: &Session, upstream: &Upstream) -> Self {
        let flags = ["serve", "--listen=127.0.0.1:0", &upstream.flag("anthropic"), &upstream.flag("openai")];
        let mut child = session.command(flags).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().rsplit(' ').next().unwrap().to_owned();
        Self(child, url)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// Returns the token in a file that has it alone, or as the value of a variable.
fn token(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let last = text.lines().last().unwrap();
    last.split_once('=').map_or(last, |(_, token)| token).to_owned()
}

#[test]
fn each_client_gets_a_token_and_the_address_and_is_disconnected_to_the_byte() {
    let session = session();
    let upstream = Upstream::start();
    let serving = Serving::start(&session, &upstream);
    for case in CASES {
        let before = files(&session);
        let shown = connect(&session, case, &["--dry-run"]).ok().stdout;
        assert!(shown.contains(&serving.1), "{}: {shown}", case.client);
        connect(&session, case, &[]).failed("NOT_CONFIRMED", 64);
        assert_eq!(files(&session), before, "{}", case.client);
        assert!(accesses(&session).is_empty());
        let done = connect(&session, case, &["--yes"]).ok();
        let text = fs::read_to_string(session.path(case.config)).unwrap();
        assert!(text.contains(&serving.1), "{}: {text}", case.client);
        assert_eq!(accesses(&session), [case.client]);
        let file = session.path(case.token_file);
        let mode = fs::metadata(&file).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", case.client);
        let token = token(&file);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(!said.contains(&token) && !format!("{said}{text}").contains(KEY), "{said}");
        assert_eq!(text.contains(&token), case.client == "env-file");
        let url = format!("{}{}", serving.1, case.path);
        assert_eq!(post(&url, ("authorization", &format!("Bearer {token}"))), 200, "{}", case.client);
        let again = connect(&session, case, &["--yes", "--json"]).ok().json();
        assert_eq!(again["result"], "unchanged", "{again}");
        let gone = session.run(["disconnect", case.client, "--yes", "--json"]).ok().json();
        assert_eq!((&gone["identical"], &gone["left"]), (&true.into(), &serde_json::json!([])), "{gone}");
        assert_eq!(files(&session), before, "{}", case.client);
        assert!(accesses(&session).is_empty());
        assert_eq!(post(&url, ("authorization", &format!("Bearer {token}"))), 401, "{}", case.client);
        session.run(["disconnect", case.client, "--yes"]).failed("NOT_FOUND", 66);
    }
    assert_eq!(upstream.heads().len(), CASES.len());
    assert_eq!(header(&upstream.heads()[0], "x-api-key"), Some("made-up-canary-key-anthropic"));
    session.run(["verify"]).ok();
}

#[test]
fn what_fails_leaves_no_access_and_no_token() {
    let session = session();
    // The directory of tokens cannot be made, after the access was.
    put(&session, ".config/strongroom/tokens", "");
    let before = files(&session);
    for case in CASES.iter().filter(|case| case.client != "env-file") {
        let failed = connect(&session, case, &["--yes"]);
        assert_ne!(failed.status, 0, "{}", failed.stdout);
        assert_eq!(files(&session), before, "{}", case.client);
        assert!(accesses(&session).is_empty(), "{}", case.client);
        session.run(["disconnect", case.client, "--yes"]).failed("NOT_FOUND", 66);
    }
}

#[test]
fn a_token_goes_into_no_work_tree_and_over_no_file() {
    let session = session();
    fs::create_dir_all(session.path("tree/.git")).unwrap();
    fs::create_dir_all(session.path("tree/below")).unwrap();
    symlink(session.path("tree/below"), session.path("link")).unwrap();
    symlink(session.path("nowhere"), session.path("dangling")).unwrap();
    session.write("there", "");
    let before = files(&session);
    for case in CASES {
        let to = |path: &str| {
            let flags = ["connect", case.client, "--proxy", "--provider", "openai", "--file", path, "--yes"];
            let own = ["connect", case.client, "--proxy", "--file", path, "--yes"];
            let of_one = matches!(case.client, "claude-code" | "codex");
            session.run(if of_one { &own[..] } else { &flags })
        };
        for path in ["tree/token", "tree/below/new/token", "link/token"] {
            to(path).failed("UNSAFE_FILE", 78);
        }
        to("there").failed("EXISTS", 73);
        let dangling = to("dangling");
        assert!([73, 78].contains(&dangling.status), "{}", dangling.stderr);
        assert_eq!(files(&session), before, "{}", case.client);
    }
    assert!(accesses(&session).is_empty());
}

#[test]
fn a_login_and_another_connection_stay() {
    let session = session();
    let [claude, codex, openclaw, _] = CASES else { panic!() };
    session.run(["connect", "claude-code", "--yes"]).ok();
    let refused = connect(&session, claude, &["--yes"]).failed("EXISTS", 73).stderr;
    assert!(refused.contains("strongroom disconnect claude-code"), "{refused}");
    session.run(["disconnect", "claude-code", "--yes"]).ok();
    put(&session, ".claude/.credentials.json", "{}");
    connect(&session, claude, &["--yes"]).failed("EXISTS", 73);
    let profiles =
        r#"{"version":1,"profiles":{"openai:x":{"type":"api_key","provider":"openai","key":"made-up"}}}"#;
    put(&session, ".openclaw/agents/main/agent/auth-profiles.json", profiles);
    connect(&session, openclaw, &["--yes"]).failed("EXISTS", 73);
    session.run(["connect", "openclaw", "--proxy", "--provider", "anthropic", "--yes"]).ok();
    session.run(["connect", "openclaw", "--yes"]).failed("EXISTS", 73);
    connect(&session, codex, &["--yes"]).ok();
    session.run(["connect", "codex", "--yes"]).failed("EXISTS", 73);
    let other = ["connect", "codex", "--proxy", "--profile", "openai:one", "--yes"];
    session.run(other).failed("EXISTS", 73);
    assert_eq!(accesses(&session), ["openclaw", "codex"]);
    // A name that someone else gave.
    session.run(["access", "add", "env-file", "--provider", "openai"]).ok();
    connect(&session, &CASES[3], &["--yes"]).failed("EXISTS", 73);
    assert!(!session.path("agent.env").exists());
}

#[test]
fn what_was_removed_or_changed_by_hand_is_made_again_or_stays() {
    let session = session();
    let case = &CASES[0];
    let file = session.path(case.token_file);
    connect(&session, case, &["--yes"]).ok();
    let first = token(&file);
    session.run(["access", "remove", "claude-code"]).ok();
    connect(&session, case, &["--yes"]).ok();
    let second = token(&file);
    assert_ne!(first, second);
    fs::remove_file(&file).unwrap();
    connect(&session, case, &["--yes"]).ok();
    assert_ne!(token(&file), second);
    assert_eq!(accesses(&session), ["claude-code"]);
    // Another address is written into the configuration, and the token stays.
    let third = token(&file);
    connect(&session, case, &["--url", "http://localhost:7788/", "--yes"]).ok();
    let text = fs::read_to_string(session.path(case.config)).unwrap();
    assert!(text.contains("\"http://localhost:7788/anthropic\"") && token(&file) == third, "{text}");
    fs::write(&file, "mine\n").unwrap();
    connect(&session, case, &["--yes"]).failed("EXISTS", 73);
    let gone = session.run(["disconnect", case.client, "--yes", "--json"]).ok().json();
    assert_eq!(gone["left"].as_array().unwrap().len(), 1, "{gone}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine\n");
    assert_eq!(fs::read_to_string(session.path(case.config)).unwrap(), case.text.unwrap());
    assert!(accesses(&session).is_empty());
}

#[test]
fn an_access_is_for_the_profile_that_is_named() {
    let session = session();
    session.paste("openai:two", &format!("{KEY}-two"));
    let upstream = Upstream::start();
    let serving = Serving::start(&session, &upstream);
    session.run(["connect", "codex", "--proxy", "--profile", "openai:two", "--yes"]).ok();
    let bearer = format!("Bearer {}", token(&session.path(CASES[1].token_file)));
    assert_eq!(post(&format!("{}/openai/v1/responses", serving.1), ("authorization", &bearer)), 200);
    assert_eq!(header(&upstream.heads()[0], "authorization"), Some("Bearer made-up-canary-key-two"));
}

#[test]
fn what_others_wrote_in_the_place_of_a_server_is_no_address() {
    for listener in ["http://evil.example.com", "http://127.0.0.1:1\"\nx = \"y", "http://192.0.2.1:7787"] {
        let session = session();
        let serving = Serving::start(&session, &Upstream::start());
        let said = session.agent_file("serve/running.json");
        let text = serde_json::json!({ "pid": 1, "since": 1, "listeners": [listener] });
        fs::write(&said, text.to_string()).unwrap();
        for case in &CASES[..2] {
            connect(&session, case, &["--yes"]).ok();
            let text = fs::read_to_string(session.path(case.config)).unwrap();
            assert!(text.contains("http://127.0.0.1:7787/"), "{text}");
            assert!(!text.contains("evil") && !text.contains("192.0.2.1"), "{text}");
        }
        drop(serving);
    }
}

#[test]
fn what_has_no_meaning_together_is_refused() {
    let session = session();
    session.paste("voyage:one", KEY);
    for flags in [
        &["claude-code", "--url", "http://127.0.0.1:7787"][..],
        &["codex", "--provider", "openai"],
        &["openclaw", "--file", "x"],
        &["env-file"],
        &["git", "--proxy"],
        &["claude-code", "--proxy", "--host", "https://x.io"],
        &["claude-code", "--proxy", "--name", "x"],
        &["claude-code", "--proxy", "--provider", "openai"],
        &["claude-code", "--proxy", "--profile", "openai:one"],
        &["claude-code", "--proxy", "--url", "https://127.0.0.1:7787"],
        &["claude-code", "--proxy", "--url", "http://192.0.2.1:7787"],
        &["claude-code", "--proxy", "--url", "http://127.0.0.1:7787/x"],
        &["openclaw", "--proxy"],
        &["openclaw", "--proxy", "--provider", "voyage"],
        &["env-file", "--proxy", "--provider", "openai"],
        &["env-file", "--proxy", "--file", "x"],
    ] {
        let ran = session.run(["connect"].iter().chain(flags).chain(&["--yes"]));
        assert_eq!(ran.status, 64, "{flags:?}: {}{}", ran.stdout, ran.stderr);
    }
    session
        .run(["connect", "claude-code", "--proxy", "--profile", "anthropic:no", "--yes"])
        .failed("NOT_FOUND", 66);
    session.run(["remove", "anthropic:one", "--yes"]).ok();
    session.feed(setup_token("PROXY"), ["paste-token", "--provider", "anthropic"]).ok();
    session.run(["connect", "claude-code", "--proxy", "--yes"]).failed("DENIED", 77);
    assert!(accesses(&session).is_empty());
}

#[test]
fn killed_at_any_change_it_is_finished_by_the_next_run() {
    let mut kills = 0;
    for client in ["claude-code", "env-file"] {
        let case = CASES.iter().find(|case| case.client == client).unwrap();
        let session = session();
        let line: Vec<_> =
            ["connect", client, "--proxy"].iter().chain(case.flags).chain(&["--yes"]).copied().collect();
        let text = || fs::read_to_string(session.path(case.config)).ok();
        for calls in CHANGES {
            for n in 1.. {
                if !killed(&session, calls, n, &line) {
                    break;
                }
                kills += 1;
                connect(&session, case, &["--yes"]).ok();
                assert_eq!(accesses(&session), [client], "{calls} {n}");
                let again = connect(&session, case, &["--yes", "--json"]).ok().json();
                assert_eq!(again["result"], "unchanged", "{calls} {n}: {again}");
                let ended = killed(&session, calls, n, &["disconnect", client, "--yes"]);
                kills += usize::from(ended);
                let gone = session.run(["disconnect", client, "--yes"]);
                assert!(gone.status == 0 || gone.stderr.contains("NOT_FOUND"), "{}", gone.stderr);
                assert!(accesses(&session).is_empty(), "{client} {calls} {n}");
                assert!(!session.path(case.token_file).exists(), "{client} {calls} {n}");
                assert_eq!(text().as_deref(), case.text, "{client} {calls} {n}");
            }
            session.run(["disconnect", client, "--yes"]).ok();
        }
        session.run(["verify"]).ok();
    }
    println!("{kills} kills");
    assert!(kills > 60, "{kills}");
}
