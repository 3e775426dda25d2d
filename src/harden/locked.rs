//! Memory that is not written to swap, as far as the system's limit on it (`RLIMIT_MEMLOCK`) goes.
//!
//! Pages are locked when they are first used, so that a lock costs one system call and no memory. The heap is locked
//! first, then the stack. What other threads allocate is not.
#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
pub use linux::{begin, follow, lock_block, unlock_block};

/// Nothing to do for another C library than glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
mod none {
    pub fn begin() {}

    #[inline]
    pub fn follow(block: *mut u8) -> *mut u8 {
        block
    }

    pub fn lock_block(_: *mut u8, _: usize) {}

    pub fn unlock_block(_: *mut u8, _: usize) {}
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
pub use none::{begin, follow, lock_block, unlock_block};

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod linux {
    use std::hint::black_box;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustix::mm::{MlockFlags, mlock_with};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// How much the heap grows at once, in bytes. Less than two huge pages, lest the first byte take one.
    const STEP: usize = 1024 * 1024;
    /// How much of the stack is locked, in bytes: the kernel gives 128 KiB at the start. What would grow the stack
    /// lies below it: a locked stack that grows past the limit ends the process.
    const STACK: usize = 96 * 1024;
    /// Two blocks of which the first or the second is more than what the C library's heap begins with (132 KiB).
    const PROBE: usize = 96 * 1024;

    /// The smallest page, in bytes. A larger one locks less.
    const PAGE: usize = 4096;

    /// Up to where the heap is locked; [`NONE`] while nothing more is to be.
    static END: AtomicUsize = AtomicUsize::new(NONE);
    /// Every block is far from here, as unsigned numbers go.
    const NONE: usize = usize::MAX / 2;
    /// What lies further from the heap's end than this is not part of it.
    const FAR: usize = 1 << 32;

    /// Locks the heap as it is, and the stack.
    pub fn begin() {
        let small = Box::new(0u64);
        let start = std::ptr::from_ref(black_box(small.as_ref())).addr();
        // SAFETY: they set numbers, under the allocator's own lock. Memory that went back and came again
        // would not be locked.
        let set = unsafe {
            let step = libc::c_int::try_from(STEP).unwrap_or(libc::c_int::MAX);
            libc::mallopt(libc::M_TOP_PAD, step) == 1
                && libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX) == 1
        };
        if !set {
            return;
        }
        // SAFETY: they are given back as they came. Not by the program's allocator, which would wipe them.
        unsafe {
            let probes = [(); 2].map(|()| libc::malloc(PROBE));
            for probe in black_box(probes) {
                libc::free(probe);
            }
        }
        // What the limit may be raised to without a privilege.
        let Rlimit { current, maximum } = getrlimit(Resource::Memlock);
        if current != maximum {
            let _ = setrlimit(Resource::Memlock, Rlimit { current: maximum, maximum });
        }
        if lock_heap(start, end_of_heap()) {
            let here = 0u8;
            let here = std::ptr::from_ref(black_box(&here)).addr();
            lock(here.saturating_sub(STACK), here + 1);
        }
    }

    /// Locks what the heap grew by, if this block lies in it.
    #[inline]
    pub fn follow(block: *mut u8) -> *mut u8 {
        let end = END.load(Ordering::Relaxed);
        if block.addr().wrapping_sub(end) < FAR {
            grown(end);
        }
        block
    }

    #[cold]
    fn grown(end: usize) {
        lock_heap(end, end_of_heap());
    }

    /// Locks a block that the kernel gave by itself.
    pub fn lock_block(base: *mut u8, length: usize) {
        if END.load(Ordering::Relaxed) != NONE {
            // SAFETY: the block is there; a lock changes nothing in it.
            let _ = unsafe { mlock_with(base.cast(), length, MlockFlags::ONFAULT) };
        }
    }

    /// Takes the lock from a block that the kernel gave by itself: one that is locked may not grow past the limit.
    pub fn unlock_block(base: *mut u8, length: usize) {
        // SAFETY: the block is there; this changes nothing in it.
        let _ = unsafe { rustix::mm::munlock(base.cast(), length) };
    }

    /// Locks pages of the heap; as many of them as the limit lets, and then no more.
    fn lock_heap(start: usize, end: usize) -> bool {
        let all = lock(start, end);
        if !all && let Some(limit) = getrlimit(Resource::Memlock).current {
            // What is locked already counts, so that this goes well for the first part alone.
            // The pages of both ends are locked whole.
            let fits = usize::try_from(limit).unwrap_or(0).saturating_sub(2 * PAGE);
            lock(start, end.min(start.saturating_add(fits)));
        }
        END.store(if all { end } else { NONE }, Ordering::Relaxed);
        all
    }

    fn lock(start: usize, end: usize) -> bool {
        let pages = std::ptr::without_provenance_mut(start);
        // SAFETY: a lock changes nothing in what is there, and fails where nothing is.
        unsafe { mlock_with(pages, end.saturating_sub(start), MlockFlags::ONFAULT) }.is_ok()
    }

    fn end_of_heap() -> usize {
        // SAFETY: it changes nothing by 0.
        unsafe { libc::sbrk(0) }.addr()
    }
}
