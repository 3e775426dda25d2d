//! What a document says, whatever its style: compares values, and proves that an edit did what it should and nothing
//! else.

use jsonc_parser::ast::{Object, Value as Node};
use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use super::wanted::{Members, Wanted};
use crate::json::json5::member;
use crate::looks::looks_known;
use crate::vault::index::exposed;

/// The member of a configuration whose members are variables, whatever their names.
const VARIABLES: &str = "env";

/// Returns a value as JSON. A number that JSON does not have becomes a string.
pub(super) fn to_json(node: &Node<'_>) -> Value {
    match node {
        Node::NullKeyword(_) => Value::Null,
        Node::BooleanLit(literal) => Value::Bool(literal.value),
        Node::StringLit(literal) => Value::String(literal.value.as_ref().to_owned()),
        Node::NumberLit(literal) => {
            number(literal.value).map_or_else(|| Value::String(literal.value.to_owned()), Value::Number)
        }
        Node::Array(list) => Value::Array(list.elements.iter().map(to_json).collect()),
        Node::Object(object) => {
            let members = object.properties.iter();
            Value::Object(
                members
                    .map(|entry| (entry.name.as_str().to_owned(), to_json(&entry.value)))
                    .collect::<Map<_, _>>(),
            )
        }
    }
}

/// Returns a number of JSON5, if JSON has it too.
fn number(text: &str) -> Option<Number> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return i64::from_str_radix(hex, 16).ok()?.checked_mul(sign).map(Number::from);
    }
    let signed = if sign < 0 { format!("-{digits}") } else { digits.to_owned() };
    if let Ok(whole) = signed.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = signed.parse::<u64>() {
        return Some(whole.into());
    }
    signed.parse::<f64>().ok().and_then(Number::from_f64)
}

/// Returns whether a value of the document is the given one. The order of members does not count.
pub(super) fn equals(node: &Node<'_>, value: &Value) -> bool {
    match (node, value) {
        (Node::NullKeyword(_), Value::Null) => true,
        (Node::BooleanLit(literal), Value::Bool(value)) => literal.value == *value,
        (Node::StringLit(literal), Value::String(value)) => literal.value.as_ref() == value,
        (Node::NumberLit(literal), Value::Number(value)) => number(literal.value).is_some_and(|number| {
            number == *value
                || (number.is_f64() != value.is_f64()
                    && number.as_f64().map(f64::to_bits) == value.as_f64().map(f64::to_bits))
        }),
        (Node::Array(list), Value::Array(values)) => {
            list.elements.len() == values.len()
                && list.elements.iter().zip(values).all(|(node, value)| equals(node, value))
        }
        (Node::Object(object), Value::Object(values)) => {
            object.properties.len() == values.len()
                && values
                    .iter()
                    .all(|(name, value)| member(object, name).is_some_and(|node| equals(node, value)))
        }
        _ => false,
    }
}

/// Returns whether two values are the same, with their members in the same order and their numbers to the digit.
fn is_same(a: &Node<'_>, b: &Node<'_>) -> bool {
    match (a, b) {
        (Node::NullKeyword(_), Node::NullKeyword(_)) => true,
        (Node::BooleanLit(a), Node::BooleanLit(b)) => a.value == b.value,
        (Node::StringLit(a), Node::StringLit(b)) => a.value == b.value,
        (Node::NumberLit(a), Node::NumberLit(b)) => a.value == b.value,
        (Node::Array(a), Node::Array(b)) => {
            a.elements.len() == b.elements.len()
                && a.elements.iter().zip(&b.elements).all(|(a, b)| is_same(a, b))
        }
        (Node::Object(a), Node::Object(b)) => are_same(a, b, |_| true),
        _ => false,
    }
}

/// Returns whether the chosen members of two objects are the same, in the same order.
fn are_same(a: &Object<'_>, b: &Object<'_>, chosen: impl Fn(&str) -> bool + Copy) -> bool {
    let of = |entry: &&jsonc_parser::ast::ObjectProp<'_>| chosen(entry.name.as_str());
    let (mut a, mut b) = (a.properties.iter().filter(of), b.properties.iter().filter(of));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.name.as_str() == b.name.as_str() && is_same(&a.value, &b.value) => {}
            _ => return false,
        }
    }
}

/// Returns whether an object became what was wanted: the members that were named are as they should be, and all others
/// are as before.
pub(super) fn became(before: Option<&Object<'_>>, wanted: &Members, after: &Object<'_>) -> bool {
    let empty = Object { range: after.range, properties: Vec::new() };
    let before = before.unwrap_or(&empty);
    are_same(before, after, |name| wanted.get(name).is_none())
        && wanted.iter().all(|(name, wanted)| {
            let after = member(after, name);
            match (wanted, after) {
                (Wanted::Value(value), Some(after)) => equals(after, value),
                (Wanted::Text(_), after) => after.is_some(),
                (Wanted::Object(inner), Some(Node::Object(after))) => {
                    became(member(before, name).and_then(Node::as_object), inner, after)
                }
                (wanted, None) => wanted.is_absent(),
                _ => false,
            }
        })
}

/// Returns the value at a path, if each object on the way names its member exactly once.
pub(super) fn at<'o, 'a>(root: &'o Object<'a>, path: &[String]) -> Option<&'o Node<'a>> {
    let (name, below) = path.split_first()?;
    let mut found = root.properties.iter().filter(|entry| entry.name.as_str() == name);
    let value = &found.next().filter(|_| found.next().is_none())?.value;
    match (below, value) {
        ([], _) => Some(value),
        (_, Node::Object(inner)) => at(inner, below),
        _ => None,
    }
}

/// Returns whether a value is or holds a secret, from the name of its member or from its own form. `written` is its text
/// with the comments in it.
pub(super) fn holds_secret(path: &[String], node: &Node<'_>, written: &str) -> bool {
    let is_variable = path.first().is_some_and(|first| first == VARIABLES);
    (is_variable && !matches!(node, Node::BooleanLit(_) | Node::NumberLit(_)))
        || looks_known(written)
        || is_secret(path, &to_json(node))
}

/// Returns whether a value that is to be written is or holds a secret.
pub(super) fn is_secret(path: &[String], value: &Value) -> bool {
    let name = path.last().map_or("", String::as_str);
    exposed::holds_one(name, &Zeroizing::new(value.to_string()))
}
