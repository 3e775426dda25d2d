//! Messages about OpenClaw's files, and about keys outside the vault. `shown` is a name that is escaped.

pub mod connectable;
pub mod edit;
pub mod yaml;

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// What the client's configuration is called in messages.
pub const CONFIG: &str = "the client's configuration";

/// The client's configuration cannot be used.
pub fn config_not_read(path: &Path, error: &Error) -> Error {
    Error::new(error.code(), format!("cannot use {}: {}", shown(path), error.what()))
        .with_remedy(error.remedy().to_owned())
}

/// The client's configuration is not text.
pub fn config_not_text() -> Error {
    Error::new(Code::BadData, format!("{CONFIG} is not a text file"))
}

/// What to do about a configuration that cannot be parsed.
pub const FIX_CONFIG: &str = "fix the file; `openclaw config validate` checks it";

/// The client's configuration includes other files.
pub fn includes(path: &Path) -> String {
    format!("{} includes other files ($include), which Strongroom does not read", shown(path))
}

/// A request has another version.
pub fn other_protocol(version: u64) -> Error {
    Error::new(Code::NewerFormat, format!("the request does not use protocol version {version}"))
}

/// A request asks for too much.
pub fn too_many_ids(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("the request asks for more than {max} ids"))
}

/// A request is not as it should be.
pub fn id_not_text() -> Error {
    Error::new(Code::BadData, "the request contains an id that is not a string")
}

/// Names a file by the variable or the argument that names it.
pub fn file_of(place: impl Display) -> String {
    format!("that {place} names")
}

/// A source is not a regular file.
pub fn not_regular(shown: &str, is_directory: bool) -> Error {
    let what = if is_directory { "a directory" } else { "a FIFO, a socket or a device" };
    Error::new(Code::UnsafeFile, format!("{shown} is {what}, not a regular file"))
        .with_remedy("name a regular file, or - to read standard input")
}

/// Others can read a source.
pub fn exposed(shown: &str, mode: u32) -> String {
    format!(
        "{shown} is accessible to other users (mode {mode:03o}): make it private (`chmod 600 FILE`), or remove it after the import"
    )
}

/// A source does not exist.
pub fn no_file(shown: &str) -> Error {
    Error::new(Code::NoInput, format!("there is no file {shown}"))
}

/// A source that is named by its place cannot be read.
pub fn file_not_read(shown: &str) -> Error {
    Error::new(Code::NoInput, format!("the file {shown} cannot be read"))
}

/// The user may not read a source.
pub fn no_permission(shown: &str) -> Error {
    Error::new(Code::Io, format!("no permission to read {shown}"))
}

/// A source cannot be read.
pub fn not_read(shown: &str, why: impl Display) -> Error {
    Error::new(Code::Io, format!("cannot read {shown}: {why}"))
}

/// A source is too large.
pub fn too_large(shown: &str, max: u64) -> Error {
    Error::new(Code::TooLarge, format!("{shown} is larger than {max} bytes"))
}

/// The state has a version that is not known.
pub fn newer_state(version: u64, known: u64) -> Error {
    Error::new(
        Code::NewerFormat,
        format!("auth-state.json has version {version}, this Strongroom reads version {known}"),
    )
}

/// The state has no version.
pub fn state_without_version() -> Error {
    Error::new(Code::BadData, "auth-state.json has no valid version")
}

/// The state has another form.
pub fn state_malformed() -> Error {
    Error::new(Code::BadData, "auth-state.json does not have the expected form")
}

/// The state is not an object.
pub fn state_not_object() -> Error {
    Error::new(Code::BadData, "auth-state.json is not an object")
}

/// A bug: the state cannot be encoded.
pub fn state_not_encoded() -> Error {
    Error::new(Code::Internal, "cannot encode auth-state.json")
}

/// What to do about a state that cannot be read.
pub const REPAIR_STATE: &str = "repair auth-state.json in the agent's directory, or move it away; it contains cooldowns and pins, but no credentials";

/// There are too many pins.
pub fn too_many_pins(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("there are already {max} pins"))
        .with_remedy("clear the pins of sessions that have ended: strongroom pin --session S --clear")
}

/// The login shell cannot be started.
pub fn shell_not_started() -> Error {
    Error::new(Code::Io, "cannot start the login shell")
}

/// A bug: the login shell has no pipe.
pub fn shell_without_output() -> Error {
    Error::new(Code::Internal, "the login shell has no output")
}

/// What the output of the login shell is called in messages.
pub const SHELL_OUTPUT: &str = "the login shell's output";

/// The login shell is slow.
pub fn shell_timeout(milliseconds: u128) -> Error {
    Error::new(Code::Timeout, format!("the login shell did not answer within {milliseconds} ms"))
}

/// The login shell failed.
pub fn shell_failed() -> Error {
    Error::new(Code::Io, "the login shell ended before it printed its environment")
}

