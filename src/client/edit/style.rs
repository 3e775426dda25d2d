//! How a document is written: its line ends, indentation, quotes and commas, so that what is added looks like the rest.

use jsonc_parser::ast::{Array, Object, ObjectPropName, StringLit, Value as Node};
use jsonc_parser::common::Ranged;
use serde_json::Value;

use super::rows::comma_in;

/// The style of a document. Without an example it is that of the client's own files: JSON with two spaces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Style {
    /// The end of a line.
    pub line_end: &'static str,
    /// What each level adds to the indentation.
    unit: String,
    /// The quote around texts.
    quote: char,
    /// Whether names have quotes.
    quotes_names: bool,
    /// What follows a colon, and a comma within a line.
    space: &'static str,
    /// Whether lists of simple values are in one line.
    short_lists: bool,
    /// Whether a comma follows the last of several lines.
    last_comma: bool,
}

/// What was seen in a document.
#[derive(Default)]
struct Seen {
    unit: Option<String>,
    single_quotes: usize,
    double_quotes: usize,
    plain_names: usize,
    quoted_names: usize,
    spaces: Option<bool>,
    short_lists: Option<bool>,
    last_comma: Option<bool>,
}

impl Style {
    /// Returns the style of a document.
    pub fn of(text: &str, root: &Object<'_>) -> Self {
        let mut seen = Seen::default();
        seen.object(text, root);
        let line_end = match text.find('\n') {
            Some(at) if text.get(..at).is_some_and(|before| before.ends_with('\r')) => "\r\n",
            _ => "\n",
        };
        Self {
            line_end,
            unit: seen.unit.unwrap_or_else(|| "  ".to_owned()),
            quote: if seen.single_quotes > seen.double_quotes { '\'' } else { '"' },
            quotes_names: seen.plain_names <= seen.quoted_names,
            space: if seen.spaces.unwrap_or(true) { " " } else { "" },
            short_lists: seen.short_lists.unwrap_or(false),
            last_comma: seen.last_comma.unwrap_or(false),
        }
    }

    /// Returns the indentation of the level below another one.
    pub fn below(&self, indent: &str) -> String {
        format!("{indent}{}", self.unit)
    }

    /// Returns what separates two members or elements in one line.
    pub fn between(&self) -> String {
        format!(",{}", self.space)
    }

    /// Returns a member. `value` is written already.
    pub fn member(&self, name: &str, value: &str) -> String {
        let space = self.space;
        let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$'))
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'));
        if is_plain && !self.quotes_names {
            format!("{name}:{space}{value}")
        } else {
            format!("{}:{space}{value}", self.text(name))
        }
    }

    /// Returns a value that begins in a line with this indentation. `lines` says whether it may have several lines.
    pub fn value(&self, value: &Value, indent: &str, lines: bool) -> String {
        let below = self.below(indent);
        match value {
            Value::String(text) => self.text(text),
            Value::Array(list) => {
                let is_simple = list.iter().all(|value| !value.is_array() && !value.is_object());
                let lines = lines && !(is_simple && self.short_lists);
                let all: Vec<_> = list.iter().map(|value| self.value(value, &below, lines)).collect();
                self.bracketed("[]", &all, indent, lines)
            }
            Value::Object(members) => {
                let all =
                    members.iter().map(|(name, value)| self.member(name, &self.value(value, &below, lines)));
                self.bracketed("{}", &all.collect::<Vec<_>>(), indent, lines)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        }
    }

    /// Returns an object or a list. Its members or elements are written already, with the indentation of the level
    /// below `indent`.
    pub fn bracketed(&self, brackets: &str, all: &[String], indent: &str, lines: bool) -> String {
        let (open, close) = brackets.split_at(1);
        if all.is_empty() {
            return brackets.to_owned();
        }
        if lines {
            let (below, end) = (self.below(indent), self.line_end);
            let all: Vec<_> = all.iter().map(|one| format!("{below}{one}")).collect();
            let last = if self.last_comma { "," } else { "" };
            return format!("{open}{end}{}{last}{end}{indent}{close}", all.join(&format!(",{end}")));
        }
        let space = if brackets == "{}" { self.space } else { "" };
        format!("{open}{space}{}{space}{close}", all.join(&self.between()))
    }

    /// Returns a text in quotes.
    fn text(&self, text: &str) -> String {
        let mut out = String::from(self.quote);
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c == self.quote => out.extend(['\\', c]),
                // Line ends of JavaScript, and what a terminal would act on.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    out.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                c => out.push(c),
            }
        }
        out.push(self.quote);
        out
    }
}

impl Seen {
    fn object(&mut self, text: &str, object: &Object<'_>) {
        let outer = line_indent(text, object.range.start);
        for entry in &object.properties {
            let start = entry.name.range().start;
            let own = line_indent(text, start);
            if self.unit.is_none() && begins_line(text, start) {
                self.unit = own.strip_prefix(outer).filter(|unit| !unit.is_empty()).map(str::to_owned);
            }
            match &entry.name {
                ObjectPropName::Word(_) => self.plain_names += 1,
                ObjectPropName::String(name) => {
                    self.string(text, name);
                    self.quoted_names += usize::from(name.value.bytes().all(|b| b.is_ascii_alphanumeric()));
                }
            }
            let between = text.get(entry.name.range().end..entry.value.range().start).unwrap_or_default();
            self.spaces.get_or_insert(between.ends_with(char::is_whitespace));
            self.value(text, &entry.value);
        }
        self.last_of(text, object.properties.last().map(|entry| entry.range.end), object.range.end);
    }

    fn list(&mut self, text: &str, list: &Array<'_>) {
        let is_simple = |node: &Node<'_>| !matches!(node, Node::Object(_) | Node::Array(_));
        if !list.elements.is_empty() && list.elements.iter().all(is_simple) {
            let written = text.get(list.range.start..list.range.end).unwrap_or_default();
            self.short_lists.get_or_insert(!written.contains('\n'));
        }
        for value in &list.elements {
            self.value(text, value);
        }
        self.last_of(text, list.elements.last().map(|value| value.range().end), list.range.end);
    }

    fn value(&mut self, text: &str, value: &Node<'_>) {
        match value {
            Node::Object(object) => self.object(text, object),
            Node::Array(list) => self.list(text, list),
            Node::StringLit(literal) => self.string(text, literal),
            Node::NumberLit(_) | Node::BooleanLit(_) | Node::NullKeyword(_) => {}
        }
    }

    fn string(&mut self, text: &str, literal: &StringLit<'_>) {
        match text.as_bytes().get(literal.range.start) {
            Some(b'\'') => self.single_quotes += 1,
            _ => self.double_quotes += 1,
        }
    }

    /// Notes whether a comma follows the last member or element, if the closing bracket is in another line.
    fn last_of(&mut self, text: &str, last: Option<usize>, end: usize) {
        let rest = last.and_then(|last| text.get(last..end)).unwrap_or_default();
        if rest.contains('\n') {
            self.last_comma.get_or_insert(comma_in(rest).is_some());
        }
    }
}

/// Returns the white space at the beginning of the line in which a position is.
pub(super) fn line_indent(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let line = text.get(start..).unwrap_or_default();
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

/// Returns whether only white space precedes a position in its line.
pub(super) fn begins_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', '\r'])
}
