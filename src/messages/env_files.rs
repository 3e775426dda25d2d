//! Messages about files of variables that are allowed to have secrets.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// The question before a file is allowed.
pub const PROMPT: &str = "Allow this file to have these secrets?";
/// No file is allowed.
pub const NONE: &str = "No .env file is allowed to have secrets.";

/// Flags of `env` stand before one of its verbs.
#[must_use]
pub fn flags_before_verb() -> Error {
    Error::new(Code::Usage, "`env allow`, `env list` and `env forget` take no flags of `env`")
        .with_remedy("run `strongroom env --help`")
}

/// The file has no path that could be kept.
#[must_use]
pub fn no_place() -> Error {
    Error::new(
        Code::Usage,
        "only a file with a path of its own can be allowed, and the path has to be UTF-8 text",
    )
    .with_remedy("name a regular file")
}

/// The path may be a secret, and would be kept in plain text.
#[must_use]
pub fn path_withheld() -> Error {
    Error::new(Code::Usage, "the path may be a secret, and the settings would keep it in plain text")
        .with_remedy("give the file another name")
}

/// The file names no profile.
#[must_use]
pub fn nothing_to_allow(path: &str) -> Error {
    Error::new(Code::Usage, format!("{} names no profile", shown(Path::new(path))))
        .with_remedy("add a line such as `OPENAI_API_KEY=strongroom://openai:work`")
}

/// A variable of the file refers to something other than a profile of the agent.
#[must_use]
pub fn not_of_agent(name: &str, reference: &str, agent: impl Display) -> Error {
    Error::new(Code::Denied, format!("{name} refers to {reference}, which is no profile of agent {agent}"))
        .with_remedy("name profiles of one agent by their ids, and that agent with `--agent NAME`")
}

/// The file names too many profiles.
#[must_use]
pub fn too_many_in_file(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("a file can be allowed at most {max} profiles"))
        .with_remedy("use several files")
}

/// Too many files are allowed.
#[must_use]
pub fn too_many_files(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("{max} files are allowed already, which is the most")).with_remedy(
        "see `strongroom env list`, and take back what you no longer need with `strongroom env forget PATH`",
    )
}

/// The file is not allowed.
#[must_use]
pub fn not_allowed(path: &str, agent: impl Display) -> Error {
    Error::new(
        Code::NotFound,
        format!("{} is not allowed to have secrets of agent {agent}", shown(Path::new(path))),
    )
    .with_remedy("run `strongroom env list` to see the files that are")
}

/// What a file would get. `before` is whether something else was allowed at its path.
#[must_use]
pub fn would_get(path: &str, agent: impl Display, before: bool) -> String {
    let path = shown(Path::new(path));
    let instead = if before { ", instead of what was allowed before" } else { "" };
    format!("{path} would get these secrets of agent {agent}{instead}:")
}

/// A file was allowed.
#[must_use]
pub fn allowed(path: &str) -> String {
    format!("Allowed {}, until it changes.", shown(Path::new(path)))
}

/// A file was allowed before.
#[must_use]
pub fn allowed_already(path: &str) -> String {
    format!("{} is already allowed; nothing was changed.", shown(Path::new(path)))
}

/// A file is allowed no longer.
#[must_use]
pub fn forgotten(path: &str) -> String {
    format!("{} is no longer allowed to have secrets.", shown(Path::new(path)))
}

/// What is allowed at a path changed, as the log shows it.
#[must_use]
pub fn changed(old: Option<&str>, new: Option<&str>) -> String {
    match (old, new) {
        (_, Some(new)) => format!("allowed {new}"),
        (old, None) => format!("no longer allowed {}", old.unwrap_or_default()),
    }
}
