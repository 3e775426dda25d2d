//! The program's own path, as OpenClaw judges a secret provider's command: absolute, a regular
//! file and no link, the user's own, and not writable by group or others.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use strongroom_backends::shown;

use super::Finding;

const CHECK: &str = "resolver";
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;

/// Checks the path under which the program runs.
#[must_use]
pub fn check() -> Vec<Finding> {
    match std::env::current_exe() {
        Ok(path) => vec![judge(&path)],
        Err(_) => vec![Finding::note(CHECK, "this program's own path is not known")],
    }
}

fn judge(path: &Path) -> Finding {
    let wrong = |why: &str| {
        Finding::note(CHECK, format!("OpenClaw would refuse {} as a secret provider: it {why}", shown(path)))
            .with_remedy("copy it to a place of your own, mode 755, and name that path in the configuration")
    };
    let Ok(meta) = path.symlink_metadata() else { return wrong("cannot be looked at") };
    if !meta.is_file() {
        return wrong("is not a regular file");
    }
    if meta.mode() & GROUP_OR_OTHERS_WRITE != 0 {
        return wrong("can be written by other users");
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return wrong("belongs to another user");
    }
    Finding::ok(CHECK, format!("OpenClaw accepts {} as a secret provider", shown(path)))
}
