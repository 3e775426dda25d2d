//! A terminal without echo, whose settings are restored afterwards.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, fcntl_lock, fstat};
use rustix::io::{Errno, ioctl_fionread};
use rustix::termios::{InputModes, LocalModes, SpecialCodeIndex, Termios, isatty, tcgetattr};
use zeroize::Zeroizing;

use super::signals::Saved;
use super::tty::{Tty, broken};
use crate::error::Result;
use crate::messages::terminal as messages;

/// The time without a byte after which a burst of input is over, in tenths of a second. The terminal driver measures it
/// (VTIME) instead of `poll`, which macOS refuses on `/dev/tty`.
const IDLE: u8 = 2;
/// The number of lapses in a row after which input that was typed too early is over. After only one, half of a paste
/// would be taken for all of it.
const LAPSES: u8 = 2;
/// The longest time for which unwanted input is read and discarded.
const DRAIN: Duration = Duration::from_secs(5);

/// The value for "no key" among a terminal's special codes: `_POSIX_VDISABLE`.
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };
const CTRL_C: u8 = 0x03;

const PASTE_ON: &str = "\x1b[?2004h";
const PASTE_OFF: &str = "\x1b[?2004l";

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asks {
    /// A secret: no key sends a signal.
    Secret,
    /// An answer: the key that interrupts is read, the others work as usual.
    Answer,
}

/// A terminal without echo and line editing, until this value is dropped.
pub(super) struct Silent<'tty> {
    tty: &'tty Tty,
    saved: Saved,
    silent: Termios,
    bracketed: bool,
    /// Whether something was typed before, and discarded.
    was_early: bool,
    _turn: Option<Turn>,
}

impl<'tty> Silent<'tty> {
    /// Turns off echo and line editing, and turns on bracketed paste. What was typed before is discarded to its end,
    /// because it was not meant for this prompt, or was shown.
    pub(super) fn enter(tty: &'tty Tty, asks: Asks) -> Result<Self> {
        let turn = Turn::wait(tty);
        let saved = tcgetattr(tty.input()).map_err(broken)?;
        let mut silent = saved.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::IEXTEN;
        silent.input_modes -=
            InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR | InputModes::ISTRIP | InputModes::IXON;
        match asks {
            Asks::Secret => silent.local_modes -= LocalModes::ISIG,
            Asks::Answer => silent.special_codes[SpecialCodeIndex::VINTR] = NO_KEY,
        }
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Created before the change, so that a partial change is also undone.
        let saved = Saved::keep(tty.input(), tty.output(), saved);
        let bracketed = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let mut terminal = Self { tty, saved, silent, bracketed, was_early: false, _turn: turn };
        terminal.apply()?;
        terminal.check()?;
        terminal.was_early = terminal.drop_early()?;
        if bracketed {
            Saved::undo_by(PASTE_OFF);
            tty.write(PASTE_ON)?;
        }
        Ok(terminal)
    }

    /// Returns whether something was typed before, and discarded.
    pub(super) fn was_early(&self) -> bool {
        self.was_early
    }

    /// Returns the key that interrupts.
    pub(super) fn interrupt(&self) -> u8 {
        match self.saved.saved().special_codes[SpecialCodeIndex::VINTR] {
            NO_KEY => CTRL_C,
            key => key,
        }
    }

    fn apply(&self) -> Result<()> {
        Saved::set(self.tty.input(), &self.silent).map_err(broken)
    }

