//! Every message, as a user sees it: the transcripts in `tests/cmd` are run again and compared.
//! `STRONGROOM_BLESS=1 cargo test` writes them again; review the diff afterwards.
//!
//! A line begins with what it is: `#` a remark, `$` a command for the shell, `%` a command at a
//! terminal, `<` what is typed there (`text to wait for => keys`, or `text to wait for =$ command`,
//! which another shell runs meanwhile), `|` standard output (or the terminal's screen), `!`
//! standard error, `?` the exit status where it is not 0. Each file has a home of its own.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use strongroom::error::Code;

use crate::keyring;
use crate::normal::normalise;
use crate::pty::Pty;
use crate::session::{Ran, Session, binary, in_time, ran, source};

/// A command of a transcript, and its results.
#[derive(Default)]
struct Step {
    remarks: Vec<String>,
    at_terminal: bool,
    command: String,
    typed: Vec<String>,
    expected: Vec<String>,
}

fn parse(text: &str) -> Vec<Step> {
    let mut steps = vec![Step::default()];
    for line in text.lines() {
        let last = steps.last_mut().unwrap();
        match line.split_at(line.len().min(1)) {
            ("$" | "%", command) => {
                let new = Step {
                    at_terminal: line.starts_with('%'),
                    command: command.trim().to_owned(),
                    ..Step::default()
                };
                if last.command.is_empty() {
                    *last = Step { remarks: std::mem::take(&mut last.remarks), ..new };
                } else {
                    steps.push(new);
                }
            }
            ("<", typed) => last.typed.push(typed.trim_start().to_owned()),
            ("|" | "!" | "?", _) => last.expected.push(line.to_owned()),
            _ if last.command.is_empty() => last.remarks.push(line.to_owned()),
            _ => steps.push(Step { remarks: vec![line.to_owned()], ..Step::default() }),
        }
    }
    steps
}

