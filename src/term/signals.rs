//! Signals that end the process: the terminal is put back before. They are held up while another program has the
//! terminal, and until what it printed is stored: that program has to be ended first.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
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

/// Signals within this time of the first are one with it: where a window is closed, the system and
/// the shell send one each.
const ONE: Duration = Duration::from_secs(1);
/// How long a terminal that takes nothing is waited for before the process ends, in nanoseconds.
const SOON: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

static STATE: Mutex<State> = Mutex::new(State { terminal: None, held: false, first: None });

struct State {
    /// How the terminal is put back.
    terminal: Option<Kept>,
    /// Whether the first signal is held up.
    held: bool,
    /// The first that was, and when it came.
    first: Option<(i32, Instant)>,
}

/// A terminal whose settings are not its own.
struct Kept {
    input: OwnedFd,
    output: OwnedFd,
    /// How it was.
    saved: Termios,
    /// How it is to be now.
    now: Termios,
    /// What switches off what was switched on by a sequence.
    undo: &'static str,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The settings of a terminal while a program of ours has changed them. A signal that ends the process puts back
/// how the terminal was before the first of these values.
#[derive(Debug)]
pub(crate) struct Saved {
    saved: Termios,
    outermost: bool,
}

impl Saved {
    /// Notes how a terminal is, before it is changed.
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

    /// How it was.
    pub(crate) fn saved(&self) -> &Termios {
        &self.saved
    }

    /// Changes a terminal's settings.
    pub(crate) fn set(fd: impl AsFd, settings: &Termios) -> Result<(), Errno> {
        // Not while a signal puts them back.
        let mut state = state();
        if let Some(kept) = &mut state.terminal {
            kept.now = settings.clone();
        }
        set(fd, settings)
    }

    /// Notes what switches off what is switched on by a sequence.
    pub(crate) fn undo_by(undo: &'static str) {
        if let Some(kept) = &mut state().terminal {
            kept.undo = undo;
        }
    }

    /// Puts them back.
    pub(crate) fn restore(&self, fd: impl AsFd) {
        let _ = Self::set(fd, &self.saved);
        if self.outermost {
            state().terminal = None;
        }
    }
}

/// At once: a change that waits for output could keep the process from its end.
fn set(fd: impl AsFd, settings: &Termios) -> Result<(), Errno> {
    loop {
        match tcsetattr(fd.as_fd(), OptionalActions::Now, settings) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

impl Kept {
    /// One in the background would be stopped by the terminal, and has nothing to put back: the shell has it.
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

/// Has a thread wait for the signals, from the first call on. What was ignored when the process began stays so.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        limits::before_the_end(put_back_if_free);
        let ignored = ignored();
        let ends = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(move |signal| {
            u32::try_from(*signal).is_ok_and(|signal| ignored >> (signal - 1) & 1 == 0)
        });
        // Here and not on the thread: that may have to wait for its turn.
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

/// The signals that this process was started to ignore, a bit each; none if the system does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(line.trim(), 16).unwrap_or_default()
}

fn came(signal: i32) {
    let mut state = state();
    if signal == SIGCONT {
        // A shell had the terminal in between.
        if let Some(kept) = state.terminal.as_ref().filter(|kept| kept.is_ours()) {
            let _ = set(&kept.input, &kept.now);
        }
        return;
    }
    match state.first {
        None if state.held => state.first = Some((signal, Instant::now())),
        Some((_, at)) if state.held && at.elapsed() < ONE => {}
        _ => end(&state, signal),
    }
}

/// Puts the terminal back, unless the caller itself may hold the state.
fn put_back_if_free() {
    if let Ok(state) = STATE.try_lock()
        && let Some(kept) = state.terminal.as_ref().filter(|kept| kept.is_ours())
    {
        kept.put_back();
    }
}

/// Ends the process by a signal. The state stays locked, so that no one changes the terminal any more.
fn end(state: &State, signal: i32) {
    if let Some(kept) = state.terminal.as_ref().filter(|kept| kept.is_ours()) {
        kept.put_back();
    }
    let _ = emulate_default_handler(signal);
}

/// Holds up such a signal until this value is dropped, which ends the process by it. A later
/// one ends the process at once.
#[derive(Debug)]
pub struct Held(());

impl Held {
    /// From now on. What cannot be held up is not.
    pub(crate) fn hold() -> Self {
        watch();
        state().held = true;
        Self(())
    }

    /// Lets signals do what they do, and the one that came, until they are held up [`Self::again`].
    pub fn let_go(&self) {
        let mut state = state();
        state.held = false;
        if let Some((signal, _)) = state.first {
            end(&state, signal);
        }
    }

    /// Holds up the first signal from now on.
    pub fn again(&self) {
        state().held = true;
    }

    /// Whether one came.
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
