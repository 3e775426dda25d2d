//! What the process does to itself before it touches a secret.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Files are private whatever the umask was; there is no core dump, and no other process of the
/// same user reads this one's memory. Best effort: a sandbox may forbid any of it, and a vault that
/// does not open is worse.
pub fn process() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
