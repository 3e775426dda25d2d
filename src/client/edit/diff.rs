//! Shows an edit to a person: a unified diff in which secrets are replaced by numbers.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::common::Ranged;
use similar::TextDiff;

use super::document::Document;
use super::meaning::holds_secret;
use super::splice::apply;
use super::write::Digest;
use crate::error::Result;
use crate::json::json5::member;
use crate::looks;
use crate::vault::index::exposed;

/// How many lines before and after a change are shown.
const CONTEXT: usize = 3;
/// Parts of a configuration in which people choose names, which say nothing about what is in them.
const NAMED_FREELY: [&str; 2] = ["auth", "secrets"];

/// Returns the lines that differ between two texts of a configuration, as a unified diff without file names. A secret
/// is shown as `<hidden N>`, where equal secrets have equal numbers. The lines are not escaped for a terminal.
///
/// # Errors
/// `BAD_DATA` if one of them is not JSON5, because then its secrets are not known; `TOO_LARGE`.
pub fn diff(before: &str, after: &str) -> Result<String> {
    let mut hidden = Hidden::default();
    let (before, after) = (hidden.shown(before)?, hidden.shown(after)?);
    let lines = TextDiff::from_lines(before.as_str(), after.as_str());
    Ok(lines.unified_diff().context_radius(CONTEXT).to_string())
}

/// The secrets of both texts.
#[derive(Default)]
struct Hidden {
    numbers: HashMap<[u8; 32], usize>,
}

impl Hidden {
    /// Returns a text without its secrets. Line ends become those of this system.
    fn shown(&mut self, text: &str) -> Result<String> {
        let document = Document::of(text)?;
        let places = document.with_root(|root| {
            let mut places = Vec::new();
            secrets(document.body(), root, &mut Vec::new(), &mut places);
            places
        })?;
        let masks: Vec<_> = places
            .into_iter()
            .map(|place| {
                let secret = document.body().get(place.clone()).unwrap_or_default();
                let next = self.numbers.len() + 1;
                let number = *self.numbers.entry(Digest::of(secret.as_bytes()).0).or_insert(next);
                (place, format!("<hidden {number}>"))
            })
            .collect();
        let replaced = masks.iter().map(|(place, mask)| (place.clone(), mask.as_str()));
        let text = apply(document.body(), replaced).unwrap_or_default();
        Ok(looks::masked(&text.expose_str().unwrap_or_default().replace("\r\n", "\n")).into_owned())
    }
}

/// Finds the secrets of an object, between their quotes, in the order of the text.
fn secrets(text: &str, object: &Object<'_>, path: &mut Vec<String>, places: &mut Vec<Range<usize>>) {
    for entry in &object.properties {
        path.push(entry.name.as_str().to_owned());
        of_value(text, &entry.value, path, places);
        path.pop();
    }
}

/// Returns whether the name of an object around a value says that it holds secrets.
fn is_below_secret(path: &[String]) -> bool {
    let outer = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
    !path.first().is_some_and(|first| NAMED_FREELY.contains(&first.as_str()))
        && outer.iter().any(|name| exposed::says_secret(name))
}

fn of_value(text: &str, value: &Node<'_>, path: &mut Vec<String>, places: &mut Vec<Range<usize>>) {
    match value {
        // A reference is no secret, whatever it is for.
        Node::Object(object) if member(object, "source").is_some() && member(object, "id").is_some() => {}
        Node::Object(object) => secrets(text, object, path, places),
        Node::Array(list) => list.elements.iter().for_each(|value| of_value(text, value, path, places)),
        Node::StringLit(_) => {
            let range = value.range();
            let inside = range.start + 1..range.end.saturating_sub(1);
            let written = text.get(inside.clone()).unwrap_or_default();
            if !inside.is_empty() && (is_below_secret(path) || holds_secret(path, value, written)) {
                places.push(inside);
            }
        }
        Node::NumberLit(_) | Node::BooleanLit(_) | Node::NullKeyword(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_what_changes_and_no_secret() {
        let before = "{\r\n  a: 1,\r\n  env: { X: 'made-up-1' },\r\n  models: { p: { apiKey: 'made-up-2', headers: { Authorization: ['made-up-2'] } } },\r\n  // sk-ant-api03-made-up-made-up-3\r\n  z: 1,\r\n}\r\n";
        let after = before.replace("z: 1", "z: 2").replace("Authorization: ['made-up-2']", "b: 1");
        let shown = diff(before, &after).unwrap();
        assert_eq!(
            shown,
            "@@ -1,7 +1,7 @@\n {\n   a: 1,\n   env: { X: '<hidden 1>' },\n-  models: { p: { apiKey: '<hidden 2>', headers: { Authorization: ['<hidden 2>'] } } },\n+  models: { p: { apiKey: '<hidden 2>', headers: { b: 1 } } },\n   // ~6ae5cca0\n-  z: 1,\n+  z: 2,\n }\n"
        );
        let nested = "{ credentials: { x: 'made-up-4' }, auth: { 'groq:token': { mode: 'token' } } }";
        let shown = diff(nested, "{ b: { apiKey: { source: 'exec', id: 'main/groq:a' } } }").unwrap();
        assert!(!shown.contains("made-up") && shown.contains("mode: 'token'"), "{shown}");
        assert!(shown.contains("id: 'main/groq:a'"), "{shown}");
        assert_eq!(diff(before, before).unwrap(), "");
        assert!(diff("{ a: canary", "{}").is_err());
    }
}
