//! The proxy over a real vault: who may ask, which profile answers, and what is written down.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::served::{Answer, Server, Upstream, key, reply, until};
use crate::session::Session;

const ANTHROPIC: &[&str] = &["--provider", "anthropic"];

/// Returns the profile that `status` names next.
fn next(session: &Session) -> String {
    let status = session.run(["status", "--json"]).json();
    let providers = status["vault"]["providers"].as_array().unwrap();
    let own = providers.iter().find(|one| one["provider"] == "anthropic").unwrap();
    own["next"].as_str().unwrap_or_default().to_owned()
}

fn status(session: &Session) -> String {
    session.run(["status"]).stdout
}

#[test]
fn a_client_gets_an_answer_by_the_vaults_key_and_never_sees_it() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    assert!(token.starts_with("sk-strongroom-") && token.len() == 57, "{token}");
    let server = Server::begin(&session, &upstream, &[]);
    let reply = server.ask(&token);
    assert_eq!((reply.status, &*reply.body), (200, r#"{"ok":true,"key":"[masked:anthropic:one]"}"#));
    let got = upstream.got();
    assert_eq!((got.len(), got[0].key(), &*got[0].path), (1, &*key("one"), "/v1/messages"));
    assert!(got[0].body.contains("made-up-model") && !format!("{got:?}").contains(&token));
    let said = server.said();
    assert_eq!(server.end(), 0);
    // Neither the token nor the key is in the home in plain text, nor told to anyone.
    for secret in [&token, &key("one")] {
        assert!(!said.contains(secret));
        let found =
            std::process::Command::new("grep").args(["-rlF", "--", secret]).arg(session.home()).output();
        assert_eq!(String::from_utf8_lossy(&found.unwrap().stdout), "");
    }
}

#[test]
fn a_token_is_for_its_providers_and_profiles_alone_and_works_while_it_lasts() {
    let (session, upstream) = (Session::with_keys(&["one", "two"]), Upstream::begin());
    session.paste("openai:default", "sk-made-up-openai-key-0123456789");
    let provider = session.access("provider", ANTHROPIC);
    let profile = session.access("profile", &["--profile", "anthropic:two"]);
    let other = session.access("other", &["--provider", "openai"]);
    let short = session.access("short", &["--provider", "anthropic", "--expires-in", "2s"]);
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!((server.ask(&provider).status, upstream.keys()), (200, vec!["one".to_owned()]));
    assert_eq!((server.ask(&profile).status, upstream.keys()), (200, vec!["two".to_owned()]));
    assert_eq!(server.ask(&other).refused().unwrap(), "other_provider");
    assert_eq!(server.ask("sk-strongroom-made-up").refused().unwrap(), "unknown_token");
    assert_eq!(server.ask_with(&provider, "/openai/v1/responses", "").refused().unwrap(), "other_provider");
    until("the access expires", || server.ask(&short).refused().as_deref() == Some("expired_token"));
    // One that is added while the server runs works at once, and one that is removed no longer does.
    let later = session.access("later", ANTHROPIC);
    assert_eq!(server.ask(&later).status, 200);
    session.run(["access", "remove", "later"]).ok();
    assert_eq!(server.ask(&later).refused().unwrap(), "unknown_token");
    // An access is for a profile as it was created: another one under its id is another profile.
    session.run(["remove", "anthropic:two", "--yes"]).ok();
    session.paste("anthropic:two", &key("new"));
    assert_eq!(server.ask(&profile).refused().unwrap(), "no_profile");
}

#[test]
fn a_removed_access_ends_the_streams_that_are_open() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    upstream.answer("one", Answer { events: 400, ..Answer::error(200, "") });
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    let mut stream = server.begin_stream(&token);
    session.run(["access", "remove", "builder"]).ok();
    let mut rest = Vec::new();
    let begun = std::time::Instant::now();
    let _ = stream.read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(5) && !rest.ends_with(b"0\r\n\r\n"), "it went on");
}

