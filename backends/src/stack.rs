//! Wipes what calls leave on the stack.

use std::hint::black_box;
use std::thread::Builder;

/// The size of a thread's stack, in bytes, whatever `RUST_MIN_STACK` says, because the wiped part has to fit.
const SIZE: usize = 2 * 1024 * 1024;

/// Returns the builder of a thread whose stack is large enough for [`wiped`].
pub fn thread() -> Builder {
    Builder::new().stack_size(SIZE)
}

/// Does work, and wipes the stack below, which still contains the data of the calls that it made. The C library reuses
/// the stack of a finished thread for the next one.
pub fn wiped<T>(work: impl FnOnce() -> T) -> T {
    let done = apart(work);
    if deep::give_back() {
        fill::<{ 2 * deep::NEAR }>();
    } else {
        fill::<{ 256 * 1024 }>();
    }
    done
}

/// Never inlined, because the caller's frame is not wiped.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// Fills a frame of its own with zeros.
#[inline(never)]
fn fill<const N: usize>() {
    let mut frame = [0u8; N];
    black_box(&mut frame);
}

/// Wipes what is deeper than a frame can cheaply reach: the pages go back to the kernel, which clears a page before it
/// gives it to anyone. Only pages that were used are affected. (`mincore` would tell which, but the usual system call
/// filters of systemd units forbid it.)
#[cfg(target_os = "linux")]
mod deep {
    #![allow(unsafe_code)]

    use std::hint::black_box;

    /// How many bytes below the caller's frame stay, because the frames of this call itself are there.
    pub const NEAR: usize = 16 * 1024;
    /// How far down it goes, in bytes. No other mapping is within 1 MiB below the main stack, because that is the
    /// kernel's smallest gap below a stack; a thread's stack is larger.
    const FAR: usize = 1024 * 1024 - 64 * 1024;
    /// A multiple of every page size, in bytes.
    const PAGES: usize = 64 * 1024;
    /// Gives the pages back to the kernel, and returns whether that worked. Kernels before 5.18 cannot, and a page
    /// larger than `NEAR` bytes may be in use.
    #[inline(never)]
    pub fn give_back() -> bool {
        let mark = 0u8;
        let here = std::ptr::from_ref(black_box(&mark)).addr();
        let Some(end) = here.checked_sub(NEAR) else { return false };
        let page = page_size();
        if page > NEAR {
            return false;
        }
        // The page that contains `end` stays.
        let (end, start) = (end / page * page, here.saturating_sub(FAR) / PAGES * PAGES);
        if start >= end {
            return false;
        }
        let place = std::ptr::without_provenance_mut::<libc::c_void>(start);
        // SAFETY: everything from `start` to `end` is below all frames in use, and belongs to this thread's stack or to
        // no mapping: see `FAR`. (The upper part of the stack is locked.)
        let done = unsafe { libc::madvise(place, end - start, libc::MADV_DONTNEED_LOCKED) };
        // If part of it was never mapped, the call does the rest and returns an error.
        done == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::ENOMEM)
    }

    fn page_size() -> usize {
        // SAFETY: it only reads a number.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(PAGES)
    }
}

#[cfg(not(target_os = "linux"))]
mod deep {
    pub const NEAR: usize = 16 * 1024;

    pub fn give_back() -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    /// Uses a frame of its own, and returns its address and length.
    #[inline(never)]
    fn works_with<const N: usize>() -> (usize, usize) {
        let mut frame = [0xa5u8; N];
        black_box(&mut frame);
        (frame.as_ptr().addr(), N)
    }

    #[test]
    fn what_was_used_is_wiped_however_deep() {
        let depths: [fn() -> (usize, usize); 4] =
            [works_with::<100>, works_with::<10_000>, works_with::<100_000>, works_with::<500_000>];
        for work in depths {
            let left = thread()
                .spawn(move || {
                    let (start, length) = wiped(work);
                    let mut left = vec![0; length];
                    let memory = std::fs::File::open("/proc/self/mem").unwrap();
                    memory.read_exact_at(&mut left, start as u64).unwrap();
                    left.split(|byte| *byte != 0xa5).map(<[u8]>::len).max().unwrap_or_default()
                })
                .unwrap()
                .join()
                .unwrap();
            // Later frames may have such bytes of their own.
            assert!(left < 64, "{left} bytes are left");
        }
    }
}
