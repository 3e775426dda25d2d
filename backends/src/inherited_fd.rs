//! File descriptors that the parent process opened for us (`--passphrase-fd N`).
//!
//! Opening `/proc/self/fd/N` would need no unsafe code, but that directory belongs to root once the process is not
//! dumpable.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// Descriptors of this number and above are not handed in: they are closed on exec like the others.
pub const END: RawFd = 1024;

const COUNT: libc::nfds_t = 1024;

/// A bit for each descriptor that was open when the process began and was not taken yet.
static INHERITED: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];

/// Keeps every descriptor but the three standard streams from the programs that this process starts, and remembers
/// which it was given. To be called before anything is opened.
///
/// Best effort: a sandbox may forbid it, and then a child has what it would have had without it.
pub fn keep_from_children() {
    remember();
    if !close_all_on_exec() {
        for number in open_descriptors() {
            // SAFETY: borrowed for the one call, which fails if it is not open any more.
            let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
            let _ = rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC);
        }
    }
}

/// Notes which descriptors below [`END`] are open. One call of `poll` tells: it takes less than a list of
/// `/proc/self/fd`, and works where there is no `/proc`.
fn remember() {
    let mut asked: [libc::pollfd; END as usize] =
        std::array::from_fn(|n| libc::pollfd { fd: RawFd::try_from(n).unwrap_or(-1), events: 0, revents: 0 });
    // The standard streams are not asked for.
    for one in asked.iter_mut().take(3) {
        one.fd = -1;
    }
    // SAFETY: the array is as long as it is said to be, and the call keeps no pointer.
    let told = unsafe { libc::poll(asked.as_mut_ptr(), COUNT, 0) };
    // More than the process may have open are refused where the limit is lower: then each is asked for.
    for (n, one) in asked.iter().enumerate().skip(3) {
        let open = if told >= 0 { one.revents & libc::POLLNVAL == 0 } else { is_open(one.fd) };
        if open && let Some(bits) = INHERITED.get(n / 64) {
            bits.fetch_or(1 << (n % 64), Ordering::Relaxed);
        }
    }
}

/// Whether the kernel marked all of them at once (Linux 5.11 and later).
#[cfg(target_os = "linux")]
fn close_all_on_exec() -> bool {
    // By its number: older C libraries have no function for it. SAFETY: it marks descriptors and touches no memory.
    let done =
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    done == 0
}

#[cfg(not(target_os = "linux"))]
fn close_all_on_exec() -> bool {
    false
}

/// What is open, by the system's own list; by trying, if there is none.
fn open_descriptors() -> Vec<RawFd> {
    let list = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"));
    match list {
        Ok(list) => list
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|number| *number > 2)
            .collect(),
        Err(_) => (3..END).filter(|number| is_open(*number)).collect(),
    }
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: borrowed only to ask whether it is open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(borrowed).is_ok()
}

/// Takes over descriptor `number`, which the parent opened for this process and named on the
/// command line.
///
/// `None` when it is not open, is one of the three standard streams, was opened by this process
/// itself, was taken already, or is [`END`] or above.
#[must_use]
pub fn take(number: RawFd) -> Option<File> {
    let n = usize::try_from(number).ok()?;
    let (bits, bit) = (INHERITED.get(n / 64)?, 1 << (n % 64));
    if bits.fetch_and(!bit, Ordering::SeqCst) & bit == 0 || !is_open(number) {
        return None;
    }
    // SAFETY: it is open, was inherited, and belongs to nothing in this process: it was open before anything was
    // opened, and the bit is gone, so that it is not taken twice.
    Some(File::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Without the list of what was inherited: beside other tests, it would have theirs.

    #[test]
    fn standard_streams_and_closed_descriptors_are_not_taken() {
        for number in [-1, 0, 1, 2, 999, 9_999, RawFd::MAX] {
            assert!(take(number).is_none(), "{number}");
        }
    }

    #[test]
    fn what_this_process_opened_is_not_taken() {
        use std::os::fd::AsRawFd;
        let own = File::open("/").unwrap();
        // The lowest free number, and as high as a limit of the system lets it be.
        let high = rustix::io::fcntl_dupfd_cloexec(&own, 600).unwrap();
        assert!(take(own.as_raw_fd()).is_none());
        assert!(take(high.as_raw_fd()).is_none());
        rustix::io::fcntl_getfd(&own).unwrap();
    }
}
