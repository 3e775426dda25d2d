//! The terminal itself: found, made silent, and put back as it was.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FlockOperation, fcntl_lock, fstat};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, isatty, tcflush,
    tcgetattr, tcgetpgrp, tcsetattr,
};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result, fail};

/// After so many tenths of a second without a byte, a burst of input is over. Counted by the
/// terminal driver (VTIME), and not by poll, which macOS refuses on `/dev/tty`.
const IDLE: u8 = 2;

/// How long unwanted input is read and thrown away at most.
const DRAIN: Duration = Duration::from_secs(5);

/// What stands for no key among a terminal's special codes: `_POSIX_VDISABLE`.
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };
const CTRL_C: u8 = 0x03;

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
        if let Some(tty) = Self::controlling() {
            return Ok(tty);
        }
        if isatty(rustix::stdio::stdin()) && isatty(rustix::stdio::stderr()) {
            return Ok(Self::Standard);
        }
        fail(Code::NoInput, "there is no terminal to ask on")
    }

    /// The controlling terminal, where there is one.
    pub(super) fn controlling() -> Option<Self> {
        let no_ctty = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap_or(0);
        let opened = OpenOptions::new().read(true).write(true).custom_flags(no_ctty).open("/dev/tty");
        opened.ok().map(Self::Controlling)
    }

    /// Whether this process may read here: one in the background is stopped where it tries.
    pub(super) fn in_foreground(&self) -> bool {
        tcgetpgrp(self.input()).is_ok_and(|group| group == getpgrp())
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
    _turn: Option<Turn>,
}

impl<'tty> Hidden<'tty> {
    /// Switches echo, line editing and signal keys off, and bracketed paste on. What was typed
    /// before is thrown away: it was not meant for this prompt, and was shown.
    pub(super) fn enter(tty: &'tty Tty) -> Result<Self> {
        let turn = Turn::wait(tty);
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
        let hidden = Self { tty, saved, silent, bracketed, _turn: turn };
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

/// The turn to ask for a secret. Of two programs of ours in one pipe both can ask, and the second would
/// take the terminal as the first had made it for its usual state.
struct Turn(BorrowedFd<'static>);

impl Turn {
    /// Waits for it. Without one where the terminal cannot be locked.
    fn wait(tty: &Tty) -> Option<Self> {
        // In the background the terminal stops this process, which should hold nobody up then.
        if !tty.in_foreground() {
            return None;
        }
        // Not `/dev/tty`: that is one file for all terminals.
        let all = fstat(tty.input()).ok()?.st_rdev;
        let own = |fd: &BorrowedFd<'static>| isatty(fd) && fstat(fd).is_ok_and(|stat| stat.st_rdev != all);
        let fd = [rustix::stdio::stderr(), rustix::stdio::stdin()].into_iter().find(own)?;
        // A lock of the process, for programs in a pipe share the open file.
        loop {
            match fcntl_lock(fd, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                other => return other.ok().map(|()| Self(fd)),
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = fcntl_lock(self.0, FlockOperation::Unlock);
    }
}

/// A terminal at which the key that interrupts ends the line, and no process, until this value is
/// dropped. The other keys do what they do.
///
/// A process that is stopped or killed meanwhile leaves it so; the shell puts it right, as it does
/// after [`Hidden`].
pub(super) struct Visible<'tty> {
    tty: &'tty Tty,
    /// How it was, and the key that interrupts. Absent where the terminal does not tell: then the key
    /// does what it does.
    saved: Option<(Termios, u8)>,
}

impl<'tty> Visible<'tty> {
    /// Makes the key end the line. What was typed before is thrown away: it answers nothing that was
    /// asked.
    pub(super) fn enter(tty: &'tty Tty) -> Self {
        tty.flush_input();
        let Ok(saved) = tcgetattr(tty.input()) else { return Self { tty, saved: None } };
        let key = match saved.special_codes[SpecialCodeIndex::VINTR] {
            NO_KEY => CTRL_C,
            key => key,
        };
        let mut asking = saved.clone();
        asking.special_codes[SpecialCodeIndex::VINTR] = NO_KEY;
        asking.special_codes[SpecialCodeIndex::VEOL] = key;
        // Made before the change, so that one that half succeeded is undone too.
        let visible = Self { tty, saved: Some((saved, key)) };
        while let Err(Errno::INTR) = tcsetattr(tty.input(), OptionalActions::Flush, &asking) {}
        visible
    }

    /// Whether a line that was read was ended by the key.
    pub(super) fn is_interrupted(&self, line: &[u8]) -> bool {
        self.saved.as_ref().is_some_and(|(_, key)| line.last() == Some(key))
    }
}

impl Drop for Visible<'_> {
    fn drop(&mut self) {
        self.tty.flush_input();
        if let Some((saved, _)) = &self.saved {
            while let Err(Errno::INTR) = tcsetattr(self.tty.input(), OptionalActions::Flush, saved) {}
        }
    }
}
