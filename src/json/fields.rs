//! The members of a JSON object as they stand in the text, so that no value is copied before it is known what it is.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::secret::{self, SecretString};

/// The members of an object, in their order.
pub type Fields<'a> = IndexMap<String, &'a RawValue>;

/// Returns the members of an object, or `None` for any other value.
#[must_use]
pub fn object(raw: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// Returns a string. Every copy of it in memory is wiped.
#[must_use]
pub fn text(raw: &RawValue) -> Option<SecretString> {
    secret::deserialize(&mut serde_json::Deserializer::from_str(raw.get())).ok()
}
