//! Secrets typed and pasted at a real terminal.

use rustix::termios::SpecialCodeIndex;
use sha2::{Digest, Sha256};
use strongroom::error::Result;
use strongroom::secret::Buffer;
use strongroom::term::secret_input::{confirm, read_line, read_passphrase, read_secret};

use crate::pty::{Ended, Pty, TASK, ended};

/// Not a test: the other tests run it at their terminals. Without a task it does nothing.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (kind, place) = task.split_once(' ').unwrap();
    rustix::process::setsid().unwrap();
    if place == "controlling" {
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdin()).unwrap();
    }
    let tell = |read: Result<Buffer>| match read {
        Ok(value) => digest(value.expose()),
        Err(error) => error.code().name().to_owned(),
    };
    let outcome = match kind {
        "secret" => tell(read_secret("Secret: ")),
        "passphrase" => tell(read_passphrase("Passphrase: ")),
        "confirm" => match confirm("Remove \x1b[31mit?") {
            Ok(answer) => answer.to_string(),
            Err(error) => error.code().name().to_owned(),
        },
        "line" => match read_line("Name: ", &|text| text.starts_with("sk-")) {
            Ok(line) => format!("{:?}", line.text.as_str()),
            Err(error) => error.code().name().to_owned(),
        },
        _ => unreachable!(),
    };
    println!("outcome={outcome};");
}

fn digest(bytes: &[u8]) -> String {
    format!("{}:{:x}", bytes.len(), Sha256::digest(bytes))
}

fn outcome(ended: &Ended) -> &str {
    assert!(ended.status.success(), "{}", ended.stdout);
    let (_, rest) = ended.stdout.split_once("outcome=").unwrap();
    rest.split_once(';').unwrap().0
}

/// Returns a made-up token of this length, whose parts differ, with letters that no prompt has.
fn token(len: usize) -> String {
    let numbers = (0..len).flat_map(|i| format!("{i}-").into_bytes());
    numbers.map(|byte| char::from(byte + b'G' - b'0')).take(len).collect()
}

/// Types these bytes at the prompt and returns the result, after checking what holds for every
/// input: nothing is shown or left over, and the terminal is as it was.
fn type_at(kind: &str, prompt: &str, typed: &[u8]) -> (String, String) {
    let mut pty = Pty::open();
    let before = pty.modes();
    let child = pty.start("terminal::child", &format!("{kind} controlling"));
    pty.wait_for(prompt);
    pty.send(typed);
    let ended = pty.wait(child);
    let screen = pty.screen();

    assert_eq!(pty.modes(), before);
    assert_eq!(String::from_utf8_lossy(&pty.left_over()), "");
    assert!(!ended.stdout.contains(prompt), "{}", ended.stdout);
    for shown in typed.windows(4).filter(|window| window.iter().all(u8::is_ascii_graphic)) {
        assert!(!pty.shows(shown), "shows {:?}: {screen}", String::from_utf8_lossy(shown));
    }
    let (on, off) = (screen.find("\x1b[?2004h").unwrap(), screen.rfind("\x1b[?2004l").unwrap());
    assert!(on < screen.find(prompt).unwrap() && screen.find(prompt).unwrap() < off);
    (outcome(&ended).to_owned(), screen)
}

fn secret(typed: impl AsRef<[u8]>) -> (String, String) {
    type_at("secret", "Secret: ", typed.as_ref())
}

#[track_caller]
fn gives(typed: impl AsRef<[u8]>, value: &str) {
    assert_eq!(secret(typed).0, digest(value.as_bytes()));
}

#[test]
fn typed_and_entered() {
    gives("q7Zk!x\r", "q7Zk!x");
    gives("q7Zk!x\n", "q7Zk!x");
    gives("q7Zk!x\r\n", "q7Zk!x");
}

#[test]
fn a_long_token_in_one_burst() {
    let value = token(108);
    let (outcome, screen) = secret(format!("{value}\r"));
    assert_eq!(outcome, digest(value.as_bytes()));
    assert!(screen.contains("[received 108 characters]"), "{screen}");
}

