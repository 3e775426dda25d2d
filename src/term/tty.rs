//! The terminal itself: found, made silent, and put back as it was.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, isatty, tcflush,
    tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result, fail};

/// After so many tenths of a second without a byte, a burst of input is over. Counted by the
/// terminal driver (VTIME), and not by poll, which macOS refuses on `/dev/tty`.
const IDLE: u8 = 2;

/// How long unwanted input is read and thrown away at most.
const DRAIN: Duration = Duration::from_secs(5);

const PASTE_ON: &str = "\x1b[?2004h";
const PASTE_OFF: &str = "\x1b[?2004l";

/// The terminal the user sits at.
pub(super) enum Tty {
    /// The controlling terminal.
    Controlling(File),
    /// Standard input and error, where they are terminals but not the controlling one.
    Standard,
}

impl Tty {
    /// Finds the terminal, whatever the standard streams are connected to.
    pub(super) fn open() -> Result<Self> {
        let no_ctty = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap_or(0);
        if let Ok(file) = OpenOptions::new().read(true).write(true).custom_flags(no_ctty).open("/dev/tty") {
            return Ok(Self::Controlling(file));
        }
        if isatty(rustix::stdio::stdin()) && isatty(rustix::stdio::stderr()) {
            return Ok(Self::Standard);
        }
        fail(Code::NoInput, "there is no terminal to ask on")
    }

    fn input(&self) -> BorrowedFd<'_> {
        match self {
            Self::Controlling(file) => file.as_fd(),
            Self::Standard => rustix::stdio::stdin(),
        }
    }

    fn output(&self) -> BorrowedFd<'_> {
        match self {
            Self::Controlling(file) => file.as_fd(),
            Self::Standard => rustix::stdio::stderr(),
        }
    }

    /// Writes text that is already safe to show.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        super::out::write_to(self.output(), text.as_bytes()).map(drop).map_err(broken)
    }

    /// Writes bytes as they are, control sequences and all.
    pub(super) fn write_raw(&self, bytes: &[u8]) -> Result<()> {
        super::out::write_to(self.output(), bytes).map(drop).map_err(broken)
    }

    /// Throws away what was typed and not yet read.
    pub(super) fn flush_input(&self) {
        let _ = tcflush(self.input(), QueueSelector::IFlush);
    }

    /// Reads what is there, waiting for the first byte. 0 is the end: a terminal that hung up.
    pub(super) fn read(&self, bytes: &mut [u8]) -> Result<usize> {
        loop {
            match rustix::io::read(self.input(), &mut *bytes) {
                Err(Errno::INTR) => {}
                // Another process can have made the standard streams non-blocking.
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&self.input(), PollFlags::IN)], None);
                }
                other => return other.map_err(broken),
            }
        }
    }
}

/// The window was closed, or the connection lost.
pub(super) fn gone() -> Error {
    Error::new(Code::Cancelled, "the terminal went away")
}

fn broken(errno: Errno) -> Error {
    if errno == Errno::IO {
        return gone();
    }
    Error::new(Code::Io, format!("the terminal failed: {}", std::io::Error::from(errno)))
}

/// A terminal that shows nothing of what is typed, until this value is dropped.
///
/// The keys that send signals are off, so no key can end the process between the two. A signal
/// from elsewhere can; then the shell (or `reset`) puts the terminal right.
pub(super) struct Hidden<'tty> {
    tty: &'tty Tty,
    saved: Termios,
    silent: Termios,
    bracketed: bool,
}

impl<'tty> Hidden<'tty> {
    /// Switches echo, line editing and signal keys off, and bracketed paste on. What was typed
    /// before is thrown away: it was not meant for this prompt, and was shown.
    pub(super) fn enter(tty: &'tty Tty) -> Result<Self> {
        let saved = tcgetattr(tty.input()).map_err(broken)?;
        let mut silent = saved.clone();
        silent.local_modes -= LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN;
        silent.input_modes -=
            InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR | InputModes::ISTRIP | InputModes::IXON;
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Made before the change, so that a change that half succeeded is undone too.
        let bracketed = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let hidden = Self { tty, saved, silent, bracketed };
        hidden.apply(OptionalActions::Flush)?;
        hidden.check()?;
        if hidden.bracketed {
            tty.write(PASTE_ON)?;
        }
        Ok(hidden)
    }

    fn apply(&self, when: OptionalActions) -> Result<()> {
        loop {
            match tcsetattr(self.tty.input(), when, &self.silent) {
                Err(Errno::INTR) => {}
                other => return other.map_err(broken),
            }
        }
    }

    /// The call succeeds when *any* of the changes was made; echo must be off.
    fn check(&self) -> Result<()> {
        let now = tcgetattr(self.tty.input()).map_err(broken)?;
        if now.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON) {
            return fail(Code::Io, "the terminal does not switch its echo off");
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
        self.apply(OptionalActions::Now)
    }

    /// Reads, waiting as long as it takes. 0 is the end.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.wait(1, 0)?;
        self.tty.read(bytes)
    }

    /// Reads what arrives within [`IDLE`]; 0 is a lapse (or the end, which the next [`Self::read`]
    /// tells).
    pub(super) fn read_soon(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.wait(0, IDLE)?;
        self.tty.read(bytes)
    }

    /// Reads and throws away until nothing more arrives, so that the rest of a paste does not
    /// become a command of the shell.
    pub(super) fn drain(&mut self) -> Result<()> {
        let end = Instant::now() + DRAIN;
        let mut chunk = Zeroizing::new([0u8; 1024]);
        while Instant::now() < end && self.read_soon(&mut chunk[..])? > 0 {}
        Ok(())
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        if self.bracketed {
            let _ = self.tty.write(PASTE_OFF);
        }
        self.tty.flush_input();
        while let Err(Errno::INTR) = tcsetattr(self.tty.input(), OptionalActions::Flush, &self.saved) {}
    }
}
