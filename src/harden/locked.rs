//! Keeps memory from being written to swap, within the system's limit (`RLIMIT_MEMLOCK`).
//!
//! Pages are locked on first use, so that a lock costs one system call and no memory. The heap is locked first, then
//! the stack. Memory that other threads allocate is not locked, unless all share one heap ([`one_heap`]).
#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
pub use linux::{begin, follow, lock_block, one_heap, unlock_block};

/// Does nothing with a C library other than glibc.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
mod none {
    pub fn begin() {}

    pub fn one_heap() {}

    #[inline]
    pub fn follow(block: *mut u8) -> *mut u8 {
        block
    }

    pub fn lock_block(_: *mut u8, _: usize) {}

    pub fn unlock_block(_: *mut u8, _: usize) {}
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
pub use none::{begin, follow, lock_block, one_heap, unlock_block};

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod linux {
    use std::hint::black_box;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustix::mm::{MlockFlags, mlock_with};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// How much the heap grows at once, in bytes. It is less than two huge pages, so that the first byte does not take
    /// a whole one.
    const STEP: usize = 1024 * 1024;
    /// How much of the stack is locked, in bytes. The kernel maps 128 KiB at the start, and growing happens below that:
    /// a locked stack that grows past the limit ends the process.
    const STACK: usize = 96 * 1024;
    /// The size of two blocks that together are larger than the C library's first heap (132 KiB).
    const PROBE: usize = 96 * 1024;

    /// The smallest page size, in bytes. With larger pages less is locked.
    const PAGE: usize = 4096;

    /// The address up to which the heap is locked; [`NONE`] if nothing more is to be locked.
    static END: AtomicUsize = AtomicUsize::new(NONE);
    /// An address from which every block is far, in unsigned arithmetic.
    const NONE: usize = usize::MAX / 2;
    /// Blocks further from the heap's end than this are not part of it.
    const FAR: usize = 1 << 32;

    /// Locks the current heap, and the stack.
    pub fn begin() {
        let small = Box::new(0u64);
        let start = std::ptr::from_ref(black_box(small.as_ref())).addr();
        // Without the second one, memory that the heap returns and gets again would not be locked.
        // SAFETY: both set numbers, under the allocator's own lock.
        let set = unsafe {
            let step = libc::c_int::try_from(STEP).unwrap_or(libc::c_int::MAX);
            libc::mallopt(libc::M_TOP_PAD, step) == 1
                && libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX) == 1
        };
        if !set {
            return;
        }
        // Not with the program's allocator, which would write all of it to wipe it.
        // SAFETY: the blocks are freed as they were allocated.
        unsafe {
            let probes = [(); 2].map(|()| libc::malloc(PROBE));
            for probe in black_box(probes) {
                libc::free(probe);
            }
        }
        // Raise the limit as far as is possible without privileges.
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

    /// Lets every thread allocate on the heap that is locked, and none on a heap of its own.
    pub fn one_heap() {
        // SAFETY: it sets a number, under the allocator's own lock.
        let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }

    /// Locks the part by which the heap grew, if this block is in it.
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

    /// Locks a block that is mapped by itself.
    pub fn lock_block(base: *mut u8, length: usize) {
        if END.load(Ordering::Relaxed) != NONE {
            // SAFETY: the block is mapped, and a lock does not change it.
            let _ = unsafe { mlock_with(base.cast(), length, MlockFlags::ONFAULT) };
        }
    }

    /// Unlocks a block that is mapped by itself, because a locked one may not grow past the limit.
    pub fn unlock_block(base: *mut u8, length: usize) {
        // SAFETY: the block is mapped, and this does not change it.
        let _ = unsafe { rustix::mm::munlock(base.cast(), length) };
    }

    /// Locks pages of the heap. If the limit is too low, locks as many as it allows, and none later.
    fn lock_heap(start: usize, end: usize) -> bool {
        let all = lock(start, end);
        if !all && let Some(limit) = getrlimit(Resource::Memlock).current {
            // Pages that are locked already count, so that this succeeds for the first part only.
            // The pages at both ends are locked whole.
            let fits = usize::try_from(limit).unwrap_or(0).saturating_sub(2 * PAGE);
            lock(start, end.min(start.saturating_add(fits)));
        }
        END.store(if all { end } else { NONE }, Ordering::Relaxed);
        all
    }

    fn lock(start: usize, end: usize) -> bool {
        let pages = std::ptr::without_provenance_mut(start);
        // SAFETY: a lock does not change memory, and fails if nothing is mapped.
        unsafe { mlock_with(pages, end.saturating_sub(start), MlockFlags::ONFAULT) }.is_ok()
    }

    fn end_of_heap() -> usize {
        // SAFETY: an increment of 0 changes nothing.
        unsafe { libc::sbrk(0) }.addr()
    }
}
