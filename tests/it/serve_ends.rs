//! How a server starts, locks, unlocks and ends, and what a killed one leaves.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::served::{Answer, Server, Upstream, reply, until};
use crate::session::Session;

const ANTHROPIC: &[&str] = &["--provider", "anthropic"];

#[test]
fn a_locked_server_keeps_its_port_and_refuses_until_it_is_unlocked() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!(server.ask(&token).status, 200);
    let locked = session.run(["lock"]).ok();
    assert!(locked.stdout.contains("Locked the server of agent main."), "{}", locked.stdout);
    server.says("Locked.");
    let reply = server.ask(&token);
    assert_eq!((reply.status, reply.refused().as_deref()), (503, Some("locked")));
    assert_eq!(server.ask("sk-strongroom-made-up").refused().as_deref(), Some("unknown_token"));
    let status = session.run(["status"]).ok().stdout;
    assert!(
        status.contains(&format!("Proxy  http://{}", server.address)) && status.contains("; locked)"),
        "{status}"
    );
    let doctor = session.run(["doctor"]);
    assert!(doctor.stdout.contains("the server of agent main is locked"), "{}", doctor.stdout);
    server.signal(Signal::HUP);
    server.says("Unlocked.");
    assert_eq!(server.ask(&token).status, 200);
    assert_eq!(upstream.keys().len(), 2);
    assert_eq!(server.end(), 0);
    assert!(!session.run(["status"]).ok().stdout.contains("Proxy"));
}

#[test]
fn a_time_that_is_over_locks_the_server_and_ends_its_streams() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    upstream.answer("one", Answer { events: 400, ..Answer::error(200, "") });
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &["--ttl", "2s"]);
    let mut stream = server.send(&token, "/anthropic/v1/messages", "");
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    assert!(!all.is_empty() && !all.ends_with(b"0\r\n\r\n"), "the stream went on");
    server.says("Locked because its time is over.");
    assert_eq!(server.ask(&token).refused().as_deref(), Some("locked"));
}

#[test]
fn a_server_that_is_told_to_end_lets_the_requests_that_run_end() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    upstream.answer("one", Answer { events: 20, ..Answer::error(200, "") });
    let token = session.access("builder", ANTHROPIC);
    let mut server = Server::begin(&session, &upstream, &[]);
    let mut stream = server.send(&token, "/anthropic/v1/messages", "");
    until("it was sent", || !upstream.got().is_empty());
    server.signal(Signal::TERM);
    let whole = reply(&mut stream);
    assert_eq!((whole.status, whole.body.matches("event: ping").count()), (200, 20));
    assert_eq!(server.ended(), 0);
}

#[test]
fn an_agent_has_one_server_and_a_killed_one_is_not_in_the_way() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let mut server = Server::begin(&session, &upstream, &["--socket", "s"]);
    session.run(["serve", "--listen", "127.0.0.1:0"]).failed("EXISTS", 73);
    let port = server.address.clone();
    server.signal(Signal::KILL);
    server.ended();
    assert!(!session.run(["status"]).ok().stdout.contains("Proxy"));
    let again = Server::begin(&session, &upstream, &["--socket", "s"]);
    assert_eq!(again.ask(&token).status, 200);
    drop(again);
    // A port that another program took meanwhile is told, and nothing is served elsewhere.
    let squatter = std::net::TcpListener::bind(&port).unwrap();
    let failed = session.run(["serve", "--listen", &port]).failed("IO", 74);
    assert!(failed.stderr.contains("another process has that port"), "{}", failed.stderr);
    drop(squatter);
}

#[test]
fn a_socket_is_for_its_user_alone_and_is_gone_with_the_server() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &["--socket", "proxy.sock"]);
    let path = session.path("proxy.sock");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "GET /anthropic/v1/models HTTP/1.1\r\nhost: any\r\nx-api-key: {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.end();
    assert!(!path.exists());
    fs::write(&path, "a file of the user's").unwrap();
    session.run(["serve", "--socket", "proxy.sock"]).failed("UNSAFE_FILE", 78);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a file of the user's");
}

