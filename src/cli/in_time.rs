//! What answers a client in time: it never asks, and reports a timeout before the client gives up.

use std::time::{Duration, Instant};

use strongroom_backends::deadline;

use super::Context;
use crate::keychain;
use crate::vault::home::Setup;

/// The time for a whole answer: OpenClaw 2026.2.26 ends a resolver that is silent for 2 s.
pub(super) const LIMIT: Duration = Duration::from_millis(1500);
/// How long the keychain may be silent, so that profiles in other stores are still answered in time.
const KEYCHAIN_LIMIT: Duration = Duration::from_millis(800);
/// The time that is kept for the answer when reading the request took as long as it may.
const RESERVE: Duration = Duration::from_millis(100);

/// How long reading a request may take.
pub(super) const READING: Duration = LIMIT.saturating_sub(RESERVE);

/// Returns how to open a vault in time.
pub(super) fn setup(context: &Context) -> Setup {
    let patience = keychain::Patience::new(context.keychain_timeout().min(KEYCHAIN_LIMIT));
    Setup { keychain: keychain::Setup::of(&context.env, patience, None), ..Setup::default() }
}

/// Does something within [`LIMIT`] of `begun`. If it takes longer, `late` answers in its place, and the process ends with
/// the status that it returns.
///
/// A call can hang in the kernel, for example on a network file system, so a timer ends the process.
pub(super) fn within<T>(
    begun: Instant,
    late: impl FnOnce() -> u8 + Send + 'static,
    work: impl FnOnce() -> T,
) -> T {
    let left = LIMIT.saturating_sub(begun.elapsed()).max(RESERVE);
    let watch = deadline::watch(left, || std::process::exit(i32::from(late())));
    let done = work();
    if !watch.in_time() {
        // The timer has already answered and is about to end the process.
        loop {
            std::thread::park();
        }
    }
    done
}
