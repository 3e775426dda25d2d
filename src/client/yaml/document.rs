//! A document as a tree: what each node says, and where it is written.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag, options};
use zeroize::Zeroize as _;

use crate::client::config::CONFIG_MAX;
use crate::error::Result;
use crate::messages::client as of_client;
use crate::messages::client::yaml as messages;

/// A byte order mark, with which a document may begin.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// How many nodes are read of a document. A kubeconfig file has some 15 for each cluster. Nodes take more memory than their
/// text: 1 MiB of `[[a]],` took 200 MB.
pub(super) const NODES_MAX: usize = 100_000;

/// A text and the one document in it.
#[derive(Debug)]
pub(super) struct Document<'t> {
    /// The text after a byte order mark, to which positions refer.
    pub body: &'t str,
    /// How many bytes the byte order mark takes.
    pub mark: usize,
    /// What it says. There is nothing in a text of comments.
    pub root: Option<Node<'t>>,
    /// Whether it says where it ends (`...`).
    pub has_end: bool,
}

/// A value or a key.
#[derive(Debug)]
pub(super) struct Node<'t> {
    /// Its bytes in the text, up to the end of the last node in it. A value that is left out takes no bytes.
    pub range: Range<usize>,
    /// How many characters are before it in its line.
    pub column: usize,
    /// The number of its anchor, or 0.
    pub anchor: usize,
    /// Its tag.
    pub tag: Option<Cow<'t, Tag>>,
    /// What it says.
    pub what: What<'t>,
}

/// What a node says.
#[derive(Debug)]
pub(super) enum What<'t> {
    /// A text, which may stand for a number or the like.
    Scalar(Text<'t>, ScalarStyle),
    /// The value of another node, by the number of its anchor.
    Alias(usize),
    /// A list.
    List(StructureStyle, Vec<Node<'t>>),
    /// A mapping: its keys and their values, in order.
    Map(StructureStyle, Vec<(Node<'t>, Node<'t>)>),
}

/// The text of a scalar. It can be a secret: it is part of the document's text, or wiped after use.
#[derive(PartialEq, Eq)]
pub(super) struct Text<'t>(Cow<'t, str>);

impl Text<'_> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

impl std::fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text([{} bytes])", self.0.len())
    }
}

impl<'t> Document<'t> {
    /// Parses a text.
    ///
    /// # Errors
    /// `TOO_LARGE` if it is larger than what is read of a configuration or has too many nodes, `BAD_DATA` if it is not YAML, `CONFIG` if it has
    /// several documents.
    pub fn of(text: &'t str) -> Result<Self> {
        must_fit(text.len())?;
        let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        // The clients' parsers, which descend from libyaml, do not add a line feed at the end of the file.
        let options = options! { block_scalar_eof_without_line_feed: true };
        let mut events = Events { parser: Parser::new_from_str_with_options(body, options), nodes: 0 };
        let (mut root, mut has_end, mut documents) = (None, false, 0);
        while let Some((event, span)) = events.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd => {}
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(messages::several_documents());
                    }
                }
                Event::DocumentEnd => has_end = !span.is_empty(),
                event => root = Some(events.node(event, span)?),
            }
        }
        Ok(Self { body, mark: text.len() - body.len(), root, has_end })
    }
}

/// Refuses a text that is larger than what is read of a configuration.
pub(super) fn must_fit(length: usize) -> Result<()> {
    match u64::try_from(length) {
        Ok(length) if length <= CONFIG_MAX => Ok(()),
        _ => Err(of_client::too_large(messages::FILE, CONFIG_MAX)),
    }
}

struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    nodes: usize,
}

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>> {
        // The parser's own text can quote the file.
        self.parser.next().transpose().map_err(|error| messages::not_yaml(error.marker().line()))
    }

    /// Returns the node that begins with an event. The parser limits how deep it can be (255 levels of each style).
    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node<'t>> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(messages::too_many_values(NODES_MAX));
        }
        let mut range = span.byte_range().ok_or_else(messages::not_edited)?;
        let (what, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => (What::Scalar(Text(text), style), anchor, tag),
            Event::Alias(anchor) => (What::Alias(anchor), 0, None),
            Event::SequenceStart(style, anchor, tag) => {
                let mut items = Vec::new();
                while let Some(item) = self.child(&mut range, style)? {
                    items.push(item);
                }
                (What::List(style, items), anchor, tag)
            }
            Event::MappingStart(style, anchor, tag) => {
                let mut members = Vec::new();
                while let Some(key) = self.child(&mut range, style)? {
                    let value = self.child(&mut range, style)?.ok_or_else(messages::not_edited)?;
                    members.push((key, value));
                }
                (What::Map(style, members), anchor, tag)
            }
            _ => return Err(messages::not_edited()),
        };
        Ok(Node { range, column: span.start.col(), anchor, tag, what })
    }

    /// Returns the next node of a collection, if it has one more, and extends the range of the collection.
    fn child(&mut self, range: &mut Range<usize>, style: StructureStyle) -> Result<Option<Node<'t>>> {
        let (event, span) = self.next()?.ok_or_else(messages::not_edited)?;
        if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
            // A block ends before the next token, beyond the lines that follow it.
            if style == StructureStyle::Flow {
                range.end = span.byte_range().ok_or_else(messages::not_edited)?.end;
            }
            return Ok(None);
        }
        let node = self.node(event, span)?;
        range.end = range.end.max(node.range.end);
        Ok(Some(node))
    }
}

impl Node<'_> {
    /// Returns whether the value is left out, so that lines after its key can give it one.
    pub fn is_left_out(&self) -> bool {
        self.range.is_empty()
            && self.anchor == 0
            && self.tag.is_none()
            && matches!(self.what, What::Scalar(_, ScalarStyle::Plain))
    }

    /// Returns its text, if it is a scalar.
    pub fn as_text(&self) -> Option<&str> {
        match &self.what {
            What::Scalar(text, _) => Some(text.as_str()),
            _ => None,
        }
    }

    /// Returns whether it is the key that takes members from elsewhere.
    pub fn is_merge_key(&self) -> bool {
        matches!(&self.what, What::Scalar(text, ScalarStyle::Plain) if text.as_str() == "<<")
    }

    /// Returns the key and the value of a member, if it is a mapping that has it. `shown` is its own path.
    ///
    /// # Errors
    /// `CONFIG` if it takes members from elsewhere, `DUPLICATE_KEY` if it has the member twice.
    pub fn member(&self, name: &str, shown: &str) -> Result<Option<(&Self, &Self)>> {
        let What::Map(_, members) = &self.what else { return Ok(None) };
        if members.iter().any(|(key, _)| key.is_merge_key()) {
            return Err(messages::merged(shown));
        }
        let mut named = members.iter().filter(|(key, _)| key.as_text() == Some(name));
        let found = named.next();
        if named.next().is_some() {
            return Err(messages::named_twice(&below(shown, name)));
        }
        Ok(found.map(|(key, value)| (key, value)))
    }
}

/// Returns the path of a member, as it is shown.
pub(super) fn below(shown: &str, name: &str) -> String {
    if shown.is_empty() { name.to_owned() } else { format!("{shown}.{name}") }
}
