//! Messages about `import` and `export`.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use super::credentials::why_not_asked;
use crate::error::{Code, Error};
use crate::term::count::counted;

/// No recipient and no passphrase was given.
#[must_use]
pub fn no_recipient() -> Error {
    Error::new(Code::Usage, "no recipient given: bundles are always encrypted").with_remedy(
        "add `--to RECIPIENT` (the receiver's `strongroom recipient` prints it) or `--passphrase`",
    )
}

/// The bundle would go to a terminal.
#[must_use]
pub fn bundle_to_terminal() -> Error {
    Error::new(Code::Usage, "cannot write the bundle to a terminal")
        .with_remedy("name a file with `--out FILE`, or send the output to a pipe")
}

/// The file that is to be written exists.
#[must_use]
pub fn out_exists(path: &Path) -> Error {
    Error::new(Code::Exists, format!("{} already exists", shown(path)))
        .with_remedy("name another file with `--out FILE`")
}

/// A profile was left out of the bundle.
#[must_use]
pub fn skipped(why: &str) -> String {
    format!("skipped: {why}")
}

/// OAuth sign-ins are among the profiles of a bundle.
pub const OAUTH_IN_TWO_PLACES: &str =
    "some of these are OAuth sign-ins: a refresh token that is used in two places logs one of them out";

/// The passphrase is needed, and no one can be asked for it.
#[must_use]
pub fn no_passphrase(stdin_is_terminal: bool) -> Error {
    let why = why_not_asked(stdin_is_terminal);
    Error::new(Code::NoInput, format!("cannot ask for the bundle's passphrase: {why}"))
        .with_remedy("add `--bundle-passphrase-file FILE`")
}

/// The passphrase is not text.
#[must_use]
pub fn passphrase_not_utf8() -> Error {
    Error::new(Code::BadData, "the bundle's passphrase is not UTF-8")
        .with_remedy("use a passphrase in UTF-8; age accepts nothing else")
}

/// The question for the passphrase of a new bundle.
pub const NEW_PASSPHRASE_PROMPT: &str = "Passphrase for the bundle: ";

/// The question for the passphrase of a bundle that is read.
pub const PASSPHRASE_PROMPT: &str = "Passphrase of the bundle: ";

/// The directory of the file that is to be written does not exist.
#[must_use]
pub fn no_directory(path: &Path) -> Error {
    Error::new(Code::Io, format!("cannot write {}: its directory does not exist", shown(path)))
        .with_remedy("create the directory, or name another file with `--out FILE`")
}

/// The bundle cannot be written.
#[must_use]
pub fn not_written(path: &Path, kind: std::io::ErrorKind) -> Error {
    Error::new(Code::Io, format!("cannot write {}: {kind}", shown(path)))
}

/// The path does not end in a file name.
#[must_use]
pub fn not_a_file_name(path: &Path) -> Error {
    Error::new(Code::Usage, format!("{} is not a file name", shown(path)))
        .with_remedy("name a file with `--out FILE`")
}

/// The confirmation of an export; `path` is `None` for standard output.
#[must_use]
pub fn exported(profiles: usize, versions: usize, path: Option<&Path>, digest: &str) -> String {
    let many = with_versions(profiles, versions);
    match path {
        Some(path) => format!("Exported {many} to {}.\nSHA-256: {digest}", shown(path)),
        None => format!("Exported {many}. SHA-256: {digest}"),
    }
}

/// How to let the receiver check the bundle.
pub const SEND_DIGEST: &str =
    "Send the digest to the receiver by another channel: a bundle does not prove who made it.";

/// The digest of a bundle that is imported.
#[must_use]
pub fn bundle_digest(digest: &str) -> String {
    format!("Bundle SHA-256: {digest}")
}

/// What to do with the digest of a bundle that is imported.
pub const COMPARE_DIGEST: &str =
    "Compare it with the digest that the sender sees: a bundle does not prove who made it.";

/// The confirmation before a bundle is imported.
pub const IMPORT_PROMPT: &str = "Import these?";

/// The end of a dry run.
pub const DRY_RUN: &str = "Dry run: nothing was changed.";

/// Every entry of the source was skipped.
#[must_use]
pub fn all_skipped() -> Error {
    Error::new(Code::NoInput, "nothing was imported: every entry was skipped")
        .with_remedy("keep the source; the lines above say why each entry was skipped")
}

/// The source has no entry.
#[must_use]
pub fn nothing_to_import() -> Error {
    Error::new(Code::NoInput, "no credentials found to import")
        .with_remedy("check that this is the right file, or name its format with `--from FORMAT`")
}

/// The vault has everything that the source has.
pub const ALREADY_STORED: &str = "Nothing was changed: the vault already holds all of it.";

/// Nothing was imported.
pub const UNCHANGED: &str = "Nothing was changed.";

/// The confirmation of an import.
#[must_use]
pub fn imported(profiles: usize, versions: usize) -> String {
    format!("Imported {}.", with_versions(profiles, versions))
}

/// The end of a profile's line in an export: the number of its earlier versions, if there are any.
#[must_use]
pub fn with_earlier(versions: usize) -> String {
    match versions {
        0 => String::new(),
        _ => format!("  {}", counted(versions as u64, "earlier version")),
    }
}

/// Profiles, and the earlier versions that come with them.
fn with_versions(profiles: usize, versions: usize) -> String {
    let profiles = counted(profiles as u64, "profile");
    match versions {
        0 => profiles,
        _ => format!("{profiles} and {}", counted(versions as u64, "earlier version")),
    }
}

/// Earlier versions of a bundle are OAuth sign-ins, and are left out.
#[must_use]
pub fn oauth_versions_skipped(count: usize) -> String {
    format!("left out {}: {OAUTH_SKIPPED}", counted(count as u64, "earlier version"))
}

/// The source was imported as a whole.
pub const REMOVE_SOURCE: &str = "The source still holds the secrets in plain text: remove it once `strongroom list` shows what you expect.";

/// Parts of the source were not imported.
pub const KEEP_REST_OF_SOURCE: &str = "The source still holds the secrets in plain text, and entries that were not imported: save those before you remove it.";

/// OpenClaw itself uses the source.
pub const SOURCE_IN_USE: &str = "OpenClaw still uses its own copies, in plain text: `strongroom migrate openclaw` connects it and removes them.";

/// A file must be named for every format but one.
#[must_use]
pub fn no_path() -> Error {
    Error::new(Code::Usage, "PATH is missing: only `--from env` works without one")
        .with_remedy("name the file to import: `strongroom import PATH`")
}

/// The bundle has another encrypted file in it.
#[must_use]
pub fn nested_bundle() -> Error {
    Error::new(Code::BadData, "the bundle contains another encrypted file instead of profiles")
        .with_remedy("ask the sender for a bundle that is encrypted once")
}

/// An OAuth sign-in of a bundle is skipped.
pub const OAUTH_SKIPPED: &str = "an OAuth sign-in; add --include-oauth to import it";

/// The source would be typed on a terminal.
#[must_use]
pub fn import_from_terminal() -> Error {
    Error::new(Code::NoInput, "cannot import from standard input: it is a terminal")
        .with_remedy("name a file, or send the source on standard input")
}

/// A file is imported for the agent in whose directory it is.
pub fn to_agent_of_path(agent: impl Display) -> String {
    format!(
        "Importing for agent {agent}, in whose directory the file is; to import for another one, use `--agent`."
    )
}
