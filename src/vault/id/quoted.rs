//! How messages show names that a user or a file supplied.

use super::PROFILE_ID_MAX;
use crate::looks::may_be_misspelt;
use crate::messages;
use crate::term::escape::is_unsafe;

/// The most characters that are shown of such a name.
const SHOWN_MAX: usize = 80;

/// Returns a name that a user or a file supplied in quotes, made safe to show, up to 80 characters.
#[must_use]
pub fn quoted(text: &str) -> String {
    quoted_up_to(text, SHOWN_MAX)
}

/// Returns a text that is no valid name like [`quoted`]; a text that may be a secret is not shown.
#[must_use]
pub fn repeated(text: &str) -> String {
    if may_be_misspelt(text) { quoted(text) } else { messages::vault::names::withheld() }
}

/// Returns a name like [`quoted`], but in full: it is longer than any id only by 80 characters. For names that the user
/// has to type again.
#[must_use]
pub fn quoted_in_full(text: &str) -> String {
    quoted_up_to(text, PROFILE_ID_MAX + SHOWN_MAX)
}

fn quoted_up_to(text: &str, max: usize) -> String {
    let mut out = String::from("\"");
    for (count, c) in text.chars().enumerate() {
        if count == max {
            out.push('…');
            break;
        }
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if is_unsafe(c) => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
