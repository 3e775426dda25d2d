//! Expiry in daily use: `status --watch`, `log --follow`, colour, narrow terminals, and the known year of setup-tokens.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::goldens::{at_terminal, start_at_terminal};
use crate::pty::Pty;
use crate::session::{HANGS, Session, binary, setup_token};

/// A command that goes on, with the lines that it prints.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(session: &Session, arguments: &[&str]) -> Self {
        let mut child = session.command(arguments).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout: ChildStdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// Returns the next line.
    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(HANGS).unwrap()
    }

    /// Waits for a line that contains this.
    #[track_caller]
    fn until(&self, part: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Returns what it prints until it is silent for a while.
    fn block(&self) -> String {
        let mut block = self.next();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(700)) {
            block.extend(["\n", &line]);
        }
        block
    }

    /// Returns whether it prints nothing for a while.
    fn is_silent(&self) -> bool {
        self.lines.recv_timeout(Duration::from_millis(700)).is_err()
    }

    /// Ends it as Ctrl-C does, and checks that it ended by that.
    #[track_caller]
    fn interrupt(mut self) {
        use std::os::unix::process::ExitStatusExt;
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.signal() == Some(2) || status.code() == Some(130), "{status:?}");
    }
}

const WATCH: [&str; 4] = ["status", "--watch", "--interval", "100ms"];

#[test]
fn a_pipe_hears_of_each_change_of_the_state_and_of_nothing_else() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    let watch = Running::start(&session, &WATCH);
    let first = watch.block();
    assert!(first.starts_with("Home") && first.contains("groq:one"), "{first}");
    assert!(watch.is_silent());
    session.paste("groq:two", "made-up-key-2");
    let second = watch.block();
    assert!(second.starts_with("\nHome") && second.contains("groq:two"), "blocks are apart: {second}");
    assert!(watch.is_silent());
    session.run(["report", "groq:one", "--failure", "rate_limit"]).ok();
    assert!(watch.block().contains("cooling down"));
    watch.interrupt();
}

#[test]
fn as_json_each_state_is_one_line() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    let watch = Running::start(&session, &[&WATCH[..], &["--json"]].concat());
    let next = || {
        let line = watch.next();
        serde_json::from_str::<Value>(&line).unwrap();
        line
    };
    assert!(next().contains("groq:one"));
    session.paste("groq:two", "made-up-key-2");
    assert!(next().contains("groq:two"));
    watch.interrupt();
}

#[test]
fn it_ends_if_its_reader_does() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    for arguments in [&WATCH[..], &["log", "--follow"]] {
        let mut child = session.command(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // Its end is closed by now, and nothing changes.
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_terminal_is_redrawn_in_place() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    let mut pty = Pty::open();
    let child = start_at_terminal(
        &pty,
        &session,
        &format!("exec env TERM=xterm {} {}", binary().display(), WATCH.join(" ")),
    );
    let seen = pty.wait_after(0, "groq:one");
    session.paste("groq:two", "made-up-key-2");
    pty.wait_after(seen, "groq:two");
    pty.send(b"\x03");
    let ended = pty.wait(child);
    assert_ne!(ended.status.code(), Some(0));
    let screen = pty.screen();
    assert_eq!(screen.matches("\x1b[2J").count(), 1, "{screen:?}");
    assert!(screen.matches("\x1b[H").count() >= 2 && screen.contains("\x1b[J"), "{screen:?}");
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let session = Session::new();
    for wrong in [
        &["status", "--watch", "--check"][..],
        &["status", "--watch", "--explain", "groq"],
        &["status", "--interval", "5s"],
        &["status", "--watch", "--interval", "1ms"],
        &["status", "--watch", "--interval", "soon"],
        &["log", "--follow", "--op", "no-such"],
    ] {
        session.run(wrong).failed("USAGE", 64);
    }
}

#[test]
fn a_log_is_followed_line_by_line() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    let log = Running::start(&session, &["log", "--follow"]);
    assert!(log.next().contains("groq:one"));
    session.paste("groq:two", "made-up-key-2");
    session.run(["rename", "groq:two", "groq:three"]).ok();
    assert!(log.next().contains("paste     groq:two"));
    assert!(log.next().contains("was groq:two"));
    assert!(log.next().contains("remove    groq:two"));
    // Another key, and a line under it.
    session.run(["rekey", "--yes"]).ok();
    assert!(log.until("rekey").contains("rekey"));
    session.run(["remove", "groq:one", "--yes"]).ok();
    let removed = log.until("remove");
    assert!(removed.contains("groq:one") && !removed.contains("DAMAGED"), "{removed}");
    log.interrupt();
}

