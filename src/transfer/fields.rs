//! Takes the members of an entry in a JSON file one by one.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::value::Problem;
use crate::error::Code;
use crate::messages::transfer::reason;
use crate::secret::{self, SecretString};

pub(super) type Fields<'a> = IndexMap<String, &'a RawValue>;

/// Returns the members of an object, or `None` for any other value.
pub(super) fn object(raw: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// Returns a string. Every copy of it in memory is wiped.
pub(super) fn text(raw: &RawValue) -> Option<SecretString> {
    secret::deserialize(&mut serde_json::Deserializer::from_str(raw.get())).ok()
}

/// Removes a field. Null counts as absent, as in OpenClaw.
pub(super) fn take<'a>(fields: &mut Fields<'a>, name: &str) -> Option<&'a RawValue> {
    fields.shift_remove(name).filter(|raw| raw.get() != "null")
}

/// Removes a field that has to be a string.
pub(super) fn take_text(
    fields: &mut Fields<'_>,
    name: &'static str,
) -> Result<Option<SecretString>, Problem> {
    match take(fields, name) {
        None => Ok(None),
        Some(raw) => text(raw).map(Some).ok_or_else(|| not_a_string().at(name)),
    }
}

pub(super) fn not_a_string() -> Problem {
    Problem::new(Code::BadData, reason::not_a_string())
}
