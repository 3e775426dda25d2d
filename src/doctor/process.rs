//! What protects the process's memory.

use rustix::process::{Resource, getrlimit};

use super::Finding;

const CHECK: &str = "process";

/// Checks that no core dump is written, and that other processes of the user cannot read memory.
#[must_use]
pub fn check() -> Vec<Finding> {
    let mut found = Vec::new();
    found.push(if getrlimit(Resource::Core).current == Some(0) {
        Finding::ok(CHECK, "no core dump is written")
    } else {
        Finding::note(CHECK, "core dumps could not be switched off; they would hold secrets")
    });
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        found.push(if dumpable_behavior() == Ok(DumpableBehavior::NotDumpable) {
            Finding::ok(CHECK, "other processes of yours cannot read this process's memory")
        } else {
            Finding::note(CHECK, "other processes of yours may read this process's memory")
        });
    }
    found
}
