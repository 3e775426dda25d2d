//! The members of an object or the elements of a list as they are in the text: removes some, and adds others at the end.
//! Comments stay.

use std::ops::Range;

use serde_json::Value;

use super::splice::Splice;
use super::style::{Style, begins_line, line_indent};
use super::wanted::Wanted;

/// An object or a list in a text.
pub(super) struct Rows {
    /// Everything between its brackets.
    pub inner: Range<usize>,
    /// Its members or elements.
    pub all: Vec<Range<usize>>,
    /// Whether it begins in a line of its own or with a name that does, so that its contents may have lines.
    pub may_have_lines: bool,
}

/// What is added.
pub(super) enum Added<'w> {
    /// Members of an object.
    Members(Vec<(&'w str, &'w Wanted)>),
    /// Elements of a list.
    Elements(&'w [Value]),
}

impl Added<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Members(all) => all.is_empty(),
            Self::Elements(all) => all.is_empty(),
        }
    }

    /// Returns each as it is written in a line with this indentation. `lines` says whether it may have several.
    fn written(&self, style: &Style, indent: &str, lines: bool) -> Vec<String> {
        match self {
            Self::Members(all) => all
                .iter()
                .map(|(name, wanted)| style.member(name, &write(style, wanted, indent, lines)))
                .collect(),
            Self::Elements(all) => all.iter().map(|value| style.value(value, indent, lines)).collect(),
        }
    }

    /// Returns all of it as an object or a list of its own.
    pub fn bracketed(&self, style: &Style, indent: &str, lines: bool) -> String {
        let brackets = match self {
            Self::Members(_) => "{}",
            Self::Elements(_) => "[]",
        };
        style.bracketed(brackets, &self.written(style, &style.below(indent), lines), indent, lines)
    }
}

fn write(style: &Style, wanted: &Wanted, indent: &str, lines: bool) -> String {
    match wanted {
        Wanted::Value(value) => style.value(value, indent, lines),
        Wanted::Text(text) => text.clone(),
        Wanted::Absent => String::new(),
        Wanted::Object(members) => {
            let all = members.iter().filter(|(_, wanted)| !wanted.is_absent());
            Added::Members(all.collect()).bracketed(style, indent, lines)
        }
    }
}

impl Rows {
    /// Returns the replacements that remove some rows and add others. Returns `None` if nothing would be kept while
    /// something is added; then the whole is to be written again.
    pub fn rearranged(
        &self,
        text: &str,
        style: &Style,
        is_removed: &[bool],
        added: &Added<'_>,
    ) -> Option<Vec<Splice>> {
        let mut splices = Vec::new();
        let is_removed = |index: usize| is_removed.get(index).copied().unwrap_or_default();
        for (index, row) in self.all.iter().enumerate().filter(|(index, _)| is_removed(*index)) {
            self.remove(text, row, self.comma_of(text, index), &mut splices);
        }
        let last = (0..self.all.len()).rev().find(|index| !is_removed(*index));
        let ends_with_comma =
            self.all.len().checked_sub(1).and_then(|index| self.comma_of(text, index)).is_some();
        match (last, !added.is_empty()) {
            (Some(last), false) => {
                let is_last = last + 1 == self.all.len();
                if let Some(comma) = self.comma_of(text, last).filter(|_| !is_last && !ends_with_comma) {
                    splices.push(splice(comma..comma + 1, String::new()));
                }
            }
            (Some(last), true) => {
                let comma = self.comma_of(text, last);
                let row = self.all.get(last)?;
                splices.extend(add_after(text, style, row, comma, ends_with_comma, added));
            }
            (None, true) if self.all.is_empty() => {
                splices.push(self.fill(text, style, added));
            }
            (None, true) => return None,
            (None, false) => {}
        }
        Some(splices)
    }

    /// Returns where the comma after a row is.
    fn comma_of(&self, text: &str, index: usize) -> Option<usize> {
        let from = self.all.get(index)?.end;
        let to = self.all.get(index + 1).map_or(self.inner.end, |next| next.start);
        comma_in(text.get(from..to)?).map(|at| from + at)
    }

