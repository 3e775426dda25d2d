//! Finds places in a TOML document, in which lines can be put: its tables and keys with their positions. Values stay in
//! the text, because they can be secrets.

use std::borrow::Cow;
use std::ops::Range;

use toml_parser::decoder::Encoding;
use toml_parser::lexer::Token;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{ParseError, Source, Span};

use crate::error::Result;
use crate::messages::client::connectable as messages;

/// The deepest nesting of a document, in values.
const DEPTH: u32 = 64;

/// A table or a key of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// What it is.
    pub kind: Kind,
    /// The text of a value, or of a table's header with what is before it on its line.
    span: Range<usize>,
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A table with a header.
    Table,
    /// An element of an array of tables.
    Element,
    /// A key with a value.
    Value,
}

/// The entries of a document, in their order.
pub(super) struct Toml<'t> {
    text: &'t str,
    pub entries: Vec<Entry>,
}

impl<'t> Toml<'t> {
    /// Reads a document.
    ///
    /// # Errors
    /// `BAD_DATA`, without a quotation.
    pub fn of(text: &'t str) -> Result<Self> {
        let source = Source::new(text);
        let tokens: Vec<Token> = source.lex().collect();
        let (mut events, mut failed) = (Vec::new(), None::<ParseError>);
        {
            let mut keep = |event: Event| events.push(event);
            let mut guarded = RecursionGuard::new(&mut keep, DEPTH);
            let mut error = |error: ParseError| {
                failed.get_or_insert(error);
            };
            parse_document(&tokens, &mut guarded, &mut error);
        }
        let mut reader = Reader { source, entries: Vec::new(), table: Vec::new(), failed: false };
        reader.read(&events);
        if failed.is_some() || reader.failed {
            return Err(messages::not_toml());
        }
        Ok(Self { text, entries: reader.entries })
    }

    /// Returns whether there is a table, a key or a part of one at a path.
    pub fn has(&self, path: &[&str]) -> bool {
        self.entries.iter().any(|entry| entry.path.len() >= path.len() && starts_with(&entry.path, path))
    }

    /// Returns where the line after the header of a table begins, if it has one.
    pub fn after_header(&self, path: &[&str]) -> Option<usize> {
        let is_it = |entry: &&Entry| {
            entry.kind == Kind::Table && entry.path.len() == path.len() && starts_with(&entry.path, path)
        };
        let header = self.entries.iter().find(is_it)?;
        let rest = self.text.get(header.span.end..)?;
        Some(rest.find('\n').map_or(self.text.len(), |end| header.span.end + end + 1))
    }

    /// Returns where keys of the root can be put: at the beginning of the first table's line, or of the comment before
    /// it. Without a table, at the end.
    pub fn end_of_root(&self) -> usize {
        let Some(first) = self.entries.iter().find(|entry| entry.kind != Kind::Value) else {
            return self.text.len();
        };
        let before = self.text.get(..first.span.start).unwrap_or_default();
        let mut at = before.rfind('\n').map_or(0, |end| end + 1);
        for line in before.get(..at).unwrap_or_default().split_inclusive('\n').rev() {
            if !line.trim_start().starts_with('#') {
                break;
            }
            at -= line.len();
        }
        // A byte order mark stays at the beginning.
        if at == 0 && before.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { at }
    }

    /// Returns the text that a key has, if it is a string of one line.
    pub fn text_at(&self, path: &[&str]) -> Option<String> {
        let is_it = |entry: &&Entry| {
            entry.kind == Kind::Value && entry.path.len() == path.len() && starts_with(&entry.path, path)
        };
        let entry = self.entries.iter().find(is_it)?;
        let written = self.text.get(entry.span.clone())?.trim();
        let encoding = match written.as_bytes().first()? {
            b'"' if !written.starts_with("\"\"\"") => Encoding::BasicString,
            b'\'' if !written.starts_with("'''") => Encoding::LiteralString,
            _ => return None,
        };
        decoded(written, Some(encoding))
    }

    /// Returns whether a document is this one with further lines: everything that it said, in the same order, and
    /// what `added` accepts.
    pub fn became(&self, after: &Toml<'_>, added: impl Fn(&Entry) -> bool) -> bool {
        let said =
            |of: &Entry, text: &str| (of.path.clone(), of.kind, text.get(of.span.clone()).map(str::len));
        let mut before = self.entries.iter();
        let mut next = before.next();
        for entry in &after.entries {
            let is_same = next.is_some_and(|one| {
                said(one, self.text) == said(entry, after.text)
                    && self.text.get(one.span.clone()) == after.text.get(entry.span.clone())
            });
            if is_same {
                next = before.next();
            } else if !added(entry) {
                return false;
            }
        }
        next.is_none()
    }
}

fn starts_with(path: &[String], names: &[&str]) -> bool {
    path.iter().zip(names).all(|(own, name)| own == name)
}

fn decoded(written: &str, encoding: Option<Encoding>) -> Option<String> {
    let raw = toml_parser::Raw::new_unchecked(written, encoding, Span::new_unchecked(0, written.len()));
    let (mut out, mut failed) = (Cow::Borrowed(""), false);
    let _ = raw.decode_scalar(&mut out, &mut |_: ParseError| failed = true);
    (!failed).then(|| out.into_owned())
}

