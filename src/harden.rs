//! What the process does to itself before it touches a secret.

use rustix::process::{Resource, Rlimit, setrlimit};
use strongroom_backends::inherited_fd;

/// No program that this one starts has a descriptor that this one was given; files are private whatever the umask was; there is no core dump, and no other process of the
/// same user reads this one's memory. Best effort: a sandbox may forbid any of it, and a vault that
/// does not open is worse.
pub fn process() {
    inherited_fd::keep_from_children();
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Neither this thread nor any that it starts, nor a program that they might be made to start, gets more rights than
/// it has, by a set-user-id program say. For commands that start no program.
pub fn no_new_privileges() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_no_new_privs(true);
}

/// Lets glibc take buffers of 32 KiB and more from the kernel one by one, and give them back when they are freed,
/// not from 128 KiB on. age asks for 64 KiB of zeros for each file that it opens and uses a page of them:
/// from the kernel they are zero already, in the heap all of them are written. It is a fifteenth of what
/// `get` takes. Of many records, which several threads open, the heap is faster.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn large_buffers_apart() {
    // SAFETY: it sets a number, under the allocator's own lock.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 32 * 1024) };
}

/// Nothing to do for another C library than glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn large_buffers_apart() {}
