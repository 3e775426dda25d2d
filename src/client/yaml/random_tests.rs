//! Random insertions into random documents.

use serde_json::{Map, json};

use super::tests::after;
use super::*;
use crate::error::Code;
use crate::json::tests::Random;

/// Random documents in YAML, and random values.
struct Writer {
    random: Random,
    text: String,
    /// How the document is written: widths as in `Style`, and the line end.
    step: usize,
    list: usize,
    dash: usize,
    line_end: &'static str,
}

impl Writer {
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.below(of.len())]
    }

    fn name(&mut self) -> &'static str {
        self.pick(&["a", "b", "c", "d e", "\u{e4}", "on", "l"])
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push_str(self.line_end);
    }

    /// Lines that say nothing.
    fn blank(&mut self, column: usize) {
        while self.random.below(5) == 0 {
            let indent = self.pick(&[0, 0, column, column + 1, column + 2]);
            let text = self.pick(&["", "", "   ", "# a: 'x", "#", "# \u{20ac}"]);
            let indented = format!("{}{text}", " ".repeat(if text.starts_with('#') { indent } else { 0 }));
            self.line(&indented);
        }
    }

    /// A value after a key or a dash, and the rest of its lines. `column` is that of its members.
    fn value(&mut self, column: usize, key: Option<usize>, depth: usize) {
        match self.random.below(if depth == 0 { 9 } else { 14 }) {
            0 => self.line(""),
            1 => {
                let text =
                    self.pick(&[" # why", " x # why", " x y", " 'it''s'", " \"\\u00e4\"  ", " ~", " 0x1F"]);
                self.line(text);
            }
            2 => {
                let text = self.pick(&[" []", " {}", " {a: 1, b: [x]}", " [1,"]);
                self.line(text);
                if text == " [1," {
                    self.line(&format!("{}2]", " ".repeat(column)));
                }
            }
            3 | 4 => {
                let header = self.pick(&[" |", " >", " |-", " >-", " |+", " >+ # why"]);
                self.line(header);
                for _ in 0..self.random.below(3) {
                    let text = self.pick(&["x", "# x", "- x", "a: x", " x"]);
                    self.line(&format!("{}x{text}", " ".repeat(column)));
                }
                for _ in 0..self.random.below(3) {
                    let spaces = self.pick(&[0, 0, 0, 1, column, column + 3]);
                    self.line(&" ".repeat(spaces));
                }
            }
            5 => {
                let (open, close) = self.pick(&[("x", "y"), ("\"x", "y\""), ("'x", "y'"), ("&x x", "y")]);
                self.line(&format!(" {open}"));
                self.line(&format!("{}{close}", " ".repeat(column)));
            }
            6..=8 => {
                let text = self.pick(&[" 1", " true", " yes", " x:y", " null", " \u{1f511}"]);
                self.line(text);
            }
            9..=11 => {
                self.line("");
                self.map(column, depth - 1);
            }
            _ => {
                self.line("");
                let list = key.map_or(column, |key| key + self.list);
                self.list(list, depth - 1);
            }
        }
    }

    fn map(&mut self, column: usize, depth: usize) {
        self.members(column, depth, false);
    }

    fn members(&mut self, column: usize, depth: usize, mut is_begun: bool) {
        let mut names: Vec<&str> = Vec::new();
        for _ in 0..=self.random.below(4) {
            let name = self.name();
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            if !std::mem::take(&mut is_begun) {
                self.blank(column);
                self.text.push_str(&" ".repeat(column));
            }
            let written = match self.random.below(6) {
                0 => format!("\"{name}\":"),
                1 => format!("{name} :"),
                _ => format!("{name}:"),
            };
            self.text.push_str(&written);
            self.value(column + self.step, Some(column), depth);
        }
    }

    fn list(&mut self, column: usize, depth: usize) {
        for _ in 0..=self.random.below(3) {
            self.blank(column);
            self.text.push_str(&" ".repeat(column));
            self.text.push('-');
            if self.random.below(2) == 0 {
                self.text.push_str(&" ".repeat(self.dash - 1));
                self.members(column + self.dash, depth.saturating_sub(1), true);
            } else {
                self.value(column + self.dash, None, depth.saturating_sub(1));
            }
        }
    }

    fn document(&mut self) -> String {
        self.text.clear();
        (self.step, self.list) = (self.pick(&[1, 2, 2, 4]), self.pick(&[0, 0, 1, 2, 4]));
        (self.dash, self.line_end) = (self.pick(&[2, 2, 4]), self.pick(&["\n", "\n", "\r\n"]));
        let begin = self.pick(&["", "", "", "\u{feff}", "# why\n", "---\n", "%YAML 1.1\n--- # why\n"]);
        let begin = begin.replace('\n', self.line_end);
        self.text.push_str(&begin);
        let column = self.pick(&[0, 0, 0, 0, 3]);
        if self.random.below(20) > 0 {
            self.map(column, 3);
        }
        self.blank(column);
        if self.random.below(6) == 0 {
            self.text.truncate(self.text.trim_end_matches(['\r', '\n']).len());
        } else if self.random.below(20) == 0 && !self.text.is_empty() {
            self.line("...");
        }
        self.text.clone()
    }

    fn json(&mut self, depth: usize) -> Value {
        match self.random.below(if depth == 0 { 5 } else { 9 }) {
            0 => json!("it's \"\\\n\u{2028}"),
            1 => json!(self.random.below(100)),
            2 => json!(-1.5),
            3 => Value::Null,
            4 => json!(self.name()),
            5 | 6 => (0..self.random.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => {
                let count = self.random.below(4);
                Value::Object((0..count).map(|_| (self.name().to_owned(), self.json(depth - 1))).collect())
            }
        }
    }
}

