//! The index: an agent's `auth-profiles.json`, with references in place of secrets.
//!
//! What already stood there survives untouched and in order, numbers to the digit. A file that
//! cannot be understood is an error, never an empty index.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::entry::is_ours_or_secret;
pub use super::entry::{EXEC_PROVIDER, Entry, Mark, NewEntry};
use super::id::{ProfileId, Provider, is_reserved};
use crate::error::{Code, Error, Result, fail};
use crate::json;

/// The file's name in an agent's directory.
pub const FILE: &str = "auth-profiles.json";
/// The largest index, in bytes.
pub const MAX: usize = 16 * 1024 * 1024;

const VERSION: u64 = 1;

type Raw = Box<RawValue>;

/// An index in memory.
#[derive(Clone, Debug)]
pub struct Index {
    /// Every top-level member in order; `profiles` and `order` stand here only as a place.
    top: IndexMap<String, Raw>,
    profiles: IndexMap<String, Raw>,
    order: IndexMap<String, Raw>,
}

impl Default for Index {
    fn default() -> Self {
        Self { top: IndexMap::new(), profiles: IndexMap::new(), order: IndexMap::new() }
    }
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// `INDEX_UNREADABLE` for garbage, `DUPLICATE_KEY`, `NEWER_FORMAT`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let unreadable = |error: Error| match error.code() {
            Code::BadData => Error::new(Code::IndexUnreadable, error.what().to_owned()),
            _ => error,
        };
        json::check(bytes, FILE).map_err(unreadable)?;
        let parsed = serde_json::from_slice::<Unchecked>(bytes);
        let version = match &parsed {
            Ok(Unchecked(index)) => index.top.get("version").map(|raw| raw.get().to_owned()),
            // A newer version may have another form.
            Err(_) => serde_json::from_slice::<IndexMap<String, Raw>>(bytes)
                .ok()
                .and_then(|top| top.get("version").map(|raw| raw.get().to_owned())),
        };
        match version.map(|text| text.parse::<u64>()) {
            None | Some(Ok(VERSION)) => {}
            Some(Ok(newer)) if newer > VERSION => {
                return fail(
                    Code::NewerFormat,
                    format!("{FILE} has version {newer}; version {VERSION} is known"),
                );
            }
            Some(_) => return fail(Code::IndexUnreadable, format!("{FILE} has no valid version")),
        }
        let Unchecked(index) = parsed.map_err(|error| unreadable(json::located(&error, FILE)))?;
        if index.profiles.keys().any(|id| is_reserved(id)) {
            return fail(Code::IndexUnreadable, format!("{FILE} holds a profile with a reserved name"));
        }
        Ok(index)
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether it has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Whether an entry of that id is there, of whatever form.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.profiles.contains_key(id)
    }

    /// The ids in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// All entries in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.profiles.iter().map(|(id, raw)| Entry::read(id, raw))
    }

    /// One entry.
    #[must_use]
    pub fn entry(&self, id: &str) -> Option<Entry> {
        self.profiles.get(id).map(|raw| Entry::read(id, raw))
    }

    /// Adds an entry, or replaces what Strongroom keeps in it; other fields stay.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn put(&mut self, id: &ProfileId, entry: &NewEntry) -> Result<()> {
        let internal = |_| Error::new(Code::Internal, "an index entry cannot be written");
        let text = serde_json::to_string(entry).map_err(internal)?;
        let ours: IndexMap<String, Raw> = serde_json::from_str(&text).map_err(internal)?;
        let kept: IndexMap<String, Raw> = self
            .profiles
            .get(id.as_str())
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let merged: IndexMap<String, Raw> =
            ours.into_iter().chain(kept.into_iter().filter(|(key, _)| !is_ours_or_secret(key))).collect();
        let raw = RawValue::from_string(object(&merged, 2)).map_err(internal)?;
        self.profiles.insert(id.as_str().to_owned(), raw);
        Ok(())
    }

    /// Removes an entry, and its id from every order.
    pub fn remove(&mut self, id: &ProfileId) {
        self.profiles.shift_remove(id.as_str());
        self.edit_orders(|ids| ids.retain(|listed| listed != id.as_str()));
    }

    /// Gives an entry another id, in its place and in every order.
    pub fn rename(&mut self, from: &ProfileId, to: &ProfileId) {
        let Some(place) = self.profiles.get_index_of(from.as_str()) else { return };
        // A target that exists was replaced on purpose; it gives way.
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

    /// The order of a provider; ids outside the grammar are passed over.
    #[must_use]
    pub fn order(&self, provider: &Provider) -> Option<Vec<ProfileId>> {
        // Another program may have written the name in another case. Of two that mean the same the
        // client takes the later.
        let (_, raw) = self.order.iter().rfind(|(key, _)| is_of(key, provider))?;
        listed(raw)
    }

    /// All orders. Of two of one provider the later counts.
    #[must_use]
    pub fn orders(&self) -> Vec<(Provider, Vec<ProfileId>)> {
        self.order.iter().filter_map(|(key, raw)| Some((Provider::named(key)?, listed(raw)?))).collect()
    }

    /// Sets a provider's order, or clears it.
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
            let Ok(before) = serde_json::from_str::<Vec<String>>(raw.get()) else { continue };
            let mut ids = before.clone();
            edit(&mut ids);
            if ids != before
                && let Some(edited) = array(&ids)
            {
                *raw = edited;
            }
        }
    }

    /// The file's bytes: two-space JSON and a line break, as OpenClaw writes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let profiles = object(&self.profiles, 1);
        let order = object(&self.order, 1);
        let mut out = String::with_capacity(profiles.len() + order.len() + 256);
        out.push_str("{\n");
        let mut members: Vec<(String, &str)> = Vec::new();
        if !self.top.contains_key("version") {
            members.push(("version".to_owned(), "1"));
        }
        for (name, raw) in &self.top {
            match name.as_str() {
                "profiles" => members.push((name.clone(), &profiles)),
                "order" => members.push((name.clone(), &order)),
                _ => members.push((name.clone(), raw.get())),
            }
        }
        if !self.top.contains_key("profiles") {
            members.push(("profiles".to_owned(), &profiles));
        }
        if !self.top.contains_key("order") && !self.order.is_empty() {
            members.push(("order".to_owned(), &order));
        }
        for (n, (name, value)) in members.iter().enumerate() {
            let comma = if n + 1 == members.len() { "" } else { "," };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {}: {value}{comma}", quoted(name));
        }
        out.push_str("}\n");
        out.into_bytes()
    }
}

