//! The generations that an index notes for a few profiles, without the rest of it.
//!
//! Whoever asks for one secret of ten thousand profiles need not take the whole index apart: one
//! pass without allocations passes over everything else.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::index::Mark;

/// The generations noted for these ids. None where the bytes are not JSON of an index's form; a key
/// that stands there twice counts by its higher generation.
pub(super) fn read<'w>(index: &[u8], wanted: &HashSet<&'w str>) -> Option<HashMap<&'w str, u64>> {
    let mut found = HashMap::new();
    let mut deserializer = serde_json::Deserializer::from_slice(index);
    deserializer.deserialize_map(Top { wanted, found: &mut found }).ok()?;
    deserializer.end().ok()?;
    Some(found)
}

struct Top<'a, 'w> {
    wanted: &'a HashSet<&'w str>,
    found: &'a mut HashMap<&'w str, u64>,
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let profiles = HashSet::from(["profiles"]);
        while let Some(name) = members.next_key_seed(OneOf(&profiles))? {
            match name {
                Some(_) => {
                    members.next_value_seed(Profiles { wanted: self.wanted, found: &mut *self.found })?;
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Profiles<'a, 'w> {
    wanted: &'a HashSet<&'w str>,
    found: &'a mut HashMap<&'w str, u64>,
}

impl<'de> DeserializeSeed<'de> for Profiles<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Profiles<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("profiles")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(id) = entries.next_key_seed(OneOf(self.wanted))? {
            let Some(id) = id else {
                entries.next_value::<IgnoredAny>()?;
                continue;
            };
            // An entry of another form has no mark.
            let raw = entries.next_value::<&serde_json::value::RawValue>()?;
            if let Ok(Entry { strongroom: Some(mark) }) = serde_json::from_str(raw.get()) {
                let highest = self.found.entry(id).or_default();
                *highest = mark.generation.max(*highest);
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Entry {
    strongroom: Option<Mark>,
}

/// A key, where it is one of those wanted.
struct OneOf<'a, 'w>(&'a HashSet<&'w str>);

impl<'de, 'w> DeserializeSeed<'de> for OneOf<'_, 'w> {
    type Value = Option<&'w str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'w> Visitor<'_> for OneOf<'_, 'w> {
    type Value = Option<&'w str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(text).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(index: &str, wanted: &[&'static str]) -> Option<Vec<(&'static str, u64)>> {
        let found = read(index.as_bytes(), &wanted.iter().copied().collect())?;
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_unstable();
        Some(found)
    }

    #[test]
    fn the_marks_of_those_wanted_are_found_among_others() {
        let index = r#"{"version":1,"order":{"a":["a:1"]},"profiles":{
            "a:1":{"type":"token","strongroom":{"store":"file","generation":7},"more":[{"x":{}}]},
            "a:\u0032":{"strongroom":{"store":"file","generation":8}},
            "a:3":{"strongroom":{"store":"file","generation":9}},
            "a:4":{"strongroom":"none"}, "a:5":7, "a:6":{} },"usageStats":{"profiles":{"a:1":1}}}"#;
        let wanted = ["a:1", "a:2", "a:4", "a:5", "a:6", "a:7"];
        assert_eq!(of(index, &wanted), Some(vec![("a:1", 7), ("a:2", 8)]));
    }

    #[test]
    fn a_damaged_index_notes_nothing_and_a_lower_mark_hides_no_higher_one() {
        for index in ["", "{", "[]", r#"{"profiles":[]}"#, r#"{"profiles":{}} x"#] {
            assert_eq!(of(index, &["a:1"]), None, "{index}");
        }
        let mark =
            |generation: u64| format!(r#""a:1":{{"strongroom":{{"store":"f","generation":{generation}}}}}"#);
        let twice = format!(r#"{{"profiles":{{{},{}}}}}"#, mark(9), mark(2));
        assert_eq!(of(&twice, &["a:1"]), Some(vec![("a:1", 9)]));
    }
}
