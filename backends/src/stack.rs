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
    wipe(used::below());
    done
}

/// Never part of its caller, whose frame is not wiped.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// Overwrites at least this much of the stack below the caller's frame, in bytes, and at most 1 MiB.
fn wipe(depth: usize) {
    const KIB: usize = 1024;
    match depth / KIB {
        0..32 => fill::<{ 32 * KIB }>(),
        32..64 => fill::<{ 64 * KIB }>(),
        64..128 => fill::<{ 128 * KIB }>(),
        128..256 => fill::<{ 256 * KIB }>(),
        _ => fill::<{ 1024 * KIB }>(),
    }
}

/// A frame of its own, of zeros.
#[inline(never)]
fn fill<const N: usize>() {
    let mut frame = [0u8; N];
    black_box(&mut frame);
}

/// How far down the stack was used. To wipe what never was would cost a page of memory for each page.
#[cfg(target_os = "linux")]
mod used {
    #![allow(unsafe_code)]

    use std::hint::black_box;

    /// How much is asked for at once, in bytes: a multiple of every page's size.
    const STEP: usize = 64 * 1024;
    /// The smallest page, in bytes.
    const PAGE: usize = 4096;

    /// How many bytes below the caller's frame have memory behind them; a step more where that cannot be told. What
    /// was written to swap meanwhile may be missed.
    pub fn below() -> usize {
        let mark = 0u8;
        let here = std::ptr::from_ref(black_box(&mark)).addr();
        let mut end = here & !(STEP - 1);
        let mut pages = [0u8; STEP / PAGE];
        // What lies between is wiped in any case.
        while end > STEP && here - end < 1024 * 1024 {
            let start = std::ptr::without_provenance_mut::<libc::c_void>(end - STEP);
            // SAFETY: it writes a byte for each page that lies between, of which there are no more than bytes, and
            // reads nothing.
            if unsafe { libc::mincore(start, STEP, pages.as_mut_ptr()) } != 0 {
                // It reaches below the stack as it is now.
                end -= STEP;
                break;
            }
            // SAFETY: it reads a number of the system's.
            let size =
                usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PAGE).max(PAGE);
            let Some(lowest) = pages.iter().take(STEP / size).position(|page| page & 1 == 1) else { break };
            end -= STEP - lowest * size;
            if lowest > 0 {
                break;
            }
        }
        here - end
    }
}

#[cfg(not(target_os = "linux"))]
mod used {
    pub fn below() -> usize {
        128 * 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works with a frame of its own, and tells where that lies.
    #[inline(never)]
    fn deep<const N: usize>() -> usize {
        let mut frame = [0xa5u8; N];
        black_box(&mut frame);
        N
    }

    #[test]
    fn as_much_is_wiped_as_was_used() {
        for (depth, used) in [(1, 0), (10_000, 8_000), (100_000, 98_000), (500_000, 490_000)] {
            let below = Builder::new()
                .stack_size(SIZE)
                .spawn(move || {
                    match depth {
                        1 => deep::<1>(),
                        10_000 => deep::<10_000>(),
                        100_000 => deep::<100_000>(),
                        _ => deep::<500_000>(),
                    };
                    used::below()
                })
                .unwrap()
                .join()
                .unwrap();
            assert!(below >= used, "{depth}: {below}");
        }
    }
}
