//! Names that a user or a file supplied, as messages show them.

use super::PROFILE_ID_MAX;
use crate::looks::may_be_misspelt;
use crate::messages;
use crate::term::escape::is_unsafe;

/// How much of a foreign name is shown, in characters.
const SHOWN_MAX: usize = 80;

/// Names a user or a file supplied, made safe to show: at most 80 characters, in quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    quoted_up_to(text, SHOWN_MAX)
}

/// The same of a text that is no name, unless it may be a secret that was put in the place of one.
#[must_use]
pub fn repeated(text: &str) -> String {
    if may_be_misspelt(text) { quoted(text) } else { messages::vault::names::withheld() }
}

/// The same, of a name as long as any id can be and some more: for one that is to be typed again.
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
