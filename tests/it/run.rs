//! A program that gets secrets, and what it prints.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::goldens::at_terminal;
use crate::session::{Ran, Session, binary, ran, setup_token};

const KEY: &str = "made-up-key+1/\"two\"/3";

/// Returns a session with a profile of each kind.
fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", KEY);
    session.paste("openrouter:two", "made-up-key-2");
    session.paste("groq:default", "made-up-key-3");
    session.feed(setup_token("RUN"), ["paste-token", "--provider", "anthropic"]).ok();
    session
}

/// Runs a shell script as a program of `run`.
fn run(session: &Session, flags: &[&str], script: &str) -> Ran {
    session.run(["run"].into_iter().chain(flags.iter().copied()).chain(["--", "sh", "-c", script]))
}

#[test]
fn a_program_gets_what_was_asked_for_and_nothing_more() {
    let session = session();
    let mut command = session.command(["run", "--profile", "groq:default", "--", "env"]);
    let own = [("STRONGROOM_AGENT", "main"), ("CREDENTIALS_DIRECTORY", "/nowhere"), ("KEPT", "kept")];
    command.envs(own);
    let shown = ran(command, b"").ok().stdout;
    let mut names: Vec<_> =
        shown.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["GROQ_API_KEY", "HOME", "KEPT", "PATH", "TZ", "XDG_RUNTIME_DIR"], "{shown}");
    let script = r#"test "$GROQ_API_KEY" = made-up-key-3"#;
    run(&session, &["--provider", "groq"], script).ok();
    run(
        &session,
        &["--env", "DEPLOY=groq:default"],
        r#"test "$DEPLOY" = made-up-key-3 -a -z "$GROQ_API_KEY""#,
    )
    .ok();
    let token = format!("test \"$CLAUDE_CODE_OAUTH_TOKEN\" = {}", setup_token("RUN"));
    run(&session, &["--profile", "anthropic:manual"], &token).ok();
    run(
        &session,
        &["--all"],
        r#"test -n "$CLAUDE_CODE_OAUTH_TOKEN" -a -n "$GROQ_API_KEY" -a -n "$OPENROUTER_API_KEY""#,
    )
    .ok();
    // The profile of a provider is the one that is next.
    session.run(["order", "set", "--provider", "openrouter", "openrouter:two", "openrouter:one"]).ok();
    run(&session, &["--provider", "openrouter"], r#"test "$OPENROUTER_API_KEY" = made-up-key-2"#).ok();
}

#[test]
fn every_form_is_masked_on_both_streams_and_the_rest_is_byte_for_byte() {
    let session = session();
    let script = r#"k=$OPENROUTER_API_KEY
        echo "raw $k"; printf %s "$k" | base64; printf %s "$k" | od -An -v -tx1 | tr -d ' \n'; echo
        printf 'pieces made-up'; sleep 0; printf -- '-key+1/"two"/3\n'
        printf '\000\377\033[1m\n'
        echo "err $k" >&2"#;
    let flags = ["run", "--profile", "openrouter:one", "--", "sh", "-c", script];
    let output = session.command(flags).output().unwrap();
    let masked = "[masked:openrouter:one]";
    let expected = [
        format!("raw {masked}\n{masked}\n{masked}\npieces {masked}\n").into_bytes(),
        b"\0\xff\x1b[1m\n".to_vec(),
    ];
    assert_eq!(output.stdout, expected.concat());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("err {masked}\n"));
    let shown = run(&session, &["--profile", "openrouter:one", "--no-mask"], r#"echo "$OPENROUTER_API_KEY""#);
    assert_eq!(shown.ok().stdout, format!("{KEY}\n"));
}

#[test]
fn streams_that_are_one_file_keep_their_order() {
    let session = session();
    let out = std::fs::File::create(session.path("out")).unwrap();
    let script = "for i in 1 2 3 4 5 6 7 8 9; do echo o$i; echo e$i >&2; done";
    let mut command = session.command(["run", "--profile", "groq:default", "--", "sh", "-c", script]);
    command.stdout(out.try_clone().unwrap()).stderr(out);
    assert!(command.status().unwrap().success());
    let expected: String = (1..10).map(|i| format!("o{i}\ne{i}\n")).collect();
    assert_eq!(std::fs::read_to_string(session.path("out")).unwrap(), expected);
}

#[test]
fn the_status_is_the_programs_or_that_of_a_shell() {
    let session = session();
    session.write("no-program", "");
    for mask in [&[][..], &["--no-mask"]] {
        let flags = [&["--profile", "groq:default"], mask].concat();
        for (script, status) in [("exit 0", 0), ("exit 3", 3), ("exit 255", 255)] {
            assert_eq!(run(&session, &flags, script).status, status, "{script}");
        }
        for (program, code, status) in [("no-such-program", "NO_INPUT", 127), ("./no-program", "IO", 126)] {
            let command = ["run"].into_iter().chain(flags.iter().copied()).chain(["--", program]);
            session.run(command).failed(code, status);
        }
    }
    assert_eq!(run(&session, &["--profile", "groq:default"], "kill -9 $$").status, 137);
}

