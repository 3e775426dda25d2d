//! Asks questions with numbered answers, on a terminal.

use super::context::not_a_secret;
use crate::error::Result;
use crate::messages::cli::arguments as messages;
use crate::secret_format;
use crate::term::out;
use crate::term::secret_input::{TRIES, read_line};

/// Words of this length in bytes, and longer ones, are hidden unless they are ids: they may be keys without a known
/// prefix.
const WORD_MAX: usize = 20;

/// Asks for one of several choices and returns its index. An empty answer is the first choice.
///
/// `title` stands above the menu and `what` at the prompt. A choice is a name and a description.
///
/// # Errors
/// `USAGE` if no answer was one of the choices, `CANCELLED`.
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

/// Returns the index of a choice that was typed as a number, from 1 to `of`.
pub(super) fn numbered(text: &str, of: usize) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    number.checked_sub(1).filter(|index| *index < of)
}

/// Asks for a line that is not a secret. A secret that is pasted too early is not shown.
///
/// # Errors
/// `USAGE` for a secret; those of reading it.
pub(super) fn line(question: &str) -> Result<String> {
    let answer = read_line(question, &may_be_secret)?;
    if not_a_secret(&answer.text).is_ok() {
        return Ok(answer.text.to_string());
    }
    Err(if answer.shown { messages::answer_was_shown() } else { messages::answer_was_hidden() })
}

/// Returns whether what is typed for an answer may be a secret, or the beginning of one.
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

/// Asks until `understand` accepts an answer, at most [`TRIES`] times.
///
/// # Errors
/// `USAGE` if no answer was accepted, and for a secret; `CANCELLED`.
pub(super) fn answer<T>(question: &str, understand: impl Fn(&str) -> Option<T>) -> Result<T> {
    for nth in 0..TRIES {
        let text = if nth == 0 { line(question)? } else { line(&messages::again(question))? };
        if let Some(value) = understand(&text) {
            return Ok(value);
        }
    }
    Err(messages::no_answer())
}