    /// Checks that the echo is off, because `tcsetattr` succeeds if *any* of the changes was made.
    fn check(&self) -> Result<()> {
        let now = tcgetattr(self.tty.input()).map_err(broken)?;
        if now.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON) {
            return Err(messages::echo_stays_on());
        }
        Ok(())
    }

    fn wait(&mut self, min: u8, tenths: u8) -> Result<()> {
        let codes = &self.silent.special_codes;
        if codes[SpecialCodeIndex::VMIN] == min && codes[SpecialCodeIndex::VTIME] == tenths {
            return Ok(());
        }
        self.silent.special_codes[SpecialCodeIndex::VMIN] = min;
        self.silent.special_codes[SpecialCodeIndex::VTIME] = tenths;
        self.apply()
    }

    /// Reads, waiting as long as necessary. 0 is the end.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.wait(1, 0)?;
        self.tty.read(bytes)
    }

    /// Reads what arrives within [`IDLE`]. 0 is a lapse, or the end, which the next [`Self::read`] reports.
    pub(super) fn read_soon(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.wait(0, IDLE)?;
        self.tty.read(bytes)
    }

    /// Discards input until nothing more arrives, so that the rest of a paste does not become a command of the shell.
    pub(super) fn drain(&mut self) -> Result<()> {
        self.throw_away(1)
    }

    /// Discards pending input to its end. Returns whether there was any.
    pub(super) fn drop_early(&mut self) -> Result<bool> {
        let waits = ioctl_fionread(self.tty.input()).is_ok_and(|waiting| waiting > 0);
        if waits {
            self.throw_away(LAPSES)?;
        }
        Ok(waits)
    }

    fn throw_away(&mut self, lapses: u8) -> Result<()> {
        let end = Instant::now() + DRAIN;
        let mut chunk = Zeroizing::new([0u8; 1024]);
        let mut left = lapses;
        while left > 0 && Instant::now() < end {
            left = if self.read_soon(&mut chunk[..])? > 0 { lapses } else { left - 1 };
        }
        Ok(())
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        if self.bracketed {
            let _ = self.tty.write(PASTE_OFF);
            Saved::undo_by("");
        }
        self.tty.flush_input();
        self.saved.restore(self.tty.input());
    }
}

/// A terminal without echo between the questions of a command, until this value is dropped, so that what is pasted too
/// early is not shown. Keys work as usual.
pub struct Quiet {
    tty: Tty,
    saved: Saved,
    _turn: Option<Turn>,
}

impl Quiet {
    /// Turns off the echo, if there is a terminal and this process is in its foreground.
    #[must_use]
    pub fn begin() -> Option<Self> {
        let tty = Tty::open().ok().filter(Tty::in_foreground)?;
        let turn = Turn::wait(&tty);
        let saved = tcgetattr(tty.input()).ok()?;
        let mut quiet = saved.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        let saved = Saved::keep(tty.input(), tty.output(), saved);
        let this = Self { tty, saved, _turn: turn };
        Saved::set(this.tty.input(), &quiet).ok().map(|()| this)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // What was typed in the meantime is for the next program.
        self.saved.restore(self.tty.input());
    }
}

/// The turn to ask. If two commands in one pipe both ask, the second would otherwise take the first one's settings for
/// the terminal's original ones.
struct Turn(BorrowedFd<'static>);

/// How many values hold the turn: a command that asks several times keeps it for all of them.
static HELD: AtomicUsize = AtomicUsize::new(0);

impl Turn {
    /// Waits for the turn. Returns nothing if the terminal cannot be locked.
    fn wait(tty: &Tty) -> Option<Self> {
        // In the background, the terminal stops this process, which must not hold up others then.
        if !tty.in_foreground() {
            return None;
        }
        // Not `/dev/tty`, which is one file for all terminals.
        let all = fstat(tty.input()).ok()?.st_rdev;
        let own = |fd: &BorrowedFd<'static>| isatty(fd) && fstat(fd).is_ok_and(|stat| stat.st_rdev != all);
        let fd = [rustix::stdio::stderr(), rustix::stdio::stdin()].into_iter().find(own)?;
        // A lock of the process, because programs in a pipe share the open file.
        loop {
            match fcntl_lock(fd.as_fd(), FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                Err(_) => return None,
                Ok(()) => {
                    HELD.fetch_add(1, Ordering::SeqCst);
                    return Some(Self(fd));
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if HELD.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = fcntl_lock(self.0, FlockOperation::Unlock);
        }
    }
}