fn write(steps: &[(Step, Vec<String>)]) -> String {
    let mut out = String::new();
    for (step, seen) in steps {
        let mut lines = step.remarks.clone();
        if !step.command.is_empty() {
            lines.push(format!("{} {}", if step.at_terminal { '%' } else { '$' }, step.command));
        }
        lines.extend(step.typed.iter().map(|typed| format!("< {typed}")));
        lines.extend(seen.iter().cloned());
        for line in lines {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

fn shell(session: &Session, command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env_clear().envs(variables(session)).current_dir(session.temp.path());
    shell
}

fn variables(session: &Session) -> [(&'static str, String); 6] {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    [
        ("HOME", text(session.temp.path())),
        ("PATH", format!("{}:/usr/bin:/bin", text(&session.path("bin")))),
        // No session bus: the tests must not reach the keychain of the user who runs them.
        ("XDG_RUNTIME_DIR", text(session.temp.path())),
        ("TZ", "UTC".to_owned()),
        ("VAULT", text(&session.home())),
        ("FIXTURES", text(&source("tests/fixtures"))),
    ]
}

fn run(session: &Session, step: &Step) -> Vec<String> {
    if step.command.is_empty() {
        return Vec::new();
    }
    let Ran { status, stdout, stderr } = if step.at_terminal {
        at_terminal(session, &step.command, &step.typed)
    } else {
        let mut command = shell(session, &step.command);
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        ran(command, b"")
    };
    let mut lines = Vec::new();
    for (mark, text) in [('|', &stdout), ('!', &stderr)] {
        lines.extend(normalise(text, session.temp.path()).lines().map(|line| {
            let line = format!("{mark} {line}");
            line.trim_end().to_owned()
        }));
    }
    if status != 0 {
        lines.push(format!("? {status}"));
    }
    lines
}

/// Runs a shell command at a terminal, types what `<` lines say, and returns the screen.
pub fn at_terminal(session: &Session, command: &str, typed: &[String]) -> Ran {
    let mut pty = Pty::open();
    let child = start_at_terminal(&pty, session, command);
    let mut seen = 0;
    for typed in typed {
        if let Some((prompt, command)) = typed.split_once(" =$ ") {
            pty.wait_for(prompt);
            assert!(shell(session, command).status().unwrap().success(), "{command}");
        } else {
            let (prompt, keys) = typed.split_once(" => ").unwrap();
            seen = pty.wait_after(seen, prompt);
            pty.send(keys.replace("\\r", "\r").replace("^C", "\x03").as_bytes());
        }
    }
    let ended = pty.wait(child);
    let screen = pty.screen().replace("<end>", "").replace('\r', "").replace('\x1b', "\\e");
    Ran { status: ended.status.code().unwrap_or(-1), stdout: screen, stderr: String::new() }
}

/// Starts a shell command at a terminal.
pub fn start_at_terminal(pty: &Pty, session: &Session, command: &str) -> std::process::Child {
    let mut task = vec![command.to_owned()];
    task.extend(variables(session).into_iter().map(|(name, value)| format!("{name}={value}")));
    pty.start("goldens::at_a_terminal", &task.join("\n"))
}

/// Not a test: `%` lines run it, with the terminal as every stream. Without a task it does nothing.
#[test]
fn at_a_terminal() {
    use std::os::fd::AsFd;
    use std::os::unix::process::CommandExt;
    let Ok(task) = std::env::var(crate::pty::TASK) else { return };
    rustix::process::setsid().unwrap();
    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin()).unwrap();
    let mut lines = task.lines();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", lines.next().unwrap()]).env_clear();
    for (name, value) in lines.filter_map(|line| line.split_once('=')) {
        shell.env(name, value);
        if name == "HOME" {
            shell.current_dir(value);
        }
    }
    let terminal = std::io::stderr().as_fd().try_clone_to_owned().unwrap();
    let error = shell.env("TERM", "dumb").stdout(terminal).exec();
    panic!("{error}");
}

/// Transcripts that store something in the kernel keyring, or report about it.
const OF_KEYRING: &[&str] = &["doctor", "rolled_back", "unlock"];

fn golden(name: &str) {
    if OF_KEYRING.contains(&name) && !keyring::is_there() {
        return;
    }
    let path = source("tests/cmd").join(name).with_extension("txt");
    let session = Session::empty();
    std::fs::create_dir(session.path("bin")).unwrap();
    std::os::unix::fs::symlink(binary(), session.path("bin/strongroom")).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let steps: Vec<_> = parse(&text)
        .into_iter()
        .map(|step| {
            let says = |lines: &[String]| lines.iter().any(|line| line.contains("\"code\":\"TIMEOUT\""));
            let seen = in_time(|| run(&session, &step), |seen| says(seen) && !says(&step.expected));
            (step, seen)
        })
        .collect();
    if std::env::var_os("STRONGROOM_BLESS").is_some() {
        std::fs::write(&path, write(&steps)).unwrap();
        return;
    }
    for (step, seen) in &steps {
        assert_eq!(
            step.expected.join("\n"),
            seen.join("\n"),
            "{}: {} (left: the transcript; right: now; STRONGROOM_BLESS=1 takes it over)",
            path.display(),
            step.command
        );
    }
}

macro_rules! goldens {
    ($($name:ident)*) => {
        /// The transcripts, one test each.
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { golden(stringify!($name)); })*
    };
}

goldens! { auth clipboard completions connect connect_clients connect_proxy credentials doctor doctor_client dotenv errors_files errors_input errors_keys explain export exposed first_steps help helper history import import_forms in_use init keychain keys migrate onboard order pin prompts provider_errors proxy recover report resolve rolled_back run_program run_proxy setup_token silent sources status status_all_agents status_client unlock }

#[test]
fn every_transcript_is_run() {
    let names = std::fs::read_dir(source("tests/cmd")).unwrap();
    let files: BTreeSet<String> =
        names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, NAMES.iter().map(|name| format!("{name}.txt")).collect());
}

/// Error codes that no command can be made to show, and why.
const NOT_PROVOKED: &[(Code, &str)] = &[
    (Code::Internal, "a bug, or a system without random bytes"),
    (Code::Ambiguous, "needs a second store that holds the same generation"),
    (Code::KeychainNoCollection, "needs a keychain: tests/real"),
    (Code::KeychainLocked, "needs a keychain: tests/real"),
    (Code::KeychainTimeout, "needs a keychain: tests/real"),
    (Code::KeychainLost, "needs a keychain: tests/real"),
    (Code::KeychainFailed, "needs a keychain: tests/real"),
];

#[test]
fn every_error_code_has_a_golden() {
    let mut shown = String::new();
    for name in NAMES {
        let text = std::fs::read_to_string(source("tests/cmd").join(name).with_extension("txt")).unwrap();
        shown.push_str(&text);
    }
    for code in Code::ALL {
        let seen = [format!("[{}]", code.name()), format!("\"code\":\"{}\"", code.name())]
            .iter()
            .any(|text| shown.contains(text));
        let excused = NOT_PROVOKED.iter().any(|(excused, _)| excused == code);
        assert!(seen != excused, "{code:?}: seen {seen}, excused {excused}");
    }
}