    fn remove(&self, text: &str, row: &Range<usize>, comma: Option<usize>, splices: &mut Vec<Splice>) {
        let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let (mut start, mut end) = (row.start, row.end);
        if let Some(comma) = comma {
            if between(row.end, comma).trim().is_empty() {
                end = comma + 1;
            } else {
                splices.push(splice(comma..comma + 1, String::new()));
            }
        }
        let blank = |text: &str| text.len() - text.trim_start_matches([' ', '\t']).len();
        let before = between(self.inner.start, start);
        let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
        if begins_line(text, row.start) {
            end += blank(between(end, self.inner.end));
            // With nothing else in them, its lines go as a whole.
            if let Some(length) = line_end(between(end, self.inner.end)) {
                start -= indent;
                end += length;
            }
        } else if start == self.inner.start {
            end += blank(between(end, self.inner.end));
        } else {
            start -= indent;
        }
        splices.push(splice(start..end, String::new()));
    }

    /// Returns what is put between the brackets if nothing but white space and comments is there.
    fn fill(&self, text: &str, style: &Style, added: &Added<'_>) -> Splice {
        let inner = text.get(self.inner.clone()).unwrap_or_default();
        let has_lines = self.may_have_lines || inner.contains(['\n', '\r']) || inner.contains("//");
        let indent = line_indent(text, self.inner.start);
        let whole = added.bracketed(style, indent, has_lines);
        let contents = whole.get(1..whole.len().saturating_sub(1)).unwrap_or_default().to_owned();
        splice(self.inner.start + inner.trim_end().len()..self.inner.end, contents)
    }
}

/// Adds rows after the last one that is kept.
fn add_after(
    text: &str,
    style: &Style,
    row: &Range<usize>,
    comma: Option<usize>,
    ends_with_comma: bool,
    added: &Added<'_>,
) -> Vec<Splice> {
    let mut splices = Vec::new();
    let after = comma.map_or(row.end, |comma| comma + 1);
    let last = if ends_with_comma { "," } else { "" };
    if begins_line(text, row.start) {
        if comma.is_none() {
            splices.push(splice(row.end..row.end, ",".to_owned()));
        }
        let indent = line_indent(text, row.start);
        let line = format!("{}{indent}", style.line_end);
        let all = added.written(style, indent, true);
        let at = after + rest_of_line(text.get(after..).unwrap_or_default());
        splices.push(splice(at..at, format!("{line}{}{last}", all.join(&format!(",{line}")))));
    } else {
        let all = added.written(style, "", false).join(&style.between());
        let between = style.between();
        let begin = if comma.is_some() { between.trim_start_matches(',') } else { &between };
        splices.push(splice(after..after, format!("{begin}{all}{last}")));
    }
    splices
}

fn splice(range: Range<usize>, text: String) -> Splice {
    Splice { range, text, hides: false }
}

/// Returns where the comma is in a text of white space and comments.
pub(super) fn comma_in(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with(',') {
            return Some(at);
        }
        at += comment(rest).or_else(|| rest.chars().next().map(char::len_utf8))?;
    }
}

/// Returns the length of the comment with which a text begins, without the end of its line.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find(['\n', '\r']).unwrap_or(text.len()));
    }
    let inner = text.strip_prefix("/*")?;
    Some(inner.find("*/").map_or(text.len(), |end| end + 4))
}

/// Returns the length of the comments that end in the same line, with the white space before them.
fn rest_of_line(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = text.get(length..).unwrap_or_default();
        let trimmed = rest.trim_start_matches([' ', '\t']);
        match comment(trimmed) {
            Some(comment) if !trimmed.get(..comment).unwrap_or_default().contains(['\n', '\r']) => {
                length += rest.len() - trimmed.len() + comment;
            }
            _ => return length,
        }
    }
}

/// Returns the length of the line end with which a text begins.
fn line_end(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => Some(2),
        [b'\r' | b'\n', ..] => Some(1),
        _ => None,
    }
}
