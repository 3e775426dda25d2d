//! Reads hosts, helpers and other texts that a record has apart from its secret.

use crate::error::Result;
use crate::messages::cli::{arguments, edits as messages};
use crate::vault::details::{Checked, Wrong, origin};

/// Reads a host as an origin in its one spelling.
///
/// # Errors
/// `USAGE`, which does not repeat it.
pub(super) fn host(flag: &str, text: &str) -> Result<String> {
    accepted(flag, origin::parse(text))
}

/// Reads hosts.
///
/// # Errors
/// As [`host`].
pub(super) fn hosts(flag: &str, texts: &[String]) -> Result<Vec<String>> {
    texts.iter().map(|text| host(flag, text)).collect()
}

/// Returns what a check accepts. `flag` names the argument in the error.
///
/// # Errors
/// `USAGE`, which does not repeat the argument.
pub(super) fn accepted<T>(flag: &str, checked: Checked<T>) -> Result<T> {
    checked.map_err(|wrong| match wrong {
        Wrong::Secret => arguments::is_a_secret(),
        Wrong::Form(why) => messages::not_accepted(flag, why),
    })
}
