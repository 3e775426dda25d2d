//! Signals that end the process: the terminal is restored first. They are held back while another program has the
//! terminal, and until its output is stored, because that program has to be ended first.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::limits;

/// Signals within this time of the first count as the same one: if a window is closed, the system and the shell each
/// send one.
const ONE: Duration = Duration::from_secs(1);
/// How long to wait for a blocked terminal before the process ends: 200 ms.
const SOON: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

static STATE: Mutex<State> =
    Mutex::new(State { terminal: None, held: false, first: None, are_others: false });

struct State {
    /// What is needed to restore the terminal.
    terminal: Option<Kept>,
    /// Whether the first signal is held back.
    held: bool,
    /// The first signal that was held back, and when it came.
    first: Option<(i32, Instant)>,
    /// Whether the signals are for another program, to which they are passed on.
    are_others: bool,
}

/// A terminal whose settings were changed.
struct Kept {
    input: OwnedFd,
    output: OwnedFd,
    /// Its settings before.
    saved: Termios,
    /// Its current settings.
    now: Termios,
    /// The sequence that turns off what a sequence turned on.
    undo: &'static str,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The original settings of a terminal while they are changed. A signal that ends the process restores the settings of
/// the first of these values.
#[derive(Debug)]
pub(crate) struct Saved {
    saved: Termios,
    outermost: bool,
}

impl Saved {
    /// Keeps a terminal's settings before they are changed.
    pub(crate) fn keep(input: impl AsFd, output: impl AsFd, saved: Termios) -> Self {
        watch();
        let mut state = state();
        let outermost = state.terminal.is_none();
        if let (true, Ok(input), Ok(output)) =
            (outermost, input.as_fd().try_clone_to_owned(), output.as_fd().try_clone_to_owned())
        {
            state.terminal = Some(Kept { input, output, now: saved.clone(), saved: saved.clone(), undo: "" });
        }
        Self { saved, outermost }
    }

    /// Returns the original settings.
    pub(crate) fn saved(&self) -> &Termios {
        &self.saved
    }

    /// Changes a terminal's settings.
    pub(crate) fn set(fd: impl AsFd, settings: &Termios) -> Result<(), Errno> {
        // The state is locked, so that no signal restores them at the same time.
        let mut state = state();
        if let Some(kept) = &mut state.terminal {
            kept.now = settings.clone();
        }
        set(fd, settings)
    }

    /// Sets the sequence that turns off what a sequence turned on.
    pub(crate) fn undo_by(undo: &'static str) {
        if let Some(kept) = &mut state().terminal {
            kept.undo = undo;
        }
    }

    /// Restores the original settings.
    pub(crate) fn restore(&self, fd: impl AsFd) {
        let _ = Self::set(fd, &self.saved);
        if self.outermost {
            state().terminal = None;
        }
    }
}

/// Changes settings immediately: a change that waits for output could keep the process from ending.
fn set(fd: impl AsFd, settings: &Termios) -> Result<(), Errno> {
    loop {
        match tcsetattr(fd.as_fd(), OptionalActions::Now, settings) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

impl Kept {
    /// Returns whether this process is in the foreground. In the background it would be stopped by the terminal, and
    /// has nothing to restore, because the shell has the terminal.
    fn is_ours(&self) -> bool {
        tcgetpgrp(&self.input).is_ok_and(|group| group == getpgrp())
    }

    fn put_back(&self) {
        let _ = set(&self.input, &self.saved);
        let _ = tcflush(&self.input, QueueSelector::IFlush);
        let mut ready = [PollFd::new(&self.output, PollFlags::OUT)];
        let takes = !self.undo.is_empty() && poll(&mut ready, Some(&SOON)).is_ok_and(|ready| ready > 0);
        if takes {
            let _ = rustix::io::write(&self.output, self.undo.as_bytes());
        }
    }
}

/// Starts a thread that waits for the signals, on the first call. Signals that were ignored when the process began stay
/// ignored.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        limits::before_the_end(put_back_if_free);
        let ends = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
        // Here and not on the thread, which may be scheduled later.
        let ends: Vec<_> = ends.collect();
        let Ok(mut signals) = Signals::new(ends.iter().chain(&[SIGCONT])) else { return };
        let watches = thread::Builder::new().spawn(move || signals.forever().for_each(came));
        if watches.is_err() {
            for signal in ends {
                let _ = register_conditional_default(signal, Arc::new(AtomicBool::new(true)));
            }
        }
    });
}

/// Returns whether this process was started to ignore a signal; false if the system does not tell.
pub(crate) fn is_ignored(signal: i32) -> bool {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    // One bit each.
    let ignored = IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
        u64::from_str_radix(line.trim(), 16).unwrap_or_default()
    });
    u32::try_from(signal).is_ok_and(|signal| ignored >> (signal - 1) & 1 == 1)
}

fn came(signal: i32) {
    let mut state = state();
    if signal == SIGCONT {
        // A shell had the terminal in the meantime.
        if let Some(kept) = state.terminal.as_ref().filter(|kept| kept.is_ours()) {
            let _ = set(&kept.input, &kept.now);
        }
        return;
    }
    match state.first {
        _ if state.are_others => {}
        None if state.held => state.first = Some((signal, Instant::now())),
        Some((_, at)) if state.held && at.elapsed() < ONE => {}
        _ => end(&state, signal),
    }
}

/// Restores the terminal, unless the caller itself may hold the state's lock.
fn put_back_if_free() {
    if let Ok(state) = STATE.try_lock()
        && let Some(kept) = state.terminal.as_ref().filter(|kept| kept.is_ours())
    {
        kept.put_back();
    }
}

/// Ends the process by a signal. The state stays locked, so that nothing changes the terminal after that.
fn end(state: &State, signal: i32) {
    if let Some(kept) = state.terminal.as_ref().filter(|kept| kept.is_ours()) {
        kept.put_back();
    }
    let _ = emulate_default_handler(signal);
}

/// Leaves signals that end a process to a program that they are passed on to, until this process ends.
pub(crate) fn leave_to_others() {
    state().are_others = true;
}

/// Holds back a signal that ends the process until this value is dropped. A second signal ends the process at once.
#[derive(Debug)]
pub struct Held(());

impl Held {
    /// Begins to hold back signals, if possible.
    pub(crate) fn hold() -> Self {
        watch();
        state().held = true;
        Self(())
    }

    /// Lets signals take effect, including the one that came, until they are held back [`Self::again`].
    pub fn let_go(&self) {
        let mut state = state();
        state.held = false;
        if let Some((signal, _)) = state.first {
            end(&state, signal);
        }
    }

    /// Holds back the first signal from now on.
    pub fn again(&self) {
        state().held = true;
    }

    /// Returns whether a signal came.
    #[must_use]
    pub fn came(&self) -> bool {
        state().first.is_some()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go();
    }
}
