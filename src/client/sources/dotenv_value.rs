//! What a value of a `.env` file says: the client's text, and the cases in which Strongroom is more careful.

use std::ops::Range;

use crate::secret::{Buffer, SecretString};

/// A value as it is in the text.
pub(super) struct Raw {
    /// The value, without the quotes if it is in quotes.
    pub(super) span: Range<usize>,
    /// The quotation mark.
    pub(super) quote: Option<char>,
    /// Where the statement goes on.
    pub(super) after: usize,
}

/// JavaScript's `\s`.
pub(super) fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}'
            | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// What ends a line for `^` and `$` in JavaScript.
pub(super) fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// What an assignment gives.
pub(crate) enum Value {
    /// The text that the client reads.
    Text(SecretString),
    /// A reference to a secret elsewhere; this says to what.
    Reference(&'static str),
    /// What the client reads is hardly what is meant; this says why.
    Refused(&'static str),
}

/// What should be said of a value that is taken as the client takes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Note {
    /// It ends at a `#` with no blank before it, at this column, counted from 1.
    Cut(usize),
    /// It begins with a quotation mark that nothing closes.
    Unclosed,
    /// It stands in back quotes and reads like a command.
    BackQuoted,
}

impl Note {
    /// The note for people.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Cut(column) => format!(
                "the value ends before the `#` in column {column}, which begins a comment; if it belongs to the key, put the key in single quotes"
            ),
            Self::Unclosed => {
                "the quotation mark at its beginning is not closed, so it counts as part of the value"
                    .to_owned()
            }
            Self::BackQuoted => "back quotes are quotation marks here: no command is run".to_owned(),
        }
    }
}

impl Value {
    /// A text that needs no quotes in its place, as in JSON.
    pub(crate) fn literal(text: &str) -> Self {
        if text.starts_with("op://") {
            Self::Reference("a reference to 1Password, holds no secret")
        } else {
            Self::Text(SecretString::from(text))
        }
    }
}

/// The value of an assignment, and what to say of it.
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

/// A comment that begins here with no blank before it.
fn cut(text: &str, at: usize) -> Option<Note> {
    let before = &text[..at];
    if !text[at..].starts_with('#') || before.ends_with(is_blank) {
        return None;
    }
    Some(Note::Cut(before.chars().rev().take_while(|c| !ends_line(*c)).count() + 1))
}

/// Appends what a part of a value says. Line breaks of all kinds are line feeds, and in double quotes `\n` and
/// `\r` are what they say.
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

/// The parts of a value that remain if the client takes quotation marks away that its grammar saw none in: from
/// the beginning of a line to the last such mark at the end of a line.
fn unquoted(text: &str) -> Vec<&str> {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`');
    if !text.contains(is_quote) {
        return vec![text];
    }
    let last_closing = |quote: char| {
        let mut closing = text.rmatch_indices(quote).map(|(at, _)| at);
        closing.find(|at| text[at + 1..].chars().next().is_none_or(ends_line)).unwrap_or_default()
    };
    // Looked for once: there can be as many beginnings as characters.
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

/// Why a value is refused that a shell would fill in, though the client takes it as it stands.
fn substituted(value: &str) -> Option<&'static str> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('$') {
        match after.chars().next() {
            Some('(') => return Some("holds a command, `$(…)`, which OpenClaw does not run"),
            Some('{') => return Some("holds a variable, `${…}`, which OpenClaw does not fill in"),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                return Some(
                    "holds a variable, `$NAME`, which OpenClaw does not fill in; if it is no variable, put the value in single quotes",
                );
            }
            _ => {}
        }
        // Two are one that stands for itself.
        rest = after.strip_prefix('$').unwrap_or(after);
    }
    (value.matches('`').count() > 1).then_some("holds a command in back quotes, which OpenClaw does not run")
}
