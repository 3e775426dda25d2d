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

    /// Passes those signals on from now on that `is_for` is true of.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(super) fn pass_on(mut self, to: Pid, is_for: fn(Signal) -> bool) -> io::Result<()> {
        let pass = move |signal| {
            if let Some(signal) = Signal::from_named_raw(signal).filter(|signal| is_for(*signal)) {
                let _ = kill_process(to, signal);
            }
        };
        thread::Builder::new().spawn(move || self.0.forever().for_each(pass)).map(drop)
    }
}

/// Returns whether a signal was sent to this process alone. A terminal sends those of its keys to the programs too that
/// this process started.
pub(super) fn is_for_one(signal: Signal) -> bool {
    let is_of_key = signal == Signal::INT || signal == Signal::QUIT;
    !is_of_key || Tty::controlling().is_none_or(|tty| !tty.in_foreground())
}
