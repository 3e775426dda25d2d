//! Messages about what `doctor` finds in OpenClaw's own stores. `names` are joined.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use super::Problem;
use crate::term::escape::shell_path;

/// The client has stores without plaintext.
pub const NOTHING_PLAIN: &str = "OpenClaw's own stores contain no API key or token in plain text";

/// Joins names. `more` are left out.
pub fn joined(names: &[String], more: usize) -> String {
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", names.join(", "))
}

fn plain(path: &Path, names: &str) -> String {
    format!("OpenClaw keeps these in plain text in {}: {names}", shown(path))
}

/// A file contains credentials in plain text, of an agent.
pub fn plain_in_file(path: &Path, agent: Option<&dyn Display>, names: &str) -> Problem {
    let of = agent.map(|agent| format!(" --agent {agent}")).unwrap_or_default();
    Problem::new(
        plain(path, names),
        format!(
            "store them encrypted with `strongroom import {}{of}`, then let OpenClaw use references: `strongroom help openclaw`",
            shell_path(path)
        ),
    )
}

/// A database contains credentials in plain text.
pub fn plain_in_database(path: &Path, names: &str) -> String {
    plain(path, names)
}

/// A store contains sign-ins.
pub fn sign_ins(path: &Path, names: &str) -> String {
    format!("OpenClaw keeps and renews these sign-ins itself, in plain text in {}: {names}", shown(path))
}

/// A database contains named values in plain text.
pub fn named_values(path: &Path, names: &str) -> String {
    format!("`openclaw secrets store` keeps these in plain text in {}: {names}", shown(path))
}
