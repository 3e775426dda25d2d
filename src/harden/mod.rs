//! How the process protects itself before it touches a secret.

mod allocator;
mod locked;

use std::sync::OnceLock;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit};
use strongroom_backends::{inherited_fd, stack};

pub use allocator::{Wiping, large_buffers_apart, may_fail};
pub use locked::one_heap;

/// The umask with which the process was started.
static UMASK: OnceLock<Mode> = OnceLock::new();

/// Protects the process: inherited descriptors are closed in programs that it starts, new files are private whatever
/// the umask was, there is no core dump, other processes of the same user cannot read its memory, and its memory is not
/// written to swap.
///
/// All of this is best effort: a sandbox may forbid any of it, and a vault that cannot be unlocked is worse.
pub fn process() {
    inherited_fd::keep_from_children();
    let _ = UMASK.set(rustix::process::umask(Mode::RWXG | Mode::RWXO));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    locked::begin();
}

/// Gives programs that are started from now on the umask and the open descriptors with which this process was started:
/// for commands that run what a person typed. Descriptors from which a secret was read stay closed.
pub fn before_a_program() {
    if let Some(umask) = UMASK.get() {
        rustix::process::umask(*umask);
    }
    inherited_fd::give_to_children();
}

/// Does the work of the process, and wipes what it left on the stack.
pub fn wiped<T>(work: impl FnOnce() -> T) -> T {
    stack::wiped(work)
}

/// Keeps this thread, the threads that it starts, and any program that they may be made to start from gaining
/// privileges, for example through a set-user-id program. For commands that start no program.
pub fn no_new_privileges() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_no_new_privs(true);
}
