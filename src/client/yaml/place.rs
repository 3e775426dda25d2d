//! The place of an insertion: which members on the way allow it, at which byte and in which column.

use granit_parser::{ScalarStyle, StructureStyle};

use super::document::{Document, Node, What, below};
use super::meaning::Added;
use super::write::{Style, Writer, dashes};
use crate::error::Result;
use crate::messages::client::yaml as messages;

/// The places an insertion can go to, and its lines.
#[derive(Debug)]
pub(super) struct Place {
    /// Bytes of the body before it, the best place first. Which of them changes nothing else is found out by trying:
    /// the lines without text after a block scalar can belong to it.
    pub at: Vec<usize>,
    /// The lines that are inserted.
    pub lines: String,
}

/// A value on the way, and the key that it belongs to.
#[derive(Clone, Copy)]
struct Step<'d, 't> {
    key: Option<&'d Node<'t>>,
    value: Option<&'d Node<'t>>,
}

impl Place {
    /// Returns where something goes that is added to the value at a path that exists.
    ///
    /// # Errors
    /// `BAD_DATA` if a value on the way is not a mapping, or the last one not what is added to; `CONFIG` if it cannot be
    /// inserted into; `DUPLICATE_KEY`.
    pub fn of(document: &Document<'_>, path: &[&str], added: &Added<'_>) -> Result<Self> {
        let body = document.body;
        let mut step = Step { key: None, value: document.root.as_ref() };
        let mut shown = String::new();
        for name in path {
            must_allow(body, step, &shown, false)?;
            let found = step.value.map(|value| value.member(name, &shown)).transpose()?.flatten();
            let (key, value) = found.ok_or_else(messages::not_edited)?;
            shown = below(&shown, name);
            if !begins_line(body, key.range.start) {
                return Err(messages::explicit_key(&shown));
            }
            step = Step { key: Some(key), value: Some(value) };
        }
        must_allow(body, step, &shown, matches!(added, Added::Item(_)))?;
        let style = Style::of(body, document.root.as_ref(), line_end(body));
        if step.key.is_none() && document.has_end {
            return Err(messages::explicit_end());
        }
        Ok(step.place(body, style, added))
    }
}

/// Refuses a value that cannot be inserted into.
fn must_allow(body: &str, step: Step<'_, '_>, shown: &str, is_list: bool) -> Result<()> {
    let Some(value) = step.value.filter(|value| !value.is_left_out()) else { return Ok(()) };
    match &value.what {
        What::Alias(_) => return Err(messages::alias(shown)),
        _ if value.anchor != 0 => return Err(messages::anchored(shown)),
        _ if value.tag.is_some() => return Err(messages::tagged(shown)),
        What::List(StructureStyle::Flow, _) | What::Map(StructureStyle::Flow, _) => {
            return Err(messages::flow_style(shown));
        }
        What::List(..) if is_list => {}
        What::Map(_, members) if !is_list => {
            if members.iter().any(|(key, _)| key.is_merge_key()) {
                return Err(messages::merged(shown));
            }
            if !begins_line(body, value.range.start) {
                return Err(messages::explicit_key(shown));
            }
        }
        _ if is_list => return Err(messages::not_a_list(shown)),
        _ => return Err(messages::not_a_mapping(shown)),
    }
    Ok(())
}

impl Step<'_, '_> {
    fn place(self, body: &str, mut style: Style, added: &Added<'_>) -> Place {
        let value = self.value.filter(|value| !value.is_left_out());
        let column = match (self.key, value, added) {
            (None, None, _) => 0,
            (Some(key), None, Added::Item(_)) => key.column + style.list,
            (Some(key), None, Added::Member(..)) => key.column + style.step,
            (Some(key), Some(list), Added::Item(_)) => {
                let column = dashes(body, key, list);
                style.list = column.saturating_sub(key.column);
                style.dash = dash_width(body, list, column).unwrap_or(style.dash);
                column
            }
            (_, Some(value), _) => value.column,
        };
        let lines = match added {
            Added::Item(item) => Writer::item(style, column, item),
            Added::Member(name, value) => Writer::member(style, column, name, value),
        };
        let at = match (self.key, self.value) {
            (Some(key), Some(value)) => {
                let (soft, hard) = ends(body, value);
                // A comment that is indented as far as what is inserted belongs to what is before it.
                let column = column.max(key.column + 1);
                let mut at =
                    [soft, hard].map(|end| after_comments(body, after_line(body, end), column)).to_vec();
                at.dedup();
                at
            }
            _ => vec![body.len()],
        };
        Place { at, lines }
    }
}

/// Returns how far the last item of a list is from its dash, if they are in one line.
fn dash_width(body: &str, list: &Node<'_>, column: usize) -> Option<usize> {
    let What::List(_, items) = &list.what else { return None };
    let item = items.last().filter(|item| item.anchor == 0 && item.tag.is_none())?;
    let start = line_start(body, item.range.start);
    let before = body.get(start..item.range.start)?.trim_start_matches(' ');
    let is_in_line = before.starts_with('-') && before[1..].bytes().all(|b| b == b' ');
    item.column.checked_sub(column).filter(|width| is_in_line && *width >= 2)
}

/// Returns where the last thing in a value ends: without the lines that have no text after a block scalar, and with them.
fn ends(body: &str, node: &Node<'_>) -> (usize, usize) {
    let (key, last) = match &node.what {
        What::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded) => {
            let text = body.get(node.range.clone()).unwrap_or_default();
            return (node.range.start + text.trim_end().len(), node.range.end);
        }
        What::List(StructureStyle::Block, items) => (0, items.last()),
        What::Map(StructureStyle::Block, members) => match members.last() {
            Some((key, value)) => (key.range.end, Some(value)),
            None => (0, None),
        },
        _ => (0, None),
    };
    last.map_or((node.range.end, node.range.end), |last| {
        let (soft, hard) = ends(body, last);
        (soft.max(key), hard.max(key))
    })
}

fn line_start(body: &str, at: usize) -> usize {
    body.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

/// Returns whether only spaces are before a place in its line.
fn begins_line(body: &str, at: usize) -> bool {
    body.get(line_start(body, at)..at).is_some_and(|before| before.bytes().all(|b| b == b' '))
}

/// Returns where the line ends that a place is in. The end of a block scalar can be in the indentation of the next line,
/// and is then the end of the line before.
fn after_line(body: &str, at: usize) -> usize {
    if begins_line(body, at) {
        return line_start(body, at);
    }
    body.get(at..).and_then(|rest| rest.find('\n')).map_or(body.len(), |end| at + end + 1)
}

/// Returns the end of the comments that follow and are indented at least so far.
fn after_comments(body: &str, at: usize, column: usize) -> usize {
    let (mut end, mut next) = (at, at);
    for line in body.get(at..).unwrap_or_default().split_inclusive('\n') {
        next += line.len();
        let text = line.trim_start_matches(' ');
        if text.starts_with('#') && line.len() - text.len() >= column {
            end = next;
        } else if !text.trim().is_empty() {
            break;
        }
    }
    end
}

/// Returns the line end of a text, by its first line.
pub(super) fn line_end(body: &str) -> &'static str {
    match body.find('\n') {
        Some(end) if body.get(..end).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}
