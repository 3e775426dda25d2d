//! Programs that Strongroom starts (the login shell, `claude`) get none of its descriptors and none of its variables.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::faults::need;
use crate::session::{Ran, Session, binary, ran};

const PASSPHRASE: &str = "made-up horse canary";
/// Descriptors that the parent left open: the named one, and others.
const OPEN: &str = "(7, 9, 63, 300, 900)";

/// A session with a vault that this passphrase opens, and a client configuration that asks the login shell.
fn session() -> Session {
    let session = Session::empty();
    session.write("pass", PASSPHRASE);
    session.run(["init", "--unlock", "passphrase", "--passphrase-file", "pass"]).ok();
    session.write("pass", format!("{PASSPHRASE}\n").repeat(3));
    std::fs::create_dir(session.path(".openclaw")).unwrap();
    session.write(".openclaw/openclaw.json", "{ env: { shellEnv: { enabled: true, timeoutMs: 15000 } } }");
    session
}

/// A shell script that prints which descriptors are open, what they contain, and the environment.
fn tells(session: &Session) -> String {
    let path = |name: &str| session.path(name).display().to_string();
    format!(
        "ls /proc/$$/fd >'{}'\nfor n in 3 4 5 6 7 8 9; do (eval \"cat <&$n\") >>'{}' 2>/dev/null; done\nenv >'{}'\n",
        path("open"),
        path("read"),
        path("env")
    )
}