#[test]
fn a_list_of_accesses_that_was_put_back_lets_no_one_in() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let agent = session.home().join("agents/main");
    let backup = session.path("backup");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let _ = fs::remove_dir_all(to);
        assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    copy(&agent, &backup);
    session.run(["access", "remove", "builder"]).ok();
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!(server.ask(&token).refused().as_deref(), Some("unknown_token"));
    // While the server runs, and before one starts.
    for file in ["ledger", "journal"] {
        let _ = fs::remove_file(agent.join(file));
        let _ = fs::copy(backup.join(file), agent.join(file));
    }
    assert_ne!(server.ask(&token).status, 200);
    server.says("Requests are refused because the profiles cannot be read");
    drop(server);
    copy(&backup, &agent);
    let refused = session.run(["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(refused.status, 0, "{}", refused.stdout);
    assert_eq!(upstream.got().len(), 0);
}

#[test]
fn a_server_holds_the_key_of_its_agent_alone() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let other =
        ["paste-api-key", "--provider", "anthropic", "--profile-id", "anthropic:other", "--agent", "ops"];
    session.feed(crate::served::key("other"), other).ok();
    let token = session.access("builder", ANTHROPIC);
    let own = session.access("builder", &["--provider", "anthropic", "--agent", "ops"]);
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!(server.ask(&own).refused().as_deref(), Some("unknown_token"));
    assert_eq!(server.ask(&token).status, 200);
    assert_eq!(upstream.keys(), ["one"]);
}

#[test]
fn what_a_server_cannot_do_is_refused_with_what_to_do() {
    let session = Session::with_keys(&["one"]);
    for (arguments, code, status) in [
        (&["--listen", "0.0.0.0:7787"][..], "USAGE", 64),
        (&["--listen", "7787"], "USAGE", 64),
        (&["--allow-uid", "1000"], "USAGE", 64),
        (&["--upstream", "anthropic"], "USAGE", 64),
        (&["--upstream", "anthropic=http://example.com"], "USAGE", 64),
        (&["--upstream", "anthropic=https://example.com/path"], "USAGE", 64),
        (&["--upstream-ca", "missing.pem"], "NO_INPUT", 66),
        (&["--agent", "absent"], "NOT_FOUND", 66),
    ] {
        let arguments = ["serve", "--listen", "127.0.0.1:0"]
            .into_iter()
            .take(if arguments[0] == "--listen" { 1 } else { 3 })
            .chain(arguments.iter().copied());
        session.run(arguments).failed(code, status);
    }
    let mut command = session.command(["serve", "--listen", "127.0.0.1:0"]);
    command.env("STRONGROOM_BACKOFF", "newest");
    crate::session::ran(command, b"").failed("CONFIG", 78);
    session.write("not.pem", "made up");
    session.run(["serve", "--upstream-ca", "not.pem"]).failed("BAD_DATA", 65);
}

#[test]
fn accesses_are_listed_and_refused_by_what_they_are() {
    let session = Session::with_keys(&["one"]);
    for (arguments, code, status) in [
        (&["add", "builder"][..], "USAGE", 64),
        (&["add", "../x", "--provider", "anthropic"], "USAGE", 64),
        (&["add", "builder", "--profile", "anthropic:none"], "NOT_FOUND", 66),
        (&["add", "builder", "--provider", "anthropic", "--per-minute", "0"], "USAGE", 64),
        (&["add", "builder", "--provider", "anthropic", "--at-once", "many"], "USAGE", 64),
        (&["remove", "builder"], "NOT_FOUND", 66),
    ] {
        session.run(["access"].into_iter().chain(arguments.iter().copied())).failed(code, status);
    }
    let file = [
        "access",
        "add",
        "builder",
        "--profile",
        "anthropic:one",
        "--token-file",
        "token",
        "--per-minute",
        "9",
    ];
    let added = session.run(file).ok();
    assert_eq!(added.stdout, "");
    let token = fs::read_to_string(session.path("token")).unwrap();
    assert_eq!(fs::metadata(session.path("token")).unwrap().permissions().mode() & 0o777, 0o600);
    session.run(file).failed("EXISTS", 73);
    session.run(["access", "add", "builder", "--provider", "anthropic"]).failed("EXISTS", 73);
    // A renamed profile is followed.
    session.run(["rename", "anthropic:one", "anthropic:renamed"]).ok();
    let listed = session.run(["access", "list", "--json"]).ok();
    assert!(!listed.stdout.contains(token.trim()));
    let access = &listed.json()["accesses"][0];
    assert_eq!((&access["name"], &access["perMinute"]), (&"builder".into(), &9.into()));
    assert_eq!(access["profiles"], serde_json::json!(["anthropic:renamed"]));
    let log = session.run(["log"]).ok().stdout;
    assert!(log.contains("access-add") && log.contains("builder"), "{log}");
    session.run(["access", "remove", "builder"]).ok();
    session.run(["verify"]).ok();
}

