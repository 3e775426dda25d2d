//! The queue before a lock: who came first gets it first.
//!
//! The kernel wakes the processes that wait for a lock and gives it to the one that runs first, or to a
//! newcomer that did not wait at all: of 64 writers some waited 26 times as long as others. So a process
//! that has to wait takes a place first, waits until every place before its own is free, and only then
//! waits for the lock itself, as the only one.
//!
//! A place is one byte of a file that stays empty, locked by an open file description (`F_OFD_SETLK`). The
//! kernel alone knows the places: a process that dies frees its own, nothing has to be cleaned up, and it
//! makes no difference which numbers the processes have in which container.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::dir::Dir;
use crate::StoreError;

/// The name of the queue's file, beside the lock's.
pub const FILE: &str = "lock.queue";

/// A place in the queue, until it is left or dropped.
#[derive(Debug)]
pub(super) struct Place {
    file: File,
    /// How many bytes are before it; who came earlier has one of them.
    before: ranges::Offset,
    left: AtomicBool,
}

/// Whether no one waits. True also if the system or the file system has no such locks: then there is no queue.
pub(super) fn is_empty(dir: &Dir) -> Result<bool, StoreError> {
    match dir.open_for_reading(FILE) {
        Ok(file) => Ok(ranges::end(&file).unwrap_or(0) == 0),
        Err(error @ StoreError::Unsafe { .. }) => Err(error),
        // No one has ever waited.
        Err(_) => Ok(true),
    }
}

/// Whether the system and the file system have such locks.
pub(super) fn is_possible(file: &File) -> bool {
    ranges::end(file).is_ok()
}

/// Takes the last place. None if there can be no queue: on a full disk, for example, the lock is then
/// waited for as the kernel gives it.
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
        // If it fails, another process has taken this very place.
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
        let waited = self.wait_behind();
        // What was waited for is locked by now, and would make the queue look longer than it is.
        let freed = ranges::free(&self.file, 0, self.before);
        waited.and(freed)
    }

    fn wait_behind(&self) -> io::Result<()> {
        // First for the place just ahead: if all waited for the first one, each that leaves would wake them all.
        ranges::wait_shared(&self.file, self.before - 1, 1)?;
        if self.left.load(Ordering::SeqCst) {
            return Ok(());
        }
        // That one may have been killed, or given up, with others still ahead of it.
        ranges::wait_shared(&self.file, 0, self.before)
    }

    /// Gives the place up, also while another thread is in [`Place::wait`].
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::SeqCst);
        // Nothing else would free it sooner than the end of the file's last use.
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

    /// A kind of lock, as wide as the kernel's structure has it.
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

    /// The first byte after all that others have locked.
    pub(super) fn end(file: &File) -> io::Result<Offset> {
        let mut end = 0;
        loop {
            let mut held = range(ALONE, end, 0);
            fcntl(file, FcntlArg::F_OFD_GETLK(&mut held))?;
            if held.l_type == FREE {
                return Ok(end);
            }
            // A length of 0 reaches to the end of every file. No lock of ours does.
            end = match held.l_start.checked_add(held.l_len) {
                Some(next) if held.l_len > 0 => next,
                _ => return Err(Errno::EOVERFLOW.into()),
            };
        }
    }

    /// Locks one byte alone, unless another has it.
    pub(super) fn try_alone(file: &File, at: Offset) -> io::Result<bool> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&range(ALONE, at, 1))) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until no one has any of the bytes alone, and holds them together with others.
    pub(super) fn wait_shared(file: &File, start: Offset, length: Offset) -> io::Result<()> {
        loop {
            match fcntl(file, FcntlArg::F_OFD_SETLKW(&range(SHARED, start, length))) {
                Err(Errno::EINTR) => {}
                done => return done.map(|_| ()).map_err(Into::into),
            }
        }
    }

    /// Frees bytes; a length of 0 frees all from the start on.
    pub(super) fn free(file: &File, start: Offset, length: Offset) -> io::Result<()> {
        fcntl(file, FcntlArg::F_OFD_SETLK(&range(FREE, start, length))).map(|_| ()).map_err(Into::into)
    }
}

/// Other systems have no such locks that are documented: there is no queue.
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
