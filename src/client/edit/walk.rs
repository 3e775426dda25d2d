//! Goes through a document beside what it should say, and notes what has to be replaced.

use jsonc_parser::ast::{Array, Object, Value as Node};
use jsonc_parser::common::Ranged;
use serde_json::Value;

use super::inverse::{Before, Own, Wrote};
use super::meaning::{equals, holds_secret};
use super::rows::{Added, Rows};
use super::shown;
use super::splice::Splice;
use super::style::{Style, begins_line, line_indent};
use super::wanted::{Members, Wanted};
use crate::client::include;
use crate::error::Result;
use crate::json::json5::member;
use crate::messages::client::edit as messages;

/// What was found on the way.
pub(super) struct Walk<'t> {
    text: &'t str,
    style: Style,
    /// Whether an object that includes other files may be changed.
    may_include: bool,
    /// Whether the parts of a value are walked through, which is noted as a whole.
    is_inside: bool,
    /// What has to be replaced, in no particular order.
    pub splices: Vec<Splice>,
    /// The members that change.
    pub own: Vec<Own>,
    /// The objects that are made, each one before those in it.
    pub made: Vec<Vec<String>>,
}

impl<'t> Walk<'t> {
    /// Goes through a document.
    ///
    /// # Errors
    /// `BAD_DATA` if a member on the way is not an object, `DUPLICATE_KEY` if one is there twice, `CONFIG` if one
    /// includes other files.
    pub fn through(text: &'t str, root: &Object<'_>, wanted: &Members, may_include: bool) -> Result<Self> {
        let mut walk = Self {
            text,
            style: Style::of(text, root),
            may_include,
            is_inside: false,
            splices: Vec::new(),
            own: Vec::new(),
            made: Vec::new(),
        };
        walk.object(root, wanted, true, &mut Vec::new())?;
        Ok(walk)
    }

    fn object(
        &mut self,
        object: &Object<'_>,
        wanted: &Members,
        may_have_lines: bool,
        path: &mut Vec<String>,
    ) -> Result<()> {
        if !self.may_include && member(object, include::INCLUDE).is_some() {
            return Err(messages::included(&shown(path), &include::files(object)));
        }
        let mut is_removed = vec![false; object.properties.len()];
        let (mut hides, mut added) = (false, Vec::new());
        for (name, wanted) in wanted.iter() {
            path.push(name.to_owned());
            let mut found =
                object.properties.iter().enumerate().filter(|(_, entry)| entry.name.as_str() == name);
            match (found.next(), wanted) {
                (Some(_), _) if found.next().is_some() => return Err(messages::named_twice(&shown(path))),
                (None, wanted) if wanted.is_absent() => {}
                (None, wanted) => {
                    self.note_added(wanted, path);
                    added.push((name, wanted));
                }
                (Some((index, entry)), Wanted::Absent) => {
                    hides |= self.note(path, &entry.value, Wrote::Nothing);
                    if let Some(removed) = is_removed.get_mut(index) {
                        *removed = true;
                    }
                }
                (Some((_, entry)), wanted) => {
                    let is_first = begins_line(self.text, entry.range.start);
                    self.member(&entry.value, wanted, is_first, path)?;
                }
            }
            path.pop();
        }
        let all = object.properties.iter().map(|entry| entry.range.start..entry.range.end).collect();
        let rows =
            Rows { inner: object.range.start + 1..object.range.end.saturating_sub(1), all, may_have_lines };
        let added = Added::Members(added);
        if let Some(splices) = rows.rearranged(self.text, &self.style, &is_removed, &added) {
            self.splices.extend(splices.into_iter().map(|splice| Splice { hides, ..splice }));
        } else {
            let indent = line_indent(self.text, object.range.start);
            let text = added.bracketed(&self.style, indent, may_have_lines);
            self.replace(object.range.start..object.range.end, text, hides);
        }
        Ok(())
    }

    /// Goes through a member that exists and should exist.
    fn member(
        &mut self,
        node: &Node<'_>,
        wanted: &Wanted,
        may_have_lines: bool,
        path: &mut Vec<String>,
    ) -> Result<()> {
        match (wanted, node) {
            (Wanted::Object(inner), Node::Object(object)) => self.object(object, inner, may_have_lines, path),
            (Wanted::Object(_), _) => Err(messages::not_an_object(&shown(path))),
            (Wanted::Value(value), _) if equals(node, value) => Ok(()),
            (Wanted::Value(value), _) => {
                let hides = self.note(path, node, Wrote::Value(value.clone()));
                let before = self.splices.len();
                let outer = std::mem::replace(&mut self.is_inside, true);
                self.value(node, value, may_have_lines, path)?;
                self.is_inside = outer;
                for splice in self.splices.iter_mut().skip(before) {
                    splice.hides |= hides;
                }
                Ok(())
            }
            (Wanted::Text(text), _) => {
                let hides = self.note(path, node, Wrote::Nothing);
                self.replace(node.range().start..node.range().end, text.clone(), hides);
                Ok(())
            }
            (Wanted::Absent, _) => Ok(()),
        }
    }

