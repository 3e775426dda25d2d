//! Secrets and answers from the person at the terminal.
//!
//! Prompts go to the terminal, never to standard output. Nothing typed is shown, and nothing
//! typed or pasted is left over for the shell.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::echo::Echo;
use super::escape::safe;
use super::line_editor::{Editor, MAX, Step};
pub use super::silent::Quiet;
use super::silent::{Asks, Silent};
use super::tty::{Tty, gone};
use crate::error::{Code, Error, Result, fail};
use crate::secret::Buffer;

/// How often a person is asked for what does not fit.
pub const TRIES: usize = 3;
/// More bytes than a key sends at once: a paste.
const KEY_MAX: usize = 4;
/// What is said of what was typed before a secret was asked for.
const EARLY: &str = "What was typed or pasted before this question is dropped: paste it now.\n";
/// The longest answer to a yes-or-no question that is shown, in bytes.
const YES_MAX: usize = 8;

/// Reads a token or a key, typed or pasted, on one line or wrapped over several: line breaks
/// within are kept as `\n`, those at its end are not. What white space means is the caller's.
///
/// # Errors
/// `CANCELLED` on Ctrl-C, Ctrl-D or when the terminal goes away, `NO_INPUT` without a terminal or
/// a value, `TOO_LARGE` beyond 64 KiB, `IO` when the terminal fails.
pub fn read_secret(prompt: &str) -> Result<Buffer> {
    hidden(prompt)
}

/// Reads a passphrase of one line, byte for byte, white space included.
///
/// # Errors
/// Those of [`read_secret`], and `BAD_DATA` when several lines are pasted: taking the first alone
/// would set another passphrase than the one that was meant.
pub fn read_passphrase(prompt: &str) -> Result<Buffer> {
    let value = hidden(prompt)?;
    if value.expose().contains(&b'\n') {
        return fail(Code::BadData, "the passphrase has more than one line");
    }
    Ok(value)
}

/// Whether a secret can be asked for where standard input is something else: there is a controlling
/// terminal, and this process is in its foreground. In the background it would be stopped.
#[must_use]
pub fn reaches_terminal() -> bool {
    Tty::controlling().is_some_and(|tty| tty.in_foreground())
}

/// Asks for a secret until there is one that will do, at most [`TRIES`] times. If an error is one to ask again after,
/// `again` says why, and that is shown before the prompt.
///
/// # Errors
/// Those of asking; of the last time all of them.
pub fn until<T>(
    prompt: &str,
    again: impl Fn(&Error) -> Option<Cow<'static, str>>,
    mut ask: impl FnMut(&str) -> Result<T>,
) -> Result<T> {
    // What follows a wrong one is typed while that is worked on.
    let _quiet = Quiet::begin();
    let mut text = prompt.to_owned();
    for _ in 1..TRIES {
        match ask(&text) {
            Err(error) => match again(&error) {
                Some(why) => text = format!("{why} {prompt}"),
                None => return Err(error),
            },
            done => return done,
        }
    }
    ask(&text)
}

/// Why a secret is asked for again after an error with this code: nothing was entered.
#[must_use]
pub fn empty(code: Code) -> Option<Cow<'static, str>> {
    (code == Code::NoInput).then_some(Cow::Borrowed("Nothing was entered."))
}

/// Asks for a new passphrase twice, and again if the two differ, if they are empty, or if `check` refuses it.
///
/// # Errors
/// Those of [`read_passphrase`] and of `check`; `BAD_DATA` if they still differ.
pub fn new_passphrase(prompt: &str, check: impl Fn(&Buffer) -> Result<()>) -> Result<Buffer> {
    let again = |error: &Error| match error.code() {
        Code::BadData => Some(Cow::Owned(sentence(error.what()))),
        code => empty(code),
    };
    until(prompt, again, |prompt| {
        let first = read_passphrase(prompt)?;
        check(&first)?;
        let second = read_passphrase("Again: ")?;
        if first.expose() == second.expose() {
            return Ok(first);
        }
        Err(Error::new(Code::BadData, "the two passphrases differ").with_remedy("type it again"))
    })
}

