//! The queue for a lock: first come, first served.
//!
//! The kernel wakes all processes that wait for a lock and gives it to the one that runs first, or to a newcomer that
//! did not wait at all: of 64 writers, some waited 26 times as long as others. So a process that has to wait first
//! takes a place, waits until every place before its own is free, and only then waits for the lock itself, as the only
//! one.
//!
//! A place is one byte of a file that stays empty, locked by an open file description (`F_OFD_SETLK`). Only the kernel
//! knows the places: a process that dies frees its own, nothing has to be cleaned up, and process ids in containers do
//! not matter.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::dir::Dir;
use crate::StoreError;

/// The name of the queue's file, next to the lock's.
pub const FILE: &str = "lock.queue";

/// A place in the queue, held until it is left or dropped.
#[derive(Debug)]
pub(super) struct Place {
    file: File,
    /// How many places are before it. Every process that came earlier has one of them.
    before: ranges::Offset,
    left: AtomicBool,
}

/// Returns whether no one waits. Also true if the system or the file system has no such locks, because then there is no
/// queue.
pub(super) fn is_empty(dir: &Dir) -> Result<bool, StoreError> {
    match dir.open_for_reading(FILE) {
        Ok(file) => Ok(ranges::end(&file).unwrap_or(0) == 0),
        Err(error @ StoreError::Unsafe { .. }) => Err(error),
        // No one has ever waited.
        Err(_) => Ok(true),
    }
}

/// Returns whether the system and the file system have such locks.
pub(super) fn is_possible(file: &File) -> bool {
    ranges::end(file).is_ok()
}

/// Takes the last place. Returns `None` if there can be no queue, for example on a full disk. Then the kernel decides
/// who gets the lock.
pub(super) fn join(dir: &Dir) -> Result<Option<Place>, StoreError> {
    match dir.open_or_create(FILE) {
        Ok(file) => Ok(last(&file).ok().map(|before| Place { file, before, left: AtomicBool::new(false) })),
        Err(error @ StoreError::Unsafe { .. }) => Err(error),
        Err(_) => Ok(None),
    }
}

fn last(file: &File) -> io::Result<ranges::Offset> {
    loop {
        let end = ranges::end(file)?;
        // If it fails, another process has taken the same place.
        if ranges::try_alone(file, end)? {
            return Ok(end);
        }
    }
}

impl Place {
    /// Waits until everyone who came earlier has left.
    ///
    /// # Errors
    /// The system's, for a file system that cannot wait.
    pub(super) fn wait(&self) -> io::Result<()> {
        if self.before == 0 {
            return Ok(());
        }
        let waited = self.wait_for_those_before();
        // The places that this process waited for are locked by it now, and would make the queue look longer.
        let freed = ranges::free(&self.file, 0, self.before);
        waited.and(freed)
    }

    fn wait_for_those_before(&self) -> io::Result<()> {
        // Wait for the place just ahead first. If all waited for the first place, everyone who leaves would wake them
        // all.
        ranges::wait_shared(&self.file, self.before - 1, 1)?;
        if self.left.load(Ordering::SeqCst) {
            return Ok(());
        }
        // That process may have been killed or given up while others are still ahead.
        ranges::wait_shared(&self.file, 0, self.before)
    }

    /// Gives the place up, even while another thread is in [`Place::wait`].
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::SeqCst);
        // Otherwise it would stay locked until every use of the file ends.
        let _ = ranges::free(&self.file, 0, 0);
    }
}

/// Locks on ranges of bytes, held by an open file description.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod ranges {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    pub(super) type Offset = libc::off_t;

    /// Converts a kind of lock to the width of the kernel's structure.
    #[allow(clippy::cast_possible_truncation)] // Constants below 3.
    const fn kind(of: libc::c_int) -> libc::c_short {
        of as libc::c_short
    }

    const ALONE: libc::c_short = kind(libc::F_WRLCK);
    const SHARED: libc::c_short = kind(libc::F_RDLCK);
    const FREE: libc::c_short = kind(libc::F_UNLCK);

    fn range(l_type: libc::c_short, start: Offset, length: Offset) -> libc::flock {
        libc::flock { l_type, l_whence: kind(libc::SEEK_SET), l_start: start, l_len: length, l_pid: 0 }
    }

    /// Returns the first byte after all bytes that others have locked.
    pub(super) fn end(file: &File) -> io::Result<Offset> {
        let mut end = 0;
        loop {
            let mut held = range(ALONE, end, 0);
            fcntl(file, FcntlArg::F_OFD_GETLK(&mut held))?;
            if held.l_type == FREE {
                return Ok(end);
            }
            // A length of 0 means up to the end of the file, however far it is. None of our locks has it.
            end = match held.l_start.checked_add(held.l_len) {
                Some(next) if held.l_len > 0 => next,
                _ => return Err(Errno::EOVERFLOW.into()),
            };
        }
    }

    /// Locks one byte exclusively, unless another process has it.
    pub(super) fn try_alone(file: &File, at: Offset) -> io::Result<bool> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&range(ALONE, at, 1))) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until no one has any of the bytes locked exclusively, and locks them shared.
    pub(super) fn wait_shared(file: &File, start: Offset, length: Offset) -> io::Result<()> {
        loop {
            match fcntl(file, FcntlArg::F_OFD_SETLKW(&range(SHARED, start, length))) {
                Err(Errno::EINTR) => {}
                done => return done.map(|_| ()).map_err(Into::into),
            }
        }
    }

    /// Unlocks bytes. A length of 0 unlocks all bytes from the start on.
    pub(super) fn free(file: &File, start: Offset, length: Offset) -> io::Result<()> {
        fcntl(file, FcntlArg::F_OFD_SETLK(&range(FREE, start, length))).map(|_| ()).map_err(Into::into)
    }
}

/// Other systems have no documented locks of this kind, so there is no queue.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod ranges {
    use std::fs::File;
    use std::io;

    pub(super) type Offset = i64;

    fn none<T>() -> io::Result<T> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn end(_: &File) -> io::Result<Offset> {
        none()
    }

    pub(super) fn try_alone(_: &File, _: Offset) -> io::Result<bool> {
        none()
    }

    pub(super) fn wait_shared(_: &File, _: Offset, _: Offset) -> io::Result<()> {
        none()
    }

    pub(super) fn free(_: &File, _: Offset, _: Offset) -> io::Result<()> {
        none()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "queue_tests.rs"]
mod tests;
