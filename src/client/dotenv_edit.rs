//! Takes assignments out of a `.env` file. Every other byte stays.

use std::collections::HashMap;
use std::ops::Range;

use super::sources::dotenv_lines::{Assignment, lines};
use super::sources::dotenv_value::{Value, ends_line};
use crate::secret::{Buffer, SecretString};

/// A variable of a `.env` file.
pub struct Variable<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its line, counted from 1.
    pub line: usize,
    /// Its value; nothing if the client does not use it as it is.
    pub value: Option<&'t SecretString>,
    /// Whether the name is set more than once.
    pub is_repeated: bool,
}

/// A byte order mark, which stays when the first line goes.
const MARK: char = '\u{feff}';

/// Returns the text without the assignments that `goes` names, each with the rest of its lines; nothing if all stay.
#[must_use]
pub fn without(text: &str, goes: &dyn Fn(&Variable<'_>) -> bool) -> Option<Buffer> {
    let assignments = lines(text).assignments;
    let mut kept = Buffer::with_capacity(text.len());
    let begins = if text.starts_with(MARK) { MARK.len_utf8() } else { 0 };
    let mut at = 0;
    for (variable, span) in variables(&assignments) {
        if !goes(&variable) {
            continue;
        }
        let start = text[..span.start].char_indices().rfind(|(_, c)| ends_line(*c));
        let start = start.map_or(begins, |(end, c)| end + c.len_utf8()).max(at);
        let end =
            text[span.end..].find(ends_line).map_or(text.len(), |end| after_break(text, span.end + end));
        kept.extend(&text.as_bytes()[at..start]);
        at = end.max(at);
    }
    if at == 0 {
        return None;
    }
    kept.extend(&text.as_bytes()[at..]);
    Some(kept)
}

/// Returns the position after the line break here.
fn after_break(text: &str, at: usize) -> usize {
    let length =
        if text[at..].starts_with("\r\n") { 2 } else { text[at..].chars().next().map_or(0, char::len_utf8) };
    at + length
}

/// Calls `look` for each variable of a file.
pub fn each(text: &str, look: &mut dyn FnMut(&Variable<'_>)) {
    variables(&lines(text).assignments).for_each(|(variable, _)| look(&variable));
}

fn variables<'t>(
    assignments: &'t [Assignment<'_>],
) -> impl Iterator<Item = (Variable<'t>, &'t Range<usize>)> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for one in assignments {
        *times.entry(one.name).or_default() += 1;
    }
    assignments.iter().map(move |one| {
        let value = match &one.value {
            Value::Text(value) => Some(value),
            Value::Reference(_) | Value::Refused(_) => None,
        };
        let is_repeated = times.get(one.name).is_some_and(|times| *times > 1);
        (Variable { name: one.name, line: one.line, value, is_repeated }, &one.span)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_goes_with_its_lines_and_the_rest_stays() {
        for (before, after) in [
            ("# mine\nA=1\nB=2 # two\nC=3\n", "# mine\nA=1\nC=3\n"),
            ("B=2", ""),
            ("\u{feff}B=2\r\nA=1\r\n", "\u{feff}A=1\r\n"),
            ("A=1\n  export B = '2\n3' # more\n\nC=3", "A=1\n\nC=3"),
            ("B: 2\nA: 1\n", "A: 1\n"),
            ("A=1\nB=\"x#y\"", "A=1\n"),
            ("A=1\rB=2\rC=3\r", "A=1\rC=3\r"),
            ("A=1\r\nB=2\r\n\r\nC=3", "A=1\r\n\r\nC=3"),
            ("A=1\r\rB=2 # two\rC=3", "A=1\r\rC=3"),
        ] {
            let text = without(before, &|variable| variable.name == "B").unwrap();
            assert_eq!(text.expose_str().unwrap(), after, "{before:?}");
        }
        assert!(without("A=1\n", &|variable| variable.name == "B").is_none());
        let mut repeated = Vec::new();
        each("A=1\nB=2\nA=3\n", &mut |variable| repeated.push((variable.line, variable.is_repeated)));
        assert_eq!(repeated, [(1, true), (2, false), (3, true)]);
    }
}