/// What an error says, as a sentence.
fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// Asks a yes-or-no question; everything but `y` and `yes` is no. What is longer than any such answer is not shown.
///
/// # Errors
/// `NOT_CONFIRMED` without a terminal, `CANCELLED` on Ctrl-C, Ctrl-D or when the terminal goes away,
/// `IO` when the terminal fails.
pub fn confirm(question: &str) -> Result<bool> {
    let Ok(tty) = Tty::open() else {
        return fail(Code::NotConfirmed, "this needs a confirmation, and there is no terminal to ask on");
    };
    let (answer, _) = answer(&tty, &format!("{question} [y/N] "), &|text| text.len() > YES_MAX)?;
    let answer = answer.expose().trim_ascii();
    Ok(answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes"))
}

/// An answer, and whether it was shown.
pub struct Answer {
    /// What was answered, without white space around it.
    pub text: Zeroizing<String>,
    /// Whether it was shown as it was typed.
    pub shown: bool,
}

/// Asks for a line that is no secret, and is shown as it is typed, unless it may be one.
///
/// # Errors
/// `NO_INPUT` without a terminal, `CANCELLED` on Ctrl-C, Ctrl-D or when the terminal goes away,
/// `BAD_DATA` for what is not text, `IO` when the terminal fails.
pub fn read_line(question: &str, may_be_secret: &dyn Fn(&str) -> bool) -> Result<Answer> {
    let tty = Tty::open()?;
    let (line, shown) = answer(&tty, question, may_be_secret)?;
    match line.expose_str() {
        Some(line) => Ok(Answer { text: Zeroizing::new(line.trim().to_owned()), shown }),
        None => fail(Code::BadData, "the answer is not UTF-8 text"),
    }
}

/// Asks, and shows what is typed: by itself and not by the terminal, which would show what comes too early.
fn answer(tty: &Tty, question: &str, may_be_secret: &dyn Fn(&str) -> bool) -> Result<(Buffer, bool)> {
    let mut terminal = Silent::enter(tty, Asks::Answer)?;
    tty.write(&safe(question))?;
    let interrupt = terminal.interrupt();
    let mut editor = Editor::for_answer(interrupt);
    let mut echo = Echo::default();
    let mut chunk = Zeroizing::new([0u8; 1024]);
    let (step, rest) = loop {
        // A paste is looked at as a whole before any of it is shown.
        let mut burst = false;
        let (step, rest) = loop {
            let waits = burst || editor.minds_time();
            let read =
                if waits { terminal.read_soon(&mut chunk[..])? } else { terminal.read(&mut chunk[..])? };
            if read == 0 && !waits {
                return Err(gone());
            }
            if read == 0 {
                editor.lapse();
                burst = false;
            }
            burst |= read > KEY_MAX;
            let bytes = chunk.get(..read).unwrap_or_default();
            let (mut step, mut fed) = (Step::More, 0);
            while let (Step::More, Some(byte)) = (step, bytes.get(fed)) {
                step = editor.feed(*byte);
                fed += 1;
            }
            if step != Step::More || !(burst || editor.minds_time()) {
                let last = fed.checked_sub(1).and_then(|last| bytes.get(last));
                if step == Step::Cancelled && last == Some(&interrupt) {
                    echo.interrupt(interrupt);
                }
                break (step, fed < bytes.len());
            }
        };
        echo.update(tty, editor.value(), may_be_secret)?;
        if step != Step::More {
            break (step, rest);
        }
    };
    // What follows an answer in one paste, and what is typed ahead, answers nothing that was asked.
    if rest {
        terminal.drain()?;
    }
    terminal.drop_early()?;
    let _ = tty.write("\n");
    match step {
        Step::TooLarge => Err(too_large()),
        Step::Cancelled => fail(Code::Cancelled, "cancelled at the question"),
        Step::Done | Step::More => Ok((editor.finish(), echo.is_shown())),
    }
}

fn hidden(prompt: &str) -> Result<Buffer> {
    let tty = Tty::open()?;
    let mut terminal = Silent::enter(&tty, Asks::Secret)?;
    if terminal.was_early() {
        tty.write(EARLY)?;
    }
    tty.write(&safe(prompt))?;
    let outcome = edit(&mut terminal);
    let drained = terminal.drain();
    // Feedback alone: what was typed counts even where it cannot be written.
    let _ = match &outcome {
        Ok(value) => tty.write(&format!("[received {}]\n", count(value))),
        Err(_) => tty.write("\n"),
    };
    drop(terminal);
    let value = outcome?;
    drained?;
    if value.is_empty() {
        return Err(Error::new(Code::NoInput, "nothing was entered")
            .with_remedy("run it again, and paste or type before Enter"));
    }
    Ok(value)
}

fn edit(terminal: &mut Silent) -> Result<Buffer> {
    let mut editor = Editor::new();
    let mut chunk = Zeroizing::new([0u8; 1024]);
    loop {
        let timed = editor.minds_time();
        let read = if timed { terminal.read_soon(&mut chunk[..])? } else { terminal.read(&mut chunk[..])? };
        let mut step = match read {
            0 if timed => editor.lapse(),
            0 => return Err(gone()),
            _ => Step::More,
        };
        for byte in chunk.iter().take(read) {
            step = editor.feed(*byte);
            if step != Step::More {
                break;
            }
        }
        match step {
            Step::More => {}
            Step::Done => return Ok(editor.finish()),
            Step::Cancelled => return fail(Code::Cancelled, "cancelled at the prompt"),
            Step::TooLarge => return Err(too_large()),
        }
    }
}

fn too_large() -> Error {
    Error::new(Code::TooLarge, format!("more than {} KiB were entered", MAX / 1024))
        .with_remedy("send it on standard input, if it really is that long")
}

/// How much was taken, in the unit in which a provider's page shows it: line breaks of a wrapped
/// display do not count.
fn count(value: &Buffer) -> String {
    let shown = |byte: &&u8| **byte != b'\n' && **byte & 0xc0 != 0x80;
    match value.expose().iter().filter(shown).count() {
        1 => "1 character".to_owned(),
        many => format!("{many} characters"),
    }
}
