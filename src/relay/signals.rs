//! Passes signals on to a program: those that others send to this process in its place.

use std::io;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::term::signals::{is_ignored, leave_to_others};
use crate::term::tty::Tty;

/// Signals for a program. They are kept from the moment that this value is made.
pub(super) struct Forward(Signals);

impl Forward {
    /// Begins to keep the signals. Those that this process was started to ignore stay ignored.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn begin() -> io::Result<Self> {
        leave_to_others();
        let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
        Signals::new(all.into_iter().filter(|signal| !is_ignored(*signal))).map(Self)
    }

    /// Passes the signals on from now on. `except_keys` leaves out those that a terminal sends for a key to the program
    /// too.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(super) fn pass_on(mut self, to: Pid, except_keys: bool) -> io::Result<()> {
        let pass = move |signal| {
            let of_key = except_keys && matches!(signal, SIGINT | SIGQUIT) && terminal_sends_keys();
            if let Some(signal) = Signal::from_named_raw(signal).filter(|_| !of_key) {
                let _ = kill_process(to, signal);
            }
        };
        thread::Builder::new().spawn(move || self.0.forever().for_each(pass)).map(drop)
    }
}

/// Returns whether a terminal sends its interrupts to this process, and so to the programs that it started.
fn terminal_sends_keys() -> bool {
    Tty::controlling().is_some_and(|tty| tty.in_foreground())
}