#[test]
fn a_token_wrapped_over_lines_is_taken_whole() {
    let value = token(108);
    let (one, two) = value.split_at(54);
    gives(format!("{one}\r{two}\r"), &format!("{one}\n{two}"));
    let (one, rest) = value.split_at(40);
    let (two, three) = rest.split_at(40);
    let (outcome, screen) = secret(format!("{one}\r{two}\r{three}\r"));
    assert_eq!(outcome, digest(format!("{one}\n{two}\n{three}").as_bytes()));
    assert!(screen.contains("[received 108 characters]"), "{screen}");
}

#[test]
fn a_bracketed_paste_with_line_breaks() {
    gives("\x1b[200~abcd\r\nefgh\rijkl\r\x1b[201~\r", "abcd\nefgh\nijkl");
    gives("\x1b[200~abcd\x1b[201~\x04", "abcd");
}

#[test]
fn a_paste_that_never_ends_can_be_entered() {
    let mut pty = Pty::open();
    let child = pty.start("terminal::child", "secret controlling");
    pty.wait_for("Secret: ");
    pty.send(b"\x1b[200~abcd\r");
    // Like a person: Enter, a look, and Enter again. Line breaks in the paste do not end it.
    for _ in 0..20 {
        if !pty.look() {
            pty.send(b"\r");
        }
        if pty.shows(b"[received") {
            break;
        }
    }
    assert_eq!(outcome(&pty.wait(child)), digest(b"abcd"));
}

#[test]
fn more_than_a_line_of_the_terminal_driver() {
    let value = token(6 * 1024);
    gives(format!("{value}\r"), &value);
    gives(format!("\x1b[200~{value}\x1b[201~\r"), &value);
}

#[test]
fn too_much_is_refused_and_not_left_to_the_shell() {
    assert_eq!(secret(format!("{}\rls\r", token(200_000))).0, "TOO_LARGE");
}

#[test]
fn ways_out() {
    assert_eq!(secret("abcd\x03").0, "CANCELLED");
    assert_eq!(secret(format!("abcd\x03{}\r", token(3000))).0, "CANCELLED");
    assert_eq!(secret("\x04").0, "CANCELLED");
    assert_eq!(secret("\r").0, "NO_INPUT");
}

#[test]
fn keys_that_are_no_characters() {
    gives("ab\x1b[A\x1b[1;5Ccd\x1bOP\x1aef\r", "abcdef");
    gives("wrong\x15abx\x7fcd\r", "abcd");
}

#[test]
fn a_passphrase_is_taken_byte_for_byte() {
    let passphrase = |typed: &str| type_at("passphrase", "Passphrase: ", typed.as_bytes()).0;
    assert_eq!(passphrase("  correct h\u{e9}rse\t \r"), digest("  correct h\u{e9}rse\t ".as_bytes()));
    assert_eq!(passphrase("\x1b[200~ two words\r\x1b[201~\r"), digest(b" two words"));
    assert_eq!(passphrase("first\rsecond\r"), "BAD_DATA");
}

#[test]
fn without_a_controlling_terminal_the_standard_streams_are_used() {
    let mut pty = Pty::open();
    let child = pty.start("terminal::child", "secret standard");
    pty.wait_for("Secret: ");
    pty.send(b"abcd\r");
    assert_eq!(outcome(&pty.wait(child)), digest(b"abcd"));
}

#[test]
fn a_terminal_that_goes_away_is_an_end() {
    let mut pty = Pty::open();
    let child = pty.start("terminal::child", "secret standard");
    pty.wait_for("Secret: ");
    pty.send(b"abcd");
    pty.hang_up();
    assert_eq!(outcome(&ended(child)), "CANCELLED");
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    for (kind, expected) in [("secret", "NO_INPUT"), ("passphrase", "NO_INPUT"), ("confirm", "NOT_CONFIRMED")]
    {
        let child = crate::pty::start_without("terminal::child", &format!("{kind} none"));
        assert_eq!(outcome(&ended(child)), expected);
    }
}

