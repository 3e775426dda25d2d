//! Messages about an agent's index, `auth-profiles.json`.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// What to do about an index that cannot be read.
#[must_use]
pub fn repair(path: &Path) -> String {
    format!(
        "repair {}, or move it away and run `strongroom doctor --repair`; no credential is lost",
        shown(path)
    )
}

/// The index has a version that this program does not read.
#[must_use]
pub fn newer(file: &str, version: u64, known: u64) -> Error {
    let what = format!("{file} has version {version}, this strongroom reads version {known}");
    Error::new(Code::NewerFormat, what)
}

/// The version of the index is not a known number.
#[must_use]
pub fn invalid_version(file: &str) -> Error {
    Error::new(Code::IndexUnreadable, format!("{file} has an invalid version"))
}

/// A profile in the index has the name of a member of every JavaScript object.
#[must_use]
pub fn reserved_name(file: &str) -> Error {
    Error::new(Code::IndexUnreadable, format!("{file} has a profile with a reserved name"))
}

/// The index is JSON of another structure.
#[must_use]
pub fn unexpected_structure(file: &str) -> Error {
    Error::new(Code::BadData, format!("{file} does not have the expected structure"))
}

/// An entry cannot be serialized.
#[must_use]
pub fn entry_not_serialized() -> Error {
    Error::new(Code::Internal, "cannot serialize an index entry")
}

/// The index would exceed `max` bytes.
#[must_use]
pub fn too_large(file: &str, max: usize, profiles: usize) -> Error {
    let mebibytes = max / (1024 * 1024);
    let what =
        format!("{file} would be larger than {mebibytes} MiB with {profiles} profiles; nothing was changed");
    Error::new(Code::TooLarge, what).with_remedy("store some profiles under another agent: `--agent NAME`")
}

/// An entry, which is named by `shown`, has members that look like secrets.
#[must_use]
pub fn secret_in_entry(shown: Option<&str>, members: &[String]) -> String {
    let entry = shown.map_or_else(|| "an index entry".to_owned(), |shown| format!("the index entry {shown}"));
    secret_in(&entry, members)
}

/// A file, or an entry of it, has members that look like secrets.
#[must_use]
pub fn secret_in(holder: &str, members: &[String]) -> String {
    format!("{holder} seems to hold a secret in plain text: {}", members.join(", "))
}

/// The id of an entry as one of the members that look like secrets.
#[must_use]
pub fn its_id() -> String {
    "its id".to_owned()
}
