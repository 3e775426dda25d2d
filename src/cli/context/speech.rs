//! The output of a command: documents, lines, warnings, errors, questions.

use std::error::Error as _;

use std::borrow::Cow;

use serde::Serialize;

use super::Context;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::looks::masked;
use crate::messages::cli::arguments as messages;
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
        self.print(&self::document(document, false)?)
    }

    /// Prints lines for people on standard error, except in `--json` mode. Text from elsewhere has to be [`safe`] before
    /// it is joined with other lines, because a line break in it would pass for a line of this program.
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

    /// Returns whether the reader of standard output has closed its end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Prints a detail on standard error, if `--verbose` asks for it.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        if self.global.verbose {
            out::write_error(&format!("{}\n", safe(&text())));
        }
    }

    /// Reports an error and returns its exit status.
    #[must_use]
    pub fn report(&self, error: &Error) -> u8 {
        report(error, &self.env, self.json())
    }

    /// Asks for a confirmation, unless `--yes` gave it.
    ///
    /// # Errors
    /// `NOT_CONFIRMED` if no one can be asked, `CANCELLED` if the answer is no or missing.
    pub fn confirm(&self, yes: bool, question: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        if !self.may_ask() {
            return Err(messages::not_confirmed());
        }
        if secret_input::confirm(&masked(question))? { Ok(()) } else { Err(messages::declined()) }
    }
}

/// Returns a JSON document as it is printed, over several lines or in one.
///
/// # Errors
/// `INTERNAL`.
pub fn document(document: &impl Serialize, in_one_line: bool) -> Result<String> {
    let written =
        if in_one_line { serde_json::to_string(document) } else { serde_json::to_string_pretty(document) };
    Ok(safe_json(&written.map_err(|_| messages::no_document())?).into_owned())
}

/// Warns people, on standard error.
pub fn warn(env: &Env, text: &str) {
    let style = Style::stderr(env);
    out::write_error(&format!("{} {}\n", style.warn("warning:"), safe(&masked(text))));
}

/// Reports an error on standard error and returns its exit status.
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