#[test]
fn a_log_is_followed_as_json_filtered_and_before_there_is_an_agent() {
    let session = Session::new();
    let log = Running::start(&session, &["log", "--follow", "--json", "--op", "remove"]);
    assert!(log.is_silent());
    session.paste("groq:one", "made-up-key-1");
    session.run(["remove", "groq:one", "--yes"]).ok();
    let line: Value = serde_json::from_str(&log.next()).unwrap();
    assert_eq!((&line["op"], &line["profile"]), (&"remove".into(), &"groq:one".into()));
    log.interrupt();
    let own = Running::start(&session, &["log", "--follow", "--vault", "-n", "1"]);
    own.next();
    session.run(["settings", "set", "color", "never"]).ok();
    assert!(own.next().contains("default → never"));
    own.interrupt();
}

#[test]
fn a_rotation_of_the_log_loses_and_repeats_nothing() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    let log = Running::start(&session, &["log", "--follow", "--json"]);
    let seq = |line: &str| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap();
    let mut last = seq(&log.next());
    // A damaged log is started again, in another file.
    let path = session.agent_file("log.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("groq:one", "groq:two")).unwrap();
    session.run(["doctor", "--repair"]);
    session.paste("groq:three", "made-up-key-3");
    loop {
        let line = log.next();
        if line.contains("fault") {
            continue;
        }
        assert!(seq(&line) > last, "{line}");
        last = seq(&line);
        if line.contains("groq:three") {
            break;
        }
    }
    log.interrupt();
}

#[test]
fn a_setup_token_gets_its_known_year() {
    let session = Session::new();
    let token = setup_token("ONE");
    let paste = |more: &[&str]| {
        let arguments = ["paste-token", "--provider", "anthropic"].into_iter().chain(more.iter().copied());
        session.feed(&token, arguments).ok()
    };
    let ran = paste(&[]);
    assert!(ran.stdout.contains("expires in 365d"), "{}", ran.stdout);
    assert!(ran.stderr.contains("--expires-in never"), "{}", ran.stderr);
    let json = paste(&["--json"]).json();
    assert_eq!(json["expiryAssumed"], true);
    assert!(json["expires"].is_u64());
    for (more, assumed) in [(["--expires-in", "never"], false), (["--expires-in", "12h"], false)] {
        let ran = paste(&more);
        assert!(!ran.stderr.contains("valid for a year") && !ran.stdout.contains("365d"), "{}", ran.stdout);
        assert_eq!(paste(&[&more[..], &["--json"]].concat()).json()["expiryAssumed"], assumed);
    }
    // Other tokens, and keys, have none.
    session.feed("made-up-token", ["paste-token", "--provider", "groq"]).ok();
    assert!(!session.run(["list", "--provider", "groq"]).ok().stdout.contains("365d"));
}

#[test]
fn expiring_and_expired_are_painted_if_colour_is_on() {
    let session = Session::new();
    for (id, time) in [("groq:soon", "3h"), ("groq:past", "1s"), ("groq:late", "30d")] {
        let arguments = ["paste-token", "--provider", "groq", "--profile-id", id, "--expires-in", time];
        session.feed("made-up-token", arguments).ok();
    }
    while session.run(["status", "--check"]).status != 1 {}
    for verb in ["list", "status"] {
        let painted = session.run([verb, "--color", "always"]).ok().stdout;
        let line = |id: &str| {
            let mut rows = painted.lines().filter(|line| line.contains("token"));
            rows.find(|line| line.contains(id)).unwrap().to_owned()
        };
        assert!(line("groq:soon").contains("\x1b[33m"), "{verb}: {painted:?}");
        assert!(line("groq:past").contains("\x1b[31m"), "{verb}: {painted:?}");
        assert!(!line("groq:late").contains('\x1b'), "{verb}: {painted:?}");
        assert!(!session.run([verb]).ok().stdout.contains('\x1b'));
    }
}

#[test]
fn tables_fit_a_narrow_terminal() {
    let session = Session::new();
    let arguments = ["paste-token", "--provider", "openai-codex", "--profile-id"];
    let more = ["openai-codex:me@example.com", "--expires-in", "3h"];
    session.feed("made-up-token", arguments.into_iter().chain(more)).ok();
    for verb in ["list", "status"] {
        let command = format!("stty cols 60; {} {verb} --color never", binary().display());
        let screen = at_terminal(&session, &command, &[]).stdout;
        let row =
            screen.lines().find(|line| line.contains("openai-codex:me") && line.contains("in 3h")).unwrap();
        assert!(row.chars().count() <= 60, "{verb}: {row}");
    }
}

/// Ends with the test.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
