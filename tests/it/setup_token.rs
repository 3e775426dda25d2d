//! `setup-token` with a stand-in for `claude` that prints a made-up token in every way a terminal
//! program can. The checks are always the same: the token is stored whole, and no piece of it was
//! on the screen, in a file, or in an argument.

use std::path::Path;

use crate::goldens::at_terminal;
use crate::session::{Ran, Session, setup_token};

/// What a stand-in prints before and after the token.
const BEFORE: &str = "printf 'Your OAuth token (valid for 1 year):\\r\\n\\r\\n'";
const AFTER: &str = "printf '\\r\\nStore this token securely.\\r\\n'";

/// A token in which every four characters are unique, so that any piece of it on the screen is found. None of them can
/// be part of a time, as `8T19` would be.
pub fn token() -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSUVWXYabcdefghijklmnopqrs";
    let varied: String =
        (0..40u8).map(|i| format!("{}{i:02}", char::from(letters[usize::from(i)]))).collect();
    format!("sk-ant-oat01-{}", &varied[..95])
}

/// A session with a vault and this stand-in for `claude` on its `PATH`.
pub fn session(script: &str) -> Session {
    let session = Session::new();
    std::fs::create_dir(session.path("bin")).unwrap();
    std::os::unix::fs::symlink(crate::session::binary(), session.path("bin/strongroom")).unwrap();
    session.write_program("bin/claude", &format!("#!/bin/sh\n{script}\n"));
    session
}

/// Runs `setup-token` at a terminal, and checks that the screen never showed the token.
pub fn run(session: &Session, typed: &[&str]) -> Ran {
    let typed: Vec<String> = typed.iter().map(|typed| (*typed).to_owned()).collect();
    let ran = at_terminal(session, "strongroom setup-token", &typed);
    let token = token();
    let hidden = &token["sk-ant-oat01-".len()..token.len() - 4];
    // The random name of a temporary directory could contain a piece.
    let screen = ran.stdout.replace(session.temp.path().to_str().unwrap(), "~");
    for piece in hidden.as_bytes().windows(4) {
        let piece = std::str::from_utf8(piece).unwrap();
        assert!(!screen.contains(piece), "the screen shows {piece}: {}", ran.stdout);
    }
    no_file_holds(session.temp.path(), &hidden[..12]);
    ran
}

/// Checks that no file under a directory contains this text, except the stand-in, which prints it.
fn no_file_holds(directory: &Path, text: &str) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_file_holds(&path, text);
        } else if path.is_file() && !path.starts_with(directory.join("bin")) && !path.ends_with("claude") {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(text.len()).any(|w| w == text.as_bytes()), "{}", path.display());
        }
    }
}

