//! File descriptors that the parent process opened for this one (`--passphrase-fd N`).
//!
//! Opening `/proc/self/fd/N` would need no unsafe code, but that directory belongs to root as soon as the process is
//! not dumpable.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// Descriptors from this number on cannot be taken. They are closed on exec like the others.
pub const END: RawFd = 1024;

const COUNT: libc::nfds_t = 1024;

/// One bit for each descriptor that was open when the process began and was not taken yet.
static INHERITED: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];

/// Closes all descriptors except the standard streams in programs that this process starts, and remembers which ones
/// this process inherited. Call it before anything is opened.
///
/// This is best effort: a sandbox may forbid it.
pub fn keep_from_children() {
    remember();
    if !close_all_on_exec() {
        for number in open_descriptors() {
            // SAFETY: borrowed for one call, which fails if it was closed meanwhile.
            let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
            let _ = rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC);
        }
    }
}

/// Notes which descriptors below [`END`] are open. It takes one call of `poll`, which is faster than listing
/// `/proc/self/fd`, and works without `/proc`.
fn remember() {
    let mut asked: [libc::pollfd; END as usize] =
        std::array::from_fn(|n| libc::pollfd { fd: RawFd::try_from(n).unwrap_or(-1), events: 0, revents: 0 });
    // The standard streams do not matter.
    for one in asked.iter_mut().take(3) {
        one.fd = -1;
    }
    // SAFETY: the array has the given length, and the call keeps no pointer.
    let told = unsafe { libc::poll(asked.as_mut_ptr(), COUNT, 0) };
    // The call fails if the limit on open files is lower than its count. Then each descriptor is checked by itself.
    for (n, one) in asked.iter().enumerate().skip(3) {
        let open = if told >= 0 { one.revents & libc::POLLNVAL == 0 } else { is_open(one.fd) };
        if open && let Some(bits) = INHERITED.get(n / 64) {
            bits.fetch_or(1 << (n % 64), Ordering::Relaxed);
        }
    }
}

/// Marks all of them at once, and returns whether the kernel can (Linux 5.11 and later).
#[cfg(target_os = "linux")]
fn close_all_on_exec() -> bool {
    // By number, because older C libraries have no function for it. SAFETY: it marks descriptors and touches no memory.
    let done =
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    done == 0
}

#[cfg(not(target_os = "linux"))]
fn close_all_on_exec() -> bool {
    false
}

/// Returns the open descriptors, from the system's own list, or by trying each number.
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
    // SAFETY: borrowed only to check whether it is open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(borrowed).is_ok()
}

/// Takes ownership of descriptor `number`, which the parent opened for this process and named on the command line.
///
/// Returns `None` if it is not open, is one of the three standard streams, was opened by this process itself, was taken
/// already, or is not below [`END`].
#[must_use]
pub fn take(number: RawFd) -> Option<File> {
    let n = usize::try_from(number).ok()?;
    let (bits, bit) = (INHERITED.get(n / 64)?, 1 << (n % 64));
    if bits.fetch_and(!bit, Ordering::SeqCst) & bit == 0 || !is_open(number) {
        return None;
    }
    // SAFETY: it is open and belongs to nothing in this process, because it was inherited. The bit is cleared, so that
    // it is not taken twice.
    Some(File::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

/// Leaves the inherited descriptors that were not taken open in programs that this process starts from now on.
pub fn give_to_children() {
    for number in 3..END {
        let n = usize::try_from(number).unwrap_or_default();
        let is_left =
            INHERITED.get(n / 64).is_some_and(|bits| bits.load(Ordering::SeqCst) >> (n % 64) & 1 == 1);
        if is_left && is_open(number) {
            // SAFETY: borrowed for one call, which fails if it was closed meanwhile.
            let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
            let _ = rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // These tests do not fill the list of inherited descriptors, because it would contain those of other tests.

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
        // The lowest free number, and a high one within the usual limits.
        let high = rustix::io::fcntl_dupfd_cloexec(&own, 600).unwrap();
        assert!(take(own.as_raw_fd()).is_none());
        assert!(take(high.as_raw_fd()).is_none());
        rustix::io::fcntl_getfd(&own).unwrap();
    }
}
