//! The index: an agent's `auth-profiles.json`, with references in place of secrets.
//!
//! Everything that other programs wrote into it survives unchanged and in order, numbers to the digit. A file that
//! cannot be parsed is an error, never an empty index.

use std::borrow::Cow;
use std::ops::Range;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::id::{ProfileId, Provider, is_reserved};
use crate::error::{Code, Error, Result};
use crate::json;
use crate::json::scan::{Members, Scan};
use crate::messages::vault::index as messages;
pub use entry::{EXEC_PROVIDER, Entry, Mark, NewEntry};
use entry::{gives_way, would_be_lost};

/// The file's name in an agent's directory.
pub const FILE: &str = "auth-profiles.json";
/// The largest index, in bytes, for reading and writing.
pub const MAX: usize = 64 * 1024 * 1024;

const VERSION: u64 = 1;

/// An index in memory.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The text that it was read from; unchanged members are taken from it.
    source: Box<str>,
    /// Every top-level member in order; `profiles` and `order` are here only for their position.
    top: IndexMap<String, Raw>,
    profiles: IndexMap<String, Raw>,
    order: IndexMap<String, Raw>,
}

/// The JSON text of a value.
#[derive(Clone, Debug)]
enum Raw {
    /// A range of the source.
    Source(Range<usize>),
    /// A value that was written since.
    New(Box<str>),
}

impl Raw {
    fn text<'s>(&'s self, source: &'s str) -> &'s str {
        match self {
            Self::Source(place) => source.get(place.clone()).unwrap_or_default(),
            Self::New(text) => text,
        }
    }
}

