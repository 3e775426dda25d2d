//! What a verb says: documents, lines, warnings, errors, questions.

use std::error::Error as _;

use std::borrow::Cow;

use serde::Serialize;

use super::Context;
use crate::env::Env;
use crate::error::{Code, Error, Result, fail};
use crate::looks::masked;
use crate::term::escape::{safe, safe_json};
use crate::term::out::{self, Written};
use crate::term::secret_input;
use crate::term::style::Style;

impl Context {
    /// Prints lines on standard output.
    ///
    /// # Errors
    /// Those of writing.
    pub fn print(&mut self, text: &str) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let is_whole = text.is_empty() || text.ends_with('\n');
        let text = masked(text);
        let text = if is_whole { text } else { Cow::Owned(format!("{text}\n")) };
        self.closed = out::write_text(&text)? == Written::Closed;
        Ok(())
    }

    /// Prints one JSON document on standard output.
    ///
    /// # Errors
    /// Those of writing.
    pub fn print_json(&mut self, document: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|_| Error::new(Code::Internal, "the JSON document cannot be written"))?;
        self.print(&safe_json(&text))
    }

    /// Says lines to people, on standard error; nothing in `--json` mode. What a line holds from
    /// elsewhere has to be [`safe`] before it becomes one of several.
    pub fn say(&self, text: &str) {
        if !self.json() {
            let text = masked(text);
            let lines: Vec<_> = text.lines().map(safe).collect();
            out::write_error(&format!("{}\n", lines.join("\n")));
        }
    }

    /// Warns people, on standard error.
    pub fn warn(&self, text: &str) {
        warn(&self.env, text);
    }

    /// Reports an error and gives its exit status.
    #[must_use]
    pub fn report(&self, error: &Error) -> u8 {
        report(error, &self.env, self.json())
    }

    /// Asks for a confirmation that `--yes` would have given.
    ///
    /// # Errors
    /// `NOT_CONFIRMED` if no one can be asked, `CANCELLED` if the answer is no or none.
    pub fn confirm(&self, yes: bool, question: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        if !self.may_ask() {
            return fail(Code::NotConfirmed, "this needs a confirmation, and no one can be asked");
        }
        if secret_input::confirm(&masked(question))? {
            Ok(())
        } else {
            fail(Code::Cancelled, "not confirmed")
        }
    }
}

/// Warns people, on standard error.
pub(super) fn warn(env: &Env, text: &str) {
    let style = Style::stderr(env);
    out::write_error(&format!("{} {}\n", style.warn("warning:"), safe(&masked(text))));
}

/// Reports an error on standard error and gives its exit status.
#[must_use]
pub fn report(error: &Error, env: &Env, json: bool) -> u8 {
    if json {
        let mut document = serde_json::json!({
            "error": {
                "code": error.code().name(), "message": masked(error.what()), "remedy": masked(error.remedy()),
            }
        });
        if let Some(source) = error.source() {
            document["error"]["reason"] = source.to_string().into();
        }
        out::write_error(&format!("{}\n", safe_json(&document.to_string())));
    } else {
        let style = Style::stderr(env);
        out::write_error(&format!(
            "{} [{}] {}\n  {} {}\n",
            style.bad("error:"),
            error.code().name(),
            safe(&masked(error.what())),
            style.dim("→"),
            safe(&masked(error.remedy()))
        ));
    }
    error.code().exit()
}
