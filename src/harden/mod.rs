//! What the process does to itself before it touches a secret.

mod allocator;
mod locked;

use rustix::process::{Resource, Rlimit, setrlimit};
use strongroom_backends::{inherited_fd, stack};

pub use allocator::{Wiping, large_buffers_apart, may_fail};

/// No program that this one starts has a descriptor that this one was given; files are private whatever the umask was;
/// there is no core dump, no other process of the same user reads this one's memory, and what it holds is not written
/// to swap. Best effort: a sandbox may forbid any of it, and a vault that does not open is worse.
pub fn process() {
    inherited_fd::keep_from_children();
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    locked::begin();
}

/// Does the process's work, and wipes what it left on the stack.
pub fn wiped<T>(work: impl FnOnce() -> T) -> T {
    stack::wiped(work)
}

/// Neither this thread nor any that it starts, nor a program that they might be made to start, gets more rights than
/// it has, by a set-user-id program say. For commands that start no program.
pub fn no_new_privileges() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_no_new_privs(true);
}
