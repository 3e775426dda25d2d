//! Messages about imports and exports.
//!
//! `what` names a source as the subject of a sentence: `the bundle`, `/home/me/.env`. `place` is where an entry is
//! in its source.

pub mod reason;

use std::fmt::Display;

use crate::error::{Code, Error};
use crate::term::count::counted;

// Whole sources.

/// The name of a format is unknown.
pub fn unknown_format() -> Error {
    Error::new(Code::Usage, "unknown format").with_remedy("use one of: openclaw, env, bundle")
}

/// The name of a conflict policy is unknown.
pub fn unknown_conflict_policy() -> Error {
    Error::new(Code::Usage, "unknown conflict policy").with_remedy("use one of: fail, skip, replace, rename")
}

/// A bundle was to be read without decrypting it.
pub fn still_encrypted(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} is encrypted, and must be decrypted before it is read"))
}

/// A source contains nothing at all.
pub fn no_credentials(what: &str) -> String {
    format!("{what} contains no credentials")
}

/// There is no key of a provider in the environment.
pub fn no_provider_keys() -> String {
    "no provider keys found in the environment or in the client's files".to_owned()
}

/// A source is not text.
pub fn not_text(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} is not a text file"))
        .with_remedy("name its format with `--from`: openclaw, env or bundle")
}

/// A source, or a part of it, is not an object.
pub fn not_an_object(what: impl Display) -> Error {
    Error::new(Code::BadData, format!("{what} is not a JSON object"))
}

/// A source is a file of another program. `whose` says which.
pub fn foreign_file(what: &str, whose: &str) -> Error {
    Error::new(Code::BadData, format!("{what} is {whose}, which cannot be imported")).with_remedy(
        "paste its credentials one by one with `strongroom paste-token` or `strongroom paste-api-key`",
    )
}

/// A source has a newer version than is read.
pub fn newer_version(what: &str, version: u64, known: u64) -> Error {
    Error::new(
        Code::NewerFormat,
        format!("{what} has version {version}; this Strongroom reads version {known}"),
    )
}

/// The version of a source is not one.
pub fn wrong_version(what: &str, known: u64) -> Error {
    Error::new(Code::BadData, format!("version in {what} is not {known}"))
}

/// A bundle has a newer version than is read.
pub fn newer_bundle() -> Error {
    Error::new(Code::NewerFormat, "the bundle was created by a newer strongroom")
}

/// A bundle could not be serialized.
pub fn bundle_not_written() -> Error {
    Error::new(Code::Internal, "cannot write the bundle")
}

/// A source has more values than an import may.
pub fn too_many_values(what: &str, max: usize) -> Error {
    too_many(format!("{what} contains more than {max} values"))
}

/// A source has more entries than an import may.
pub fn too_many_entries(what: &str, max: usize) -> Error {
    too_many(format!("{what} contains more than {max} entries"))
}

/// A bundle has more earlier versions than an import may.
pub fn too_many_versions(what: &str, max: usize) -> Error {
    too_many(format!("{what} contains more than {max} earlier versions"))
}

fn too_many(what: String) -> Error {
    Error::new(Code::TooLarge, what).with_remedy("import it in parts; nothing was changed")
}

/// The table of variables has a provider that is not valid.
pub fn invalid_provider_in_table() -> Error {
    Error::new(Code::Internal, "the table of variables has an invalid provider")
}

// The plan as a whole.

/// Some entries are invalid.
pub fn invalid_entries(count: usize) -> Error {
    let entries = if count == 1 { "1 entry is".to_owned() } else { format!("{count} entries are") };
    Error::new(Code::ImportInvalid, format!("{entries} invalid; nothing was imported"))
}

/// All entries are invalid.
pub fn no_valid_entry() -> Error {
    Error::new(Code::ImportInvalid, "no entry is valid; nothing was imported")
        .with_remedy("fix the entries above, or give an entry a different id with `--rename OLD=NEW`")
}

/// Some ids exist with other contents.
pub fn conflicts(count: usize) -> Error {
    let profiles = if count == 1 { "1 profile exists".to_owned() } else { format!("{count} profiles exist") };
    Error::new(Code::Conflict, format!("{profiles} already, with different contents; nothing was imported"))
}

/// There is nothing in the plan.
pub fn nothing_to_import() -> String {
    "nothing to import".to_owned()
}