struct Reader<'t> {
    source: Source<'t>,
    entries: Vec<Entry>,
    /// The table that keys are in.
    table: Vec<String>,
    failed: bool,
}

impl Reader<'_> {
    fn read(&mut self, events: &[Event]) {
        let (mut names, mut depth) = (Vec::new(), 0_u32);
        let (mut header, mut value) = (None::<(Kind, usize)>, None::<usize>);
        for event in events {
            let (start, end) = (event.span().start(), event.span().end());
            match event.kind() {
                EventKind::StdTableOpen if depth == 0 => header = Some((Kind::Table, start)),
                EventKind::ArrayTableOpen if depth == 0 => header = Some((Kind::Element, start)),
                EventKind::StdTableClose | EventKind::ArrayTableClose => {
                    if let Some((kind, start)) = header.take() {
                        self.table = std::mem::take(&mut names);
                        let path = self.table.clone();
                        self.entries.push(Entry { path, kind, span: start..end });
                    }
                }
                EventKind::SimpleKey if depth == 0 && value.is_none() => names.push(self.name(event)),
                EventKind::KeyValSep if depth == 0 => value = Some(end),
                EventKind::InlineTableOpen | EventKind::ArrayOpen => depth += 1,
                EventKind::InlineTableClose | EventKind::ArrayClose => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.value(&mut names, value.take(), end);
                    }
                }
                EventKind::Scalar => {
                    self.failed |= !self.is_scalar(event);
                    if depth == 0 {
                        self.value(&mut names, value.take(), end);
                    }
                }
                EventKind::Error => self.failed = true,
                _ => {}
            }
        }
    }

    /// Returns whether an event is a value. It is decoded for that, and kept nowhere.
    fn is_scalar(&self, event: &Event) -> bool {
        let mut failed = false;
        if let Some(raw) = self.source.get(event) {
            let _ = raw.decode_scalar(&mut (), &mut |_: ParseError| failed = true);
        }
        !failed
    }

    fn value(&mut self, names: &mut Vec<String>, start: Option<usize>, end: usize) {
        let Some(start) = start else { return };
        let path = self.table.iter().cloned().chain(names.drain(..)).collect();
        self.entries.push(Entry { path, kind: Kind::Value, span: start..end });
    }

    fn name(&mut self, event: &Event) -> String {
        let mut name = Cow::Borrowed("");
        if let Some(raw) = self.source.get(event) {
            let failed = &mut self.failed;
            raw.decode_key(&mut name, &mut |_: ParseError| *failed = true);
        }
        name.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\nmodel = \"a\"\nlist = [\n  { x = 1 }, # [no]\n]\n\n# of t\n[t]\nk = '''\n[not.a.table]\n'''\n[a.\"b.c\"] # end\nindex = 'sparse+https://x.io/'\n[[p]]\nq.r = 1\n";

    #[test]
    fn tables_and_keys_have_their_places() {
        let toml = Toml::of(TEXT).unwrap();
        let paths: Vec<_> = toml.entries.iter().map(|entry| entry.path.join("/")).collect();
        assert_eq!(paths, ["model", "list", "t", "t/k", "a/b.c", "a/b.c/index", "p", "p/q/r"]);
        assert!(toml.has(&["a", "b.c"]) && toml.has(&["a"]) && !toml.has(&["not"]) && !toml.has(&["x"]));
        assert_eq!(toml.text_at(&["a", "b.c", "index"]).as_deref(), Some("sparse+https://x.io/"));
        assert_eq!(toml.text_at(&["t", "k"]), None);
        let at = toml.after_header(&["a", "b.c"]).unwrap();
        assert!(TEXT[at..].starts_with("index"));
        assert!(TEXT[toml.end_of_root()..].starts_with("# of t\n[t]"));
        assert_eq!(Toml::of("a = 1\n").unwrap().end_of_root(), 6);
    }

    #[test]
    fn what_is_not_toml_is_refused_without_a_quotation() {
        for text in ["a = canary", "[a", "a", "a = \"canary", "= 1", "\u{1}canary"] {
            let Err(error) = Toml::of(text) else { panic!("{text:?} is accepted") };
            assert!(!error.what().contains("canary"), "{text:?}");
        }
        assert!(Toml::of(&format!("a = {}{}", "[".repeat(500), "]".repeat(500))).is_err());
    }

    #[test]
    fn a_document_with_further_lines_is_told_from_another_one() {
        let before = Toml::of(TEXT).unwrap();
        let ours = |entry: &Entry| entry.path.first().is_some_and(|name| name == "ours");
        let with = |text: &str| format!("{TEXT}{text}");
        assert!(before.became(&Toml::of(&with("[ours]\nx = 1\n")).unwrap(), ours));
        assert!(!before.became(&Toml::of(&with("other = 1\n")).unwrap(), ours));
        assert!(!before.became(&Toml::of(&TEXT.replace("\"a\"", "\"b\"")).unwrap(), ours));
        assert!(!before.became(&Toml::of("[ours]\n").unwrap(), ours));
    }
}
