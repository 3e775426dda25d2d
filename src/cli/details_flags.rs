//! Reads flags about what a record has in addition to the credential.

use super::Context;
use crate::error::Result;
use crate::messages::cli::{arguments, edits};
use crate::vault::details::{Checked, Wrong, origin};

/// Reads hosts as origins in their one spelling.
///
/// # Errors
/// `USAGE`.
pub(super) fn hosts(flag: &str, texts: &[String]) -> Result<Vec<String>> {
    texts.iter().map(|text| accepted(flag, origin::parse(text))).collect()
}

/// Returns what a check accepts. The error names the flag, and does not repeat what was given.
///
/// # Errors
/// `USAGE`.
pub(super) fn accepted<T>(flag: &str, checked: Checked<T>) -> Result<T> {
    checked.map_err(|wrong| match wrong {
        Wrong::Secret => arguments::is_a_secret(),
        Wrong::Form(why) => edits::not_accepted(flag, why),
    })
}

/// Warns of hosts to which requests are not encrypted.
pub(super) fn warn_of_plain(context: &Context, hosts: &[String]) {
    for host in hosts.iter().filter(|host| origin::is_plain(host)) {
        context.warn(&edits::plain_http(host));
    }
}
