//! Commands that ask at a real terminal: signals, input that is pasted too early, and repeated prompts.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::goldens::start_at_terminal;
use crate::pty::Pty;
use crate::session::Session;

const SECRET: &str = "sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A session with a vault that a passphrase opens, and one that a key file opens.
fn session() -> Session {
    let session = Session::new();
    std::fs::create_dir(session.path("bin")).unwrap();
    std::os::unix::fs::symlink(crate::session::binary(), session.path("bin/strongroom")).unwrap();
    session.paste("groq:default", "made-up-key-1");
    session.write("pp", "made-up horse\n");
    session.run(["--home", "by-pass", "--passphrase-file", "pp", "init", "--unlock", "passphrase"]).ok();
    session
}

/// Commands that ask: the arguments, and the prompt that appears.
const PLACES: [(&str, &str); 6] = [
    ("paste-api-key --provider openrouter", "then Enter: "),
    ("--home by-pass verify", "Passphrase: "),
    ("--home new init --unlock passphrase", "New passphrase: "),
    ("remove groq:default", "[y/N] "),
    ("models auth add", "provider's name: "),
    ("models auth add --provider openrouter", "Method [1]: "),
];

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let session = session();
    let mut delivered = 0;
    for (arguments, prompt) in PLACES {
        for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
            let mut pty = Pty::open();
            let before = pty.modes();
            let child = start_at_terminal(&pty, &session, &format!("TERM=xterm exec strongroom {arguments}"));
            pty.wait_for(prompt);
            assert_ne!(pty.modes(), before);
            pty.send(b"ab");
            kill_process(Pid::from_child(&child), signal).unwrap();
            let ended = pty.wait(child);
            assert_eq!(ended.status.signal(), Some(signal.as_raw()), "{arguments}: {}", pty.screen());
            assert_eq!(pty.modes(), before, "{arguments} {signal:?}");
            let screen = pty.screen();
            assert!(screen.rfind("\x1b[?2004l") > screen.rfind("\x1b[?2004h"), "{arguments}: {screen:?}");
            assert_eq!(String::from_utf8_lossy(&pty.left_over()), "", "{arguments} {signal:?}");
            delivered += 1;
        }
    }
    println!("signals delivered at prompts: {delivered}");
    assert_eq!(delivered, 24);
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let session = session();
    let mut pty = Pty::open();
    let child = start_at_terminal(
        &pty,
        &session,
        "exec env --ignore-signal=HUP strongroom paste-api-key --provider openrouter",
    );
    pty.wait_for("Enter: ");
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    pty.send(format!("{SECRET}\r").as_bytes());
    assert!(pty.wait(child).status.success(), "{}", pty.screen());
    assert_eq!(session.get("openrouter:default"), SECRET);
}

/// Input that is pasted while the passphrase is processed, at a question, and right after an answer: it is never
/// shown, and only what is pasted at the prompt is stored.
#[test]
fn what_is_pasted_too_early_is_neither_shown_nor_taken() {
    let session = session();
    let early = format!("{}\r", SECRET.replace("0123", "3210"));
    let places: [(&str, &[(&str, &str)]); 4] = [
        (
            "--home by-pass paste-api-key --provider openrouter",
            &[("Passphrase: ", "made-up horse\r"), ("[received", "EARLY")],
        ),
        (
            "--home by-pass paste-api-key --provider openrouter",
            &[
                ("Passphrase: ", "made-up donkey\r"),
                ("[received", "EARLY"),
                ("unlock the vault. Passphrase: ", "made-up horse\r"),
            ],
        ),
        (
            "models auth add",
            &[("name: ", "openrouter\rEARLY"), ("Method [1]: ", "1\rEARLY"), ("default]: ", "\rEARLY")],
        ),
        ("models auth add --provider openrouter --method api-key --profile-id openrouter:default", &[]),
    ];
    for (arguments, typed) in places {
        let mut pty = Pty::open();
        let before = pty.modes();
        let child = start_at_terminal(&pty, &session, &format!("TERM=xterm exec strongroom {arguments}"));
        for (prompt, keys) in typed {
            pty.wait_for(prompt);
            pty.send(keys.replace("EARLY", &early).as_bytes());
        }
        pty.wait_for("then Enter: ");
        pty.send(format!("\x1b[200~{SECRET}\x1b[201~\r").as_bytes());
        let ended = pty.wait(child);
        assert!(ended.status.success(), "{arguments}: {}", pty.screen());
        assert!(
            !pty.screen().contains("3210456789") && !pty.screen().contains("0123456789"),
            "{}",
            pty.screen()
        );
        assert_eq!(pty.modes(), before);
        let home = if arguments.starts_with("--home") {
            vec!["--home", "by-pass", "--passphrase-file", "pp"]
        } else {
            vec![]
        };
        let got = session.run(home.iter().copied().chain(["get", "openrouter:default"])).ok().stdout;
        assert_eq!(got.trim_end(), SECRET, "{arguments}");
    }
}

