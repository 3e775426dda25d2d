//! Parses a `.env` file like the client's own parser, `dotenv` 17.4.2, which is one regular expression. This parser is
//! written by hand, takes linear time, and substitutes nothing.
//!
//! The grammar of that expression:
//! - A statement begins at the first character of a line that is not blank. Blanks are JavaScript's `\s`.
//! - `export`, a name of `[A-Za-z0-9_.-]`, then blanks (also line breaks) and `=`, or `:` and one blank (also a
//!   line break).
//! - A value in quotes, possibly on a later line, may span lines. It ends at the first quotation mark without a
//!   backslash before it; if text follows on the same line, it ends at the last quotation mark before that without text
//!   after it.
//! - Any other value goes to the next `#` or the end of the line.
//! - Anything else is passed over, up to the end of its line.

use std::ops::Range;

use super::dotenv_value::{Note, Raw, Value, ends_line, is_blank, settle};
use super::stray_keys;
use crate::env_names;

/// One assignment.
pub(crate) struct Assignment<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    /// Its place in the text, from its name, or `export`, to the end of its value.
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
    pub(crate) note: Option<Note>,
}

/// A line that is neither an assignment nor a comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PassedOver {
    pub(crate) line: usize,
    /// Whether it seems to contain a key.
    pub(crate) holds_key: bool,
}

/// An assignment inside the value of another variable, which the client reads as part of that value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Swallowed<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    /// The variable that has it in its value.
    pub(crate) by: &'a str,
}

/// A parsed file.
#[derive(Default)]
pub(crate) struct Lines<'a> {
    pub(crate) assignments: Vec<Assignment<'a>>,
    pub(crate) passed_over: Vec<PassedOver>,
    pub(crate) swallowed: Vec<Swallowed<'a>>,
    /// Whether it has more than [`LINES_MAX`] of these, and the rest was not parsed.
    pub(crate) too_many: bool,
}

/// The most assignments and other lines in a file.
pub(crate) const LINES_MAX: usize = 100_000;

/// Parses a file.
pub(crate) fn lines(text: &str) -> Lines<'_> {
    let mut out = Lines::default();
    let mut count = LineCount::default();
    let mut at = skip_blank(text, 0);
    while at < text.len() && !out.too_many {
        let line = count.at(text, at);
        if let Some((name, value_at)) = head(text, at) {
            let raw = raw_value(text, value_at);
            let (value, note) = settle(text, &raw);
            out.assignments.push(Assignment { name, line, span: at..raw.after, value, note });
            out.swallowed.extend(swallowed(text, value_at..raw.after, count, name));
            at = skip_blank(text, raw.after);
            if text[at..].starts_with('#') {
                at = skip_blank(text, line_end(text, at));
            }
        } else {
            let end = line_end(text, at);
            if let Some(holds_key) = passed_over(&text[at..end]) {
                out.passed_over.push(PassedOver { line, holds_key });
            }
            at = skip_blank(text, end);
        }
        out.too_many = out.assignments.len() + out.passed_over.len() + out.swallowed.len() > LINES_MAX;
    }
    out
}

fn skip_blank(text: &str, at: usize) -> usize {
    text[at..].find(|c| !is_blank(c)).map_or(text.len(), |blanks| at + blanks)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find(ends_line).map_or(text.len(), |rest| at + rest)
}

/// Returns the name of the assignment that begins here, and the beginning of its value.
fn head(text: &str, at: usize) -> Option<(&str, usize)> {
    let exported = text[at..].starts_with("export").then(|| skip_blank(text, at + "export".len()));
    let exported = exported.filter(|name_at| *name_at > at + "export".len());
    exported.into_iter().chain([at]).find_map(|at| {
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let end = at + text.as_bytes()[at..].iter().take_while(|b| is_name(b)).count();
        let name = text.get(at..end).filter(|name| !name.is_empty())?;
        let equals = skip_blank(text, end);
        if text[equals..].starts_with('=') {
            return Some((name, equals + 1));
        }
        let rest = text[end..].strip_prefix(':')?;
        let blank = rest.chars().next().filter(|c| is_blank(*c))?;
        let length = if rest.starts_with("\r\n") { 2 } else { blank.len_utf8() };
        Some((name, end + 1 + length))
    })
}