/// A file of variables was skipped.
pub fn skipped(error: &Error) -> String {
    format!("not read: {}", error.what())
}

/// A file of variables is UTF-16.
pub fn dotenv_utf16(path: &Path) -> Error {
    Error::new(Code::BadData, format!("{} is UTF-16, which OpenClaw does not read", shown(path)))
}

/// A file of variables is not text.
pub fn dotenv_not_text(path: &Path) -> Error {
    Error::new(Code::BadData, format!("{} is not a text file", shown(path)))
}

/// Why a key is not used: its variable is not set.
pub const NOT_SET: &str = "refers to a variable that is not set";
/// Why a key is not used: it is a word for nothing.
pub const WORD_FOR_NOTHING: &str = "is a word that programs print if they have no value";
/// Why a key is not used: it is a placeholder.
pub const PLACEHOLDER: &str = "is a placeholder or a mask, not a key";
/// Why a key is not used: the client has a newer directory.
pub const LEFT_BEHIND: &str = "the client uses its newer directory instead";
/// Why a key is not used: it is in the working directory, which may belong to others.
pub const WORKING_DIRECTORY: &str =
    "OpenClaw does not read provider keys from a .env in the working directory";
/// The same with what to do.
pub const WORKING_DIRECTORY_OF_OTHERS: &str = "OpenClaw does not read provider keys from a .env in the working directory; if it is yours: strongroom import .env";
/// Why a value is refused: it is a command.
pub const COMMAND: &str = "contains a command, `$(…)`, which OpenClaw does not run";
/// Why a value is refused: it is a command in back quotes.
pub const QUOTED_COMMAND: &str = "contains a command in back quotes, which OpenClaw does not run";
/// Why a value is refused: it is a variable in braces.
pub const BRACED_VARIABLE: &str = "contains a variable, `${…}`, which OpenClaw does not fill in";
/// Why a value is refused: it may be a variable.
pub const VARIABLE: &str = "contains a variable, `$NAME`, which OpenClaw does not fill in; if it is not a variable, put the value in single quotes";
/// Why a value is not a secret: it is a reference.
pub const ONE_PASSWORD: &str = "a reference to 1Password, holds no secret";

/// A value ends at a comment.
pub fn cut_at_comment(column: usize) -> String {
    format!(
        "the value ends before the `#` in column {column}, which begins a comment; if it belongs to the key, put the key in single quotes"
    )
}

/// A value begins with a quote that is not closed.
pub const UNCLOSED: &str = "the opening quote is not closed, so it counts as part of the value";
/// A value is in back quotes.
pub const BACK_QUOTED: &str = "back quotes are plain quotes here; no command is run";

/// A variable that looks like a key is not imported. `place` follows its name.
pub fn untaken(name: &str, place: &str, by_name: bool, how: &str) -> String {
    let looks = if by_name { "looks like a key" } else { "holds what looks like a key" };
    format!("{name}{place} {looks} and is not imported; {how}")
}

/// A name that looks like a key is not imported.
pub fn untaken_name(place: &str) -> String {
    format!(
        "a name that itself looks like a key{place} is not imported; to store it: strongroom paste-api-key --provider PROVIDER"
    )
}

/// More variables are not imported.
pub const MORE_UNTAKEN: &str = "more variables look like keys and are not imported";
/// A variable belongs to a program of ours.
pub const NO_PROVIDERS: &str = "it does not belong to a provider, and stays there";
/// A variable whose name is not shown.
pub const HIDDEN_NAME: &str = "a variable with a name that looks like a key";

/// How to store a variable. `flags` name the provider and the profile.
pub fn how_to_store(flags: &str) -> String {
    format!("to store it: strongroom paste-api-key {flags}")
}

/// A provider has only keys that are not used.
pub fn nothing_used(provider: &str) -> String {
    format!("{provider}: nothing is used")
}

/// The keys that are not used. `names` are joined.
pub fn passed_over(names: &str) -> String {
    format!("; passed over: {names}")
}

/// The key or the profile of a provider that is used.
pub fn used(provider: &str, name: &str) -> String {
    format!("{provider}: {name} is used")
}

/// The keys that are not used because of the one that is. `names` are joined.
pub fn shadows(names: &str) -> String {
    format!("; it takes precedence over {names}")
}

/// The keys that are used at a rate limit. `names` are joined.
pub fn pool(names: &str) -> String {
    format!("  at a rate limit, {names} is used as well")
}

/// A service has no key.
pub const NOT_IN_SERVICE: &str = "  a service does not see it";

/// A service uses another key.
pub fn in_service(name: &str) -> String {
    format!("  a service uses {name}")
}

/// The keys of the working directory. `names` are joined.
pub fn ignored(names: &str) -> String {
    format!("ignored: {names} ({WORKING_DIRECTORY})")
}
