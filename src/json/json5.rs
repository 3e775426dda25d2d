//! JSON5, in which people write configurations: comments, names without quotes, trailing commas.

use indexmap::IndexMap;
use jsonc_parser::ast::{Object, ObjectPropName, StringLit, Value};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::error::{Code, Error, Result, fail};

/// Parses a JSON5 text, which messages call `name`, and passes its root to `read`.
///
/// # Errors
/// `BAD_DATA` if it is not a JSON5 object, with the line and column of the mistake. The message quotes nothing.
pub fn with_root<T>(text: &str, name: &str, read: impl FnOnce(&Object<'_>) -> T) -> Result<T> {
    // The client's parser accepts a byte order mark as a space.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParseOptions { allow_missing_commas: false, ..ParseOptions::default() };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
    let not_json5 = |line: usize, column: usize| {
        Error::new(Code::BadData, format!("{name} is not JSON5 (line {line}, column {column})"))
    };
    // The parser's own message could quote a secret, so only its position is used.
    let parsed = parsed.map_err(|error| not_json5(error.line_display(), error.column_display()))?;
    let Some(Value::Object(root)) = parsed.value else {
        return fail(Code::BadData, format!("{name} is not an object"));
    };
    if let Some(at) = too_loose(text, &root) {
        let before = text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        return Err(not_json5(before.matches('\n').count() + 1, line.chars().count() + 1));
    }
    Ok(read(&root))
}

/// Returns the position of something that the parser accepts but JSON5 does not allow: a name without quotes such as
/// `1` or `a-b`, or a line break in a string. No other parser would read such a text.
fn too_loose(text: &str, object: &Object<'_>) -> Option<usize> {
    let begins_name = |c: char| c.is_alphabetic() || matches!(c, '_' | '$');
    let is_name =
        |word: &str| word.starts_with(begins_name) && word.chars().all(|c| c.is_numeric() || begins_name(c));
    object.properties.iter().find_map(|entry| {
        let first = match &entry.name {
            ObjectPropName::Word(word) => (!is_name(word.value)).then_some(word.range.start),
            ObjectPropName::String(name) => line_break(text, name),
        };
        first.or_else(|| too_loose_in(text, &entry.value))
    })
}

/// Returns the same for a value. The parser bounds the depth of the recursion.
fn too_loose_in(text: &str, value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Object(object) => too_loose(text, object),
        Value::Array(list) => list.elements.iter().find_map(|value| too_loose_in(text, value)),
        Value::StringLit(literal) => line_break(text, literal),
        _ => None,
    }
}

/// Returns the position of a line break in a string without a backslash before it.
fn line_break(text: &str, literal: &StringLit<'_>) -> Option<usize> {
    let written = text.get(literal.range.start..literal.range.end)?;
    let mut is_escaped = false;
    let mut bytes = written.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if !is_escaped => is_escaped = true,
            b'\n' | b'\r' if !is_escaped => return Some(literal.range.start + at),
            b'\r' => {
                bytes.next_if(|(_, next)| *next == b'\n');
                is_escaped = false;
            }
            _ => is_escaped = false,
        }
    }
    None
}

/// Returns a member of an object. If a name occurs twice, the last one counts.
#[must_use]
pub fn member<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Value<'a>> {
    object.properties.iter().rev().find(|entry| entry.name.as_str() == name).map(|entry| &entry.value)
}

/// Returns a member that is an object.
#[must_use]
pub fn object<'o, 'a>(of: &'o Object<'a>, name: &str) -> Option<&'o Object<'a>> {
    member(of, name).and_then(Value::as_object)
}

/// Returns a member that is a string.
#[must_use]
pub fn string<'o>(of: &'o Object<'_>, name: &str) -> Option<&'o str> {
    member(of, name).and_then(Value::as_string_lit).map(|text| text.value.as_ref())
}

/// Returns the elements of a member that is an array.
#[must_use]
pub fn array<'o, 'a>(of: &'o Object<'a>, name: &str) -> &'o [Value<'a>] {
    member(of, name).and_then(Value::as_array).map_or(&[], |list| list.elements.as_slice())
}

/// Returns the members of an object. A name that occurs twice has the place of the first and the value of the last.
#[must_use]
pub fn members<'o, 't>(object: &'o Object<'t>) -> IndexMap<&'o str, &'o Value<'t>> {
    object.properties.iter().map(|entry| (entry.name.as_str(), &entry.value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_empty(text: &str) -> Result<bool> {
        with_root(text, "it", |root| root.properties.is_empty())
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert!(is_empty("\u{feff}{}").unwrap());
        assert!(is_empty("\u{feff}").is_err());
    }

    #[test]
    fn what_is_no_json5_is_refused_with_its_place_and_without_a_word_of_it() {
        for (text, place) in [
            ("{ auth: canary", "(line 1, column 9)"),
            ("{\n  a: 1,\n  b: 'canary\n}", "(line 3, column 6)"),
            ("{\n  a: 1\n} canary", "(line 3, column 3)"),
            ("{\n  a: [{ 1: 'canary' }],\n  b-c: 1 }", "(line 2, column 9)"),
            ("{ a: 1 canary: 2 }", "(line 1, column 7)"),
            ("{ a: 'canary\n' }", "(line 1, column 13)"),
            ("{ a: 'canary\\\\\n' }", "(line 1, column 15)"),
            ("{ 'can\rary': 1 }", "(line 1, column 7)"),
        ] {
            let error = is_empty(text).unwrap_err();
            assert_eq!(error.what(), format!("it is not JSON5 {place}"));
        }
        for text in ["[]", "", "'canary'"] {
            assert_eq!(is_empty(text).unwrap_err().what(), "it is not an object");
        }
        assert_eq!(is_empty(&"[".repeat(100_000)).unwrap_err().code(), Code::BadData);
        assert!(!is_empty("{ a: 'b\\\n\\\r\nc\\\r', ü_$1: '\u{2028}', null: 1 }").unwrap());
    }
}
