//! Random edits of random documents.

use serde_json::json;

use super::tests::{as_json, edited, text_of};
use super::*;
use crate::error::Code;
use crate::json::tests::Random;

/// Random documents in JSON5, and random values.
struct Writer {
    random: Random,
    text: String,
}

impl Writer {
    const SPACES: [&str; 9] =
        ["", "", " ", "\n", "\r\n  ", "\t", " /* c, } */ ", "// d: ] 'x\n", "\n\n    // e\n  "];

    fn pick<'p>(&mut self, of: &[&'p str]) -> &'p str {
        of[self.random.below(of.len())]
    }

    fn space(&mut self) {
        let space = self.pick(&Self::SPACES);
        self.text.push_str(space);
    }

    fn name(&mut self) -> String {
        self.pick(&["a", "b", "c", "d e", "f'g", "\u{e4}", "$h"]).to_owned()
    }

    fn value(&mut self, depth: usize) {
        match self.random.below(if depth == 0 { 5 } else { 9 }) {
            0 => self.text.push_str("'it\\'s'"),
            1 => self.text.push_str("\"a\\u0062,\""),
            2 => {
                let number =
                    self.pick(&["0x1F", "+1", ".5", "-7", "1e3", "18446744073709551615", "Infinity"]);
                self.text.push_str(number);
            }
            3 => self.text.push_str("null"),
            4 => self.text.push_str("true"),
            5 | 6 => self.list(depth - 1),
            _ => self.object(depth - 1),
        }
    }

    fn list(&mut self, depth: usize) {
        let count = self.random.below(4);
        self.rows('[', ']', count, |writer, _| writer.value(depth));
    }

    fn object(&mut self, depth: usize) {
        let mut names: Vec<String> = Vec::new();
        for _ in 0..self.random.below(5) {
            let name = self.name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.rows('{', '}', names.len(), |writer, index| {
            let name = &names[index];
            let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '$');
            let written = match writer.random.below(3) {
                // The parser takes a comment right after a name for a part of it.
                0 if is_word => format!("{name} "),
                1 if !name.contains('\'') => format!("'{name}'"),
                _ => format!("\"{name}\""),
            };
            writer.text.push_str(&written);
            writer.space();
            writer.text.push(':');
            writer.space();
            writer.value(depth);
        });
    }

    fn rows(&mut self, open: char, close: char, count: usize, mut row: impl FnMut(&mut Self, usize)) {
        self.text.push(open);
        self.space();
        for index in 0..count {
            row(self, index);
            self.space();
            if index + 1 < count || self.random.below(3) == 0 {
                self.text.push(',');
                self.space();
            }
        }
        self.text.push(close);
    }

    fn json(&mut self, depth: usize) -> Value {
        match self.random.below(if depth == 0 { 4 } else { 7 }) {
            0 => json!("it's \"\\\n\u{2028}"),
            1 => json!(self.random.below(100)),
            2 => json!(-1.5),
            3 => Value::Null,
            4 => (0..self.random.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => {
                let count = self.random.below(4);
                Value::Object((0..count).map(|_| (self.name(), self.json(depth - 1))).collect())
            }
        }
    }
}

/// Applies a change to plain values.
fn apply(root: &mut Value, path: &[String], value: Option<&Value>) {
    let Value::Object(object) = root else { panic!() };
    match (path, value) {
        ([name], Some(value)) => {
            object.insert(name.clone(), value.clone());
        }
        ([name], None) => {
            object.remove(name);
        }
        ([name, below @ ..], Some(_)) => {
            apply(object.entry(name.clone()).or_insert_with(|| json!({})), below, value);
        }
        ([name, below @ ..], None) => {
            if let Some(inner) = object.get_mut(name) {
                apply(inner, below, value);
            }
        }
        ([], _) => panic!(),
    }
}

/// Returns whether every comment of a text is also in another one.
fn keeps_comments(before: &str, after: &str) -> bool {
    ["c, } */", "// d: ] 'x", "// e"].iter().all(|c| before.matches(c).count() <= after.matches(c).count())
}

#[test]
fn random_edits_of_random_documents_say_what_they_should_and_are_undone() {
    let mut writer = Writer { random: Random(0x9e37_79b9_7f4a_7c15), text: String::new() };
    let (mut done, mut refused, mut changed, mut kept) = (0, 0, 0, 0);
    for _ in 0..20_000 {
        writer.text.clear();
        writer.space();
        writer.object(4);
        writer.space();
        let text = writer.text.clone();
        let mut wanted = Vec::new();
        for _ in 0..=writer.random.below(3) {
            let path: Vec<_> = (0..=writer.random.below(3)).map(|_| writer.name()).collect();
            wanted.push(match writer.random.below(3) {
                0 => Change::Remove { path },
                _ => Change::Set { path, value: writer.json(2) },
            });
        }
        let path = |change: &Change| match change {
            Change::Set { path, .. } | Change::Remove { path } => path.clone(),
        };
        let names_twice =
            wanted.iter().enumerate().any(|(n, one)| wanted[..n].iter().any(|w| path(w) == path(one)));
        if names_twice || Members::of(&wanted).is_none() {
            continue;
        }
        let once = match edit(Some(&text), &wanted) {
            Ok(once) => once,
            Err(error) => {
                // On the way to a member is something else than an object.
                assert_eq!(error.code(), Code::BadData, "{error}: {wanted:?} in {text}");
                assert!(error.what().ends_with("is not an object"), "{error}: {wanted:?} in {text}");
                refused += 1;
                continue;
            }
        };
        let mut expected = as_json(&text);
        for change in &wanted {
            match change {
                Change::Set { path, value } => apply(&mut expected, path, Some(value)),
                Change::Remove { path } => apply(&mut expected, path, None),
            }
        }
        let after = edited(&text, &wanted);
        assert_eq!(after, text_of(&once));
        assert_eq!(as_json(&after), expected, "{wanted:?} in {text:?} gives {after:?}");
        // Undone member by member, after a change elsewhere.
        let other = after.replacen('{', "{ zzz: 1,", 1);
        if let Ok(Restored::Partly { text: partly, left }) = restore(&other, &once.inverse) {
            assert!(left.is_empty(), "{left:?}");
            let mut before = as_json(&text);
            before["zzz"] = json!(1);
            assert_eq!(as_json(partly.expose_str().unwrap()), before, "{wanted:?} in {text:?}");
        } else {
            assert!(once.changed.is_empty(), "{wanted:?} in {text:?}");
        }
        done += 1;
        changed += usize::from(!once.changed.is_empty());
        let added = once.changed.iter().all(|changed| changed.how == How::Added);
        if added {
            assert!(keeps_comments(&text, &after), "{wanted:?} in {text:?} gives {after:?}");
            kept += 1;
        }
    }
    assert!(
        done > 10_000 && changed > 8_000 && refused > 500 && kept > 2_000,
        "{done} {changed} {refused} {kept}"
    );
}