#[test]
fn a_failure_hops_once_and_status_says_what_the_proxy_does() {
    let (session, upstream) = (Session::with_keys(&["one", "two", "three"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!(next(&session), "anthropic:one");
    let limited = Answer::error(429, "rate_limit_error");
    upstream.answer("one", Answer { headers: "retry-after: 600\r\n".to_owned(), ..limited.clone() });
    assert_eq!(server.ask(&token).status, 200);
    assert_eq!(upstream.keys(), ["one", "two"]);
    until("status says it", || next(&session) == "anthropic:two");
    let state = fs::read_to_string(session.agent_file("auth-state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    let usage = &state["usageStats"]["anthropic:one"];
    let waits = usage["cooldownUntil"].as_i64().unwrap() - usage["lastFailureAt"].as_i64().unwrap();
    assert!((590_000..=600_000).contains(&waits), "{usage}");
    // The next one is asked first, and one hop is all.
    upstream.answer("two", Answer::error(529, "overloaded_error"));
    upstream.answer("three", limited);
    let reply = server.ask(&token);
    assert_eq!((reply.status, upstream.keys()), (429, vec!["two".to_owned(), "three".to_owned()]));
    assert!(reply.body.contains("rate_limit_error"), "{}", reply.body);
    // If all cool down, the one whose time ends first is asked, as status says, and the client hears the provider.
    until("the state says all", || session.run(["status"]).ok().stdout.matches("cooling down").count() == 3);
    let named = next(&session);
    assert_eq!(server.ask(&token).status, if named.ends_with("two") { 529 } else { 429 });
    assert_eq!(upstream.keys().first().map(String::as_str), named.split(':').nth(1));
    // A cooldown that another program ends counts at once.
    session.run(["report", "anthropic:one", "--success"]).ok();
    upstream.answer("one", Answer { body: "{}".to_owned(), ..Answer::error(200, "") });
    assert_eq!((server.ask(&token).status, upstream.keys()), (200, vec!["one".to_owned()]));
}

#[test]
fn a_rotated_key_is_used_at_once_and_a_failure_of_the_old_one_is_not_laid_to_it() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    upstream.answer("one", Answer::error(401, "authentication_error"));
    assert_eq!(server.ask(&token).status, 401);
    session.feed(key("new"), ["rotate", "anthropic:one"]).ok();
    assert_eq!(server.ask(&token).status, 200);
    assert_eq!(upstream.keys(), ["one", "new"]);
    until("the old failure is gone", || !session.run(["status"]).ok().stdout.contains("cooling down"));
    // A changed vault key is read again too: a key file needs no one.
    session.run(["rekey", "--yes"]).ok();
    assert_eq!(
        (server.ask(&token).status, upstream.keys()),
        (200, vec!["new".to_owned()]),
        "{}",
        server.said()
    );
}

#[test]
fn a_refusal_that_a_request_can_cause_counts_for_others_only_if_they_meet_it_too() {
    let (session, upstream) = (Session::with_keys(&["one", "two"]), Upstream::begin());
    let (mean, other) = (session.access("mean", ANTHROPIC), session.access("other", ANTHROPIC));
    let server = Server::begin(&session, &upstream, &[]);
    upstream.answer("one", Answer::error(403, "permission_error"));
    for _ in 0..20 {
        server.ask(&mean);
    }
    let asked = upstream.keys();
    assert_eq!(asked.iter().filter(|key| *key == "one").count(), 1, "it rests for that client: {asked:?}");
    assert_eq!(next(&session), "anthropic:one");
    upstream.answer("one", Answer { body: "{}".to_owned(), ..Answer::error(200, "") });
    assert_eq!((server.ask(&other).status, upstream.keys()), (200, vec!["one".to_owned()]));
    upstream.answer("one", Answer::error(403, "permission_error"));
    server.ask(&other);
    until("both met it", || next(&session) == "anthropic:two");
}

#[test]
fn a_refusal_in_a_stream_counts_for_its_client_alone_too() {
    let (session, upstream) = (Session::with_keys(&["one", "two"]), Upstream::begin());
    let (mean, other) = (session.access("mean", ANTHROPIC), session.access("other", ANTHROPIC));
    let server = Server::begin(&session, &upstream, &[]);
    let error = Answer::error(200, "permission_error");
    let body = format!("event: error\ndata: {}\n\n", error.body);
    upstream.answer("one", Answer { body, kind: "text/event-stream", ..error });
    server.ask(&mean);
    server.ask(&mean);
    assert_eq!(upstream.keys(), ["one", "two", "two"]);
    upstream.answer("one", Answer::of(200));
    assert_eq!((server.ask(&other).status, upstream.keys()), (200, vec!["one".to_owned()]));
    assert_eq!(next(&session), "anthropic:one");
}

#[test]
fn a_success_that_began_before_a_failure_or_that_costs_nothing_ends_no_cooldown() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    upstream.answer("one", Answer { after: Duration::from_secs(4), ..Answer::of(200) });
    let mut slow = server.send(&token, "/anthropic/v1/messages", "");
    until("it was sent", || !upstream.got().is_empty());
    upstream.answer("one", Answer { headers: "retry-after: 600\r\n".to_owned(), ..Answer::of(429) });
    assert_eq!(server.ask(&token).status, 429);
    until("it rests", || status(&session).contains("cooling down"));
    assert_eq!(reply(&mut slow).status, 200);
    upstream.answer("one", Answer::of(200));
    for path in ["/anthropic/v1/messages/count_tokens", "/anthropic/api/hello", "/anthropic/v1/models"] {
        let method = if path.ends_with("tokens") { "POST" } else { "GET" };
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nx-api-key: {token}\r\n", server.address);
        write!(stream, "{head}content-length: 0\r\n\r\n").unwrap();
        assert_eq!(reply(&mut stream).status, 200, "{path}");
    }
    // A report is written by a thread, at once.
    std::thread::sleep(Duration::from_millis(500));
    assert!(status(&session).contains("cooling down"), "{}", status(&session));
    // What costs says that the provider answers again.
    assert_eq!(server.ask(&token).status, 200);
    until("it rests no more", || !status(&session).contains("cooling down"));
}

#[test]
fn a_session_stays_with_its_profile_and_a_persons_pin_holds() {
    let (session, upstream) = (Session::with_keys(&["one", "two"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    let ask = |name: &str| {
        let head = format!("x-claude-code-session-id: {name}\r\n");
        server.ask_with(&token, "/anthropic/v1/messages", &head).status
    };
    session.run(["pin", "--session", "pinned", "anthropic:two"]).ok();
    assert_eq!((ask("pinned"), ask("free")), (200, 200));
    assert_eq!(upstream.keys(), ["two", "one"]);
    session.run(["order", "set", "--provider", "anthropic", "anthropic:two", "anthropic:one"]).ok();
    assert_eq!((ask("free"), ask("new")), (200, 200));
    assert_eq!(upstream.keys(), ["one", "two"]);
    // A pinned session hears the failure instead of hopping.
    upstream.answer("two", Answer::error(429, "rate_limit_error"));
    assert_eq!((ask("pinned"), upstream.keys()), (429, vec!["two".to_owned()]));
}

#[test]
fn a_forged_line_at_the_end_of_the_requests_stops_nothing() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let file = session.agent_file("serve/requests.jsonl");
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!((server.ask(&token).status, server.end()), (200, 0));
    let line = fs::read_to_string(&file).unwrap();
    let last = line.replace(r#""seq":1,"#, &format!(r#""seq":{},"#, u64::MAX));
    for forged in [last, line.replace(r#""status":200"#, r#""status":500"#), "no line\n".to_owned()] {
        fs::File::options().append(true).open(&file).unwrap().write_all(forged.as_bytes()).unwrap();
        let server = Server::begin(&session, &upstream, &[]);
        assert_eq!((server.ask(&token).status, server.end()), (200, 0));
    }
    let log = session.run(["log", "--requests", "--json"]).json();
    let lines = log["requests"].as_array().unwrap();
    let is_damaged = |line: &&Value| line["fault"].as_str().is_some_and(|fault| fault.starts_with("DAMAGED"));
    let good: Vec<_> =
        lines.iter().filter(|line| !is_damaged(line)).map(|line| line["seq"].as_u64()).collect();
    assert_eq!(good, [1, 2, 3, 4].map(Some), "{log:#}");
}

#[test]
fn every_request_is_in_a_log_of_its_own_and_none_in_the_vaults() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    let before = fs::read(session.agent_file("log.jsonl")).unwrap();
    upstream.answer("one", Answer::error(429, "rate_limit_error"));
    for _ in 0..3 {
        server.ask_with(&token, "/anthropic/v1/messages?beta=made-up-query", "x-strongroom-session: s\r\n");
    }
    server.ask("sk-strongroom-made-up");
    assert_eq!(server.end(), 0);
    assert_eq!(fs::read(session.agent_file("log.jsonl")).unwrap(), before);
    let log = session.run(["log", "--requests", "--json"]).ok();
    assert!(!log.stdout.contains("made-up-query") && !log.stdout.contains("made-up-model"));
    let log = log.json();
    let lines = log["requests"].as_array().unwrap();
    let said: Vec<_> = lines
        .iter()
        .map(|line| (line["access"].as_str(), line["profile"].as_str(), line["status"].as_u64().unwrap()))
        .collect();
    let own = (Some("builder"), Some("anthropic:one"), 429);
    assert_eq!(said, [own, own, own, (None, None, 401)]);
    assert_eq!((&lines[0]["session"], &log["damaged"]), (&"s".into(), &0.into()));
    // A line that was altered, and one whose line before is gone, are told.
    let path = session.agent_file("serve/requests.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"status\":429", "\"status\":200", 1)).unwrap();
    assert_eq!(session.run(["log", "--requests", "--json"]).ok().json()["damaged"], 1);
    let kept: Vec<_> = text.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, line)| line).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    assert_eq!(session.run(["log", "--requests", "--json"]).ok().json()["damaged"], 1);
    // A torn last line does not stop the next server, which goes on from the line before.
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    let server = Server::begin(&session, &upstream, &[]);
    server.ask(&token);
    server.end();
    let log = session.run(["log", "--requests", "--json"]).ok().json();
    assert_eq!(log["requests"].as_array().unwrap().len(), 5, "{log}");
    session.run(["verify"]).ok();
}

#[test]
fn only_a_known_path_of_a_provider_is_open_and_a_strange_host_is_not() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    for (path, head, code) in [
        ("/anthropic/v1/organizations/api_keys", "", "endpoint"),
        ("/anthropic/../openai/v1/responses", "", "target"),
        ("/anthropic/v1/messages%2fbatches", "", "target"),
        ("/unknown/v1/messages", "", "other_provider"),
        ("/anthropic/v1/messages", "origin: https://example.com\r\n", "origin"),
        ("/anthropic/v1/messages", "authorization: Bearer made-up\r\n", "several_tokens"),
    ] {
        let reply = server.ask_with(&token, path, head);
        assert_eq!(reply.refused().as_deref(), Some(code), "{path} {head} {reply:?}");
    }
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let request =
        format!("GET /anthropic/v1/models HTTP/1.1\r\nhost: evil.example\r\nx-api-key: {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(reply(&mut stream).refused().as_deref(), Some("host"));
    assert_eq!(upstream.got().len(), 0);
}
