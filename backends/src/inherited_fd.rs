//! File descriptors that the parent process opened for us (`--passphrase-fd N`).
//!
//! The only unsafe code of the project. Opening `/proc/self/fd/N` would do without it, but that
//! directory belongs to root once the process is not dumpable.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Takes over descriptor `number`, which must be 3 or above, open, and used by nothing else in
/// this process: it is named on the command line, where only the parent knows what it opened.
///
/// `None` when it is not open or is one of the three standard streams.
#[must_use]
pub fn take(number: RawFd) -> Option<File> {
    if number < 3 {
        return None;
    }
    // SAFETY: borrowed only to ask whether it is open; the answer decides whether it is used.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(borrowed).ok()?;
    // SAFETY: it is open, and the caller promises that it is nobody else's. `take` is called
    // once a process, before any other file of this process is opened by a library.
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
}