/// An index in which no duplicate key was looked for yet.
struct Unchecked(Index);

impl<'de> Deserialize<'de> for Unchecked {
    /// In one pass: the file is mostly `profiles`, and to read that as one raw value first would
    /// be to read it twice.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Top;
        impl<'de> Visitor<'de> for Top {
            type Value = Unchecked;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut members: A,
            ) -> std::result::Result<Unchecked, A::Error> {
                let mut index = Index::default();
                while let Some(name) = members.next_key::<String>()? {
                    let raw = match name.as_str() {
                        "profiles" => {
                            index.profiles = members.next_value()?;
                            RawValue::NULL.to_owned()
                        }
                        "order" => {
                            index.order = members.next_value()?;
                            RawValue::NULL.to_owned()
                        }
                        _ => members.next_value()?,
                    };
                    index.top.insert(name, raw);
                }
                Ok(Unchecked(index))
            }
        }
        deserializer.deserialize_map(Top)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The profiles of an order; ids outside the grammar are passed over.
fn listed(raw: &RawValue) -> Option<Vec<ProfileId>> {
    let ids: Vec<String> = serde_json::from_str(raw.get()).ok()?;
    Some(ids.iter().filter_map(|id| id.trim().parse().ok()).collect())
}

/// Whether an order's key means a provider.
fn is_of(key: &str, provider: &Provider) -> bool {
    key.trim().eq_ignore_ascii_case(provider.as_str())
}

fn array<T: Serialize>(items: &[T]) -> Option<Raw> {
    serde_json::value::to_raw_value(items).ok()
}

/// An object at an indentation of `depth` steps, its values as they are.
pub(crate) fn object(members: &IndexMap<String, Raw>, depth: usize) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let indent = "  ".repeat(depth);
    let mut out = String::with_capacity(members.values().map(|raw| raw.get().len() + 80).sum());
    out.push_str("{\n");
    for (n, (name, raw)) in members.iter().enumerate() {
        let comma = if n + 1 == members.len() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{indent}  {}: {}{comma}", quoted(name), raw.get());
    }
    out.push_str(&indent);
    out.push('}');
    out
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
