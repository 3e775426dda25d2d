//! Messages about edits of the client's configuration. `member` is a path in it, escaped: its names with dots between them.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use super::CONFIG;
use crate::error::{Code, Error};

/// A member on the way is not an object.
pub fn not_an_object(member: &str) -> Error {
    Error::new(Code::BadData, format!("{member} in {CONFIG} is not an object"))
        .with_remedy("make it an object, or remove it; `openclaw config validate` checks the file")
}

/// A member on the way is there twice.
pub fn named_twice(member: &str) -> Error {
    Error::new(Code::DuplicateKey, format!("{CONFIG} names {member} twice"))
}

/// A member on the way includes other files. `files` are escaped.
pub fn included(member: &str, files: &str) -> Error {
    let place = if member.is_empty() { CONFIG.to_owned() } else { format!("{member} in {CONFIG}") };
    Error::new(Code::Config, format!("{place} includes {files} ($include), which Strongroom does not edit"))
        .with_remedy("move the contents of that file to where it is included, and run the command again")
}

/// A secret would be written.
pub fn would_write_secret(member: &str) -> Error {
    Error::new(
        Code::Config,
        format!("{member} would hold what looks like a secret, so {CONFIG} was not changed"),
    )
    .with_remedy("use a path, a profile or an e-mail address that does not look like a key")
}

/// A bug: an edit does not do what it should.
pub fn not_edited() -> Error {
    Error::new(Code::Internal, format!("cannot edit {CONFIG}; nothing was changed"))
}

/// A patch is of a newer version.
pub fn newer_patch(version: u32, known: u32) -> Error {
    Error::new(
        Code::NewerFormat,
        format!(
            "what undoes the change of {CONFIG} has version {version}, this Strongroom reads version {known}"
        ),
    )
}

/// The configuration changed after it was read.
pub fn changed_since(path: &Path) -> Error {
    Error::new(Code::Changed, format!("{} changed while it was edited; it was not written", shown(path)))
}

/// The configuration has no name that can be written to.
pub fn not_a_file(path: &Path) -> Error {
    Error::new(Code::UnsafeFile, format!("{} does not name a file", shown(path)))
}

/// The configuration or its directory cannot be written.
pub fn not_written(path: &Path, why: impl Display) -> Error {
    Error::new(Code::Io, format!("cannot write {}: {why}", shown(path)))
}

/// The configuration is a link to another link.
pub fn links_to_link(path: &Path) -> Error {
    Error::new(Code::UnsafeFile, format!("{} is a link to another link", shown(path)))
        .with_remedy("let the link point to the file itself")
}

/// The configuration belongs to another user.
pub fn of_someone_else(path: &Path) -> Error {
    Error::new(Code::UnsafeFile, format!("{} belongs to another user; it was not written", shown(path)))
        .with_remedy("run the command as that user")
}

/// The name of the exec provider is not one that the client accepts.
pub fn alias_malformed() -> Error {
    Error::new(
        Code::Usage,
        "the name of a secret provider has lower-case letters, digits, `_` and `-`, begins with a letter, and has at most 64 characters",
    )
}

/// The name of the exec provider belongs to something else. `free` is another name.
pub fn alias_taken(alias: &str, free: &str) -> Error {
    Error::new(Code::Exists, format!("{CONFIG} already has another secret provider named {alias}"))
        .with_remedy(format!("use another name: strongroom connect openclaw --alias {free}"))
}

/// A path cannot be written into a configuration.
pub fn path_not_text(path: &Path) -> Error {
    Error::new(
        Code::Config,
        format!("{} has bytes that are not text, which {CONFIG} cannot hold", shown(path)),
    )
    .with_remedy("use a path of UTF-8 text")
}
