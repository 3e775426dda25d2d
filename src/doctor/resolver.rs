//! Whether OpenClaw accepts this program as a secret provider: its path must be absolute, a regular file and not a
//! link, owned by the user, and not writable by group or others.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::messages;

const CHECK: &str = "resolver";
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;

/// Checks the path of this program.
#[must_use]
pub fn check() -> Vec<Finding> {
    match std::env::current_exe() {
        Ok(path) => vec![judge(&path)],
        Err(_) => vec![Finding::note(CHECK, messages::doctor::NO_OWN_PATH)],
    }
}

/// Returns whether OpenClaw accepts a program at this path.
#[must_use]
pub fn accepts(path: &Path) -> bool {
    judge(path).level == super::Level::Ok
}

/// Checks the programs that OpenClaw's configuration runs to ask this vault, or else this program. A program with `true`
/// is one that a client up to 2026.6.1 always accepts.
#[must_use]
pub fn check_configured(configured: &[(PathBuf, bool)]) -> Vec<Finding> {
    if configured.is_empty() {
        return check();
    }
    let judged = configured.iter().map(|(path, is_lenient)| match (refusal(path), is_lenient) {
        (None, _) => Finding::ok(CHECK, messages::doctor::resolver_accepted(path)),
        (Some(why), false) => Finding::wrong(CHECK, messages::doctor::client::resolver_refused(path, why)),
        (Some(why), true) => Finding::advice(CHECK, messages::doctor::client::resolver_refused(path, why)),
    });
    judged.collect()
}

fn judge(path: &Path) -> Finding {
    match refusal(path) {
        Some(why) => Finding::advice(CHECK, messages::doctor::resolver_refused(path, why)),
        None => Finding::ok(CHECK, messages::doctor::resolver_accepted(path)),
    }
}

/// Returns why OpenClaw refuses to run a program; nothing if it accepts it.
fn refusal(path: &Path) -> Option<&'static str> {
    if !path.is_absolute() {
        return Some("is not an absolute path");
    }
    let Ok(meta) = path.symlink_metadata() else { return Some("does not exist, or cannot be examined") };
    if meta.is_symlink() {
        return Some("is a symbolic link");
    }
    if !meta.is_file() {
        return Some("is not a regular file");
    }
    if meta.mode() & GROUP_OR_OTHERS_WRITE != 0 {
        return Some("is writable by other users");
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Some("belongs to another user");
    }
    None
}