/// Checks that the token is stored if the stand-in prints this (in `printf` notation).
#[track_caller]
fn taken(print: &str) -> Ran {
    let session = session(&format!("{BEFORE}\n{print}\n{AFTER}"));
    let ran = run(&session, &[]).ok();
    assert!(ran.stdout.contains("Captured the token (sk-ant-oat01-…"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Stored anthropic:default (token, expires "), "{}", ran.stdout);
    assert!(ran.stdout.contains("Store this token securely."), "{}", ran.stdout);
    assert_eq!(session.get("anthropic:default"), token());
    ran
}

/// Returns the token in lines of this width.
fn wrapped(width: usize, separator: &str) -> String {
    let token = token();
    let lines: Vec<_> =
        token.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(separator)
}

#[test]
fn wrapped_at_any_width() {
    for width in [20, 40, 54, 80, 107, 108, 120] {
        taken(&format!("printf '{}\\r\\n'", wrapped(width, "\\r\\n")));
    }
    let ran = taken(&format!("printf '  {}\\r\\n'", wrapped(38, "  \\r\\n  ")));
    assert!(ran.stdout.contains(&format!("sk-ant-oat01-{}", "*".repeat(25))), "{}", ran.stdout);
}

#[test]
fn in_a_box_and_with_colours() {
    taken(&format!("printf '│ {} │\\r\\n'", wrapped(36, " │\\r\\n│ ")));
    taken(&format!("printf '\\033[33m{}\\033[39m\\r\\n'", wrapped(40, "\\033[0m\\r\\n\\033[1;33m")));
    taken(&format!("printf '\\033[38;2;9;9;9m{}\\r\\n'", wrapped(1, "\\033[0m\\033[1m")));
    taken(&format!("printf 'export CLAUDE_CODE_OAUTH_TOKEN={}\\r\\n'", wrapped(49, "\\r\\n")));
}

#[test]
fn a_word_in_the_line_under_it_is_none_of_it() {
    let session = session(&format!("{BEFORE}; printf '{}\\r\\nDone\\r\\n'", token()));
    let ran = run(&session, &[]).ok();
    assert_eq!(session.get("anthropic:default"), token());
    assert!(ran.stdout.contains("Done"), "{}", ran.stdout);
}

#[test]
fn slowly() {
    let pieces: String = token()
        .as_bytes()
        .chunks(9)
        .map(|piece| format!("printf '{}'; sleep 0.02\n", String::from_utf8_lossy(piece)))
        .collect();
    taken(&format!("{pieces}printf '\\r\\n'"));
}

#[test]
fn drawn_twice_in_pieces_and_erased() {
    let (one, rest) = (wrapped(40, "\\r\\n"), token());
    taken(&format!("printf '{one}\\r\\n\\033[1A\\033[2K\\033[1A\\033[2K\\033[1A\\033[2K{one}\\r\\n'"));
    // Over earlier text, only the characters that differ, at absolute columns.
    let (head, tail) = rest.split_at(30);
    taken(&format!("printf '{head}x\\033[31G{tail}\\r\\n'"));
    // It is neither copied to the clipboard nor made into a link.
    let ran = taken(&format!(
        "printf '\\033]52;c;%s\\007' \"$(printf '{rest}' | base64 -w0)\"; printf '\\033]8;;https://x.test/{rest}\\033\\\\link\\033]8;;\\033\\\\\\r\\n{rest}\\r\\n'"
    ));
    assert!(!ran.stdout.contains("]52;"), "{}", ran.stdout);
}

#[test]
fn one_that_fails_with_a_whole_token_is_taken_with_a_warning() {
    let session = session(&format!("printf '{}\\r\\n\\r\\n'; exit 3", token()));
    let ran = run(&session, &[]).ok();
    assert!(ran.stdout.contains("failed with status 3 after it printed the token"), "{}", ran.stdout);
    assert_eq!(session.get("anthropic:default"), token());
}

#[test]
fn one_that_fails_half_way_leaves_a_paste() {
    let session = session(&format!("printf '{}'; exit 1", &token()[..90]));
    let other = setup_token("OTHER");
    let ran = run(&session, &[&format!("Enter:  => {other}\\r")]).ok();
    assert!(ran.stdout.contains("printed only part of a token (90 characters)"), "{}", ran.stdout);
    assert_eq!(session.get("anthropic:default"), other);
}

#[test]
fn a_token_of_an_odd_length_is_asked_about() {
    let script = format!("printf '{}\\r\\n'", &token()[..100]);
    let other = setup_token("OTHER");
    let refused = session(&script);
    let ran = run(&refused, &["Store it? => n\\r", &format!("Enter:  => {other}\\r")]).ok();
    assert!(ran.stdout.contains("The token has 100 characters instead of the usual 108"), "{}", ran.stdout);
    assert_eq!(refused.get("anthropic:default"), other);
    let cancelled = session(&script);
    let ran = run(&cancelled, &["Store it? => ^C"]);
    assert_eq!(ran.status, 130, "{}", ran.stdout);
    assert!(ran.stdout.contains("the token was not stored: revoke it"), "{}", ran.stdout);
    cancelled.run(["get", "anthropic:default"]).failed("NOT_FOUND", 66);
    let stored = session(&script);
    // Its last four characters are shown, so the screen is not searched for every piece.
    at_terminal(&stored, "strongroom setup-token", &["Store it? => y\\r".to_owned()]).ok();
    assert_eq!(stored.get("anthropic:default"), token()[..100]);
}

#[test]
fn one_that_prints_nothing_leaves_a_paste_and_ctrl_c_a_way_out() {
    let session = session("printf 'Nothing today.\\n'");
    let ran = run(&session, &["Enter:  => ^C"]);
    assert_eq!(ran.status, 130, "{}", ran.stdout);
    assert!(ran.stdout.contains("exited and printed no token"), "{}", ran.stdout);
    session.run(["get", "anthropic:default"]).failed("NOT_FOUND", 66);
}

#[test]
fn one_that_hangs_is_ended_by_ctrl_c() {
    // It ignores the terminal's signals, like a program that hangs in raw mode.
    for traps in ["stty raw -echo", "trap '' INT TERM HUP"] {
        let session = session(&format!("{traps}; printf 'Hanging.\\r\\n'; while :; do sleep 0.1; done"));
        let ran = run(&session, &["Hanging. => ^C"]);
        assert_eq!(ran.status, 130, "{}", ran.stdout);
        assert!(ran.stdout.contains("[CANCELLED]"), "{}", ran.stdout);
    }
}

#[test]
fn what_is_typed_goes_to_it_and_its_terminal_has_a_size() {
    let script = format!(
        "stty size; printf 'Code: '; read code; [ \"$code\" = made-up-code ] || exit 9; printf '{}\\n'",
        token()
    );
    let session = session(&script);
    let ran = run(&session, &["Code:  => made-up-code\\r"]).ok();
    assert!(ran.stdout.contains("24 80"), "{}", ran.stdout);
    assert_eq!(session.get("anthropic:default"), token());
}

#[test]
fn what_it_left_its_terminal_in_is_undone() {
    let session = session(&format!(
        "printf '\\033[?25l\\033[?2004h\\033[?1000h{}\\n\\n\\033[>4;2m\\033[?7l\\033[1;31mx\\033['; kill -9 $$",
        token()
    ));
    let ran = run(&session, &[]).ok();
    let undone = "\\e[\u{18}\\e[?25h\\e[?2004l\\e[?1000l\\e[>4m\\e[?7h\\e[0m";
    assert!(ran.stdout.contains(undone), "{}", ran.stdout);
    assert!(ran.stdout.contains("was killed by a signal after"), "{}", ran.stdout);
}

#[test]
fn between_marks_of_a_line() {
    for (left, right) in [("# ", " #"), ("* ", " *"), ("> ", ""), ("", "\\\\"), ("", "…")] {
        taken(&format!("printf '{left}{}{right}\\r\\n'", wrapped(50, &format!("{right}\\r\\n{left}"))));
    }
    taken(&format!("printf '+----+\\r\\n| {} |\\r\\n+----+\\r\\n'", wrapped(36, " |\\r\\n| ")));
}

#[test]
fn with_characters_of_no_width_or_a_sequence_that_is_broken_off_in_it() {
    let token = token();
    let (head, tail) = token.split_at(50);
    for between in ["\u{feff}", "\u{2060}", "\u{ad}", "\\033[1\\030"] {
        taken(&format!("printf '{head}{between}{tail}\\r\\n'"));
    }
}

#[test]
fn rows_are_put_in_and_taken_out_and_what_is_erased_at_once_is_found() {
    let token = token();
    // The second row of the token is pushed down, not overwritten.
    taken(&format!("printf '{token}\\r\\n\\033[1A\\033[2Ly\\r\\n\\r\\n\\r\\n\\r\\n'"));
    taken(&format!("printf 'a\\r\\nb\\r\\n{token}\\r\\n\\033[H\\033[2M\\r\\nx\\033[20B\\r\\n'"));
    taken(&format!("printf '\\033[H{token}\\033[H\\033My\\033[20B\\r\\n'"));
    let erase = "\\033[2K\\033[1A".repeat(3);
    taken(&format!("printf '{}\\r\\n{erase}\\033[2K\\033[G'", wrapped(40, "\\r\\n")));
}

#[test]
fn of_two_tokens_the_last_is_taken_and_told() {
    let example = setup_token("EXAMPLE");
    let session = session(&format!("printf 'Like {example}:\\r\\n\\r\\n{}\\r\\n\\r\\n'", token()));
    let ran = run(&session, &[]).ok();
    assert!(ran.stdout.contains("printed more than one token"), "{}", ran.stdout);
    assert_eq!(session.get("anthropic:default"), token());
}

#[test]
fn a_token_that_cannot_be_stored_is_told_of() {
    let index = ".local/share/strongroom/agents/main/auth-profiles.json";
    let session = session(&format!("printf '{{\"version\": 99}}' >{index}; printf '{}\\n'", token()));
    session.paste("openrouter:one", "made-up-key-1");
    let ran = run(&session, &[]);
    assert_ne!(ran.status, 0, "{}", ran.stdout);
    assert!(ran.stdout.contains("the token was not stored and no copy is left"), "{}", ran.stdout);
}

/// If a signal ends `strongroom`, the program at its terminal is ended too, and the terminal is restored.
#[test]
fn a_signal_leaves_neither_the_program_nor_its_terminal_behind() {
    for (signal, status) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let session = session(
            "trap '' HUP TERM INT; echo $PPID >parent; echo $$ >child
             printf '\\033[?1049h\\033[31mRunning.'; while :; do sleep 0.1; done",
        );
        let typed = [format!("Running. =$ kill -{signal} $(cat parent)")];
        let command =
            "strongroom setup-token; echo ended=$?; stty -a | tr ' ' '\\n' | grep -x -e icanon -e -icanon";
        let ran = at_terminal(&session, command, &typed);
        assert!(ran.stdout.contains("\\e[?1049l\\e[0m"), "{}", ran.stdout);
        assert!(ran.stdout.contains(&format!("ended={status}\nicanon")), "{}", ran.stdout);
        let child = std::fs::read_to_string(session.path("child")).unwrap();
        assert!(!Path::new("/proc").join(child.trim()).exists(), "{child}");
    }
}

#[test]
fn what_its_first_line_names_is_missing() {
    let session = session("");
    session.write_program("bin/claude", "#!/nowhere/node\n");
    let ran = run(&session, &["Enter:  => ^C"]);
    assert!(ran.stdout.contains("the interpreter in its first line, does not exist"), "{}", ran.stdout);
}

#[test]
fn it_is_told_nothing_of_ours() {
    let session = session(&format!(
        "[ -z \"$(env | grep STRONGROOM)\" ] && [ \"$*\" = setup-token ] && printf '{}\\n'",
        token()
    ));
    let ran = at_terminal(&session, "STRONGROOM_AGENT=main strongroom setup-token", &[]).ok();
    assert!(ran.stdout.contains("Stored anthropic:default"), "{}", ran.stdout);
}

#[test]
fn without_a_terminal_it_says_how_else() {
    let session = session("printf 'never run'");
    let ran = session.feed(token(), ["setup-token"]).failed("NEEDS_TERMINAL", 69);
    assert!(ran.stderr.contains("strongroom paste-token --provider anthropic"), "{}", ran.stderr);
    session.run(["models", "auth", "setup-token", "--provider", "anthropic"]).failed("NEEDS_TERMINAL", 69);
    session.run(["setup-token", "--provider", "openai"]).failed("USAGE", 64);
    session.run(["onboard", "--auth-choice", "setup-token"]).failed("NEEDS_TERMINAL", 69);
}

#[test]
fn scrolled_away_in_every_way() {
    let token = token();
    for after in
        ["\\033[99S", "\\033[60S\\033[H", "\\033[99T", "\\033[5;20r\\033[99S", "\\033[2J\\033[3J\\033[H"]
    {
        taken(&format!("printf '{token}\\r\\n{after}bye\\033[r\\033[24;1H\\r\\n'"));
    }
    // A scrolling region above a fixed line.
    taken(&format!("printf '\\033[5;20r\\033[20;1H{token}\\r\\n\\033[21;1Hstays\\033[r\\033[24;1H\\r\\n'"));
}
