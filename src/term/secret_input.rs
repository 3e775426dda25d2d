//! Secrets and answers from the person at the terminal.
//!
//! Prompts go to the terminal, never to standard output. Nothing typed is shown, and nothing
//! typed or pasted is left over for the shell.

use zeroize::Zeroizing;

use super::escape::safe;
use super::line_editor::{Editor, MAX, Step};
use super::tty::{Hidden, Tty, Visible, gone};
use crate::error::{Code, Error, Result, fail};
use crate::secret::Buffer;

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

/// Asks a yes-or-no question; everything but `y` and `yes` is no.
///
/// # Errors
/// `NOT_CONFIRMED` without a terminal, `CANCELLED` on Ctrl-C, Ctrl-D or when the terminal goes away,
/// `IO` when the terminal fails.
pub fn confirm(question: &str) -> Result<bool> {
    let Ok(tty) = Tty::open() else {
        return fail(Code::NotConfirmed, "this needs a confirmation, and there is no terminal to ask on");
    };
    let mut answer = [0u8; 256];
    let answer = visible(&tty, &format!("{question} [y/N] "), &mut answer)?.trim_ascii();
    Ok(answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes"))
}

/// Asks for a line that is no secret, and is shown as it is typed.
///
/// # Errors
/// `NO_INPUT` without a terminal, `CANCELLED` on Ctrl-C, Ctrl-D or when the terminal goes away,
/// `BAD_DATA` for what is not text, `IO` when the terminal fails.
pub fn read_line(question: &str) -> Result<String> {
    let tty = Tty::open()?;
    let mut line = Zeroizing::new([0u8; 4096]);
    match std::str::from_utf8(visible(&tty, question, &mut line[..])?) {
        Ok(line) => Ok(line.trim().to_owned()),
        Err(_) => fail(Code::BadData, "the answer is not UTF-8 text"),
    }
}

fn visible<'a>(tty: &Tty, question: &str, line: &'a mut [u8]) -> Result<&'a [u8]> {
    let terminal = Visible::enter(tty);
    tty.write(&safe(question))?;
    let read = tty.read(line)?;
    let line = line.get(..read).unwrap_or_default();
    if line.is_empty() || terminal.is_interrupted(line) {
        let _ = tty.write("\n");
        return fail(Code::Cancelled, "cancelled at the question");
    }
    Ok(line)
}

fn hidden(prompt: &str) -> Result<Buffer> {
    let tty = Tty::open()?;
    let mut terminal = Hidden::enter(&tty)?;
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
        return fail(Code::NoInput, "nothing was entered")
            .map_err(|e: Error| e.with_remedy("run it again, and paste or type before Enter"));
    }
    Ok(value)
}

fn edit(terminal: &mut Hidden) -> Result<Buffer> {
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