#[test]
fn a_file_for_a_token_that_cannot_be_written_leaves_no_access() {
    let session = Session::with_keys(&["one"]);
    session.write("file", "made up");
    let add = |path: &str| {
        session.run(["access", "add", "builder", "--provider", "anthropic", "--token-file", path])
    };
    assert_ne!(add("file/token").status, 0);
    fs::create_dir_all(session.path("tree/.git")).unwrap();
    let refused = add("tree/token").failed("UNSAFE_FILE", 78);
    assert!(!session.path("tree/token").exists(), "{}", refused.stderr);
    let listed = session.run(["access", "list", "--json"]).ok().json();
    assert_eq!(listed["accesses"], serde_json::json!([]));
}

#[test]
fn requests_without_a_token_do_not_push_out_the_lines_of_others() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!(server.ask(&token).status, 200);
    for _ in 0..200 {
        server.ask("sk-strongroom-made-up");
    }
    assert_eq!(server.ask(&token).status, 200);
    server.end();
    let log = session.run(["log", "--requests", "--json"]).ok().json();
    let lines = log["requests"].as_array().unwrap();
    assert!(lines.len() < 100, "{} lines", lines.len());
    let told: u64 = lines.iter().map(|line| 1 + line["strangers"].as_u64().unwrap_or(0)).sum();
    assert_eq!(told, 202);
}

#[test]
fn a_server_that_unlocks_while_it_is_locked_stays_locked() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    session.run(["lock"]).ok();
    server.says("Locked.");
    // It unlocks only when it goes on, and `lock` comes before that.
    server.signal(Signal::STOP);
    server.signal(Signal::HUP);
    server.signal(Signal::USR1);
    server.signal(Signal::CONT);
    until("it did both", || {
        let said = server.said();
        let unlocked = said.contains("Still locked") || said.contains("Unlocked.");
        said.matches("Locked.").count() == 2 && unlocked
    });
    assert_eq!(server.ask(&token).refused().as_deref(), Some("locked"));
}

#[test]
fn files_that_cannot_be_trusted_end_the_streams_that_are_open() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    upstream.answer("one", Answer { events: 400, ..Answer::error(200, "") });
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    let mut stream = server.begin_stream(&token);
    for file in ["ledger", "journal"] {
        let _ = fs::remove_file(session.agent_file(file));
    }
    let begun = std::time::Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(8) && !rest.ends_with(b"0\r\n\r\n"), "it went on");
}

#[test]
fn a_key_that_unlock_keeps_is_dropped_when_its_time_is_over() {
    let Some(session) = Session::kept_unlocked() else { return };
    let upstream = Upstream::begin();
    session.paste("anthropic:one", &crate::served::key("one"));
    let by = ["--passphrase-file", "passphrase"];
    let token = session.access("builder", &[ANTHROPIC, &by].concat());
    session.run(["lock"]).ok();
    // The server needs no more than the agent's own key.
    let unlock = |ttl: &str| session.run(["unlock", "--agent", "main", "--ttl", ttl].iter().chain(&by)).ok();
    unlock("5s");
    let server = Server::begin(&session, &upstream, &["--agent", "main"]);
    assert_eq!(server.ask(&token).status, 200);
    server.says("Locked because its time is over.");
    assert_eq!(server.ask(&token).refused().as_deref(), Some("locked"));
    let told = unlock("10m");
    assert!(told.stderr.contains("The server of agent main unlocks too."), "{}", told.stderr);
    server.says("Unlocked.");
    assert_eq!(server.ask(&token).status, 200);
    session.run(["lock"]).ok();
    assert_eq!(server.ask(&token).refused().as_deref(), Some("locked"));
}

#[test]
fn a_request_that_runs_when_the_server_is_locked_hears_that_it_is() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    upstream.answer("one", Answer { after: Duration::from_secs(20), ..Answer::of(200) });
    let mut locked = server.send(&token, "/anthropic/v1/messages", "");
    until("it was sent", || !upstream.got().is_empty());
    session.run(["lock"]).ok();
    let heard = reply(&mut locked);
    assert_eq!((heard.status, heard.refused().as_deref()), (503, Some("locked")));
    server.signal(Signal::HUP);
    server.says("Unlocked.");
    let mut removed = server.send(&token, "/anthropic/v1/messages", "");
    until("it was sent", || !upstream.got().is_empty());
    session.run(["access", "remove", "builder"]).ok();
    assert_eq!(reply(&mut removed).refused().as_deref(), Some("ended"));
}

#[test]
fn a_token_that_could_not_be_printed_is_of_no_access() {
    let session = Session::with_keys(&["one"]);
    for flags in [&[][..], &["--json"]] {
        let add = ["access", "add", "builder"].iter().chain(ANTHROPIC).chain(flags);
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = session.command(add).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(74));
        let listed = session.run(["access", "list", "--json"]).ok().json();
        assert_eq!(listed["accesses"].as_array().unwrap().len(), 0);
    }
}
