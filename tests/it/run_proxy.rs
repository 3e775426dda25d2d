//! A program that gets the proxy's address and a token instead of secrets.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::proxied::{Upstream, header, post};
use crate::served::until;
use crate::session::{Session, setup_token};

const KEY: &str = "made-up-canary-key";

fn session() -> Session {
    let session = Session::new();
    session.paste("anthropic:one", &format!("{KEY}-anthropic"));
    session.paste("openai:one", &format!("{KEY}-openai"));
    session.paste("mistral:one", &format!("{KEY}-mistral"));
    session
}

/// A program that runs until its input ends, and the variables that it was given.
struct Running {
    child: Child,
    variables: HashMap<String, String>,
}

impl Running {
    fn start(session: &Session, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let _ = std::fs::remove_file(session.path("told"));
        rustix::fs::mkfifoat(rustix::fs::CWD, session.path("told"), rustix::fs::Mode::RWXU).unwrap();
        let script = "env >told; cat >/dev/null";
        let program = ["--", "sh", "-c", script];
        let mut command = session.command(["run", "--proxy"].iter().chain(flags).chain(&program));
        let child = command.envs(variables.iter().copied()).stdin(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(std::fs::File::open(session.path("told")).unwrap());
        let lines = told.lines().map(|line| line.unwrap());
        let variables = lines.filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Self { variables: variables.collect(), child }
    }

    fn get(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// Lets it end, and returns what it wrote to standard error.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let output = self.child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn a_program_has_a_token_and_no_key_and_its_requests_get_the_key() {
    let session = session();
    let upstream = Upstream::start();
    let given = [
        ("ANTHROPIC_API_KEY", "inherited"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "inherited"),
        ("ANTHROPIC_BASE_URL", "http://inherited"),
        ("GROQ_API_KEY", "kept"),
        ("HTTP_PROXY", "http://made-up.example:3128"),
        ("NO_PROXY", "example.org"),
    ];
    let flags = ["--provider", "anthropic", &upstream.flag("anthropic")];
    let running = Running::start(&session, &flags, &given);
    let base = running.get("ANTHROPIC_BASE_URL").to_owned();
    assert!(base.starts_with("http://127.0.0.1:") && base.ends_with("/anthropic"), "{base}");
    let token = running.get("ANTHROPIC_AUTH_TOKEN").to_owned();
    assert!(token.starts_with("sk-strongroom-"), "{token}");
    for name in ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "OPENAI_BASE_URL", "OPENAI_API_KEY"] {
        assert_eq!(running.get(name), "", "{name}");
    }
    assert_eq!((running.get("GROQ_API_KEY"), running.get("HTTP_PROXY")), ("kept", given[4].1));
    assert_eq!(
        (running.get("NO_PROXY"), running.get("no_proxy")),
        ("example.org,127.0.0.1", "example.org,127.0.0.1")
    );
    assert!(running.variables.values().all(|value| !value.contains(KEY)));
    let messages = format!("{base}/v1/messages");
    assert_eq!(post(&messages, ("authorization", &format!("Bearer {token}"))), 200);
    assert_eq!(post(&messages, ("x-api-key", &token)), 200);
    assert_eq!(post(&messages, ("x-api-key", "sk-strongroom-other")), 401);
    assert_eq!(post(&base.replace("/anthropic", "/openai/v1/responses"), ("x-api-key", &token)), 403);
    let heads = upstream.heads();
    assert_eq!(heads.len(), 2);
    for head in &heads {
        assert_eq!(header(head, "x-api-key"), Some("made-up-canary-key-anthropic"));
        assert!(!head.contains(&token), "{head}");
    }
    assert_eq!(running.end(), "");
    let port = base.trim_start_matches("http://").trim_end_matches("/anthropic");
    assert!(TcpStream::connect(port).is_err(), "it still listens");
    // What came of the requests is where others read it.
    let state = std::fs::read_to_string(session.agent_file("auth-state.json")).unwrap();
    assert!(state.contains("anthropic:one"), "{state}");
}

#[test]
fn each_provider_has_its_variables_or_a_word_about_it() {
    let session = session();
    let upstream = Upstream::start();
    let flags = ["--all", &upstream.flag("openai"), &upstream.flag("mistral")];
    let running = Running::start(&session, &flags, &[]);
    let (url, token) = (running.get("STRONGROOM_PROXY_URL"), running.get("STRONGROOM_PROXY_TOKEN"));
    assert_eq!(running.get("OPENAI_BASE_URL"), format!("{url}/openai/v1"));
    assert_eq!(running.get("OPENAI_API_KEY"), token);
    assert_eq!(running.get("ANTHROPIC_BASE_URL"), format!("{url}/anthropic"));
    let bearer = format!("Bearer {token}");
    for path in ["openai/v1/responses", "mistral/v1/chat/completions"] {
        assert_eq!(post(&format!("{url}/{path}"), ("authorization", &bearer)), 200, "{path}");
    }
    let keys: Vec<_> =
        upstream.heads().iter().map(|head| header(head, "authorization").unwrap().to_owned()).collect();
    assert_eq!(keys, [format!("Bearer {KEY}-openai"), format!("Bearer {KEY}-mistral")]);
    let said = running.end();
    assert!(said.contains("mistral") && said.contains("$STRONGROOM_PROXY_URL/mistral/v1"), "{said}");
    assert!(!said.contains("openai"), "{said}");
}

#[test]
fn an_access_for_a_profile_is_for_no_other_one_of_its_provider() {
    let session = session();
    session.paste("openai:two", &format!("{KEY}-two"));
    let upstream = Upstream::start();
    let flags = ["--profile", "openai:two", &upstream.flag("openai")];
    let running = Running::start(&session, &flags, &[]);
    let url = format!("{}/responses", running.get("OPENAI_BASE_URL"));
    assert_eq!(post(&url, ("authorization", &format!("Bearer {}", running.get("OPENAI_API_KEY")))), 200);
    assert_eq!(header(&upstream.heads()[0], "authorization"), Some("Bearer made-up-canary-key-two"));
    running.end();
}

#[test]
fn tokens_of_other_clients_are_not_for_it() {
    let session = session();
    let upstream = Upstream::start();
    let access = session.run(["access", "add", "run", "--provider", "openai"]).ok().stdout;
    let running = Running::start(&session, &["--provider", "openai", &upstream.flag("openai")], &[]);
    let url = format!("{}/responses", running.get("OPENAI_BASE_URL"));
    assert_eq!(post(&url, ("authorization", &format!("Bearer {}", access.trim_end()))), 401);
    assert_eq!(post(&url, ("authorization", &format!("Bearer {}", running.get("OPENAI_API_KEY")))), 200);
    running.end();
    // It runs beside one that serves other clients, and adds no access to the vault.
    assert!(session.run(["access", "list", "--json"]).ok().json()["accesses"].as_array().unwrap().len() == 1);
}

#[test]
fn the_token_is_masked_and_the_status_is_the_programs() {
    let session = session();
    let run = |flags: &[&str], script: &str| {
        let all = ["run", "--proxy", "--provider", "anthropic"].iter().chain(flags);
        session.run(all.chain(&["--", "sh", "-c", script]))
    };
    let shown =
        run(&[], r#"echo "$ANTHROPIC_AUTH_TOKEN"; printf %s "$ANTHROPIC_AUTH_TOKEN" | base64 -w0; exit 3"#);
    assert_eq!((shown.status, shown.stdout.as_str()), (3, "[masked:token]\n[masked:token]"));
    let shown = run(&["--no-mask"], r#"echo "$ANTHROPIC_AUTH_TOKEN""#).ok().stdout;
    assert!(shown.starts_with("sk-strongroom-"), "{shown}");
    assert_eq!(run(&[], "kill -9 $$").status, 137);
    let missing = ["run", "--proxy", "--provider", "anthropic", "--", "no-such-program"];
    session.run(missing).failed("NO_INPUT", 127);
}

#[test]
fn a_signal_is_the_programs_and_the_proxy_goes_on() {
    let session = session();
    let upstream = Upstream::start();
    let script = r#"trap 'echo got' TERM USR1; exec 3<&0; cat <&3 &
        echo "$OPENAI_BASE_URL $OPENAI_API_KEY"; wait; wait; wait; exit 4"#;
    let flag = upstream.flag("openai");
    let flags = ["run", "--proxy", "--no-mask", "--provider", "openai", &flag, "--", "sh", "-c", script];
    let mut command = session.command(flags);
    // Away from the terminal at which the tests are run.
    let mut child = command.process_group(0).stdin(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let told = output.next().unwrap();
    let (base, token) = told.split_once(' ').unwrap();
    // SIGINT is ignored if the tests run in the background of a script.
    for signal in [Signal::USR1, Signal::TERM] {
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(output.next().as_deref(), Some("got"));
        assert_eq!(post(&format!("{base}/responses"), ("authorization", &format!("Bearer {token}"))), 200);
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn lock_takes_the_key_from_a_programs_server_and_unlock_gives_it_back() {
    let Some(session) = Session::kept_unlocked() else { return };
    let by = ["--passphrase-file", "passphrase"];
    let paste = ["paste-api-key", "--provider", "openai"].into_iter().chain(by);
    session.feed(format!("{KEY}-openai"), paste).ok();
    let upstream = Upstream::start();
    let running = Running::start(&session, &["--provider", "openai", &upstream.flag("openai")], &[]);
    let url = format!("{}/responses", running.get("OPENAI_BASE_URL"));
    let bearer = format!("Bearer {}", running.get("OPENAI_API_KEY"));
    let ask = || post(&url, ("authorization", &bearer));
    assert_eq!(ask(), 200);
    let process = format!("`run --proxy` (process {})", running.child.id());
    let locked = session.run(["lock"]).ok();
    assert!(locked.stdout.contains(&format!("Locked the server of {process}.")), "{}", locked.stdout);
    assert_eq!(ask(), 503);
    let again = session.run(["--json", "lock"]).ok().json();
    assert_eq!(again, serde_json::json!({ "forgotten": false, "servers": [], "programs": [] }));
    let unlocked = session.run(["unlock"].into_iter().chain(by)).ok();
    assert!(
        unlocked.stderr.contains(&format!("The server of {process} unlocks too.")),
        "{}",
        unlocked.stderr
    );
    until("it is unlocked", || ask() == 200);
    assert_eq!(running.end(), "");
    let places = session.agent_file("serve/programs");
    let left = std::fs::read_dir(places).unwrap().flatten().filter(|entry| entry.path().is_dir());
    assert_eq!(left.count(), 0);
}

#[test]
fn lock_names_the_servers_that_do_not_hear_it_and_waits_for_all_together() {
    let session = session();
    let upstream = Upstream::start();
    let flags = ["--provider", "openai", &upstream.flag("openai")];
    let programs: Vec<_> = (0..3).map(|_| Running::start(&session, &flags, &[])).collect();
    let ids: Vec<_> = programs.iter().map(|running| running.child.id()).collect();
    for running in &programs[..2] {
        kill_process(Pid::from_child(&running.child), Signal::STOP).unwrap();
    }
    let begun = Instant::now();
    let failed = session.run(["lock"]).failed("TIMEOUT", 69);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    for id in &ids[..2] {
        assert!(failed.stderr.contains(&format!("agent main (process {id})")), "{}", failed.stderr);
    }
    assert_eq!(failed.stdout, format!("Locked the server of `run --proxy` (process {}).\n", ids[2]));
    let status = |running: &Running| {
        let bearer = format!("Bearer {}", running.get("OPENAI_API_KEY"));
        post(&format!("{}/responses", running.get("OPENAI_BASE_URL")), ("authorization", &bearer))
    };
    for running in &programs[..2] {
        kill_process(Pid::from_child(&running.child), Signal::CONT).unwrap();
    }
    // They hear it late.
    for running in programs {
        until("it is locked", || status(&running) == 503);
        assert_eq!(running.end(), "");
    }
}

#[test]
fn lock_lists_each_program_and_finds_servers_of_a_home_that_was_put_back() {
    let session = session();
    let upstream = Upstream::start();
    let flags = ["--provider", "openai", &upstream.flag("openai")];
    let programs: Vec<_> = (0..3).map(|_| Running::start(&session, &flags, &[])).collect();
    let (home, old) = (session.home(), session.path("old"));
    std::fs::rename(&home, &old).unwrap();
    let copied = std::process::Command::new("cp").arg("-a").args([&old, &home]).status().unwrap();
    assert!(copied.success());
    let mut ids: Vec<_> = programs.iter().map(|running| u64::from(running.child.id())).collect();
    // What was copied with the home belongs to no server.
    let places = session.agent_file("serve/programs");
    until("they are there again", || {
        let names = std::fs::read_dir(&places).unwrap().flatten().filter(|entry| entry.path().is_dir());
        names.filter(|name| !old.join("agents/main/serve/programs").join(name.file_name()).exists()).count()
            == 3
    });
    let locked = session.run(["--json", "lock"]).ok().json();
    let mut told: Vec<_> =
        locked["programs"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    told.sort_unstable();
    ids.sort_unstable();
    assert_eq!(told, ids);
    for running in programs {
        let bearer = format!("Bearer {}", running.get("OPENAI_API_KEY"));
        let url = format!("{}/responses", running.get("OPENAI_BASE_URL"));
        assert_eq!(post(&url, ("authorization", &bearer)), 503);
        // It may warn that the home was not there for a moment.
        running.end();
    }
}

#[test]
fn what_a_killed_program_leaves_goes_and_a_place_that_cannot_be_made_is_said() {
    let session = session();
    let upstream = Upstream::start();
    let flags = ["--provider", "openai", &upstream.flag("openai")];
    let mut killed = Running::start(&session, &flags, &[]);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(session.run(["lock"]).ok().stdout.starts_with("Nothing"), "a killed one counts");
    let places = session.agent_file("serve/programs");
    let count =
        || std::fs::read_dir(&places).unwrap().flatten().filter(|entry| entry.path().is_dir()).count();
    assert_eq!(count(), 1);
    let run = || session.run(["run", "--proxy"].iter().chain(&flags).chain(&["--", "true"]));
    assert_eq!((run().ok().stderr.as_str(), count()), ("", 0));
    std::fs::remove_dir_all(&places).unwrap();
    std::fs::write(&places, "").unwrap();
    let warned = run().ok().stderr;
    assert!(
        warned.starts_with("warning: `strongroom lock` will not reach this program's server: "),
        "{warned}"
    );
}

#[test]
fn nothing_is_started_if_the_program_could_not_use_it() {
    let session = session();
    session.feed(setup_token("RUN"), ["paste-token", "--provider", "anthropic"]).ok();
    session.write("env", "A=b\n");
    let run = |flags: &[&str]| {
        let all = ["run", "--proxy"].iter().chain(flags);
        session.run(all.chain(&["--", "touch", "started"]))
    };
    for flags in [&["--env", "A=openai:one"][..], &["--provider", "openai", "--env-file", "env"], &[]] {
        run(flags).failed("USAGE", 64);
    }
    session
        .run(["run", "--provider", "openai", "--upstream", "openai=http://127.0.0.1:1", "--", "true"])
        .failed("USAGE", 64);
    run(&["--profile", "openai:no"]).failed("NOT_FOUND", 77);
    run(&["--provider", "groq"]).failed("NOT_FOUND", 77);
    run(&["--profile", "anthropic:manual"]).failed("DENIED", 77);
    // There is another one.
    run(&["--provider", "anthropic"]).ok();
    std::fs::remove_file(session.path("started")).unwrap();
    session.run(["remove", "anthropic:one", "--yes"]).ok();
    run(&["--provider", "anthropic"]).failed("DENIED", 77);
    session.paste("made-up-provider:one", KEY);
    run(&["--provider", "made-up-provider"]).failed("NOT_FOUND", 77);
    std::fs::remove_file(session.key_file()).unwrap();
    run(&["--provider", "openai"]).failed("LOCKED", 77);
    assert!(!session.path("started").exists());
}
