//! Whether OpenClaw accepts this program as a secret provider: its path must be absolute, a regular file and not a
//! link, owned by the user, and not writable by group or others.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

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

fn judge(path: &Path) -> Finding {
    let wrong = |why: &str| Finding::advice(CHECK, messages::doctor::resolver_refused(path, why));
    let Ok(meta) = path.symlink_metadata() else { return wrong("cannot be examined") };
    if !meta.is_file() {
        return wrong("is not a regular file");
    }
    if meta.mode() & GROUP_OR_OTHERS_WRITE != 0 {
        return wrong("is writable by other users");
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return wrong("belongs to another user");
    }
    Finding::ok(CHECK, messages::doctor::resolver_accepted(path))
}
