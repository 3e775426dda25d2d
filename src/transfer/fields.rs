//! Takes the members of an entry in a JSON file one by one.

use serde_json::value::RawValue;

use super::value::Problem;
use crate::error::Code;
pub(super) use crate::json::fields::{Fields, object, text};
use crate::messages::transfer::reason;
use crate::secret::SecretString;

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
