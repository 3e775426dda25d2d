//! System calls of commands: the modes of the files they create, and where a secret goes.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

use crate::session::{RECEIVER, Ran, Session, ran, setup_token, snapshot, strace};

/// Runs a command under umask 000 and returns its system calls.
fn traced(session: &Session, arguments: &[&str], input: &str) -> (Ran, String) {
    let trace = session.path("trace");
    let calls = "execve,open,openat,creat,mkdir,mkdirat,mknod,mknodat,chmod,fchmod,fchmodat,symlink,\
         symlinkat,write,pwrite64,writev,pwritev,sendto,sendmsg,sendfile,splice,copy_file_range";
    let options = ["-xx", "-s", "200000", "-o", trace.to_str().unwrap()];
    let strace = strace(session, calls, &options);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(strace.get_program()).args(strace.get_args());
    shell
        .args(arguments)
        .env_clear()
        .env("HOME", session.temp.path())
        .env("XDG_RUNTIME_DIR", session.temp.path())
        .env("PATH", "/usr/bin:/bin");
    shell.current_dir(session.temp.path()).stdin(Stdio::null());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = ran(shell, input.as_bytes());
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(trace).unwrap();
    (ran, whole_lines(&text))
}

/// Returns a trace with each call on one line: strace splits a call in two if a call of another thread comes between.
pub fn whole_lines(trace: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut begun: HashMap<&str, usize> = HashMap::new();
    for line in trace.lines() {
        let process = line.split(' ').next().unwrap();
        if let Some(start) = line.strip_suffix(" <unfinished ...>") {
            begun.insert(process, lines.len());
            lines.push(start.to_owned());
        } else if let Some((_, end)) = line.split_once(" resumed>") {
            lines[begun[process]].push_str(end);
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

/// Returns the strings of a line, which strace writes in hex.
pub fn strings(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("\\x") {
        if let Some(byte) = rest.get(at + 2..at + 4).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
        }
        rest = &rest[at + 2..];
    }
    out
}

/// Returns what was written to each descriptor, joined; 1 is standard output.
fn written(trace: &str) -> HashMap<u32, Vec<u8>> {
    let mut joined: HashMap<u32, Vec<u8>> = HashMap::new();
    for line in trace.lines() {
        let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
        for name in ["write(", "pwrite64(", "writev(", "pwritev(", "sendto(", "sendmsg("] {
            if let Some(rest) = call.strip_prefix(name) {
                let fd = rest.split(',').next().unwrap().trim().parse().unwrap();
                joined.entry(fd).or_default().extend(strings(rest));
            }
        }
        assert!(
            !["sendfile(", "splice(", "copy_file_range("].iter().any(|name| call.starts_with(name)),
            "{line}"
        );
    }
    joined
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Checks that everything a trace creates has mode 0600 or 0700 from the start.
fn check_modes(arguments: &[&str], trace: &str) -> (usize, usize) {
    let (mut files, mut directories) = (0, 0);
    for line in trace.lines() {
        let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
        if call.starts_with("mkdir") {
            // The directories above the home are shared with other programs: also 0700, from a
            // builder of directories.
            assert!(call.contains(", 0700)"), "{arguments:?}: {line}");
            directories += usize::from(call.contains("= 0"));
        } else if call.starts_with("open") && call.contains("O_CREAT") {
            assert!(call.contains(", 0600)"), "{arguments:?}: {line}");
            files += 1;
        } else {
            let never = ["creat(", "mknod", "chmod", "fchmod", "symlink"];
            assert!(!never.iter().any(|name| call.starts_with(name)), "{arguments:?}: {line}");
        }
    }
    (files, directories)
}

#[test]
fn everything_is_private_from_birth_and_no_secret_leaves_but_by_standard_output() {
    let session = Session::empty();
    session.write("pass", "made-up canary horse");
    let (one, two, three) = (setup_token("canaryONE"), setup_token("canaryTWO"), setup_token("canaryTHREE"));
    let source = format!(
        r#"{{"version":1,"profiles":{{"anthropic:imported":{{"type":"token","provider":"anthropic","token":"{three}"}}}}}}"#
    );
    session.write("source.json", &source);
    let request = r#"{"protocolVersion":1,"ids":["main/anthropic:manual"]}"#;
    let with_pass = ["--passphrase-file", "pass"];
    // The command, its input, and whether it may put secrets on its standard output.
    let commands: Vec<(Vec<&str>, &str, bool)> = vec![
        (vec!["init"], "", false),
        (vec!["paste-token", "--provider", "anthropic"], &one, false),
        (vec!["paste-token", "--provider", "anthropic", "--json"], &one, false),
        (vec!["paste-api-key", "--provider", "anthropic"], &one, false),
        (vec!["rotate", "anthropic:manual"], &two, false),
        (vec!["import", "source.json"], "", false),
        (vec!["import", "source.json", "--dry-run", "--json"], "", false),
        (vec!["import", "-", "--on-conflict", "rename"], &source, false),
        (vec!["rename", "anthropic:imported", "anthropic:renamed"], "", false),
        (vec!["order", "set", "--provider", "anthropic", "anthropic:renamed"], "", false),
        (vec!["list", "--json"], "", false),
        (vec!["status", "--check", "--json"], "", false),
        (vec!["verify"], "", false),
        (vec!["doctor"], "", false),
        (vec!["log", "--json"], "", false),
        (vec!["export", "--to", RECEIVER, "--out", "bundle"], "", false),
        (vec!["export", "--to", RECEIVER], "", false),
        (vec!["export", "--passphrase", "--bundle-passphrase-file", "pass", "--out", "secret"], "", false),
        (vec!["import", "secret", "--bundle-passphrase-file", "pass", "--yes"], "", false),
        (vec!["unlock-method", "add", "passphrase", "--new-passphrase-file", "pass"], "", false),
        (
            vec!["unlock-method", "add", "key-file", "--name", "spare", "--new-key-file", "new/spare"],
            "",
            false,
        ),
        ([&with_pass[..], &["get", "anthropic:manual"]].concat(), "", true),
        (vec!["get", "anthropic:manual", "--json"], "", true),
        (vec!["resolve"], request, true),
        (vec!["unlock-method", "remove", "spare", "--yes"], "", false),
        ([&with_pass[..], &["rekey", "--yes"]].concat(), "", false),
        (vec!["recovery-key"], "", true),
        (vec!["remove", "anthropic:manual", "--yes"], "", false),
        (vec!["doctor", "--repair"], "", false),
    ];
    let (mut files, mut directories, mut bytes) = (0, 0, 0);
    let mut secrets = vec![b"canary".to_vec(), b"AGE-SECRET-KEY-1".to_vec()];
    for (arguments, input, shows) in &commands {
        let (ran, trace) = traced(&session, arguments, input);
        let ran = ran.ok();
        let modes = check_modes(arguments, &trace);
        (files, directories) = (files + modes.0, directories + modes.1);
        let runs: Vec<_> = trace.lines().filter(|line| line.contains("execve(")).collect();
        assert_eq!(runs.len(), 1, "{arguments:?} starts a program: {runs:?}");
        for secret in &secrets {
            assert!(!holds(&strings(runs[0]), secret), "{arguments:?}");
            assert!(!holds(ran.stderr.as_bytes(), secret), "{arguments:?}: {}", ran.stderr);
            for (fd, joined) in written(&trace) {
                bytes += joined.len();
                let own_key = *arguments == ["init"] || arguments.contains(&"--new-key-file");
                let key_file = own_key && secret.starts_with(b"strongroom-key-v1:");
                assert!((*shows && fd == 1) || key_file || !holds(&joined, secret), "{arguments:?} to {fd}");
            }
        }
        if *arguments == ["init"] {
            secrets.push(b"strongroom-key-v1:".to_vec());
        }
    }
    // The trace is complete: output that may contain secrets was seen.
    let (_, trace) = traced(&session, &["get", "anthropic:renamed"], "");
    assert!(holds(&written(&trace)[&1], three.as_bytes()));
    println!(
        "{} commands, {files} files and {directories} directories made, {bytes} bytes looked through",
        commands.len()
    );
    assert!(files > 60 && directories > 15, "{files} {directories}");
    for (path, mode, _) in snapshot(&session.home()).into_iter().chain(snapshot(&session.path(".config"))) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode & 0o7777, expected, "{}", path.display());
    }
    for name in ["bundle", "secret", "new/spare"] {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(session.path(name).metadata().unwrap().mode() & 0o7777, 0o600, "{name}");
    }
}

#[test]
fn nothing_of_a_secret_rests_in_the_home() {
    let session = Session::new();
    let secret = setup_token("canary");
    session.feed(&secret, ["paste-token", "--provider", "anthropic"]).ok();
    session.feed(&secret, ["rotate", "anthropic:manual"]).ok();
    session.run(["rename", "anthropic:manual", "anthropic:work"]).ok();
    session.run(["rekey", "--yes"]).ok();
    for (path, _, bytes) in snapshot(session.temp.path()) {
        assert!(!holds(&bytes, b"canary") && !holds(&bytes, b"sk-ant-"), "{}", path.display());
    }
}
