//! The lines of a `.env` file: assignments, quotes, comments. Nothing is substituted.

use crate::secret::{Buffer, SecretString};

/// What stands behind the `=`.
pub(crate) enum Value {
    Text(SecretString),
    /// It refers to a value elsewhere; this says how.
    Reference(&'static str),
    Bad(&'static str),
}

/// One assignment.
pub(crate) struct Assignment<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A file taken apart.
#[derive(Default)]
pub(crate) struct Lines<'a> {
    pub(crate) assignments: Vec<Assignment<'a>>,
    /// Lines that are none, and why.
    pub(crate) bad: Vec<(usize, &'static str)>,
    /// Whether it has more of both than [`LINES_MAX`]: the others were not looked at.
    pub(crate) too_many: bool,
}

/// The most assignments and bad lines of a file.
pub(crate) const LINES_MAX: usize = 100_000;

/// Takes a file apart. A line ends with a line feed, a carriage return, or both, as the client's own reader
/// has it; the mark that some editors put before a text is passed over.
pub(crate) fn lines(text: &str) -> Lines<'_> {
    let mut out = Lines::default();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() && out.assignments.len() + out.bad.len() <= LINES_MAX {
        let (head, tail) = split_line(rest);
        match statement(head) {
            Statement::Nothing => {}
            Statement::Bad(reason) => out.bad.push((line, reason)),
            Statement::Assignment { name, value_at } => {
                let value = &rest[value_at..];
                match value.chars().next() {
                    Some(quote @ ('"' | '\'')) => {
                        if let Some((value, used)) = quoted(value, quote) {
                            out.assignments.push(Assignment { name, line, value });
                            let end = value_at + used;
                            line += breaks(&rest[..end]);
                            rest = &rest[end..];
                            continue;
                        }
                        out.bad.push((line, "opens a quote that is never closed"));
                    }
                    _ => out.assignments.push(Assignment { name, line, value: bare(&head[value_at..]) }),
                }
            }
        }
        line += 1;
        rest = tail;
    }
    out.too_many = out.assignments.len() + out.bad.len() > LINES_MAX;
    out
}

/// A line, without what ends it, and what follows.
fn split_line(text: &str) -> (&str, &str) {
    match text.find(['\n', '\r']) {
        Some(at) if text[at..].starts_with("\r\n") => (&text[..at], &text[at + 2..]),
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

/// How many lines end in a text.
fn breaks(text: &str) -> usize {
    text.matches('\n').count() + text.matches('\r').count() - text.matches("\r\n").count()
}

enum Statement<'a> {
    Nothing,
    Bad(&'static str),
    Assignment { name: &'a str, value_at: usize },
}

fn statement(line: &str) -> Statement<'_> {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Statement::Nothing;
    }
    let exported = trimmed.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let is_name = |name: &str| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    };
    let Some(equals) = line.find('=') else {
        return match exported {
            // Only marks a variable that was set elsewhere.
            Some(name) if name.split_whitespace().all(is_name) => Statement::Nothing,
            _ => Statement::Bad("is not of the form NAME=value"),
        };
    };
    let before = line[..equals].trim();
    let name = match exported {
        Some(_) => before.strip_prefix("export").unwrap_or(before).trim_start(),
        None => before,
    };
    if !is_name(name) {
        return Statement::Bad("is not of the form NAME=value");
    }
    let behind = &line[equals + 1..];
    let blank = behind.len() - behind.trim_start_matches([' ', '\t']).len();
    Statement::Assignment { name, value_at: equals + 1 + blank }
}

/// A value without quotes: up to a comment, or to the end of the line.
fn bare(text: &str) -> Value {
    let mut end = text.len();
    let mut after_space = true;
    for (at, c) in text.char_indices() {
        if c == '#' && after_space {
            end = at;
            break;
        }
        after_space = matches!(c, ' ' | '\t');
    }
    let value = text[..end].trim();
    let substituted = value.contains('`') || value.contains("${") || value.contains("$(");
    settle(value, substituted)
}

/// A value in quotes, and how many bytes it takes up to and with the end of its last line; `None`
/// when the quote is not closed.
fn quoted(text: &str, quote: char) -> Option<(Value, usize)> {
    let mut value = Buffer::default();
    let mut substituted = false;
    let mut push = |c: char| value.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
    let mut chars = text.char_indices().skip(1).peekable();
    let close = loop {
        let (at, c) = chars.next()?;
        let next = chars.peek().map(|(_, c)| *c);
        match (c, next) {
            _ if c == quote => break at,
            ('\r', Some('\n')) => {}
            _ if quote == '\'' => push(c),
            ('\\', Some(escaped)) => {
                chars.next();
                match escaped {
                    'n' => push('\n'),
                    'r' => push('\r'),
                    't' => push('\t'),
                    '"' | '\\' | '$' | '`' => push(escaped),
                    '\n' => {}
                    _ => {
                        push('\\');
                        push(escaped);
                    }
                }
            }
            _ => {
                substituted |= c == '`' || (c == '$' && matches!(next, Some('{' | '(')));
                push(c);
            }
        }
    };
    let behind = &text[close + 1..];
    let (remainder, next) = split_line(behind);
    let used = text.len() - next.len();
    let remainder = remainder.trim();
    if !remainder.is_empty() && !remainder.starts_with('#') {
        return Some((Value::Bad("has text behind the closing quote"), used));
    }
    let value = value.expose_str().unwrap_or_default();
    let settled = match quote {
        '\'' if !value.starts_with("op://") => Value::Text(SecretString::from(value)),
        _ => settle(value, substituted),
    };
    Some((settled, used))
}

/// A value in which a shell would substitute.
fn settle(value: &str, substituted: bool) -> Value {
    let name = value.strip_prefix('$').unwrap_or_default();
    let variable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if value.starts_with("op://") {
        Value::Reference("a reference to 1Password, holds no secret")
    } else if substituted || variable {
        Value::Reference("refers to another variable or a command, which is not looked up")
    } else {
        Value::Text(SecretString::from(value))
    }
}
