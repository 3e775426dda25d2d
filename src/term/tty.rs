//! Finds, reads and writes the terminal.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{QueueSelector, isatty, tcflush, tcgetpgrp};

use crate::error::{Error, Result};
use crate::messages::terminal as messages;

/// The user's terminal.
pub(crate) enum Tty {
    /// The controlling terminal.
    Controlling(File),
    /// Standard input and error, if they are terminals but not the controlling one.
    Standard,
}

impl Tty {
    /// Finds the terminal, whatever the standard streams are connected to.
    pub(crate) fn open() -> Result<Self> {
        if let Some(tty) = Self::controlling() {
            return Ok(tty);
        }
        if isatty(rustix::stdio::stdin()) && isatty(rustix::stdio::stderr()) {
            return Ok(Self::Standard);
        }
        Err(messages::no_terminal())
    }

    /// Returns the controlling terminal, if there is one.
    pub(crate) fn controlling() -> Option<Self> {
        let no_ctty = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap_or(0);
        let opened = OpenOptions::new().read(true).write(true).custom_flags(no_ctty).open("/dev/tty");
        opened.ok().map(Self::Controlling)
    }

    /// Returns whether this process is in the foreground. In the background it would be stopped when it tries to read.
    pub(crate) fn in_foreground(&self) -> bool {
        tcgetpgrp(self.input()).is_ok_and(|group| group == getpgrp())
    }

    pub(crate) fn input(&self) -> BorrowedFd<'_> {
        match self {
            Self::Controlling(file) => file.as_fd(),
            Self::Standard => rustix::stdio::stdin(),
        }
    }

    pub(crate) fn output(&self) -> BorrowedFd<'_> {
        match self {
            Self::Controlling(file) => file.as_fd(),
            Self::Standard => rustix::stdio::stderr(),
        }
    }

    /// Writes text that is already safe to show.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        super::out::write_to(self.output(), text.as_bytes()).map(drop).map_err(broken)
    }

    /// Writes bytes as they are, control sequences and all.
    pub(crate) fn write_raw(&self, bytes: &[u8]) -> Result<()> {
        super::out::write_to(self.output(), bytes).map(drop).map_err(broken)
    }

    /// Discards what was typed and not yet read.
    pub(crate) fn flush_input(&self) {
        let _ = tcflush(self.input(), QueueSelector::IFlush);
    }

    /// Reads what is there, waiting for the first byte. 0 is the end: the terminal hung up.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> Result<usize> {
        loop {
            match rustix::io::read(self.input(), &mut *bytes) {
                Err(Errno::INTR) => {}
                // Another process may have made the standard streams non-blocking.
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&self.input(), PollFlags::IN)], None);
                }
                other => return other.map_err(broken),
            }
        }
    }
}

/// Returns the error for a failure of the terminal. `EIO` means that it was closed.
pub(crate) fn broken(errno: Errno) -> Error {
    if errno == Errno::IO {
        return messages::closed();
    }
    messages::failed(std::io::Error::from(errno))
}
