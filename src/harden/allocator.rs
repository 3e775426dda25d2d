//! The program's allocator: it wipes memory before it frees it.
//!
//! Types wipe their own contents, but cannot know what a library leaves in memory: age's write buffer, a parser's
//! scratch space, the old place of a vector that grew, clap's copies of the arguments.
#![allow(unsafe_code, clippy::cast_ptr_alignment)] // Blocks of the allocator are aligned for their headers.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Blocks of at least this size, in bytes, begin with a header, which says whether the block is mapped by itself.
const LARGE: usize = 32 * 1024;
/// Blocks of at least this size, in bytes, are mapped by themselves, as glibc does by default.
const APART: usize = 128 * 1024;
/// The largest mapped block that is locked, in bytes.
const LOCKED_MAX: usize = 1024 * 1024;
/// The smallest size of a header, in bytes, and the alignment of every block.
const HEADER: usize = 16;
/// The largest alignment of a block with a header, in bytes: that of Argon2's memory.
const ALIGN_MAX: usize = 64;

static APART_FROM: AtomicUsize = AtomicUsize::new(APART);

/// Maps blocks of 32 KiB and more by themselves, instead of those of 128 KiB and more, and unmaps them when they are
/// freed.
///
/// age asks for 64 KiB of zeros for each file that it decrypts, and uses one page of them. Pages from the kernel are
/// zero already and need no wiping, but in the heap all of them are written twice. This saves a fifteenth of the time
/// of `get`. For many records, which several threads decrypt, the heap is faster.
pub fn large_buffers_apart() {
    APART_FROM.store(LARGE, Ordering::Relaxed);
}

/// The system's allocator, with blocks that are wiped before they are freed and when they grow or shrink. Large blocks
/// are returned to the kernel, which clears a page before it gives it to anyone.
#[derive(Debug)]
pub struct Wiping;

/// Returns the size of a block's header, which is 0 for a small block. It is the same for every call with this layout.
const fn header_of(layout: Layout) -> usize {
    if layout.size() < LARGE || layout.align() > ALIGN_MAX {
        return 0;
    }
    if layout.align() > HEADER { layout.align() } else { HEADER }
}

/// Overwrites memory with zeros, even if the compiler sees that no one reads them.
///
/// # Safety
/// `size` bytes beginning at `block` are writable.
#[inline]
unsafe fn wipe(block: *mut u8, size: usize) {
    unsafe {
        ptr::write_bytes(block, 0, size);
        // The compiler has to assume that this reads the zeros.
        std::arch::asm!("/* {0} */", in(reg) block, options(nostack, preserves_flags, readonly));
    }
}

thread_local! {
    /// Whether this thread continues if it gets no memory.
    static MAY_FAIL: Cell<bool> = const { Cell::new(false) };
}

/// Asks for memory, and returns even if it gets none. Everywhere else, the process then ends with a message.
pub fn may_fail<T>(ask: impl FnOnce() -> T) -> T {
    MAY_FAIL.set(true);
    let got = ask();
    MAY_FAIL.set(false);
    got
}

/// Returns a block, or ends the process with a message if it is null. std would end it with a signal.
#[inline]
fn checked(block: *mut u8) -> *mut u8 {
    if block.is_null() && !MAY_FAIL.get() {
        crate::limits::out_of_memory();
    }
    block
}

impl Wiping {
    /// Allocates a block with a header.
    #[cold]
    unsafe fn large(layout: Layout, header: usize, zeroed: bool) -> *mut u8 {
        let Some(total) = layout.size().checked_add(header) else { return ptr::null_mut() };
        let mapped =
            if layout.size() >= APART_FROM.load(Ordering::Relaxed) { kernel::map(total) } else { None };
        let (base, length) = if let Some(base) = mapped {
            if total <= LOCKED_MAX {
                super::locked::lock_block(base, total);
            }
            (base, total)
        } else {
            let Ok(layout) = Layout::from_size_align(total, header) else { return ptr::null_mut() };
            // SAFETY: the layout is not empty.
            let block = unsafe { if zeroed { System.alloc_zeroed(layout) } else { System.alloc(layout) } };
            (super::locked::follow(block), 0)
        };
        if base.is_null() {
            return base;
        }
        // SAFETY: the block is larger than its header, and aligned for it.
        unsafe {
            base.cast::<usize>().write(length);
            base.add(header)
        }
    }

    /// Returns the start of a block with a header, and its length if it is mapped by itself (otherwise 0).
    unsafe fn start(block: *mut u8, header: usize) -> (*mut u8, usize) {
        // SAFETY: the header was written when the block was made.
        unsafe {
            let base = block.sub(header);
            (base, base.cast::<usize>().read())
        }
    }
}