impl Index {
    /// Parses an index.
    ///
    /// # Errors
    /// `INDEX_UNREADABLE` if it cannot be parsed, `DUPLICATE_KEY`, `NEWER_FORMAT`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let unreadable = |error: Error| match error.code() {
            Code::BadData => Error::new(Code::IndexUnreadable, error.what().to_owned()),
            _ => error,
        };
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let Some((mut index, has_form)) = Self::scan(text) else {
            json::check(bytes, FILE).map_err(unreadable)?;
            // Valid JSON, but not an object.
            return Err(unreadable(form_error(bytes)));
        };
        match index.top.get("version").map(|raw| raw.text(text).parse::<u64>()) {
            None | Some(Ok(VERSION)) => {}
            Some(Ok(newer)) if newer > VERSION => {
                return Err(messages::newer(FILE, newer, VERSION));
            }
            Some(_) => return Err(messages::invalid_version(FILE)),
        }
        // Checked after the version, because a newer version may have another structure.
        if !has_form {
            return Err(unreadable(form_error(bytes)));
        }
        if index.profiles.keys().any(|id| is_reserved(id)) {
            return Err(messages::reserved_name(FILE));
        }
        index.source = text.into();
        Ok(index)
    }

    /// Parses an index in one pass, and returns also whether `profiles` and `order` are objects. Returns `None` if the
    /// text is not a JSON object or has a key twice.
    fn scan(text: &str) -> Option<(Self, bool)> {
        let mut index = Self::default();
        let mut has_form = true;
        let mut scan = Scan::new(text);
        scan.object(|scan, name| {
            let members = match &*name {
                "profiles" => Some(&mut index.profiles),
                "order" => Some(&mut index.order),
                _ => None,
            };
            let place = match members {
                Some(members) if scan.peek() == Some(b'{') => {
                    scan.object(|scan, key| {
                        let value = Raw::Source(scan.value()?);
                        members.insert(key.into_owned(), value).is_none().then_some(())
                    })?;
                    0..0
                }
                Some(_) => {
                    has_form = false;
                    scan.value()?
                }
                None => scan.value()?,
            };
            index.top.insert(name.into_owned(), Raw::Source(place)).is_none().then_some(())
        })?;
        scan.is_at_end().then_some((index, has_form))
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Returns whether it has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Returns whether it has an entry with this id, valid or not.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.profiles.contains_key(id)
    }

    /// Returns the ids in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// Returns all entries in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.profiles.iter().map(|(id, raw)| Entry::read(id, raw.text(&self.source)))
    }

    /// Returns one entry.
    #[must_use]
    pub fn entry(&self, id: &str) -> Option<Entry<'_>> {
        let (_, id, raw) = self.profiles.get_full(id)?;
        Some(Entry::read(id, raw.text(&self.source)))
    }

    /// Returns the fields of an entry that Strongroom replaces and that hold a secret in plain text or a reference to
    /// another provider.
    pub fn lost_in(&self, id: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.fields_of(id).filter(|(field, raw)| would_be_lost(field, raw))
    }

    /// Returns the fields of an entry that Strongroom does not replace, each value as its JSON text. Null counts as
    /// absent.
    pub fn rest_of(&self, id: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.fields_of(id).filter(|(field, raw)| !gives_way(field) && *raw != "null")
    }

    /// Returns the fields of an entry; none if it is not an object.
    fn fields_of(&self, id: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        let raw = self.profiles.get(id).map(|raw| raw.text(&self.source));
        raw.and_then(Members::of).into_iter().flatten()
    }

    /// Adds an entry, or replaces Strongroom's fields in it. Of the other fields, it drops those in `taken`, which are
    /// encrypted with the record; fields that were added since stay.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn put(&mut self, id: &ProfileId, entry: &NewEntry, taken: &[String]) -> Result<()> {
        let ours = serde_json::to_string(entry).map_err(|_| messages::entry_not_serialized())?;
        let ours = Members::of(&ours).ok_or_else(messages::entry_not_serialized)?;
        let kept = self.rest_of(id.as_str()).filter(|(field, _)| !taken.iter().any(|taken| taken == field));
        let mut text = String::with_capacity(512);
        write_object(&mut text, ours.chain(kept), 2);
        self.profiles.insert(id.as_str().to_owned(), Raw::New(text.into()));
        Ok(())
    }

    /// Removes an entry, and its id from every order.
    pub fn remove(&mut self, id: &ProfileId) {
        self.profiles.shift_remove(id.as_str());
        self.edit_orders(|ids| ids.retain(|listed| listed != id.as_str()));
    }

    /// Renames an entry, in its position and in every order.
    pub fn rename(&mut self, from: &ProfileId, to: &ProfileId) {
        let Some(place) = self.profiles.get_index_of(from.as_str()) else { return };
        // A target that exists was replaced on purpose.
        self.profiles.shift_remove(to.as_str());
        let place = place.min(self.profiles.len());
        if let Some(raw) = self.profiles.shift_remove(from.as_str()) {
            self.profiles.shift_insert(place.min(self.profiles.len()), to.as_str().to_owned(), raw);
        }
        self.edit_orders(|ids| {
            let has_target = ids.iter().any(|id| id == to.as_str());
            if has_target {
                ids.retain(|id| id != from.as_str());
            } else {
                for id in ids.iter_mut().filter(|id| *id == from.as_str()) {
                    to.as_str().clone_into(id);
                }
            }
        });
    }

    /// Returns the order of a provider, without invalid ids.
    #[must_use]
    pub fn order(&self, provider: &Provider) -> Option<Vec<ProfileId>> {
        // Another program may have written the name in another case. If two mean the same provider, the client takes
        // the later one.
        let (_, raw) = self.order.iter().rfind(|(key, _)| is_of(key, provider))?;
        listed(raw.text(&self.source))
    }

    /// Returns all orders. If a provider has two, the later one counts.
    #[must_use]
    pub fn orders(&self) -> Vec<(Provider, Vec<ProfileId>)> {
        let order =
            |(key, raw): (&String, &Raw)| Some((Provider::named(key)?, listed(raw.text(&self.source))?));
        self.order.iter().filter_map(order).collect()
    }

    /// Sets a provider's order, or with `None` clears it.
    pub fn set_order(&mut self, provider: &Provider, ids: Option<&[ProfileId]>) {
        self.order.retain(|key, _| key == provider.as_str() || !is_of(key, provider));
        match ids {
            Some(ids) => {
                let texts: Vec<&str> = ids.iter().map(ProfileId::as_str).collect();
                if let Some(raw) = array(&texts) {
                    self.order.insert(provider.as_str().to_owned(), raw);
                }
            }
            None => {
                self.order.shift_remove(provider.as_str());
            }
        }
    }

    fn edit_orders(&mut self, edit: impl Fn(&mut Vec<String>)) {
        for raw in self.order.values_mut() {
            let Ok(before) = serde_json::from_str::<Vec<String>>(raw.text(&self.source)) else { continue };
            let mut ids = before.clone();
            edit(&mut ids);
            if ids != before
                && let Some(edited) = array(&ids)
            {
                *raw = edited;
            }
        }
    }

    /// Returns the bytes of the file: JSON indented by two spaces and a final line break, as OpenClaw writes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::with_capacity(self.source.len() + self.written());
        out.push_str("{\n");
        let has = |name| self.top.contains_key(name);
        let version = (!has("version")).then_some("version");
        let profiles = (!has("profiles")).then_some("profiles");
        let order = (!has("order") && !self.order.is_empty()).then_some("order");
        let names =
            version.into_iter().chain(self.top.keys().map(String::as_str)).chain(profiles).chain(order);
        let mut first = true;
        for name in names {
            member(&mut out, &mut first, name, 0);
            match (name, self.top.get(name)) {
                ("profiles", _) => self.write_members(&mut out, &self.profiles),
                ("order", _) => self.write_members(&mut out, &self.order),
                (_, Some(raw)) => out.push_str(raw.text(&self.source)),
                (_, None) => out.push('1'),
            }
        }
        out.push_str("\n}\n");
        out.into_bytes()
    }

    /// Returns the bytes of the file, if readers accept that many.
    ///
    /// # Errors
    /// `TOO_LARGE` above [`MAX`].
    pub fn to_bounded_bytes(&self) -> Result<Vec<u8>> {
        let bytes = self.to_bytes();
        if bytes.len() > MAX {
            return Err(messages::too_large(FILE, MAX, self.len()));
        }
        Ok(bytes)
    }

    /// Returns about how many bytes of it are not in the source.
    fn written(&self) -> usize {
        let new = |raw: &Raw| match raw {
            Raw::Source(_) => 0,
            Raw::New(text) => text.len() + 80,
        };
        256 + self.profiles.values().chain(self.order.values()).map(new).sum::<usize>()
    }

    fn write_members(&self, out: &mut String, members: &IndexMap<String, Raw>) {
        write_object(out, members.iter().map(|(key, raw)| (key.as_str(), raw.text(&self.source))), 1);
    }
}