const CONFIRM: (&str, &str) = ("confirm", "Remove \\u{1b}[31mit? [y/N] ");
const LINE: (&str, &str) = ("line", "Name: ");

/// Types at a visible question and returns the result, after checking that nothing is left over
/// and the terminal is as it was.
fn answer(pty: &mut Pty, (kind, question): (&str, &str), typed: &str) -> String {
    let before = pty.modes();
    let child = pty.start("terminal::child", &format!("{kind} controlling"));
    pty.wait_for(question);
    pty.send(typed.as_bytes());
    let ended = pty.wait(child);
    assert_eq!(pty.modes(), before, "{typed:?}");
    assert_eq!(String::from_utf8_lossy(&pty.left_over()), "", "{typed:?}");
    outcome(&ended).to_owned()
}

#[test]
fn questions() {
    for (typed, expected) in [
        ("y\n", "true"),
        ("YES\n", "true"),
        ("n\n", "false"),
        ("\n", "false"),
        ("nonsense\n", "false"),
        ("\x04", "CANCELLED"),
        ("\x03", "CANCELLED"),
        ("y\x03", "CANCELLED"),
    ] {
        assert_eq!(answer(&mut Pty::open(), CONFIRM, typed), expected, "{typed:?}");
    }
    for (typed, expected) in [
        ("me and you\n", "\"me and you\""),
        ("\n", "\"\""),
        ("\x04", "CANCELLED"),
        ("\x03", "CANCELLED"),
        ("half a na\x03", "CANCELLED"),
        ("half a na\x03rm -r x\n", "CANCELLED"),
    ] {
        assert_eq!(answer(&mut Pty::open(), LINE, typed), expected, "{typed:?}");
    }
}

#[test]
fn a_cancelled_question_leaves_a_line_of_its_own() {
    let mut pty = Pty::open();
    assert_eq!(answer(&mut pty, CONFIRM, "\x03"), "CANCELLED");
    assert!(pty.screen().ends_with("[y/N] ^C\r\n\u{1b}[?2004l<end>"), "{:?}", pty.screen());
}

/// A terminal with another interrupt key cancels with that key too.
#[test]
fn the_key_that_interrupts_is_the_terminals_own() {
    for (code, key, other) in [(0x18, "\x18", "\x03\n"), (0, "\x03", "\x18\n")] {
        let typed = |typed: &str| {
            let mut pty = Pty::open();
            pty.set_code(SpecialCodeIndex::VINTR, code);
            answer(&mut pty, LINE, typed)
        };
        assert_eq!(typed(&format!("ab{key}")), "CANCELLED");
        assert_ne!(typed(other), "CANCELLED");
    }
}

#[test]
fn while_a_question_stands_other_keys_do_what_they_do() {
    let mut pty = Pty::open();
    let codes = |pty: &Pty| [SpecialCodeIndex::VQUIT, SpecialCodeIndex::VSUSP].map(|index| pty.code(index));
    let before = (codes(&pty), pty.code(SpecialCodeIndex::VINTR));
    let child = pty.start("terminal::child", "line controlling");
    pty.wait_for("Name: ");
    assert_eq!(codes(&pty), before.0);
    assert_ne!(pty.code(SpecialCodeIndex::VINTR), before.1);
    pty.send(b"wrong\x15right\n");
    assert_eq!(outcome(&pty.wait(child)), "\"right\"");
    assert_eq!(pty.code(SpecialCodeIndex::VINTR), before.1);
}

#[test]
fn a_terminal_that_goes_away_answers_nothing() {
    for (kind, question) in [CONFIRM, LINE] {
        let mut pty = Pty::open();
        let child = pty.start("terminal::child", &format!("{kind} standard"));
        pty.wait_for(question);
        pty.send(b"y");
        pty.hang_up();
        assert_eq!(outcome(&ended(child)), "CANCELLED");
    }
}

#[test]
fn what_is_left_over_would_be_seen() {
    let pty = Pty::open();
    pty.send(b"rm -r x\rtail");
    assert_eq!(pty.left_over(), b"rm -r x\ntail");
}
