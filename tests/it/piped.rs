//! The passphrase of a vault if standard input is not a terminal: Strongroom asks for it if a person can answer, and
//! never otherwise.

use crate::goldens::at_terminal;
use crate::session::{Ran, Session, binary};

const PASSPHRASE: &str = "made-up horse";

/// A vault that only a passphrase opens, with one profile.
fn vault() -> Session {
    let session = Session::empty();
    std::fs::create_dir(session.path("bin")).unwrap();
    std::os::unix::fs::symlink(binary(), session.path("bin/strongroom")).unwrap();
    session.write("pass", format!("{PASSPHRASE}\n"));
    session.run(["--passphrase-file", "pass", "init", "--unlock", "passphrase"]).ok();
    let paste = ["--passphrase-file", "pass", "paste-api-key", "--provider", "openrouter"];
    session.feed("made-up-key-1", paste).ok();
    session
}

fn typed(session: &Session, command: &str, prompts: &[&str]) -> Ran {
    let answers: Vec<_> = prompts.iter().map(|prompt| format!("{prompt} => {PASSPHRASE}\\r")).collect();
    at_terminal(session, command, &answers)
}

#[track_caller]
fn is_not_asked(ran: Ran) {
    assert!(!ran.stdout.contains("Passphrase: "), "{}", ran.stdout);
    let ran = Ran { stderr: ran.stdout, stdout: String::new(), ..ran };
    ran.failed("LOCKED", 77);
}

#[test]
fn a_secret_on_standard_input_leaves_the_passphrase_to_the_terminal() {
    let session = vault();
    for command in [
        "echo made-up-key-2 | strongroom paste-api-key --provider openai",
        "strongroom get openrouter:default </dev/null | grep -c .",
        "strongroom get openrouter:default <&- | grep -c .",
        "strongroom verify </dev/null",
        "strongroom doctor --repair </dev/null",
    ] {
        let ran = typed(&session, command, &["Passphrase: "]);
        assert_eq!(ran.status, 0, "{command}: {}", ran.stdout);
        assert!(!ran.stdout.contains(PASSPHRASE), "{}", ran.stdout);
    }
    let got = session.run(["--passphrase-file", "pass", "get", "openai:default"]).ok().stdout;
    assert_eq!(got, "made-up-key-2\n");
}

#[test]
fn where_nobody_would_answer_nobody_is_asked() {
    let session = vault();
    let verify = "strongroom verify </dev/null";
    for command in [
        // Nothing may prompt.
        "strongroom --no-input verify </dev/null".to_owned(),
        // A service whose messages go to a terminal that is not its own.
        format!("setsid -w {verify}"),
        // A job in the background, which would be stopped.
        format!("set -m; {verify} & wait $!"),
    ] {
        is_not_asked(at_terminal(&session, &command, &[]));
    }
    // A script that captures the messages: its terminal must not be used for prompts.
    let ran = at_terminal(&session, &format!("{verify} 2>messages; s=$?; cat messages; exit $s"), &[]);
    is_not_asked(ran);
    // Commands that never ask.
    let ran = at_terminal(
        &session,
        "echo '{\"protocolVersion\":1,\"provider\":\"strongroom\",\"ids\":[\"openrouter:default\"]}' | strongroom resolve",
        &[],
    );
    assert!(ran.status == 0 && ran.stdout.contains("LOCKED"), "{}", ran.stdout);
    let ran = at_terminal(&session, "strongroom doctor </dev/null | grep -c .", &[]);
    assert!(!ran.stdout.contains("Passphrase"), "{}", ran.stdout);
}

#[test]
fn other_questions_are_still_asked_at_standard_input_alone() {
    let session = vault();
    let remove = "strongroom --passphrase-file pass remove openrouter:default </dev/null";
    let ran = at_terminal(&session, remove, &[]);
    assert!(ran.stdout.contains("[NOT_CONFIRMED]"), "{}", ran.stdout);
    let ran = at_terminal(&session, "strongroom --home other init --unlock passphrase </dev/null", &[]);
    assert!(ran.stdout.contains("[NO_INPUT]"), "{}", ran.stdout);
}

/// Both ends of a pipe ask, one after the other: otherwise each would restore the terminal settings of the other.
#[test]
fn two_that_ask_at_once_take_turns() {
    let session = vault();
    let command = "strongroom get openrouter:default | strongroom paste-api-key --provider groq; stty -a";
    let ran = typed(&session, command, &["Passphrase: ", "characters]\r\nPassphrase: "]);
    assert!(ran.status == 0 && !ran.stdout.contains(PASSPHRASE), "{}", ran.stdout);
    let modes: Vec<_> = ran.stdout.split_whitespace().collect();
    assert!(modes.contains(&"echo") && modes.contains(&"icanon"), "{}", ran.stdout);
    let got = session.run(["--passphrase-file", "pass", "get", "groq:default"]).ok().stdout;
    assert_eq!(got, "made-up-key-1\n");
}
