//! `helper`: how it ends if there is nothing to give, under other names, and in time.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::helper::*;
use crate::session::{Ran, Session, binary, copy_binary, ran};

/// Every helper, with an input and a variable under which it would answer for `old:one`.
fn each(session: &Session, act: &dyn Fn(&str, Ran)) {
    let old = "https://old.x.io";
    for (name, input, variable, arguments) in [
        ("git", "protocol=https\nhost=old.x.io\n", ("A", "b"), &["helper", "git", "get"][..]),
        ("docker", "old.x.io", ("A", "b"), &["helper", "docker", "get"]),
        ("cargo", "", ("CARGO_REGISTRY_INDEX_URL", "sparse+https://old.x.io/"), &["helper", "cargo"]),
        ("kubectl", "", ("A", "b"), &["helper", "kubectl", "old:one"]),
        ("aws", "", ("A", "b"), &["helper", "aws", "old:one"]),
        ("mcp", "", ("CLAUDE_CODE_MCP_SERVER_URL", old), &["helper", "claude-mcp-headers"]),
    ] {
        let mut command = session.command(arguments);
        command.env(variable.0, variable.1);
        act(name, ran(command, input.as_bytes()).sane("canary-old"));
    }
}

#[test]
fn what_has_expired_is_not_given_out() {
    let session = session();
    for helper in ["aws", "kubectl"] {
        expired(&session, helper);
        session.run(["remove", "old:one", "--yes"]).ok();
    }
    expired(&session, "aws");
    edit(&session, "old:one", &["--helper", "kubectl"]);
    each(&session, &|name, ran| {
        let status = if matches!(name, "git" | "docker") { 1 } else { 65 };
        let ran = ran.failed("EXPIRED", status);
        assert_eq!(ran.stdout, if name == "docker" { NONE } else { "" }, "{name}");
    });
    let request = cargo(&session, "sparse+https://old.x.io/", &[]);
    assert!(request.contains("\"kind\":\"other\"") && request.contains("has expired"), "{request}");
}

#[test]
fn a_locked_or_missing_vault_fails_as_the_client_expects() {
    let locked = session();
    fs::remove_file(locked.key_file()).unwrap();
    for (session, code, exit) in [(&locked, "LOCKED", 77), (&Session::empty(), "NO_VAULT", 66)] {
        each(session, &|name, ran| {
            let status = if matches!(name, "git" | "docker") { 1 } else { exit };
            let ran = ran.failed(code, status);
            assert_eq!(ran.stdout, if name == "docker" { NONE } else { "" }, "{name}");
        });
        let answer = cargo(session, "sparse+https://git.x.io/", &[]);
        assert!(answer.starts_with("{\"Err\":{\"kind\":\"other\",\"message\":\"strongroom: "), "{answer}");
        session.run(["helper", "hermes"]).failed(code, exit);
    }
}

#[test]
fn the_names_of_programs_are_helpers() {
    let session = session();
    let named = |name: &str, arguments: &[&str], input: &str| {
        let path = session.path(name);
        let mut command = Command::new(&path);
        command.args(arguments).env_clear().env("HOME", session.temp.path()).env("PATH", "/usr/bin:/bin");
        command.current_dir(session.temp.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        ran(command, input.as_bytes())
    };
    symlink(binary(), session.path("git-credential-strongroom")).unwrap();
    copy_binary(&session.path("docker-credential-strongroom"));
    let home = session.home();
    let git = named("git-credential-strongroom", &["get"], "protocol=https\nhost=git.x.io\n").ok();
    assert_eq!(git.stdout, format!("username=me\npassword={KEY}-one\n"));
    let flags = ["--home", home.to_str().unwrap(), "get"];
    assert!(named("docker-credential-strongroom", &flags, "git.x.io").ok().stdout.contains(KEY));
    assert_eq!(named("docker-credential-strongroom", &["get"], "evil.io").stdout, NONE);
}

#[test]
fn a_client_that_keeps_its_output_open_does_not_hold_a_helper() {
    let session = session();
    for (arguments, status) in
        [(&["helper", "git", "get"][..], 1), (&["helper", "docker", "get"], 1), (&["helper", "hermes"], 0)]
    {
        let begun = Instant::now();
        let mut command = session.command(arguments);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Its standard input stays open.
        let stdin = child.stdin.take().unwrap();
        let output = child.wait_with_output().unwrap();
        let took = begun.elapsed();
        println!("{arguments:?} ended after {took:?}");
        assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(took < PATIENCE, "{took:?}");
        drop(stdin);
    }
}

#[test]
fn many_profiles_are_searched_in_time() {
    let session = Session::new();
    let mut entries = serde_json::Map::new();
    for n in 0..2000 {
        let entry =
            serde_json::json!({ "type": "token", "provider": "groq", "token": format!("made-up-{n}") });
        entries.insert(format!("groq:p{n}"), entry);
    }
    let index = serde_json::json!({ "version": 1, "profiles": entries }).to_string();
    session.feed(index, ["import", "-", "--yes"]).ok();
    store(&session, "github:one", &["--host", "https://git.x.io", "--username", "me"]);
    let begun = Instant::now();
    let answer = git(&session, "protocol=https\nhost=git.x.io\n").ok();
    println!("one of 2,001 by its host in {:?}", begun.elapsed());
    assert!(answer.stdout.contains(KEY));
}

#[test]
fn cargo_may_take_its_time_but_not_for_ever() {
    let session = session();
    let mut command = session.command(["--cargo-plugin"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(cargo_request("sparse+https://git.x.io/", &[]).as_bytes()).unwrap();
    stdin.write_all(b"{\"canary\":1}\n").unwrap();
    let begun = Instant::now();
    // Its standard input stays open.
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!((lines.len(), lines[0].as_str()), (3, "{\"v\":[1]}"));
    assert!(
        lines[1].contains(KEY) && lines[2].contains("\"kind\":\"other\"") && !lines[2].contains("canary")
    );
    drop(stdin);
}
