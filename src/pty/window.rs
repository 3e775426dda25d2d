//! The person's terminal: its size, and its modes while another program has it.

use pty_process::Size;
use rustix::stdio::stdin;
use rustix::termios::{QueueSelector, Winsize, tcflush, tcgetattr, tcgetwinsize};

use crate::error::{Error, Result};
use crate::messages::terminal as messages;
use crate::term::signals::Saved;

/// The person's terminal without line editing, echo and signal keys, until this value is dropped.
pub(crate) struct Raw {
    saved: Saved,
    /// Whether what is typed at the wrong time is discarded.
    flushes: bool,
}

impl Raw {
    pub(crate) fn enter(flushes: bool) -> Result<Self> {
        let saved = tcgetattr(stdin()).map_err(failed)?;
        let mut raw = saved.clone();
        raw.make_raw();
        // Created before the change, so that a partial change is also undone.
        let guard = Self { saved: Saved::keep(stdin(), stdin(), saved), flushes };
        Saved::set(stdin(), &raw).map_err(failed)?;
        guard.flush();
        Ok(guard)
    }

    fn flush(&self) {
        if self.flushes {
            let _ = tcflush(stdin(), QueueSelector::IFlush);
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.flush();
        self.saved.restore(stdin());
    }
}

/// Returns the size of the person's terminal; 0 if it is not known.
pub(crate) fn window() -> Winsize {
    tcgetwinsize(stdin()).unwrap_or(Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 })
}

/// Returns a size for a program's terminal.
pub(crate) fn size_of(size: Winsize) -> Size {
    let or = |side: u16, otherwise: u16| if side == 0 { otherwise } else { side };
    Size::new(or(size.ws_row, 24), or(size.ws_col, 80))
}

pub(crate) fn failed(errno: rustix::io::Errno) -> Error {
    messages::failed(std::io::Error::from(errno))
}
