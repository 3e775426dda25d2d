//! The terminal itself: found, written to, read from.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{QueueSelector, isatty, tcflush, tcgetpgrp};

use crate::error::{Code, Error, Result, fail};

/// The terminal the user sits at.
pub(crate) enum Tty {
    /// The controlling terminal.
    Controlling(File),
    /// Standard input and error, where they are terminals but not the controlling one.
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
        fail(Code::NoInput, "there is no terminal to ask on")
    }

    /// The controlling terminal, where there is one.
    pub(crate) fn controlling() -> Option<Self> {
        let no_ctty = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap_or(0);
        let opened = OpenOptions::new().read(true).write(true).custom_flags(no_ctty).open("/dev/tty");
        opened.ok().map(Self::Controlling)
    }

    /// Whether this process may read here: one in the background is stopped where it tries.
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

    /// Throws away what was typed and not yet read.
    pub(crate) fn flush_input(&self) {
        let _ = tcflush(self.input(), QueueSelector::IFlush);
    }

    /// Reads what is there, waiting for the first byte. 0 is the end: a terminal that hung up.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> Result<usize> {
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
pub(crate) fn gone() -> Error {
    Error::new(Code::Cancelled, "the terminal went away")
}

pub(crate) fn broken(errno: Errno) -> Error {
    if errno == Errno::IO {
        return gone();
    }
    Error::new(Code::Io, format!("the terminal failed: {}", std::io::Error::from(errno)))
}