#[test]
fn a_secret_at_a_question_is_neither_shown_nor_stored() {
    let session = session();
    let canary = SECRET.to_owned();
    for (arguments, question) in [
        ("models auth add", "provider's name: "),
        ("models auth add --provider openrouter", "Method [1]: "),
        ("remove groq:default", "[y/N] "),
    ] {
        let mut pty = Pty::open();
        let child = start_at_terminal(&pty, &session, &format!("TERM=xterm exec strongroom {arguments}"));
        pty.wait_for(question);
        // In pieces, as over a slow line.
        let (one, two) = canary.split_at(5);
        for piece in [one, two, "\r"] {
            pty.send(piece.as_bytes());
        }
        let status = pty.wait(child).status.code();
        assert!(matches!(status, Some(64 | 130)), "{}", pty.screen());
        assert!(!pty.screen().contains(&canary[9..20]), "{}", pty.screen());
    }
    assert!(session.run(["get", "openrouter:default"]).status == 66);
    assert_eq!(session.get("groq:default"), "made-up-key-1");
}

#[test]
fn what_does_not_fit_is_asked_for_three_times() {
    let session = session();
    let ask = |arguments: &str, typed: &[(&str, &str)]| {
        let mut pty = Pty::open();
        let child = start_at_terminal(&pty, &session, &format!("exec strongroom {arguments}"));
        let mut seen = 0;
        for (prompt, keys) in typed {
            seen = pty.wait_after(seen, prompt);
            pty.send(keys.as_bytes());
        }
        let status = pty.wait(child).status.code();
        (status, pty.screen())
    };
    let (wrong, right) = (("Passphrase: ", "made-up donkey\r"), ("Passphrase: ", "made-up horse\r"));
    let empty = ("Passphrase: ", "\r");
    let verify = "--home by-pass verify";
    assert_eq!(ask(verify, &[wrong, empty, right]).0, Some(0));
    let (status, screen) = ask(verify, &[wrong, wrong, wrong]);
    assert!(status == Some(77) && screen.contains("[WRONG_KEY]"), "{screen}");
    let (status, screen) = ask(verify, &[empty, empty, empty]);
    assert!(status == Some(66) && screen.contains("[NO_INPUT]"), "{screen}");
    let (status, screen) = ask(verify, &[wrong, ("Passphrase: ", "\x03")]);
    assert!(status == Some(130) && screen.contains("[CANCELLED]"), "{screen}");

    let paste = "paste-api-key --provider openrouter";
    let (nothing, secret) = (("then Enter: ", "\r"), ("then Enter: ", "made-up-key-2\r"));
    assert_eq!(ask(paste, &[nothing, nothing, secret]).0, Some(0));
    assert_eq!(session.get("openrouter:default"), "made-up-key-2");
    let (status, screen) = ask(paste, &[nothing, nothing, nothing]);
    assert!(status == Some(66) && screen.contains("[NO_INPUT]"), "{screen}");
    // Input that is not a secret is refused, and not asked for again.
    let (status, screen) = ask(paste, &[("then Enter: ", "null\r")]);
    assert!(status == Some(65) && screen.contains("[NOT_A_SECRET]"), "{screen}");

    let (one, two) = (("New passphrase: ", "made-up horse\r"), ("Again: ", "made-up donkey\r"));
    let same = ("Again: ", "made-up horse\r");
    let (status, screen) = ask("--home a init --unlock passphrase", &[one, two, one, two, one, two]);
    assert!(status == Some(65) && screen.contains("[BAD_DATA] the two passphrases differ"), "{screen}");
    assert!(!session.path("a").exists());
    assert_eq!(
        ask("--home a init --unlock passphrase", &[one, two, ("New passphrase: ", "\r"), one, same]).0,
        Some(0)
    );
    let add = "unlock-method add passphrase";
    assert_eq!(ask(add, &[one, two, one, same]).0, Some(0));
}

#[test]
fn ctrl_w_takes_a_word_back() {
    let session = session();
    let mut pty = Pty::open();
    let child = start_at_terminal(&pty, &session, "exec strongroom paste-api-key --provider openrouter");
    pty.wait_for("Enter: ");
    pty.send(b"wrong\x17made-up-key-3 wrong \x17\r");
    assert!(pty.wait(child).status.success(), "{}", pty.screen());
    assert_eq!(session.get("openrouter:default"), "made-up-key-3");
}
