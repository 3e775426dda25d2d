//! Variables in JSON, as exported by secret managers.

use serde_json::value::RawValue;

use super::fields::{Fields, object, text};
use crate::secret::SecretString;

/// A variable's name and value.
pub(super) type Variable = (String, SecretString);

/// Returns the variables of an object whose members are variables, or `None` for any other object.
///
/// Every member is a string, a number or the like (Infisical, `doppler secrets download`) or an object with the value
/// as `computed` (`doppler secrets --json`), and at least one has a variable's name. Codex's `auth.json` has other
/// objects too.
pub(super) fn of_object(root: &Fields<'_>) -> Option<Vec<Variable>> {
    if root.contains_key("auth_mode") || !root.keys().any(|name| is_variable(name)) {
        return None;
    }
    let mut variables = Vec::new();
    for (name, raw) in root {
        match raw.get().as_bytes().first() {
            Some(b'"') => variables.push((name.clone(), text(raw)?)),
            Some(b'{') => variables.push((name.clone(), text(object(raw)?.get("computed")?)?)),
            Some(b'[') => return None,
            // A number, true, false or null is not a key.
            _ => {}
        }
    }
    Some(variables)
}

/// Returns the variables of a list of objects with a name and a value (`infisical export --format=json`).
pub(super) fn of_list(root: &RawValue) -> Option<Vec<Variable>> {
    let items: Vec<&RawValue> =
        serde_json::from_str(root.get()).ok().filter(|items: &Vec<_>| !items.is_empty())?;
    let variable = |raw: &RawValue| {
        let fields = object(raw)?;
        let has = |names: [&str; 3]| names.into_iter().find_map(|name| text(fields.get(name)?));
        let name = has(["key", "name", "secretKey"])?;
        let value = has(["value", "secretValue", "computed"])?;
        Some((crate::secret::ExposeSecret::expose_secret(&name).to_owned(), value))
    };
    items.into_iter().map(variable).collect()
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