#[test]
fn nothing_is_started_if_a_secret_cannot_be_read() {
    let session = session();
    let touch = "touch started";
    run(&session, &["--profile", "groq:no"], touch).failed("NOT_FOUND", 77);
    run(&session, &["--profile", "groq:default", "--provider", "mistral"], touch).failed("NOT_FOUND", 77);
    let two = run(&session, &["--profile", "openrouter:one", "--profile", "openrouter:two"], touch);
    let two = two.failed("USAGE", 64).stderr;
    assert!(two.contains("openrouter:one") && two.contains("openrouter:two"), "{two}");
    run(&session, &[], touch).failed("USAGE", 64);
    session.run(["run", "--profile", "groq:default"]).failed("USAGE", 64);
    for wrong in [
        "groq:default",
        "=groq:default",
        "A-B=groq:default",
        "LD_PRELOAD=groq:default",
        "STRONGROOM_X=groq:default",
    ] {
        run(&session, &["--env", wrong], touch).failed("USAGE", 64);
    }
    std::fs::remove_file(session.key_file()).unwrap();
    run(&session, &["--profile", "groq:default"], touch).failed("LOCKED", 77);
    assert!(!session.path("started").exists());
}

#[test]
fn a_file_of_variables_gets_only_what_the_command_line_names() {
    let session = session();
    session.write("env", "A=strongroom://groq:default\nB='two words'\nC=strongroom://main/groq_3adefault\n");
    let script = r#"test "$A" = made-up-key-3 -a "$B" = 'two words' -a "$C" = made-up-key-3 -a "$GROQ_API_KEY" = made-up-key-3"#;
    run(&session, &["--profile", "groq:default", "--env-file", "env"], script).ok();
    run(&session, &["--provider", "groq", "--env-file", "env"], "true").ok();
    let refused = run(&session, &["--env-file", "env"], "touch started").failed("DENIED", 77).stderr;
    assert!(refused.contains("--profile groq:default"), "{refused}");
    session.write("env", "A=strongroom://helper/groq:default\n");
    run(&session, &["--profile", "groq:default", "--env-file", "env"], "touch started").failed("DENIED", 77);
    for (line, code, status) in [
        ("LD_PRELOAD=/tmp/x.so", "USAGE", 64),
        ("NODE_OPTIONS=--require=x", "USAGE", 64),
        ("BASH_ENV=x", "USAGE", 64),
        ("PYTHONPATH=x", "USAGE", 64),
        ("ANTHROPIC_BASE_URL=https://made-up.example", "USAGE", 64),
        ("https_proxy=http://made-up.example", "USAGE", 64),
        ("STRONGROOM_HOME=/", "USAGE", 64),
        ("A=op://vault/item/field", "BAD_DATA", 65),
        ("A=$(id)", "BAD_DATA", 65),
        ("A=strongroom://no-id", "INVALID_ID", 64),
    ] {
        session.write("env", format!("{line}\n"));
        run(&session, &["--profile", "groq:default", "--env-file", "env"], "touch started")
            .failed(code, status);
    }
    run(&session, &["--profile", "groq:default", "--env-file", "-"], "touch started").failed("USAGE", 64);
    assert!(!session.path("started").exists());
}

#[test]
fn a_closed_pipe_ends_the_program() {
    let session = session();
    let mut command = session.command(["run", "--profile", "groq:default", "--", "yes", "made-up-key-3"]);
    let mut child = command.spawn().unwrap();
    let mut first = [0; 22];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"[masked:groq:default]\n");
    drop(stdout);
    // As if SIGPIPE had ended the program itself.
    assert_eq!(child.wait().unwrap().code(), Some(141));
}

#[test]
fn input_is_the_programs_and_output_comes_at_once() {
    let session = session();
    let mut command = session.command(["run", "--profile", "groq:default", "--", "cat", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // The last one is the beginning of the secret, which is shown after a pause.
    for text in ["a line\n", "no line", "m"] {
        input.write_all(text.as_bytes()).unwrap();
        let mut seen = vec![0; text.len()];
        output.read_exact(&mut seen).unwrap();
        assert_eq!(seen, text.as_bytes());
    }
    // The rest of it is not.
    input.write_all(b"ade-up-key-3!").unwrap();
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "[masked:groq:default]!");
    assert!(child.wait().unwrap().success());
}

#[test]
fn signals_go_to_the_program() {
    let session = session();
    let script = "trap 'echo got; exit 5' TERM HUP INT USR1; echo ready; while :; do sleep 0.01; done";
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::USR1] {
        let mut command = session.command(["run", "--profile", "groq:default", "--", "sh", "-c", script]);
        // Away from the terminal at which the tests are run.
        command.process_group(0);
        let mut child = command.spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut ready = [0; 6];
        output.read_exact(&mut ready).unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!((rest.as_str(), child.wait().unwrap().code()), ("got\n", Some(5)), "{signal:?}");
    }
}

