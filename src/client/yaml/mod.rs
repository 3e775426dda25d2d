//! Inserts lines into a person's YAML file, such as `~/.kube/config`, and answers questions about one. What was inserted
//! is whole lines, so that taking them out again gives the file back byte for byte.
//!
//! - [`with_item`] and [`with_member`] return an [`Insertion`]; nothing that exists is changed or moved.
//! - [`without_item`] and [`without_member`] take out what another program has written again since.
//! - [`names`] answers what is in a list, without values.
//! - Inside: `document` is the tree that is read, `place` says where an insertion goes, `write` writes it as the rest of
//!   the file is written, and `meaning` proves the result.

mod document;
mod meaning;
mod place;
mod removal;
mod write;

use serde_json::{Value, json};

pub use super::insertion::Insertion;

pub use self::removal::{without_item, without_member};

use self::document::{Document, Node, What, below, must_fit};
use self::meaning::{Added, became, is_same};
use self::place::Place;
use crate::error::Result;
use crate::messages::client::yaml as messages;

/// An item of a list of mappings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// Its `name`.
    pub name: String,
    /// The names of the members of one of its members.
    pub members: Vec<String>,
}

/// Returns what adds an item at the end of a list at the root. A list that does not exist is made at the end of the file.
///
/// # Errors
/// `BAD_DATA` if the text is not YAML or the value is not a list; `CONFIG` if nothing can be inserted, because of several
/// documents, anchors, aliases, tags, merge keys, flow style (such as `[]`), or line ends; `DUPLICATE_KEY`; `TOO_LARGE`;
/// `INTERNAL` if the result would not say what it should.
pub fn with_item(text: &str, list: &str, item: &Value) -> Result<Insertion> {
    let document = Document::of(text)?;
    let exists = document.root.as_ref().map(|root| root.member(list, "")).transpose()?.flatten().is_some();
    if exists {
        return inserted(text, &document, &[list], &Added::Item(item));
    }
    inserted(text, &document, &[], &Added::Member(list, json!([item])))
}

/// Returns what adds a member at the end of a mapping. Mappings on the way that do not exist are made.
///
/// # Errors
/// Those of [`with_item`], `EXISTS` if the member is there.
pub fn with_member(text: &str, path: &[&str], value: &Value) -> Result<Insertion> {
    let document = Document::of(text)?;
    let (mut node, mut depth, mut shown) = (document.root.as_ref(), 0, String::new());
    while let (Some(value), Some(name)) = (node, path.get(depth)) {
        let Some((_, value)) = value.member(name, &shown)? else { break };
        (node, depth, shown) = (Some(value), depth + 1, below(&shown, name));
    }
    let (there, rest) = path.split_at(depth);
    let (name, inner) = rest.split_first().ok_or_else(|| messages::already_there(&shown))?;
    let value = inner.iter().rev().fold(value.clone(), |value, name| json!({ *name: value }));
    inserted(text, &document, there, &Added::Member(name, value))
}

/// Returns the value at a path as JSON, if it is there: by the core schema of YAML 1.2, whatever its style. It is not
/// wiped, so only tests ask.
///
/// # Errors
/// `BAD_DATA` if the text is not YAML; `CONFIG` if it has several documents, or if an alias, a merge key or a tag on the way
/// or in the value leaves open what it says; `DUPLICATE_KEY`; `TOO_LARGE`.
#[cfg(test)]
fn at(text: &str, path: &[&str]) -> Result<Option<Value>> {
    let document = Document::of(text)?;
    found(&document, path)?.map(|node| meaning::to_json(node, &path.join("."))).transpose()
}

