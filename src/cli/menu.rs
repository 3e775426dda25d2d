//! Questions with numbered answers, for a person at a terminal.

use super::context::not_a_secret;
use crate::error::{Code, Error, Result, fail};
use crate::secret_format;
use crate::term::out;
use crate::term::secret_input::{TRIES, read_line};

/// From this length on a word that is no id is not shown: it may be a key without a known beginning.
const WORD_MAX: usize = 20;

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

/// Asks for a line that is no secret. One that is pasted too early is not shown.
///
/// # Errors
/// `USAGE` for a secret; those of reading it.
pub(super) fn line(question: &str) -> Result<String> {
    let answer = read_line(question, &may_be_secret)?;
    if not_a_secret(&answer.text).is_ok() {
        return Ok(answer.text.to_string());
    }
    let (what, remedy) = if answer.shown {
        ("the answer looks like a secret, and was shown as it was typed", "revoke it")
    } else {
        ("the answer looks like a secret; it was not shown, and is not stored", "run it again")
    };
    Err(Error::new(Code::Usage, what)
        .with_remedy(format!("{remedy}; a secret is asked for by itself, and hidden")))
}

/// Whether what is typed for an answer may be a secret, or the beginning of one.
fn may_be_secret(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || matches!(c, ':' | '=' | '"' | '\'')).any(|word| {
        let known = secret_format::Shape::of(word).is_some_and(|shape| shape.prefix.len() >= 4);
        known
            || word.starts_with("sk-")
            || word.starts_with("eyJ")
            || (word.len() >= WORD_MAX && !word.contains('@'))
            || secret_format::looks_random(word)
    })
}

/// Asks until the answer is one.
///
/// # Errors
/// `USAGE` if none was understood, and for a secret; `CANCELLED`.
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