/// The last of the warnings that are shown.
pub fn more_warnings(count: usize) -> String {
    format!("and {count} more like these")
}

// `--rename`.

const RENAME_EXAMPLE: &str = "write it as `--rename 'openai:John Doe=openai:john'`";

/// The argument has no `=` before a profile id.
pub fn rename_without_id() -> Error {
    Error::new(Code::Usage, "--rename takes OLD=NEW, and NEW is a profile id").with_remedy(RENAME_EXAMPLE)
}

/// NEW is not a profile id. It is not quoted.
pub fn rename_to_no_id() -> Error {
    Error::new(Code::Usage, "--rename takes OLD=NEW, but the given NEW is not a profile id")
        .with_remedy(RENAME_EXAMPLE)
}

/// NEW looks like a secret. It is not quoted.
pub fn rename_to_secret() -> Error {
    Error::new(Code::Usage, "NEW in --rename looks like a secret")
}

/// One OLD was given twice.
pub fn renamed_twice() -> Error {
    Error::new(Code::Usage, "--rename names the same entry twice")
}

/// The source does not have OLD.
pub fn no_entry_to_rename(what: &str, old: &str) -> Error {
    Error::new(Code::Usage, format!("--rename: {what} has no entry {old}; nothing was imported"))
        .with_remedy("list its entries with `--dry-run --skip-invalid`")
}

// Warnings.

/// An expiry has no time zone.
pub fn expiry_without_zone() -> String {
    "the expiry has no time zone; it was read as UTC".to_owned()
}

/// An expiry is in seconds.
pub fn expiry_in_seconds() -> String {
    "the expiry is in seconds, and was read as seconds".to_owned()
}

/// OpenClaw's own expiry is a small number, which it would read as an instant of 1970.
pub fn expiry_kept() -> String {
    "expires does not look like a time in milliseconds; it was kept as it is".to_owned()
}

/// White space was removed from a secret.
pub fn white_space_removed() -> String {
    "white space around the value was removed".to_owned()
}

/// The provider in an id was written with capitals.
pub fn provider_lowered(place: &str, id: impl Display) -> String {
    format!("{place}: the provider was changed to lower case, as the client does: {id}")
}

/// A sign-in was imported whose copy stays in use.
pub fn refresh_token_used_twice() -> String {
    "a refresh token that is used in two places logs one of them out: sign out in the program that you import from"
        .to_owned()
}

/// A variable is part of the value of another one.
pub fn swallowed(name: &str, line: usize, by: &str) -> String {
    format!("{name} (line {line}) is not imported: OpenClaw reads it as part of the value of {by}")
}

/// A variable is set several times.
pub fn set_more_than_once(place: &str) -> String {
    format!("{place} is set more than once, with different values; the last one counts, as in OpenClaw")
}

/// More variables look like keys than are named.
pub fn more_stray_keys(count: usize) -> String {
    format!("{count} more variables look like keys and are not imported")
}

/// Variables of no provider.
pub fn ignored_variables(count: usize) -> String {
    format!("{count} other {} ignored", if count == 1 { "variable" } else { "variables" })
}

/// Lines that are not assignments. `lines` are numbers with commas between them; `more` are not named.
pub fn ignored_lines(lines: &str, more: usize) -> String {
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("ignored, because not of the form NAME=value: line {lines}{more}")
}

/// The earlier versions that an entry brings, or `None` if the source has none of it.
pub fn brought_versions(brought: usize, left_out: usize) -> Option<String> {
    let brings = format!("brings {}", counted(brought as u64, "earlier version"));
    match (brought, left_out) {
        (0, 0) => None,
        (_, 0) => Some(brings),
        _ => Some(format!("{brings}, leaves out {left_out}")),
    }
}

/// The hosts and helpers that an entry adds, or `None` if it adds neither.
pub fn added_destinations(hosts: &[&str], helpers: &[&str]) -> Option<String> {
    let list =
        |what: &str, names: &[&str]| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
    let lists: Vec<String> = [list("hosts", hosts), list("helpers", helpers)].into_iter().flatten().collect();
    (!lists.is_empty()).then(|| format!("adds {}", lists.join("; ")))
}

/// A directory, or a store, has nothing of OpenClaw's.
pub fn no_installation() -> Error {
    Error::new(Code::NoInput, "OpenClaw has no credentials there")
        .with_remedy("name the state directory of OpenClaw, usually ~/.openclaw, or one of its files")
}
