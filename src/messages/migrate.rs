//! Messages of `migrate openclaw`.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::count::counted;

/// Why a sign-in stays.
pub const SIGN_IN: &str = "OpenClaw renews this sign-in itself";
/// Why a profile stays.
pub const SEVERAL: &str = "its entry has several secrets, and the vault would have one: remove the others";
/// Why an entry of the `store` source stays.
pub const USED_BY_COMMANDS: &str = "commands that OpenClaw runs get this value";
/// Why a variable stays.
pub const REPEATED: &str = "the file sets it more than once";
/// Why a variable stays.
pub const USED_IN_CONFIG: &str = "something else in the configuration needs it";
/// Files that the configuration includes.
pub const INCLUDED: &str = "what `$include` names";
/// Why included files stay.
pub const NOT_READ: &str = "included files are not read; store their keys with `strongroom paste-api-key`";
/// A store as a whole.
pub const A_STORE: &str = "every profile";
/// Why a store stays as it is.
pub const NO_AGENT: &str = "the name of its directory is not valid for an agent";
/// Why a copy of a sign-in stays.
pub const COPY_OF_SIGN_IN: &str =
    "it is a sign-in, which the vault does not take; delete the copy if OpenClaw has it too";
/// Why a secret stays.
pub const NOT_STORED: &str = "the vault does not have it";

/// The vault has other secrets under the same ids. `profiles` are joined.
pub fn conflicts(profiles: &str, state: Option<&Path>) -> Error {
    let path = state.map_or_else(|| "~/.openclaw".to_owned(), shown);
    Error::new(Code::Conflict, format!("the vault has another secret than OpenClaw for {profiles}")).with_remedy(
        format!(
            "take OpenClaw's with `strongroom import {path} --on-conflict replace` (`strongroom undo` brings the vault's back), or keep both with `--on-conflict rename`; then run `strongroom migrate openclaw` again"
        ),
    )
}

/// A file of the client's is not text.
pub fn not_text() -> Error {
    Error::new(Code::BadData, "a file of OpenClaw's is not valid UTF-8")
}

/// A file cannot be removed.
pub fn not_removed(path: &Path, kind: std::io::ErrorKind) -> Error {
    Error::new(Code::Io, format!("cannot remove {}: {kind}", shown(path)))
}

/// A file, or a directory, cannot be searched.
pub fn not_searched(path: &Path, kind: std::io::ErrorKind) -> Error {
    Error::new(Code::Io, format!("cannot search {}: {kind}", shown(path)))
}

/// Directories are nested too deep to be searched.
pub fn too_deep(path: &Path) -> Error {
    Error::new(Code::TooLarge, format!("{} is nested too deep to be searched", shown(path)))
}

/// The line above what is in plain text.
pub fn in_plain_text(count: usize) -> String {
    format!("OpenClaw keeps {} in plain text:", counted(size(count), "secret"))
}

/// A secret in plain text, and its file.
pub fn one_of(what: &str, place: &str) -> String {
    format!("  {what} in {place}")
}

/// The line above what the vault takes.
pub fn to_store(count: usize) -> String {
    format!("The vault takes {}:", counted(size(count), "profile"))
}

/// What happens to the client's files.
pub const STEPS: &str = "Then OpenClaw is connected, each of these gives way to a reference, and copies in backups, archives and free pages of its databases are removed.";

/// What happens if there is nothing in plain text.
pub const STEPS_AGAIN: &str = "OpenClaw is connected, and its files are searched for what is left.";

/// The question.
pub const PROMPT: &str = "Migrate?";

/// Nothing is in plain text.
pub const NOTHING: &str = "OpenClaw keeps no secret in plain text that the vault could take.";

/// What was stored.
pub fn stored(count: usize) -> String {
    if count == 0 {
        return "Stored nothing: the vault had all of them.".to_owned();
    }
    format!("Stored {} in the vault, and read back what was stored.", counted(size(count), "profile"))
}

/// A file that was changed.
pub fn changed(path: &Path) -> String {
    format!("Changed {}", shown(path))
}

/// A file that was removed.
pub fn removed(path: &Path) -> String {
    format!("Removed {}", shown(path))
}

/// A file from which secrets were taken that only rested there.
pub fn cleared(path: &Path) -> String {
    format!("Cleared {}", shown(path))
}

/// Something stays.
pub fn stays(what: &str, place: &str, why: &str) -> String {
    format!("{what} stays in {place}: {why}")
}

/// No secret of the vault was found.
pub fn nothing_found(files: usize) -> String {
    format!("Searched {}: no secret of the vault is in any of them.", counted(size(files), "file"))
}

/// A file has a secret of the vault. `profiles` are joined.
pub fn found(path: &Path, profiles: &str) -> String {
    format!("{} has the secret of {profiles}", shown(path))
}

/// Secrets are left.
pub fn left_over(count: usize) -> Error {
    Error::new(Code::Findings, format!("{} still in plain text", are(count))).with_remedy(
        "see the lines above; after that, `strongroom migrate openclaw` continues and searches again",
    )
}

fn are(count: usize) -> String {
    if count == 1 { "1 secret or file is".to_owned() } else { format!("{count} secrets or files are") }
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
