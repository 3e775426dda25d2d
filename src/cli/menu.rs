//! Questions with numbered answers, for a person at a terminal.

use super::context::not_a_secret;
use crate::error::{Code, Error, Result, fail};
use crate::term::out;
use crate::term::secret_input::read_line;

/// How often an answer that is none is asked for again.
const TRIES: usize = 3;

/// Asks which of some choices it is to be, under a title and by a short name of what is asked. Each is
/// a name and what is told about it; an empty answer is the first of them. Its index is given.
///
/// # Errors
/// `USAGE` where no answer was understood, `CANCELLED`.
pub(super) fn pick(title: &str, what: &str, choices: &[(&str, String)]) -> Result<usize> {
    let mut menu = format!("{title}:\n");
    let width = choices.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (number, (name, told)) in (1..).zip(choices) {
        menu.push_str(format!("  {number}  {name:<width$}  {told}").trim_end());
        menu.push('\n');
    }
    out::write_error(&menu);
    answer(&format!("{what} [1]: "), |text| {
        if text.is_empty() {
            return Some(0);
        }
        numbered(text, choices.len()).or_else(|| choices.iter().position(|(name, _)| *name == text))
    })
}

/// The index that a number means, of so many.
pub(super) fn numbered(text: &str, of: usize) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    number.checked_sub(1).filter(|index| *index < of)
}

/// Asks for a line that is no secret.
///
/// # Errors
/// `USAGE` for a secret, which is then on the screen; those of reading it.
pub(super) fn line(question: &str) -> Result<String> {
    let text = read_line(question)?;
    not_a_secret(&text).map_err(|_| {
        Error::new(Code::Usage, "the answer looks like a secret, and was shown as it was typed")
            .with_remedy("revoke it; a secret is asked for by itself, and hidden")
    })?;
    Ok(text)
}

/// Asks until the answer is one.
///
/// # Errors
/// `USAGE` where none was understood, and for a secret, which is then on the screen; `CANCELLED`.
pub(super) fn answer<T>(question: &str, understand: impl Fn(&str) -> Option<T>) -> Result<T> {
    for nth in 0..TRIES {
        let text =
            if nth == 0 { line(question)? } else { line(&format!("That is none of them. {question}"))? };
        if let Some(value) = understand(&text) {
            return Ok(value);
        }
    }
    fail(Code::Usage, "no answer was understood")
}
