//! Secrets and answers from the person at the terminal.
//!
//! Prompts go to the terminal, never to standard output. No secret is shown, and nothing that is typed or pasted is
//! left for the shell.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::echo::Echo;
use super::escape::safe;
use super::line_editor::{Editor, MAX, Step};
pub use super::silent::Quiet;
use super::silent::{Asks, Silent};
use super::tty::Tty;
use crate::error::{Code, Error, Result};
use crate::messages::terminal as messages;
use crate::secret::Buffer;

/// How often a person is asked until the input is usable.
pub const TRIES: usize = 3;
/// The most bytes that a key sends at once; more are a paste.
const KEY_MAX: usize = 4;
/// The longest answer to a yes-or-no question that is shown, in bytes.
const YES_MAX: usize = 8;

/// Reads a token or a key, typed or pasted, on one line or wrapped over several. Line breaks inside are kept as `\n`,
/// those at its end are not. The caller decides what white space means.
///
/// # Errors
/// `CANCELLED` on Ctrl-C, on Ctrl-D or if the terminal is closed, `NO_INPUT` without a terminal or without input,
/// `TOO_LARGE` beyond 64 KiB, `IO` if the terminal fails.
pub fn read_secret(prompt: &str) -> Result<Buffer> {
    hidden(prompt)
}

/// Reads a passphrase of one line, byte for byte, including white space.
///
/// # Errors
/// Those of [`read_secret`], and `BAD_DATA` if several lines are pasted: the first line alone would be another
/// passphrase than the intended one.
pub fn read_passphrase(prompt: &str) -> Result<Buffer> {
    let value = hidden(prompt)?;
    if value.expose().contains(&b'\n') {
        return Err(messages::several_lines());
    }
    Ok(value)
}

/// Returns whether a secret can be asked for even if standard input is not a terminal: there is a controlling terminal,
/// and this process is in its foreground. In the background it would be stopped.
#[must_use]
pub fn reaches_terminal() -> bool {
    Tty::controlling().is_some_and(|tty| tty.in_foreground())
}

/// Asks for a secret until it is usable, at most [`TRIES`] times. For an error after which to ask again, `again`
/// returns the reason, which is shown before the prompt.
///
/// # Errors
/// Those after which not to ask again, and any error of the last attempt.
pub fn until<T>(
    prompt: &str,
    again: impl Fn(&Error) -> Option<Cow<'static, str>>,
    mut ask: impl FnMut(&str) -> Result<T>,
) -> Result<T> {
    // After a wrong secret, people type the next one while the first is still being checked.
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

/// Returns why to ask again after an error with this code, if it means that nothing was entered.
#[must_use]
pub fn empty(code: Code) -> Option<Cow<'static, str>> {
    (code == Code::NoInput).then_some(Cow::Borrowed(messages::NOTHING_ENTERED))
}

/// Asks for a new passphrase twice, and again if the two differ, are empty, or are refused by `check`.
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
        let second = read_passphrase(messages::AGAIN)?;
        if first.expose() == second.expose() {
            return Ok(first);
        }
        Err(messages::passphrases_differ())
    })
}

/// Returns an error's message as a sentence.
fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// Asks a yes-or-no question; everything but `y` and `yes` is no. An answer that is too long for either is not shown.
///
/// # Errors
/// `NOT_CONFIRMED` without a terminal, `CANCELLED` on Ctrl-C, on Ctrl-D or if the terminal is closed, `IO` if the
/// terminal fails.
pub fn confirm(question: &str) -> Result<bool> {
    let Ok(tty) = Tty::open() else {
        return Err(messages::cannot_confirm());
    };
    let (answer, _) = answer(&tty, &format!("{question} [y/N] "), &|text| text.len() > YES_MAX)?;
    let answer = answer.expose().trim_ascii();
    Ok(answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes"))
}

/// An answer, and whether it was shown.
pub struct Answer {
    /// The answer, without white space around it.
    pub text: Zeroizing<String>,
    /// Whether it was shown as it was typed.
    pub shown: bool,
}

/// Asks for a line that is not a secret. It is shown as it is typed, unless it may be a secret after all.
///
/// # Errors
/// `NO_INPUT` without a terminal, `CANCELLED` on Ctrl-C, on Ctrl-D or if the terminal is closed, `BAD_DATA` if it is
/// not UTF-8 text, `IO` if the terminal fails.
pub fn read_line(question: &str, may_be_secret: &dyn Fn(&str) -> bool) -> Result<Answer> {
    let tty = Tty::open()?;
    let (line, shown) = answer(&tty, question, may_be_secret)?;
    match line.expose_str() {
        Some(line) => Ok(Answer { text: Zeroizing::new(line.trim().to_owned()), shown }),
        None => Err(messages::answer_not_text()),
    }
}

/// Asks, and shows what is typed. The terminal's own echo is off, because it would show what is typed too early.
fn answer(tty: &Tty, question: &str, may_be_secret: &dyn Fn(&str) -> bool) -> Result<(Buffer, bool)> {
    let mut terminal = Silent::enter(tty, Asks::Answer)?;
    tty.write(&safe(question))?;
    let interrupt = terminal.interrupt();
    let mut editor = Editor::for_answer(interrupt);
    let mut echo = Echo::default();
    let mut chunk = Zeroizing::new([0u8; 1024]);
    let (step, rest) = loop {
        // A paste is checked as a whole before any of it is shown.
        let mut burst = false;
        let (step, rest) = loop {
            let waits = burst || editor.minds_time();
            let read =
                if waits { terminal.read_soon(&mut chunk[..])? } else { terminal.read(&mut chunk[..])? };
            if read == 0 && !waits {
                return Err(messages::closed());
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
    // What follows an answer in one paste, or is typed ahead, does not answer any question.
    if rest {
        terminal.drain()?;
    }
    terminal.drop_early()?;
    let _ = tty.write("\n");
    match step {
        Step::TooLarge => Err(too_large()),
        Step::Cancelled => Err(messages::question_cancelled()),
        Step::Done | Step::More => Ok((editor.finish(), echo.is_shown())),
    }
}

fn hidden(prompt: &str) -> Result<Buffer> {
    let tty = Tty::open()?;
    let mut terminal = Silent::enter(&tty, Asks::Secret)?;
    if terminal.was_early() {
        tty.write(messages::EARLY)?;
    }
    tty.write(&safe(prompt))?;
    let outcome = edit(&mut terminal);
    let drained = terminal.drain();
    // Only feedback: the input counts even if this cannot be written.
    let _ = match &outcome {
        Ok(value) => tty.write(&messages::received(count(value))),
        Err(_) => tty.write("\n"),
    };
    drop(terminal);
    let value = outcome?;
    drained?;
    if value.is_empty() {
        return Err(messages::nothing_entered());
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
            0 => return Err(messages::closed()),
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
            Step::Cancelled => return Err(messages::cancelled()),
            Step::TooLarge => return Err(too_large()),
        }
    }
}

fn too_large() -> Error {
    messages::too_much_entered(MAX / 1024)
}

/// Returns the number of characters, without the line breaks of a wrapped display, as a provider's page would count
/// them.
fn count(value: &Buffer) -> usize {
    let shown = |byte: &&u8| **byte != b'\n' && **byte & 0xc0 != 0x80;
    value.expose().iter().filter(shown).count()
}
