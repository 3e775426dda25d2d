//! What a command leaves in its memory: stopped at its exit, it is searched for every secret that it handled.
//!
//! `strace` stops the process before `exit_group` and keeps it readable (see [`crate::session::strace`]). All writable
//! pages are searched: the heap with freed memory, every other mapping, the program's own data, and the stack.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strongroom::unlock::MethodSecret;

use crate::faults::{need, say};
use crate::goldens::start_at_terminal;
use crate::needles::Needles;
use crate::pty::Pty;
use crate::session::{Session, binary};

#[cfg(target_arch = "x86_64")]
const CALLS: [(&str, u32); 2] = [("exit_group", 231), ("write", 1)];
#[cfg(target_arch = "aarch64")]
const CALLS: [(&str, u32); 2] = [("exit_group", 94), ("write", 64)];

/// How many copies were found, and where. A copy in several forms or pieces counts several times.
#[derive(Default, PartialEq, Eq, Debug)]
struct Found {
    /// In the heap, including freed memory.
    heap: usize,
    /// In other mappings: large blocks, other threads' heaps and stacks, the program's data.
    other: usize,
    /// On the stack: which secret, and how far below the arguments of the program.
    stack: Vec<(String, usize)>,
    /// In the arguments and the environment that the program was started with.
    given: usize,
}

/// The command under `strace`. The tracer is a grandchild, so the child is the command itself.
fn traced(session: &Session, stop: &str, arguments: &[&str]) -> Command {
    need("strace", "strace");
    let plain = session.command(arguments);
    let mut command = Command::new("/usr/bin/strace");
    command.args(options(stop)).arg(binary()).args(arguments).env_clear();
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    command.current_dir(session.temp.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn options(stop: &str) -> Vec<String> {
    // Threads and children are not followed: `claude` would be stopped at its exit as well.
    let stop_at = format!("inject={stop}:delay_enter=60000000:when=1");
    let trace = format!("trace={stop},prctl");
    let options =
        ["-D", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", "inject=prctl:retval=0", "-e", &stop_at];
    options.map(str::to_owned).to_vec()
}

/// Waits until the process is at a call, searches its memory, and lets it go on.
fn search(pid: u32, stop: &str, needles: &dyn Fn() -> Needles) -> Found {
    let number = CALLS.iter().find(|(name, _)| *name == stop).unwrap().1;
    let begun = Instant::now();
    let at_call = || {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        call.split(' ').next() == Some(&number.to_string())
    };
    while !at_call() {
        assert!(begun.elapsed() < Duration::from_secs(120), "process {pid} never came to {stop}");
        std::thread::sleep(Duration::from_millis(2));
    }
    let found = search_memory(pid, &needles());
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:\t")).unwrap();
    let tracer = rustix::process::Pid::from_raw(tracer.parse().unwrap()).unwrap();
    rustix::process::kill_process(tracer, rustix::process::Signal::KILL).unwrap();
    found
}

fn search_memory(pid: u32, needles: &Needles) -> Found {
    let about = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The fields after the name, which may contain anything: from the third on.
    let fields: Vec<&str> = about[about.rfind(')').unwrap() + 2..].split(' ').collect();
    let given: usize = fields[48 - 3].parse().unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = Found::default();
    let mut seen = BTreeMap::new();
    for line in maps.lines() {
        let mut columns = line.split_whitespace();
        let (range, rights) = (columns.next().unwrap(), columns.next().unwrap());
        let name = columns.nth(3).unwrap_or_default();
        if !rights.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).unwrap());
        memory.seek(SeekFrom::Start(start as u64)).unwrap();
        let mut bytes = vec![0; end - start];
        memory.read_exact(&mut bytes).unwrap();
        *seen.entry(name.to_owned()).or_insert(0) += bytes.len();
        // A stack that was locked in part is several mappings, of which only the last has the name.
        let is_stack = name == "[stack]" || (given > end && given - end < 16 * 1024 * 1024);
        for (secret, piece) in &needles.0 {
            for at in memchr::memmem::find_iter(&bytes, piece) {
                match name {
                    "[heap]" => found.heap += 1,
                    _ if is_stack && start + at >= given => found.given += 1,
                    _ if is_stack => found.stack.push((secret.clone(), given - start - at)),
                    _ => found.other += 1,
                }
            }
        }
    }
    assert!(seen.contains_key("[heap]") && seen.contains_key("[stack]"), "{seen:?}");
    found
}

/// Runs a command with an input to its end, and returns what is found there.
fn at_end(session: &Session, arguments: &[&str], input: &[u8], needles: &Needles) -> Found {
    at(session, "exit_group", arguments, input, &|| needles.clone())
}

fn at(
    session: &Session,
    stop: &str,
    arguments: &[&str],
    input: &[u8],
    needles: &dyn Fn() -> Needles,
) -> Found {
    let mut child: Child = traced(session, stop, arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let found = search(child.id(), stop, needles);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.status.signal()),
        (Some(0), None),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    found
}

/// What was found after each of several commands: it should be nothing.
#[derive(Default)]
struct Table(RefCell<Vec<String>>);

impl Table {
    /// Prints a line, and counts a failure if anything was found.
    fn row(&self, command: &str, found: &Found) {
        let Found { heap, other, stack, given } = found;
        let row = format!("{command}: heap {heap}, other {other}, stack {}, given {given}", stack.len());
        say(&format!("  canaries: {row}"));
        if *heap > 0 || *other > 0 || !stack.is_empty() {
            self.0.borrow_mut().push(format!("{row} {stack:?}"));
        }
    }

    /// Runs a command to its end.
    fn run(&self, session: &Session, arguments: &[&str], input: &str, needles: &Needles) {
        self.row(&arguments.join(" "), &at_end(session, arguments, input.as_bytes(), needles));
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let found = self.0.borrow();
        assert!(found.is_empty() || std::thread::panicking(), "{found:#?}");
    }
}

/// Returns a made-up secret that shares no piece with any other text.
fn secret(n: u8) -> String {
    (0..16u8).map(|i| format!("{}{:02}", char::from(b'a' + (i + n) % 26), (i * 7 + n * 13) % 100)).collect()
}

#[test]
fn a_secret_that_is_there_is_found() {
    let session = Session::new();
    session.paste("openrouter:one", &secret(1));
    let needles = Needles::default().text("secret", &secret(1)).vault(&session);
    let found = at(&session, "write", &["get", "openrouter:one"], b"", &|| needles.clone());
    assert!(found.heap > 0, "{found:?}");
}

#[test]
fn commands_on_one_profile() {
    let session = Session::new();
    let needles = (1..=3).fold(Needles::default(), |all, n| all.text("secret", &secret(n))).vault(&session);
    let table = Table::default();
    let run = |arguments: &[&str], input: &str| table.run(&session, arguments, input, &needles);
    run(&["paste-token", "--provider", "openrouter", "--profile-id", "openrouter:one"], &secret(1));
    run(&["paste-api-key", "--provider", "groq"], &secret(2));
    run(&["get", "openrouter:one"], "");
    let request =
        r#"{"protocolVersion":1,"provider":"strongroom","ids":["main/openrouter:one","main/none:one"]}"#;
    run(&["resolve"], request);
    run(&["env", "--profile", "openrouter:one"], "");
    run(&["run", "--profile", "openrouter:one", "--", "sh", "-c", "echo $OPENROUTER_API_KEY"], "");
    run(&["rotate", "openrouter:one"], &secret(3));
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["status"],
        &["status", "--check"],
        &["verify"],
        &["doctor"],
        &["log"],
        &["recipient"],
        &["recovery-key"],
        &["unlock-method", "list"],
        &["rename", "openrouter:one", "openrouter:two"],
        &["order", "set", "--provider", "openrouter", "openrouter:two"],
        &["report", "openrouter:two", "--success"],
        &["remove", "openrouter:two", "--yes"],
    ] {
        run(arguments, "");
    }
}