    /// Makes a value another one, and keeps what is the same in both.
    fn value(
        &mut self,
        node: &Node<'_>,
        value: &Value,
        may_have_lines: bool,
        path: &mut Vec<String>,
    ) -> Result<()> {
        match (node, value) {
            (node, value) if equals(node, value) => {}
            (Node::Object(object), Value::Object(values)) => {
                let kept = values.iter().map(|(name, value)| (name.clone(), Wanted::Value(value.clone())));
                let others = object.properties.iter().map(|entry| entry.name.as_str());
                let others = others.filter(|name| !values.contains_key(*name));
                let wanted = kept.chain(others.map(|name| (name.to_owned(), Wanted::Absent))).collect();
                self.object(object, &wanted, may_have_lines, path)?;
            }
            (Node::Array(list), Value::Array(values)) => self.list(list, values, may_have_lines, path)?,
            (node, value) => {
                let text =
                    self.style.value(value, line_indent(self.text, node.range().start), may_have_lines);
                self.replace(node.range().start..node.range().end, text, false);
            }
        }
        Ok(())
    }

    /// Makes a list another one. What is the same at its beginning and at its end stays.
    fn list(
        &mut self,
        list: &Array<'_>,
        values: &[Value],
        may_have_lines: bool,
        path: &mut Vec<String>,
    ) -> Result<()> {
        let old = &list.elements;
        let same = |(node, value): &(&Node<'_>, &Value)| equals(node, value);
        let first = old.iter().zip(values).take_while(same).count();
        // What is added is added at the end.
        let tail = if values.len() > old.len() {
            0
        } else {
            let rest = old.iter().skip(first).rev().zip(values.iter().skip(first).rev());
            rest.take_while(same).count()
        };
        let (old_end, new_end) = (old.len() - tail, values.len() - tail);
        for (node, value) in old.iter().take(old_end).zip(values.iter().take(new_end)).skip(first) {
            let may_have_lines = begins_line(self.text, node.range().start);
            self.value(node, value, may_have_lines, path)?;
        }
        let is_removed: Vec<_> = (0..old.len()).map(|index| (new_end..old_end).contains(&index)).collect();
        let rows = Rows {
            inner: list.range.start + 1..list.range.end.saturating_sub(1),
            all: old.iter().map(|node| node.range().start..node.range().end).collect(),
            may_have_lines,
        };
        let added = Added::Elements(values.get(old.len()..).unwrap_or_default());
        let splices = rows.rearranged(self.text, &self.style, &is_removed, &added);
        if let Some(splices) = splices {
            self.splices.extend(splices);
        }
        Ok(())
    }

    fn replace(&mut self, range: std::ops::Range<usize>, text: String, hides: bool) {
        self.splices.push(Splice { range, text, hides });
    }

    /// Notes that a member changes. Returns whether it holds a secret, which is then not noted.
    fn note(&mut self, path: &[String], node: &Node<'_>, wrote: Wrote) -> bool {
        let written = self.text.get(node.range().start..node.range().end).unwrap_or_default();
        let hides = holds_secret(path, node, written);
        if !self.is_inside {
            let before = if hides { Before::Withheld } else { Before::Was(written.to_owned()) };
            self.own.push(Own { path: path.to_vec(), wrote, before });
        }
        hides
    }

    /// Notes members that are added, and the objects that are made for them.
    fn note_added(&mut self, wanted: &Wanted, path: &mut Vec<String>) {
        match wanted {
            _ if self.is_inside || wanted.is_absent() => {}
            Wanted::Object(members) => {
                self.made.push(path.clone());
                for (name, wanted) in members.iter() {
                    path.push(name.to_owned());
                    self.note_added(wanted, path);
                    path.pop();
                }
            }
            Wanted::Value(value) => self.own.push(Own {
                path: path.clone(),
                wrote: Wrote::Value(value.clone()),
                before: Before::Absent,
            }),
            Wanted::Text(_) | Wanted::Absent => {}
        }
    }
}