#[test]
fn a_process_that_stays_does_not_keep_the_command() {
    let session = session();
    let ran = run(&session, &["--profile", "groq:default"], "sleep 30 & echo $!").ok();
    let pid = Pid::from_raw(ran.stdout.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

#[test]
fn a_program_has_the_umask_and_the_descriptors_of_the_command() {
    let session = session();
    let script = format!(
        "umask 027; exec {} run --profile groq:default -- sh -c 'umask; cat <&7' 7<<X\nhere\nX\n",
        binary().display()
    );
    let mut command = Command::new("/bin/sh");
    let plain = session.command([""; 0]);
    command.args(["-c", &script]).env_clear().current_dir(session.temp.path());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    assert_eq!(ran(command, b"").ok().stdout, "0027\nhere\n");
}

#[test]
fn what_cannot_be_masked_is_said() {
    let session = session();
    session.paste("groq:tiny", "1234567");
    let ran = run(&session, &["--profile", "groq:tiny"], "echo $GROQ_API_KEY").ok();
    assert_eq!(ran.stdout, "1234567\n");
    assert!(ran.stderr.contains("groq:tiny is not masked"), "{}", ran.stderr);
}

#[test]
fn a_program_at_a_terminal_has_a_terminal() {
    let session = session();
    let script = r#"test -t 0 && test -t 1 && test -t 2 && echo all; stty size; echo "$GROQ_API_KEY"; read line; echo "[$line]"; exit 4"#;
    session.write("script", script);
    let ran = at_terminal(
        &session,
        &format!(
            "stty cols 91 rows 17; {} run --profile groq:default -- sh script; s=$?; stty size; exit $s",
            binary().display()
        ),
        &["[masked:groq:default] => typed\\r".to_owned()],
    );
    assert_eq!(ran.status, 4, "{}", ran.stdout);
    assert_eq!(ran.stdout, "all\n17 91\n[masked:groq:default]\ntyped\n[typed]\n17 91\n");
}

#[test]
fn interrupts_reach_a_program_at_a_terminal() {
    let session = session();
    session.write("script", "trap 'echo got; exit 6' INT; echo ready; while :; do sleep 0.01; done");
    let command = format!("{} run --profile groq:default -- sh script; echo status $?", binary().display());
    let ran = at_terminal(&session, &command, &["ready => ^C".to_owned()]);
    assert_eq!(ran.stdout, "ready\n^Cgot\nstatus 6\n");
    // What is only half at a terminal has pipes.
    let command =
        format!("echo x | {} run --profile groq:default -- sh -c 'test ! -t 1; echo $?'", binary().display());
    assert_eq!(at_terminal(&session, &command, &[]).stdout, "0\n");
    let command =
        format!("{} run --profile groq:default -- sh -c 'test -t 0; echo $?' | cat", binary().display());
    assert_eq!(at_terminal(&session, &command, &[]).stdout, "0\n");
    let command = format!("{} run --profile groq:default -- no-such-program; echo $?", binary().display());
    assert!(at_terminal(&session, &command, &[]).stdout.ends_with("127\n"));
}

#[test]
fn assignments_are_read_by_their_shells_as_they_are() {
    let session = Session::new();
    let value = "it's\"quoted\"$HOME$(id)\\n\\|;&*!#end";
    session.paste("groq:default", value);
    let flags = ["env", "--profile", "groq:default", "--shell"];
    let print = |shell| session.run(flags.into_iter().chain([shell])).ok().stdout;
    for (shell, program) in [("posix", "dash"), ("bash", "bash"), ("fish", "fish")] {
        session.write("assignments", print(shell));
        let mut command = Command::new(program);
        command
            .args(["-c", r#". ./assignments; printf %s "$GROQ_API_KEY""#])
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        command.env("HOME", session.temp.path()).current_dir(session.temp.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        assert_eq!(ran(command, b"").ok().stdout, value, "{shell}");
    }
    assert_eq!(print("powershell"), format!("$env:GROQ_API_KEY = '{}'\n", value.replace('\'', "''")));
    // Readers of .env files disagree about quotes and backslashes.
    session.run(flags.into_iter().chain(["dotenv"])).failed("BAD_DATA", 65);
    session.paste("groq:default", "made-up#key$HOME");
    assert_eq!(print("dotenv"), "GROQ_API_KEY='made-up#key$HOME'\n");
    let refused = at_terminal(&session, &format!("{} env --profile groq:default", binary().display()), &[]);
    assert!(refused.status == 64 && !refused.stdout.contains("made-up#key$HOME"), "{}", refused.stdout);
    let revealed =
        at_terminal(&session, &format!("{} env --profile groq:default --reveal", binary().display()), &[]);
    assert!(revealed.stdout.contains("made-up#key$HOME"), "{}", revealed.stdout);
}
