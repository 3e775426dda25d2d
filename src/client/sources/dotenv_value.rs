//! Values of a `.env` file: the text that the client reads, and the cases in which Strongroom is more careful.

use std::ops::Range;

use crate::messages::client as messages;
use crate::secret::{Buffer, SecretString};

/// A value as it is in the text.
pub(super) struct Raw {
    /// The value, without its quotes.
    pub(super) span: Range<usize>,
    /// The quotation mark.
    pub(super) quote: Option<char>,
    /// The position after the value.
    pub(super) after: usize,
}

/// Returns whether a character matches JavaScript's `\s`.
pub(super) fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}'
            | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// Returns whether a character ends a line for `^` and `$` in JavaScript.
pub(crate) fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// The value of an assignment.
pub(crate) enum Value {
    /// The text that the client reads.
    Text(SecretString),
    /// A reference to a secret elsewhere, and to what.
    Reference(&'static str),
    /// A value that the client reads differently than intended, and why.
    Refused(&'static str),
}

/// A warning about a value that is read as the client reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Note {
    /// It ends at a `#` with no blank before it, at this column, counted from 1.
    Cut(usize),
    /// It begins with a quotation mark that nothing closes.
    Unclosed,
    /// It is in back quotes and looks like a command.
    BackQuoted,
}

impl Note {
    /// Returns the note for people.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Cut(column) => messages::cut_at_comment(column),
            Self::Unclosed => messages::UNCLOSED.to_owned(),
            Self::BackQuoted => messages::BACK_QUOTED.to_owned(),
        }
    }
}

impl Value {
    /// Returns the value of a text that needs no unquoting, as in JSON.
    pub(crate) fn literal(text: &str) -> Self {
        if text.starts_with("op://") {
            Self::Reference(messages::ONE_PASSWORD)
        } else {
            Self::Text(SecretString::from(text))
        }
    }
}

/// Returns the value of an assignment, with a warning about it.
pub(super) fn settle(text: &str, raw: &Raw) -> (Value, Option<Note>) {
    let inner = &text[raw.span.clone()];
    let trimmed = inner.trim_matches(is_blank);
    let parts = if raw.quote.is_some() { vec![inner] } else { unquoted(trimmed) };
    let opens = raw.quote.or(trimmed.chars().next());
    let mut value = Buffer::with_capacity(inner.len());
    for part in &parts {
        push(&mut value, part, opens == Some('"'));
    }
    let value = value.expose_str().unwrap_or_default();
    let literal = matches!(raw.quote, Some('\'' | '`'));
    if !literal && let Some(why) = substituted(value) {
        return (Value::Refused(why), None);
    }
    let stripped = parts.len() > 1 && parts.first().is_some_and(|part| part.is_empty());
    let unclosed = matches!(opens, Some('"' | '\'' | '`')) && !stripped;
    let note = match raw.quote {
        Some('`') => value.contains(is_blank).then_some(Note::BackQuoted),
        Some(_) => None,
        None => cut(text, raw.after).or(unclosed.then_some(Note::Unclosed)),
    };
    (Value::literal(value), note)
}

/// Returns a warning about a comment that begins here without a blank before it.
fn cut(text: &str, at: usize) -> Option<Note> {
    let before = &text[..at];
    if !text[at..].starts_with('#') || before.ends_with(is_blank) {
        return None;
    }
    Some(Note::Cut(before.chars().rev().take_while(|c| !ends_line(*c)).count() + 1))
}

/// Appends a part of a value. Every kind of line break becomes a line feed, and in double quotes `\n` and `\r` are
/// unescaped.
fn push(value: &mut Buffer, part: &str, escapes: bool) {
    let mut rest = part;
    while let Some(at) = rest.find(['\r', '\\']) {
        let (before, special) = rest.split_at(at);
        value.extend(before.as_bytes());
        let (said, length): (&[u8], usize) = match special.as_bytes() {
            [b'\r', b'\n', ..] => (b"\n", 2),
            [b'\r', ..] => (b"\n", 1),
            [b'\\', b'n', ..] if escapes => (b"\n", 2),
            [b'\\', b'r', ..] if escapes => (b"\r", 2),
            _ => (b"\\", 1),
        };
        value.extend(said);
        rest = special.get(length..).unwrap_or_default();
    }
    value.extend(rest.as_bytes());
}

/// Returns the parts of an unquoted value that remain after the client removes quotation marks anyway: from the
/// beginning of a line to the last such mark at the end of a line.
fn unquoted(text: &str) -> Vec<&str> {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`');
    if !text.contains(is_quote) {
        return vec![text];
    }
    let last_closing = |quote: char| {
        let mut closing = text.rmatch_indices(quote).map(|(at, _)| at);
        closing.find(|at| text[at + 1..].chars().next().is_none_or(ends_line)).unwrap_or_default()
    };
    // Searched only once, because there can be as many beginnings as characters.
    let (double, single, back) = (last_closing('"'), last_closing('\''), last_closing('`'));
    let mut parts = Vec::new();
    let (mut done, mut begins) = (0, true);
    for (at, c) in text.char_indices() {
        let last = match c {
            '"' => double,
            '\'' => single,
            '`' => back,
            _ => 0,
        };
        if begins && at >= done && last > at {
            parts.extend([&text[done..at], &text[at + 1..last]]);
            done = last + 1;
        }
        begins = ends_line(c);
    }
    parts.push(&text[done..]);
    parts
}

/// Returns why to refuse a value that a shell would substitute, although the client reads it literally.
fn substituted(value: &str) -> Option<&'static str> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('$') {
        match after.chars().next() {
            Some('(') => return Some(messages::COMMAND),
            Some('{') => return Some(messages::BRACED_VARIABLE),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => return Some(messages::VARIABLE),
            _ => {}
        }
        // `$$` is an escaped `$`.
        rest = after.strip_prefix('$').unwrap_or(after);
    }
    (value.matches('`').count() > 1).then_some(messages::QUOTED_COMMAND)
}
