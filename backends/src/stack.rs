//! What a call leaves on the stack.

use std::hint::black_box;
use std::thread::Builder;

/// How large the stack of a thread is, in bytes, whatever `RUST_MIN_STACK` says: what is wiped has to fit.
const SIZE: usize = 2 * 1024 * 1024;

/// A thread with room for [`wiped`].
pub fn thread() -> Builder {
    Builder::new().stack_size(SIZE)
}

/// Does work, and wipes the stack below, where the calls that it made left what they worked with. The C library keeps
/// the stack of a thread that ended for the next one.
pub fn wiped<T>(work: impl FnOnce() -> T) -> T {
    let done = apart(work);
    if deep::give_back() {
        fill::<{ 2 * deep::NEAR }>();
    } else {
        fill::<{ 256 * 1024 }>();
    }
    done
}

/// Never part of its caller, whose frame is not wiped.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// A frame of its own, of zeros.
#[inline(never)]
fn fill<const N: usize>() {
    let mut frame = [0u8; N];
    black_box(&mut frame);
}

/// What lies deeper than a frame can cheaply reach: the kernel takes its pages back, and gives none to anyone before
/// it is cleared. Only pages that were used are touched. (Which were is what `mincore` tells, and the usual filters of
/// system calls in systemd's units forbid that.)
#[cfg(target_os = "linux")]
mod deep {
    #![allow(unsafe_code)]

    use std::hint::black_box;

    /// So many bytes below the caller's frame stay: the frames of this call itself lie there.
    pub const NEAR: usize = 16 * 1024;
    /// How far down it goes, in bytes. Above the lower end of the main stack no other mapping lies within 1 MiB, which is
    /// the kernel's least gap below a stack; a thread's stack is larger.
    const FAR: usize = 1024 * 1024 - 64 * 1024;
    /// A multiple of every page's size.
    const PAGES: usize = 64 * 1024;
    /// Whether the kernel took the pages back. An older one than 5.18 does not know how, and a page of more than
    /// `NEAR` bytes could be one in use.
    #[inline(never)]
    pub fn give_back() -> bool {
        let mark = 0u8;
        let here = std::ptr::from_ref(black_box(&mark)).addr();
        let Some(end) = here.checked_sub(NEAR) else { return false };
        let page = page_size();
        if page > NEAR {
            return false;
        }
        // The page that `end` lies in stays.
        let (end, start) = (end / page * page, here.saturating_sub(FAR) / PAGES * PAGES);
        if start >= end {
            return false;
        }
        let place = std::ptr::without_provenance_mut::<libc::c_void>(start);
        // SAFETY: everything from `start` to `end` lies below all frames that are in use, of this thread's stack
        // alone or of nothing: see `FAR`. (The upper part of the stack is locked.)
        let done = unsafe { libc::madvise(place, end - start, libc::MADV_DONTNEED_LOCKED) };
        // What was never mapped of it is told by an error, after the rest was done.
        done == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::ENOMEM)
    }

    fn page_size() -> usize {
        // SAFETY: it reads a number of the system's.
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

    /// Works with a frame of its own, and tells where that lies.
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
