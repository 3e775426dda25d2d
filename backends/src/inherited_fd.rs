//! File descriptors that the parent process opened for us (`--passphrase-fd N`).
//!
//! All but one line of the project's unsafe code. Opening `/proc/self/fd/N` would do without it, but that
//! directory belongs to root once the process is not dumpable.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Takes over descriptor `number`, which the parent opened for this process and named on the
/// command line.
///
/// `None` when it is not open, is one of the three standard streams, was opened by this process
/// itself, or was taken already.
#[must_use]
pub fn take(number: RawFd) -> Option<File> {
    if number < 3 {
        return None;
    }
    // SAFETY: borrowed only to ask whether it is open; the answer decides whether it is used.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = rustix::io::fcntl_getfd(borrowed).ok()?;
    // What this process opened is closed on exec; what it inherited cannot be.
    if flags.contains(rustix::io::FdFlags::CLOEXEC) {
        return None;
    }
    rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC).ok()?;
    // SAFETY: it is open, was inherited, and belongs to nothing in this process: the standard
    // library owns only what it opened. It is marked above, so that it is not taken twice.
    Some(File::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_streams_and_closed_descriptors_are_not_taken() {
        assert!(take(0).is_none());
        assert!(take(2).is_none());
        assert!(take(-1).is_none());
        assert!(take(9_999).is_none());
    }

    #[test]
    fn what_this_process_opened_is_not_taken() {
        use std::os::fd::AsRawFd;
        let own = File::open("/").unwrap();
        assert!(take(own.as_raw_fd()).is_none());
        rustix::io::fcntl_getfd(&own).unwrap();
    }
}
