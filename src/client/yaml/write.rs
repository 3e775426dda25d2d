//! Writes values in block style, as the rest of the file is written, so that readers of YAML 1.1 and 1.2 read the same.

use granit_parser::StructureStyle;
use serde_json::{Number, Value};

use super::document::{Node, What};

/// Words that YAML 1.1 or 1.2 reads as something else than a string, in lower case.
const RESERVED: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// How a file is written. Widths are in columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Style {
    /// How far the members of a mapping are to the right of the key that it belongs to.
    pub step: usize,
    /// How far the dashes of a list are to the right of the key that it belongs to.
    pub list: usize,
    /// From a dash to its item: 2 or more.
    pub dash: usize,
    /// The end of a line.
    pub line_end: &'static str,
}

impl Style {
    /// Returns how a document is written. What it does not show is as `kubectl` writes it: two spaces, and dashes below
    /// the key.
    pub fn of(body: &str, root: Option<&Node<'_>>, line_end: &'static str) -> Self {
        let mut seen = (None, None);
        if let Some(root) = root {
            look(body, root, &mut seen);
        }
        Self { step: seen.0.unwrap_or(2), list: seen.1.unwrap_or(0), dash: 2, line_end }
    }
}

/// Finds the first mapping and the first list that belong to a key.
fn look(body: &str, node: &Node<'_>, seen: &mut (Option<usize>, Option<usize>)) {
    match &node.what {
        What::Map(StructureStyle::Block, members) => {
            for (key, value) in members {
                match &value.what {
                    What::Map(StructureStyle::Block, _) => {
                        seen.0 = seen.0.or(value.column.checked_sub(key.column).filter(|step| *step > 0));
                    }
                    What::List(StructureStyle::Block, _) => {
                        seen.1 = seen.1.or(dashes(body, key, value).checked_sub(key.column));
                    }
                    _ => {}
                }
                look(body, value, seen);
            }
        }
        What::List(StructureStyle::Block, items) => items.iter().for_each(|item| look(body, item, seen)),
        _ => {}
    }
}

/// Returns the column of the dashes of a list in block style. The parser gives the first dash as the beginning of a list
/// that is indented, and what follows the first dash as that of one that is not.
pub(super) fn dashes(body: &str, key: &Node<'_>, list: &Node<'_>) -> usize {
    let What::List(_, items) = &list.what else { return key.column };
    let is_after = items.first().is_some_and(|item| item.range.start > list.range.start);
    let is_dash = body.as_bytes().get(list.range.start) == Some(&b'-');
    if is_after && is_dash { list.column } else { key.column }
}

/// Writes lines in a style.
pub(super) struct Writer {
    style: Style,
    out: String,
}

impl Writer {
    /// Returns the lines of a list's item whose dash is in a column.
    pub fn item(style: Style, column: usize, value: &Value) -> String {
        let mut writer = Self { style, out: String::new() };
        writer.indent(column);
        writer.dash(column, value);
        writer.out
    }

    /// Returns the lines of a member whose key is in a column.
    pub fn member(style: Style, column: usize, name: &str, value: &Value) -> String {
        let mut writer = Self { style, out: String::new() };
        writer.indent(column);
        writer.pair(column, name, value);
        writer.out
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    /// Writes a key and its value. The line is already indented.
    fn pair(&mut self, column: usize, name: &str, value: &Value) {
        self.out.push_str(&string(name));
        self.out.push(':');
        if is_empty(value) {
            return self.rest_of_line(value);
        }
        let column = column + if value.is_array() { self.style.list } else { self.style.step };
        self.out.push_str(self.style.line_end);
        self.indent(column);
        self.block(column, value);
    }

    /// Writes a dash and its item. The line is already indented.
    fn dash(&mut self, column: usize, value: &Value) {
        self.out.push('-');
        if is_empty(value) {
            self.indent(self.style.dash - 2);
            return self.rest_of_line(value);
        }
        self.indent(self.style.dash - 1);
        self.block(column + self.style.dash, value);
    }

    /// Writes a collection that is not empty. The first line is already indented.
    fn block(&mut self, column: usize, value: &Value) {
        match value {
            Value::Object(members) => {
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        self.indent(column);
                    }
                    self.pair(column, name, value);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.indent(column);
                    }
                    self.dash(column, item);
                }
            }
            _ => {}
        }
    }

    fn rest_of_line(&mut self, value: &Value) {
        self.out.push(' ');
        match value {
            Value::String(text) => self.out.push_str(&string(text)),
            Value::Number(value) => self.out.push_str(&number(value)),
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Array(_) => self.out.push_str("[]"),
            Value::Object(_) => self.out.push_str("{}"),
        }
        self.out.push_str(self.style.line_end);
    }
}

/// Returns whether a value takes no line of its own.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

/// Returns a string as it is written: plain if no reader takes it for something else, or in double quotes as in JSON.
fn string(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./@+".contains(&b);
    let is_reserved = RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word));
    if begins && text.bytes().all(is_plain) && !is_reserved {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in Value::from(text).to_string().chars() {
        match c {
            // What YAML 1.1 takes for a line end, and what is not printable.
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns a number as it is written. YAML 1.1 reads an exponent without a fraction as a string.
fn number(value: &Number) -> String {
    match value.as_f64().filter(|_| value.is_f64()) {
        None => value.to_string(),
        Some(value) => {
            let digits = format!("{value}");
            if digits.contains('.') { digits } else { format!("{digits}.0") }
        }
    }
}