/// Returns the items of a list at the root that have a `name`, and the names of the members that each has below `member`.
/// Without the list there is no item, and the same if its value is null.
///
/// # Errors
/// `BAD_DATA` if the text is not YAML or the value is not a list; `CONFIG`, `DUPLICATE_KEY` and `TOO_LARGE` as for
/// [`with_item`].
pub fn names(text: &str, list: &str, member: &str) -> Result<Vec<Named>> {
    let document = Document::of(text)?;
    let Some(node) = found(&document, &[list])? else { return Ok(Vec::new()) };
    let items = match &node.what {
        What::List(_, items) => items,
        What::Scalar(..) if meaning::to_json(node, list)?.is_null() => return Ok(Vec::new()),
        What::Alias(_) => return Err(messages::alias(list)),
        _ => return Err(messages::not_a_list(list)),
    };
    let mut all = Vec::new();
    for item in items {
        let name = member_of(item, "name", list)?.and_then(Node::as_text).map(str::to_owned);
        let members =
            member_of(item, member, list)?.map(|node| keys(node, &below(list, member))).transpose()?;
        if let Some(name) = name {
            all.push(Named { name, members: members.unwrap_or_default() });
        }
    }
    Ok(all)
}

/// Returns the names of a mapping's members.
fn keys(node: &Node<'_>, shown: &str) -> Result<Vec<String>> {
    match &node.what {
        What::Alias(_) => Err(messages::alias(shown)),
        What::Map(_, members) if members.iter().any(|(key, _)| key.is_merge_key()) => {
            Err(messages::merged(shown))
        }
        What::Map(_, members) => {
            Ok(members.iter().filter_map(|(key, _)| key.as_text()).map(str::to_owned).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Returns the node at a path, if it is there.
fn found<'d, 't>(document: &'d Document<'t>, path: &[&str]) -> Result<Option<&'d Node<'t>>> {
    let Some(mut node) = document.root.as_ref() else { return Ok(None) };
    let mut shown = String::new();
    for name in path {
        let Some(value) = member_of(node, name, &shown)? else { return Ok(None) };
        (node, shown) = (value, below(&shown, name));
    }
    Ok(Some(node))
}

/// Returns the value of a member, if the node has it and is not an alias of another one.
fn member_of<'d, 't>(node: &'d Node<'t>, name: &str, shown: &str) -> Result<Option<&'d Node<'t>>> {
    if matches!(node.what, What::Alias(_)) {
        return Err(messages::alias(shown));
    }
    Ok(node.member(name, shown)?.map(|(_, value)| value))
}

/// Returns the insertion that adds something to the value at a path that exists. The result is parsed again and compared,
/// so that a mistake touches nothing.
fn inserted(text: &str, document: &Document<'_>, path: &[&str], added: &Added<'_>) -> Result<Insertion> {
    let body = document.body;
    // A carriage return alone is a line end too.
    if body.split('\r').skip(1).any(|rest| !rest.starts_with('\n')) {
        return Err(messages::other_line_ends());
    }
    let place = Place::of(document, path, added)?;
    for at in place.at {
        let is_open = at == body.len() && !body.is_empty() && !body.ends_with('\n');
        let line_end = if is_open { place::line_end(body) } else { "" };
        let insertion = Insertion { at: document.mark + at, text: format!("{line_end}{}", place.lines) };
        let after = insertion.applied(text);
        must_fit(after.len())?;
        // If the result is not even YAML, that is a mistake as well, and not the file's.
        let after = after.expose_str().map(Document::of).transpose().ok().flatten();
        if after.is_some_and(|after| became(document.root.as_ref(), path, added, after.root.as_ref())) {
            return Ok(insertion);
        }
        if is_open && !stays_with(text, document, line_end) {
            return Err(messages::open_block());
        }
    }
    Err(messages::not_edited())
}

/// Returns whether a document says the same with a line end after it.
fn stays_with(text: &str, document: &Document<'_>, line_end: &str) -> bool {
    let ended = Insertion { at: text.len(), text: line_end.to_owned() }.applied(text);
    let after = ended.expose_str().map(Document::of).transpose().ok().flatten();
    match (&document.root, after.and_then(|after| after.root)) {
        (Some(before), Some(after)) => is_same(before, &after),
        (before, after) => before.is_none() && after.is_none(),
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
