//! Signals that end the process, held up while another program has the terminal, and until what it
//! printed is stored: that program has to be ended and the terminal put back first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// Signals within this time of the first are one with it: where a window is closed, the system and
/// the shell send one each.
const ONE: Duration = Duration::from_secs(1);
/// How often the first one is looked for.
const TICK: Duration = Duration::from_millis(100);

/// Holds up such a signal until this value is dropped, which ends the process by it. A later
/// one ends the process at once.
#[derive(Debug)]
pub struct Held {
    last: Arc<AtomicUsize>,
    /// Whether a signal does what it does by default.
    default: Arc<AtomicBool>,
}

impl Held {
    /// From now on. What cannot be held up is not.
    pub(super) fn hold() -> Self {
        let held = Self { last: Arc::default(), default: Arc::default() };
        let watched = held.watch();
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            // In this order, so that the first one finds its default still off.
            if flag::register_conditional_default(signal, Arc::clone(&held.default)).is_ok() {
                let number = usize::try_from(signal).unwrap_or_default();
                let _ = flag::register_usize(signal, Arc::clone(&held.last), number);
                if !watched {
                    let _ = flag::register(signal, Arc::clone(&held.default));
                }
            }
        }
        held
    }

    /// Lets signals do what they do, and the one that came, until they are held up [`Self::again`].
    pub fn let_go(&self) {
        self.default.store(true, Ordering::SeqCst);
        let last = i32::try_from(self.last.load(Ordering::SeqCst)).unwrap_or_default();
        if last != 0 {
            let _ = emulate_default_handler(last);
        }
    }

    /// Holds up the first signal from now on.
    pub fn again(&self) {
        self.default.store(false, Ordering::SeqCst);
        self.watch();
    }

    /// Lets a second signal do what it does, some time after the first.
    fn watch(&self) -> bool {
        let (last, default) = (Arc::clone(&self.last), Arc::clone(&self.default));
        let watch = thread::Builder::new().spawn(move || {
            while !default.load(Ordering::SeqCst) {
                thread::sleep(TICK);
                if last.load(Ordering::SeqCst) != 0 {
                    thread::sleep(ONE);
                    default.store(true, Ordering::SeqCst);
                }
            }
        });
        watch.is_ok()
    }

    /// Whether one came.
    #[must_use]
    pub fn came(&self) -> bool {
        self.last.load(Ordering::SeqCst) != 0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go();
    }
}
