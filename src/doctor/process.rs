//! Whether the process's memory is protected.

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::messages;

const CHECK: &str = "process";

/// Checks that no core dump is written, and that other processes of the user cannot read this one's memory.
#[must_use]
pub fn check() -> Vec<Finding> {
    let mut found = Vec::new();
    found.push(if getrlimit(Resource::Core).current == Some(0) {
        Finding::ok(CHECK, messages::doctor::NO_CORE_DUMP)
    } else {
        Finding::note(CHECK, messages::doctor::CORE_DUMPS)
    });
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        found.push(if dumpable_behavior() == Ok(DumpableBehavior::NotDumpable) {
            Finding::ok(CHECK, messages::doctor::MEMORY_IS_PRIVATE)
        } else {
            Finding::note(CHECK, messages::doctor::MEMORY_IS_READABLE)
        });
    }
    found
}