fn raw_value(text: &str, at: usize) -> Raw {
    let open = skip_blank(text, at);
    if let Some(quote @ ('\'' | '"' | '`')) = text[open..].chars().next()
        && let Some(close) = closing(text, open)
    {
        return Raw { span: open + 1..close, quote: Some(quote), after: close + 1 };
    }
    let end = text[at..].find(['#', '\n', '\r']).map_or(text.len(), |rest| at + rest);
    Raw { span: at..end, quote: None, after: end }
}

/// Returns the position of the quotation mark that closes the one here.
fn closing(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(open)?;
    let is_quote = |at: &usize| bytes.get(*at) == Some(&quote);
    let plain = (open + 1..bytes.len()).find(|at| is_quote(at) && bytes.get(at - 1) != Some(&b'\\'));
    let escaped = (open + 1..plain.unwrap_or(bytes.len())).rev().filter(is_quote);
    plain.into_iter().chain(escaped).find(|close| ends_here(text, close + 1))
}

/// Returns whether only a comment follows on the line.
fn ends_here(text: &str, at: usize) -> bool {
    match text[at..].chars().find(|c| ends_line(*c) || !is_blank(*c)) {
        Some(c) => c == '#' || ends_line(c),
        None => true,
    }
}

/// Returns whether a line that is not an assignment seems to contain a key; `None` if the line needs no warning.
fn passed_over(line: &str) -> Option<bool> {
    let exported = line.strip_prefix("export").filter(|rest| rest.starts_with(is_blank));
    // `export NAME` only marks a variable that was set elsewhere.
    let marks = exported.is_some_and(|names| names.split(is_blank).all(|name| name.bytes().all(is_word)));
    if line.starts_with('#') || marks { None } else { Some(stray_keys::line_holds_key(line)) }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns the assignments of keys at the beginning of a line inside a value. `count` is at the statement.
fn swallowed<'a>(
    text: &'a str,
    value: Range<usize>,
    mut count: LineCount,
    by: &'a str,
) -> Vec<Swallowed<'a>> {
    let mut found = Vec::new();
    // One line break after a `:` belongs to the name.
    let begins_line = text[..value.start].ends_with(ends_line);
    let mut at = if begins_line { value.start } else { line_end(text, value.start) };
    loop {
        at = skip_blank(text, at);
        if at >= value.end {
            return found;
        }
        let end = line_end(text, at);
        if let Some((name, value_at)) = head(text, at).filter(|(_, value_at)| *value_at < end.min(value.end))
        {
            let is_key = env_names::known(name).is_some() || stray_keys::is_key_name(name);
            let is_set = !text[value_at..end].chars().all(|c| is_blank(c) || matches!(c, '"' | '\'' | '`'));
            if is_key && is_set {
                found.push(Swallowed { name, line: count.at(text, at), by });
            }
        }
        at = end;
    }
}

/// Counts lines along the text.
#[derive(Clone, Copy)]
struct LineCount {
    line: usize,
    at: usize,
}

impl Default for LineCount {
    fn default() -> Self {
        Self { line: 1, at: 0 }
    }
}

impl LineCount {
    fn at(&mut self, text: &str, at: usize) -> usize {
        if let Some(passed) = text.get(self.at..at) {
            self.line += breaks_in(passed);
            self.at = at;
        }
        self.line
    }
}

/// Returns the number of line breaks; a carriage return with a line feed is one.
fn breaks_in(text: &str) -> usize {
    text.matches(['\n', '\r']).count() - text.matches("\r\n").count()
}