#[test]
fn imports_and_exports() {
    let session = Session::new();
    let other = Session::new();
    let needles = (1..=6).fold(Needles::default(), |all, n| all.text("secret", &secret(n)));
    let needles = needles.vault(&session).vault(&other).text("passphrase", "made-up horse battery staple");
    session.write("pass", "made-up horse battery staple\n");
    let table = Table::default();
    let run = |arguments: &[&str], input: &str| table.run(&session, arguments, input, &needles);
    session.write("env", format!("OPENROUTER_API_KEY={}\nexport GROQ_API_KEY='{}'\n", secret(1), secret(2)));
    run(&["import", "env"], "");
    run(&["import", "-"], &format!("XAI_API_KEY=\"{}\"\n", secret(3)));
    let profiles = format!(
        r#"{{"version":1,"profiles":{{"mistral:a":{{"type":"api_key","provider":"mistral","key":"{}"}},"zai:a":{{"type":"token","provider":"zai","token":"{}"}}}}}}"#,
        secret(4),
        secret(5)
    );
    session.write("auth-profiles.json", profiles);
    run(&["import", "auth-profiles.json"], "");
    run(
        &["import", "-", "--on-conflict", "replace"],
        &format!(r#"{{"opencode":{{"type":"api","key":"{}"}}}}"#, secret(6)),
    );
    let many: String = (0..200).map(|n| format!("many{n}:a={}x{n}\n", secret(1))).collect();
    let many = many.lines().map(|line| line.split_once('=').unwrap());
    let many: Vec<String> = many
        .map(|(id, key)| {
            format!(
                r#""{id}":{{"type":"api_key","provider":"{}","key":"{key}"}}"#,
                id.split(':').next().unwrap()
            )
        })
        .collect();
    run(&["import", "-"], &format!(r#"{{"version":1,"profiles":{{{}}}}}"#, many.join(",")));
    let ids: Vec<String> = (0..100).map(|n| format!("\"main/many{n}:a\"")).collect();
    run(
        &["resolve"],
        &format!(r#"{{"protocolVersion":1,"provider":"strongroom","ids":[{}]}}"#, ids.join(",")),
    );
    let recipient = other.run(["recipient"]).ok().stdout;
    run(&["export", "--to", recipient.trim(), "--out", "bundle"], "");
    run(&["export", "--to", recipient.trim(), "--armor", "--out", "armored"], "");
    run(
        &["export", "groq:default", "--passphrase", "--bundle-passphrase-file", "pass", "--out", "sealed"],
        "",
    );
    std::fs::copy(session.path("bundle"), other.path("bundle")).unwrap();
    table.run(&other, &["import", "bundle", "--yes"], "", &needles);
    run(&["import", "sealed", "--yes", "--bundle-passphrase-file", "pass", "--on-conflict", "skip"], "");
}

/// Keys that a command makes are only known once it is at its exit: they are read while it is stopped there.
#[test]
fn what_opens_the_vault() {
    let session = Session::empty();
    let passphrase = "made-up horse battery staple";
    session.write("pass", format!("{passphrase}\n"));
    let by_passphrase = || {
        let mut typed = strongroom::secret::Buffer::default();
        typed.extend(passphrase.as_bytes());
        MethodSecret::Passphrase(typed)
    };
    let table = Table::default();
    let run = |arguments: &[&str], needles: &dyn Fn() -> Needles| {
        table.row(&arguments.join(" "), &at(&session, "exit_group", arguments, b"", needles));
    };
    let known = || Needles::default().text("passphrase", passphrase).text("secret", &secret(1));
    let of_passphrase = || known().payload(&session, by_passphrase());
    let of_key = || known().vault(&session);

    run(&["init", "--unlock", "passphrase", "--passphrase-file", "pass"], &of_passphrase);
    run(&["--passphrase-file", "pass", "recovery-key"], &of_passphrase);
    run(
        &[
            "--passphrase-file",
            "pass",
            "unlock-method",
            "add",
            "key-file",
            "--new-key-file",
            ".config/strongroom/key",
        ],
        &of_key,
    );
    session.paste("openrouter:one", &secret(1));
    let all = || of_key().payload(&session, by_passphrase());
    run(&["--passphrase-file", "pass", "get", "openrouter:one"], &all);
    let before = all();
    run(&["rekey", "--passphrase-file", "pass", "--yes", "--keep-key-file"], &|| all().and(&before));
    run(&["unlock-method", "remove", "passphrase", "--yes"], &of_key);
    let before = of_key();
    run(&["unlock-method", "add", "passphrase", "--new-passphrase-file", "pass"], &|| all().and(&before));
    session.run(["unlock-method", "remove", "passphrase", "--yes"]).ok();
    let before = of_key();
    run(&["rekey", "--yes"], &|| of_key().and(&before));

    session.write("recovery", session.run(["recovery-key"]).ok().stdout);
    let before = of_key();
    std::fs::remove_dir_all(session.home().join("unlock")).unwrap();
    std::fs::remove_file(session.key_file()).unwrap();
    run(&["recover", "--recovery-key", "recovery"], &|| of_key().and(&before));
}

#[test]
fn a_new_vault_with_a_key_file() {
    let session = Session::empty();
    let needles = || Needles::default().vault(&session);
    Table::default().row("init", &at(&session, "exit_group", &["init"], b"", &needles));
}

/// At a terminal: what is typed, and what another program prints.
#[test]
fn at_a_terminal() {
    let session = crate::setup_token::session("");
    let token = crate::setup_token::token();
    session.write_program("bin/claude", &format!("#!/bin/sh\nprintf '{token}\\n'\n"));
    let needles = || {
        let all = (1..=2).fold(Needles::default().vault(&session), |all, n| all.text("secret", &secret(n)));
        // The prefix of all tokens is not secret.
        all.text("token", &token["sk-ant-oat01-".len()..])
    };
    let table = Table::default();
    let run = |command: &str, typed: &[(&str, &str)]| {
        let mut pty = Pty::open();
        let command_line =
            format!("exec strace {} {} {command}", options("exit_group").join(" "), binary().display());
        let child = start_at_terminal(&pty, &session, &command_line);
        for (prompt, keys) in typed {
            pty.wait_for(prompt);
            pty.send(keys.as_bytes());
        }
        let found = search(child.id(), "exit_group", &needles);
        let ended = pty.wait(child);
        assert!(ended.status.success(), "{}", pty.screen());
        table.row(command, &found);
    };
    run("setup-token", &[]);
    run("paste-api-key --provider openrouter", &[("API key", &format!("{}\r", secret(1)))]);
    run("rotate openrouter:default", &[("new secret", &format!("{}\r", secret(2)))]);
}