/// Adds an item or a member to plain values. Returns nothing if they cannot have one.
fn added(root: Option<&Value>, path: &[&str], value: &Value, is_item: bool) -> Option<Value> {
    let root = root.filter(|root| !root.is_null());
    let [name, below @ ..] = path else {
        if !is_item {
            return root.is_none().then(|| value.clone());
        }
        let mut items = root.map_or(Some(Vec::new()), |root| root.as_array().cloned())?;
        items.push(value.clone());
        return Some(items.into());
    };
    let mut members = root.map_or(Some(Map::new()), |root| root.as_object().cloned())?;
    if below.is_empty() && !is_item && members.contains_key(*name) {
        return None;
    }
    let inner = added(members.get(*name), below, value, is_item)?;
    members.insert((*name).to_owned(), inner);
    Some(members.into())
}

#[test]
fn random_insertions_into_random_documents_say_what_they_should_and_are_undone() {
    let mut writer = Writer {
        random: Random(0x9e37_79b9_7f4a_7c15),
        text: String::new(),
        step: 2,
        list: 0,
        dash: 2,
        line_end: "\n",
    };
    let (mut done, mut refused, mut invalid) = (0, 0, 0);
    for round in 0..20_000 {
        let text = writer.document();
        let Ok(before) = at(&text, &[]) else {
            invalid += 1;
            continue;
        };
        let is_item = round % 2 == 0;
        let path: Vec<_> =
            (0..if is_item { 1 } else { 1 + writer.random.below(3) }).map(|_| writer.name()).collect();
        let value = writer.json(3);
        let result =
            if is_item { with_item(&text, path[0], &value) } else { with_member(&text, &path, &value) };
        let expected = added(before.as_ref(), &path, &value, is_item);
        match (result, expected) {
            (Ok(insertion), Some(expected)) => {
                let after = after(&text, &insertion);
                assert_eq!(at(&after, &[]).unwrap(), Some(expected), "{path:?} in {text:?} gives {after:?}");
                done += 1;
            }
            (Err(error), _) => {
                // What is refused is refused for a reason, and never because the result was wrong.
                let codes = [Code::Config, Code::BadData, Code::Exists];
                assert!(codes.contains(&error.code()), "{error}: {path:?} in {text:?}");
                refused += 1;
            }
            (Ok(insertion), None) => panic!("{path:?} in {text:?} gives {:?}", after(&text, &insertion)),
        }
    }
    assert!(done > 10_000 && refused > 2_000 && invalid < 2_000, "{done} {refused} {invalid}");
}