/// Returns why valid JSON is not an index: the first place that has the wrong structure.
fn form_error(bytes: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Form {
        #[serde(default, rename = "profiles")]
        _profiles: IndexMap<String, IgnoredAny>,
        #[serde(default, rename = "order")]
        _order: IndexMap<String, IgnoredAny>,
    }
    match serde_json::from_slice::<Form>(bytes) {
        Err(error) => json::located(&error, FILE),
        Ok(_) => messages::unexpected_structure(FILE),
    }
}

/// Returns the profiles of an order, without invalid ids.
fn listed(raw: &str) -> Option<Vec<ProfileId>> {
    let ids: Vec<Cow<'_, str>> = serde_json::from_str(raw).ok()?;
    Some(ids.iter().filter_map(|id| id.trim().parse().ok()).collect())
}

/// Returns whether the key of an order names this provider.
fn is_of(key: &str, provider: &Provider) -> bool {
    key.trim().eq_ignore_ascii_case(provider.as_str())
}

fn array<T: serde::Serialize>(items: &[T]) -> Option<Raw> {
    serde_json::to_string(items).ok().map(|text| Raw::New(text.into()))
}

/// Returns an object indented by `depth` steps, with its values unchanged.
pub(crate) fn object(members: &IndexMap<String, Box<RawValue>>, depth: usize) -> String {
    let mut out = String::with_capacity(members.values().map(|raw| raw.get().len() + 80).sum());
    write_object(&mut out, members.iter().map(|(name, raw)| (name, raw.get())), depth);
    out
}

fn write_object<K: AsRef<str>, V: AsRef<str>>(
    out: &mut String,
    members: impl Iterator<Item = (K, V)>,
    depth: usize,
) {
    out.push('{');
    let mut first = true;
    for (name, value) in members {
        if first {
            out.push('\n');
        }
        member(out, &mut first, name.as_ref(), depth);
        out.push_str(value.as_ref());
    }
    if !first {
        out.push('\n');
        indent(out, depth);
    }
    out.push('}');
}

/// Writes a member of an object up to its value.
fn member(out: &mut String, first: &mut bool, name: &str, depth: usize) {
    if !std::mem::take(first) {
        out.push_str(",\n");
    }
    indent(out, depth + 1);
    if name.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.push('"');
        out.push_str(name);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(name).to_string());
    }
    out.push_str(": ");
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

pub mod entry;
pub mod exposed;
mod exposure;
pub mod mirror;
#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
