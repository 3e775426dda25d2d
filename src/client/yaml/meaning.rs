//! What a document says, whatever its style: returns values as JSON, and proves that an insertion added what it should
//! and nothing else.

use granit_parser::ScalarStyle;
use serde_json::{Map, Number, Value};

use super::document::{Node, What, below};
use crate::error::Result;
use crate::messages::client::yaml as messages;

/// What is added at a path.
#[derive(Clone, Debug)]
pub(super) enum Added<'a> {
    /// One more item at the end of a list.
    Item(&'a Value),
    /// One more member at the end of a mapping.
    Member(&'a str, Value),
}

/// Returns a value as JSON, by the core schema of YAML 1.2. A number that JSON does not have becomes a string. `shown` is
/// its path.
///
/// # Errors
/// `CONFIG` for aliases, merge keys, tags other than those of strings, lists and mappings, and keys that are not strings;
/// `DUPLICATE_KEY`.
pub(super) fn to_json(node: &Node<'_>, shown: &str) -> Result<Value> {
    let tag = node.tag.as_deref().map(|tag| tag.core_suffix().unwrap_or_default());
    match (&node.what, tag) {
        (What::Alias(_), _) => Err(messages::alias(shown)),
        (What::Scalar(text, ScalarStyle::Plain), None) => Ok(plain(text.as_str())),
        (What::Scalar(text, _), None | Some("str")) => Ok(Value::String(text.as_str().to_owned())),
        (What::List(_, items), None | Some("seq")) => {
            items.iter().map(|item| to_json(item, shown)).collect::<Result<_>>().map(Value::Array)
        }
        (What::Map(_, members), None | Some("map")) => {
            let mut object = Map::new();
            for (key, value) in members {
                if key.is_merge_key() {
                    return Err(messages::merged(shown));
                }
                let name = key.as_text().ok_or_else(|| messages::key_not_text(shown))?;
                if object.insert(name.to_owned(), to_json(value, &below(shown, name))?).is_some() {
                    return Err(messages::names_one_twice(shown));
                }
            }
            Ok(Value::Object(object))
        }
        _ => Err(messages::tagged(shown)),
    }
}

/// Returns what a plain scalar stands for (YAML 1.2.2, section 10.3.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| !digits.starts_with(['+', '-'])) {
            return u64::from_str_radix(digits, radix).ok().map(Number::from);
        }
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    // Rust also reads `inf` and `NaN`.
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    text.parse::<f64>().ok().filter(|_| is_number).and_then(Number::from_f64)
}

/// Returns whether a document became what was wanted: at the path it has what was added, and everything else is the same,
/// in the same order and style.
pub(super) fn became(
    before: Option<&Node<'_>>,
    path: &[&str],
    added: &Added<'_>,
    after: Option<&Node<'_>>,
) -> bool {
    let Some(after) = after else { return false };
    let Some(before) = before.filter(|before| !before.is_left_out()) else {
        return path.is_empty() && has_only(after, added);
    };
    if before.anchor != after.anchor || before.tag != after.tag {
        return false;
    }
    match (path, &before.what, &after.what) {
        ([], What::List(old_style, old), What::List(style, new)) => {
            old_style == style
                && matches!((new.split_last(), added), (Some((last, rest)), Added::Item(item))
                    if is_json(last, item) && all_same(old, rest))
        }
        ([], What::Map(old_style, old), What::Map(style, new)) => {
            old_style == style
                && matches!((new.split_last(), added), (Some(((key, value), rest)), Added::Member(name, wanted))
                    if key.as_text() == Some(name) && is_json(value, wanted)
                    && old.len() == rest.len()
                    && old.iter().zip(rest).all(|(old, new)| is_same(&old.0, &new.0) && is_same(&old.1, &new.1)))
        }
        ([name, path @ ..], What::Map(old_style, old), What::Map(style, new)) => {
            old_style == style
                && old.len() == new.len()
                && old.iter().zip(new).all(|(old, new)| {
                    is_same(&old.0, &new.0)
                        && if old.0.as_text() == Some(name) {
                            became(Some(&old.1), path, added, Some(&new.1))
                        } else {
                            is_same(&old.1, &new.1)
                        }
                })
        }
        _ => false,
    }
}

/// Returns whether a collection has what was added and nothing else.
fn has_only(after: &Node<'_>, added: &Added<'_>) -> bool {
    let is_bare = after.anchor == 0 && after.tag.is_none();
    is_bare
        && match (&after.what, added) {
            (What::List(_, items), Added::Item(item)) => matches!(&items[..], [one] if is_json(one, item)),
            (What::Map(_, members), Added::Member(name, wanted)) => {
                matches!(&members[..], [(key, value)] if key.as_text() == Some(name) && is_json(value, wanted))
            }
            _ => false,
        }
}

fn is_json(node: &Node<'_>, value: &Value) -> bool {
    to_json(node, "").is_ok_and(|json| json == *value)
}

/// Returns whether two documents say the same.
pub(super) fn is_same(a: &Node<'_>, b: &Node<'_>) -> bool {
    a.anchor == b.anchor
        && a.tag == b.tag
        && match (&a.what, &b.what) {
            (What::Scalar(a, a_style), What::Scalar(b, b_style)) => a == b && a_style == b_style,
            (What::Alias(a), What::Alias(b)) => a == b,
            (What::List(a_style, a), What::List(b_style, b)) => a_style == b_style && all_same(a, b),
            (What::Map(a_style, a), What::Map(b_style, b)) => {
                a_style == b_style
                    && a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| is_same(&a.0, &b.0) && is_same(&a.1, &b.1))
            }
            _ => false,
        }
}

fn all_same(a: &[Node<'_>], b: &[Node<'_>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::Document;
    use super::*;

    #[test]
    fn a_result_that_says_more_or_less_than_what_was_added_is_noticed() {
        let item = json!({ "n": 1 });
        let before = "a: &x 1\nl:\n- 'b'\nc: *x\n";
        let became = |after: &str| {
            let (before, after) = (Document::of(before).unwrap(), Document::of(after).unwrap());
            became(before.root.as_ref(), &["l"], &Added::Item(&item), after.root.as_ref())
        };
        assert!(became("a: &x 1\nl:\n- 'b'\n- n: 1\nc: *x\n"));
        for after in [
            "",
            before,
            "a: &x 1\nl:\n- 'b'\n- n: 1\nc: 1\n",
            "a: &x 1\nl:\n- 'b'\n- n: 1\n",
            "a: &x 1\nl:\n- 'b'\n- n: 1\nc: *x\nd:\n",
            "a: &x 2\nl:\n- 'b'\n- n: 1\nc: *x\n",
            "a: &x !t 1\nl:\n- 'b'\n- n: 1\nc: *x\n",
            "a: &x 1\nl:\n- b\n- n: 1\nc: *x\n",
            "a: &x 1\nl:\n- n: 1\n- 'b'\nc: *x\n",
            "a: &x 1\nl:\n- 'b'\n- n: '1'\nc: *x\n",
            "a: &x 1\nl:\n- 'b'\n- n: 1\n- n: 1\nc: *x\n",
            "a: &x 1\nl: ['b', n: 1]\nc: *x\n",
            "a: &x 1\nl: !t\n- 'b'\n- n: 1\nc: *x\n",
            "l:\n- 'b'\n- n: 1\na: &x 1\nc: *x\n",
        ] {
            assert!(!became(after), "{after:?}");
        }
    }
}
