//! Signals that end the process, held up while another program has the terminal: that program has
//! to be ended and the terminal put back first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// Holds up the first such signal until this value is dropped. A second one ends the process.
pub(super) struct Held {
    first: Arc<AtomicUsize>,
    /// Whether a signal does what it does by default.
    default: Arc<AtomicBool>,
}

impl Held {
    /// From now on. What cannot be held up is not.
    pub(super) fn hold() -> Self {
        let held = Self { first: Arc::default(), default: Arc::default() };
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            // In this order, so that the first one finds its default still off.
            if flag::register_conditional_default(signal, Arc::clone(&held.default)).is_ok() {
                let number = usize::try_from(signal).unwrap_or_default();
                let _ = flag::register_usize(signal, Arc::clone(&held.first), number);
                let _ = flag::register(signal, Arc::clone(&held.default));
            }
        }
        held
    }

    /// Whether one came.
    pub(super) fn came(&self) -> bool {
        self.first.load(Ordering::SeqCst) != 0
    }

    /// Ends the process by the signal that came, if one did.
    pub(super) fn release(self) {
        let first = i32::try_from(self.first.load(Ordering::SeqCst)).unwrap_or_default();
        if first != 0 {
            let _ = emulate_default_handler(first);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.default.store(true, Ordering::SeqCst);
    }
}
