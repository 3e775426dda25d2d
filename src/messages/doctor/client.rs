//! Messages about what `doctor` finds in OpenClaw's own stores. `names` are joined.

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

/// A store contains credentials in plain text. `import` takes the agent from the path.
pub fn plain(path: &Path, names: &str) -> Problem {
    Problem::new(
        format!("OpenClaw keeps these in plain text in {}: {names}", shown(path)),
        format!(
            "store them encrypted with `strongroom import {}`, then let OpenClaw use references: `strongroom connect openclaw`",
            shell_path(path)
        ),
    )
}

/// A file of an older version, of an agent, would stop a newer one.
pub fn stops_newer(path: &Path, agent: &str) -> Problem {
    Problem::new(
        format!(
            "OpenClaw from 2026.6.5 on keeps its profiles in SQLite, and stops if it finds {} before it has migrated",
            shown(path)
        ),
        format!(
            "if `strongroom import {0} --dry-run` shows nothing to add, move it away: `mv -n {0} ~/auth-profiles-{agent}.json`",
            shell_path(path)
        ),
    )
}

/// A lock was left by a process that is gone.
pub fn stale_lock(path: &Path, pid: Option<i32>) -> String {
    let by = pid.map(|pid| format!(" by process {pid}, which is gone")).unwrap_or_default();
    format!("{} was left{by}; OpenClaw and Strongroom take it over", shown(path))
}

/// Others can read a store.
pub fn readable_by_others(path: &Path) -> Problem {
    Problem::new(
        format!("other users can read {}", shown(path)),
        format!("make it private: `chmod 600 {}`", shell_path(path)),
    )
}

/// A file refers to profiles that the vault does not have. `ids` are joined.
pub fn unresolved(path: &Path, ids: &str) -> Problem {
    Problem::new(
        format!("{} refers to profiles that the vault does not have: {ids}", shown(path)),
        "run `strongroom connect openclaw`, which brings OpenClaw's file up to date; or bring a profile back with `strongroom undo ID`",
    )
}

/// A store contains sign-ins.
pub fn sign_ins(path: &Path, names: &str) -> String {
    format!("OpenClaw keeps and renews these sign-ins itself, in plain text in {}: {names}", shown(path))
}

/// A database contains named values in plain text.
pub fn named_values(path: &Path, names: &str) -> String {
    format!("`openclaw secrets store` keeps these in plain text in {}: {names}", shown(path))
}