// SAFETY: every call is passed on to the system's allocator or to the kernel. A header is before the block and keeps
// its alignment, and `header_of` says for every layout whether there is one.
unsafe impl GlobalAlloc for Wiping {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe {
            let block = match header_of(layout) {
                0 => super::locked::follow(System.alloc(layout)),
                header => Self::large(layout, header, false),
            };
            checked(block)
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe {
            let block = match header_of(layout) {
                0 => super::locked::follow(System.alloc_zeroed(layout)),
                header => Self::large(layout, header, true),
            };
            checked(block)
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe {
            let header = header_of(layout);
            if header == 0 {
                wipe(block, layout.size());
                return System.dealloc(block, layout);
            }
            match Self::start(block, header) {
                (base, 0) => {
                    wipe(block, layout.size());
                    // This is the layout with which the block was allocated.
                    System.dealloc(base, Layout::from_size_align_unchecked(layout.size() + header, header));
                }
                (base, length) => kernel::unmap(base, length),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            let header = header_of(layout);
            if header != 0 && header == header_of(new) {
                let (base, length) = Self::start(block, header);
                if let (true, Some(total)) = (length != 0, size.checked_add(header)) {
                    if length <= LOCKED_MAX && total > length {
                        super::locked::unlock_block(base, length);
                    }
                    // The kernel moves pages without copying. If it cannot, the bytes are copied below.
                    if let Some(base) = kernel::remap(base, length, total) {
                        if total <= LOCKED_MAX {
                            super::locked::lock_block(base, total);
                        }
                        base.cast::<usize>().write(total);
                        return base.add(header);
                    }
                }
            }
            let moved = self.alloc(new);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// Mapped pages.
#[cfg(target_os = "linux")]
mod kernel {
    use rustix::mm::{MapFlags, MremapFlags, ProtFlags, mmap_anonymous, mremap, munmap};
    use std::ptr;

    pub fn map(length: usize) -> Option<*mut u8> {
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses, affects no other.
        let mapped = unsafe { mmap_anonymous(ptr::null_mut(), length, rights, MapFlags::PRIVATE) };
        mapped.ok().map(<*mut _>::cast)
    }

    /// # Safety
    /// The mapping was made by [`map`], and nothing points into it now.
    pub unsafe fn unmap(base: *mut u8, length: usize) {
        let _ = unsafe { munmap(base.cast(), length) };
    }

    /// # Safety
    /// The mapping was made by [`map`], and the caller updates every pointer into it.
    pub unsafe fn remap(base: *mut u8, length: usize, new: usize) -> Option<*mut u8> {
        unsafe { mremap(base.cast(), length, new, MremapFlags::MAYMOVE) }.ok().map(<*mut _>::cast)
    }
}

/// Except on Linux, every block comes from the system's allocator.
#[cfg(not(target_os = "linux"))]
mod kernel {
    pub fn map(_: usize) -> Option<*mut u8> {
        None
    }

    pub unsafe fn unmap(_: *mut u8, _: usize) {}

    pub unsafe fn remap(_: *mut u8, _: usize, _: usize) -> Option<*mut u8> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes around every edge, and alignments up to one without a header.
    const SIZES: [usize; 9] =
        [1, 100, LARGE - 1, LARGE, LARGE + 1, APART - 1, APART, APART + 4097, 3 * APART];
    const ALIGNS: [usize; 4] = [1, 16, 64, 4096];

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn blocks_are_aligned_and_all_zero() {
        for (size, align) in SIZES.iter().flat_map(|size| ALIGNS.map(|align| (*size, align))) {
            let layout = layout(size, align);
            unsafe {
                let block = Wiping.alloc_zeroed(layout);
                assert_eq!(block.addr() % align, 0, "{size} {align}");
                let bytes = std::slice::from_raw_parts_mut(block, size);
                assert!(bytes.iter().all(|byte| *byte == 0), "{size} {align}");
                bytes.fill(7);
                Wiping.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn blocks_that_grow_or_shrink_keep_their_bytes() {
        for (from, to) in SIZES.iter().flat_map(|from| SIZES.map(|to| (*from, to))) {
            for align in ALIGNS {
                unsafe {
                    let block = Wiping.alloc(layout(from, align));
                    for n in 0..from {
                        block.add(n).write(u8::try_from(n % 251).unwrap());
                    }
                    let moved = Wiping.realloc(block, layout(from, align), to);
                    assert_eq!(moved.addr() % align, 0);
                    for n in 0..from.min(to) {
                        assert_eq!(usize::from(moved.add(n).read()), n % 251, "{from} to {to}, byte {n}");
                    }
                    Wiping.dealloc(moved, layout(to, align));
                }
            }
        }
    }

    #[test]
    fn memory_is_wiped() {
        let mut bytes = [7u8; 100];
        unsafe { wipe(bytes.as_mut_ptr(), 90) };
        assert!(bytes[..90].iter().all(|byte| *byte == 0) && bytes[90..] == [7; 10]);
    }
}
