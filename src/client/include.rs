//! `$include`, by which the client's configuration includes other files. They are not read.

use jsonc_parser::ast::{Object, Value};

use crate::json::json5::member;
use crate::vault::id::quoted;

/// The member that includes other files.
pub(super) const INCLUDE: &str = "$include";
/// The parts of a configuration that this program uses.
const PARTS: [&str; 4] = ["auth", "env", "models", "agents"];

/// Returns the files that an object includes, escaped, as a list for people.
pub(super) fn files(object: &Object<'_>) -> String {
    let named = |value: &Value<'_>| value.as_string_lit().map(|text| quoted(&text.value));
    let all = match member(object, INCLUDE) {
        Some(Value::Array(list)) => list.elements.iter().filter_map(named).collect(),
        Some(value) => named(value).into_iter().collect(),
        None => Vec::new(),
    };
    if all.is_empty() { "another file".to_owned() } else { all.join(", ") }
}

/// Returns whether the root, or a part that this program uses, includes other files at any level.
pub(super) fn includes_others(root: &Object<'_>) -> bool {
    let mut open: Vec<&Value<'_>> = PARTS.iter().filter_map(|name| member(root, name)).collect();
    let mut found = member(root, INCLUDE).is_some();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                found |= member(object, INCLUDE).is_some();
                open.extend(object.properties.iter().map(|entry| &entry.value));
            }
            Value::Array(list) => open.extend(&list.elements),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json5::with_root;

    #[test]
    fn an_include_in_a_part_that_is_used_is_noted() {
        for (text, noted) in [
            (r#"{"$include":"./x.json5"}"#, true),
            (r#"{"auth":{"$include":["./x.json5"]}}"#, true),
            (r#"{"agents":{"list":[{"id":"a"},{"$include":"./x.json5"}]}}"#, true),
            (r#"{"models":{"providers":{"a":{"models":[[{"$include":"./x.json5"}]]}}}}"#, true),
            (r#"{"env":{"vars":{"$include":"./x.json5"}}}"#, true),
            (r#"{"channels":{"$include":"./x.json5"},"auth":{"note":"$include"}}"#, false),
            ("{}", false),
        ] {
            assert_eq!(with_root(text, "it", includes_others).unwrap(), noted, "{text}");
        }
    }
}