/// Runs a command with descriptors that the parent left open, and with Strongroom's variables.
fn with_descriptors(session: &Session, tool: &[&str], arguments: &[&str]) -> Ran {
    need("python3", "python3");
    let script = format!(
        "import os, sys\nfor n in {OPEN}:\n    os.dup2(os.open('pass1' if n == 7 else 'pass', os.O_RDONLY), n)\n\
         os.execvp(sys.argv[1], sys.argv[1:])"
    );
    session.write("pass1", format!("{PASSPHRASE}\n"));
    let plain = session.command(arguments);
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", &script]).args(tool).arg(binary()).args(arguments).env_clear();
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    for name in ["STRONGROOM_AGENT", "STRONGROOM_MADE_UP", "CREDENTIALS_DIRECTORY"] {
        command.env(name, "main");
    }
    command.env("OTHER", "made-up").current_dir(session.temp.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(command, b"")
}

/// Checks a child's report: it ran, and inherited nothing.
#[track_caller]
fn had_nothing(session: &Session) {
    let text = |name: &str| std::fs::read_to_string(session.path(name)).unwrap();
    let open: Vec<u32> = text("open").lines().map(|n| n.parse().unwrap()).collect();
    for inherited in [7, 9, 63, 300, 900] {
        assert!(!open.contains(&inherited), "{open:?}");
    }
    assert!(!text("read").contains("canary"), "{}", text("read"));
    let env = text("env");
    assert!(env.contains("OTHER=made-up"), "{env}");
    assert!(!env.contains("STRONGROOM_") && !env.contains("CREDENTIALS_DIRECTORY"), "{env}");
}

#[test]
fn the_login_shell_has_no_descriptor_and_no_variable_of_ours() {
    let session = session();
    session.write(".profile", format!("{}export GROQ_API_KEY=made-up-1\n", tells(&session)));
    let import = &["--passphrase-fd", "7", "import", "--from", "env"];
    with_descriptors(&session, &[], import).ok();
    had_nothing(&session);
    for arguments in [&["status", "--sources"][..], &["doctor"]] {
        std::fs::remove_file(session.path("env")).unwrap();
        with_descriptors(&session, &[], arguments);
        had_nothing(&session);
    }
}

/// As before Linux 5.11, or if a sandbox forbids the call.
#[test]
fn nor_where_the_kernel_does_not_mark_them_at_once() {
    need("strace", "strace");
    let session = session();
    session.write(".profile", tells(&session));
    let strace = [
        "strace",
        "-f",
        "-qqq",
        "-o",
        "log",
        "-e",
        "trace=close_range",
        "-e",
        "inject=close_range:error=ENOSYS",
    ];
    with_descriptors(&session, &strace, &["status", "--sources"]).ok();
    had_nothing(&session);
    assert!(std::fs::read_to_string(session.path("log")).unwrap().contains("(INJECTED)"));
}

#[test]
fn claude_has_no_descriptor_and_no_variable_of_ours() {
    need("python3", "python3");
    let session = crate::setup_token::session("");
    let token = crate::setup_token::token();
    session.write_program("bin/claude", &format!("#!/bin/sh\n{}printf '{token}\\n'\n", tells(&session)));
    session.write("pass", format!("{PASSPHRASE}\n"));
    let script = format!(
        "import os\nfor n in {OPEN}:\n    os.dup2(os.open('pass', os.O_RDONLY), n)\n\
         os.environ.update(STRONGROOM_AGENT='main', STRONGROOM_MADE_UP='x', CREDENTIALS_DIRECTORY='x', OTHER='made-up')\n\
         os.execvp('strongroom', ['strongroom', 'setup-token'])"
    );
    session.write("start.py", script);
    crate::goldens::at_terminal(&session, "python3 start.py", &[]).ok();
    had_nothing(&session);
    assert_eq!(session.get("anthropic:default"), token);
}

#[test]
fn a_descriptor_is_handed_in_once_and_only_if_the_parent_opened_it() {
    let session = session();
    session.feed("made-up-key", ["--passphrase-file", "pass1", "paste-api-key", "--provider", "groq"]);
    for (number, works) in
        [("7", true), ("3", false), ("4", false), ("5", false), ("1023", false), ("-1", false)]
    {
        let ran = with_descriptors(&session, &[], &["--passphrase-fd", number, "get", "groq:default"]);
        assert_eq!(!ran.stderr.contains("NO_INPUT") && ran.status != 64, works, "{number}: {}", ran.stderr);
    }
}

#[test]
fn resolve_and_what_starts_nothing_can_gain_no_rights() {
    let session = Session::new();
    let limit = Duration::from_secs(20);
    // If this test runs without new privileges, so do its children.
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let others = if own.contains("NoNewPrivs:\t1") { "1" } else { "0" };
    for (arguments, says) in [(&["resolve"][..], "1"), (&["import", "-"], others)] {
        let mut child = session.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let begun = Instant::now();
        // The command waits for its input.
        while !std::fs::read_to_string(&status).unwrap().contains(&format!("NoNewPrivs:\t{says}"))
            || !std::fs::read_to_string(format!("/proc/{}/cmdline", child.id()))
                .unwrap()
                .contains("strongroom")
        {
            assert!(begun.elapsed() < limit, "{arguments:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.stdin.take().unwrap().write_all(b"{}").unwrap();
        child.wait().unwrap();
    }
}

/// Returns how much memory a command has locked while it waits for its input, in KiB, under a limit in bytes.
fn locked(limit: &str) -> u64 {
    let session = Session::new();
    let plain = session.command(["import", "-"]);
    let prlimit = ["/usr/bin/prlimit".to_owned(), format!("--memlock={limit}")];
    let mut child = crate::faults::under(prlimit, &plain).stdin(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let field = |name: &str| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
        value.unwrap_or_default().to_owned()
    };
    // Asleep: it reads.
    while field("Name:") != "strongroom" || field("State:") != "S" {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    let locked = field("VmLck:").parse().unwrap();
    child.stdin.take().unwrap().write_all(b"GROQ_API_KEY=made-up-key").unwrap();
    assert!(child.wait_with_output().unwrap().status.success(), "with {limit}");
    locked
}

#[test]
fn memory_is_locked_as_far_as_the_limit_goes() {
    // With CAP_IPC_LOCK there is no limit, and all of it is locked.
    let all = |locked: u64| locked >= 1024;
    let none = locked("0:0");
    assert!(none == 0 || all(none), "{none}");
    let few = locked("65536:65536");
    assert!((1..=64).contains(&few) || all(few), "{few}");
    let limit = rustix::process::getrlimit(rustix::process::Resource::Memlock).maximum;
    if limit.is_none_or(|limit| limit >= 2 * 1024 * 1024) {
        let most = locked(&format!("65536:{}", 2 * 1024 * 1024));
        assert!(all(most), "the limit is raised as far as it may be: {most}");
    }
}
