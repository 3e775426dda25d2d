//! Standard output. A report ends quietly if its pipe is closed; for a secret or a bundle that is an error, because it
//! is lost. A secret leaves no copy: std's own stdout would keep the end of it in a buffer that is never wiped.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::tcgetwinsize;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Code, Result};
use crate::limits;
use crate::messages::terminal as messages;
use crate::permission;
use crate::secret::Buffer;

/// The outcome of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Written {
    /// Everything was written.
    All,
    /// The reader has closed its end. This is not an error: the command ends quietly, with status 0.
    Closed,
}

/// Writes text to standard output.
///
/// # Errors
/// `NO_SPACE` and `IO`.
pub fn write_text(text: &str) -> Result<Written> {
    write_stdout(text.as_bytes())
}

/// Writes a secret and a line break to standard output.
///
/// # Errors
/// `NO_SPACE` and `IO`, also if the reader has closed its end, or standard output is closed.
pub fn write_secret(secret: &SecretString) -> Result<()> {
    taken(write_open(secret.expose_secret().as_bytes())?)?;
    taken(write_open(b"\n")?)
}

/// Writes secret or encrypted bytes to standard output as they are.
///
/// # Errors
/// As [`write_secret`].
pub fn write_bytes(bytes: &Buffer) -> Result<()> {
    taken(write_open(bytes.expose())?)
}

/// Refuses a closed standard output before a secret is read.
///
/// # Errors
/// `IO`.
pub fn refuse_closed() -> Result<()> {
    if limits::stdout_was_closed() { Err(messages::stdout_closed()) } else { Ok(()) }
}

fn write_open(bytes: &[u8]) -> Result<Written> {
    refuse_closed()?;
    write_stdout(bytes)
}

fn taken(written: Written) -> Result<()> {
    match written {
        Written::All => Ok(()),
        Written::Closed => Err(messages::reader_ended()),
    }
}

/// Returns whether standard error accepts a line now. A stopped terminal or a full pipe does not.
#[must_use]
pub fn error_is_ready() -> bool {
    let stderr = rustix::stdio::stderr();
    poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Returns how many characters fit into a line of the terminal that standard output is, if it is one.
#[must_use]
pub fn columns() -> Option<usize> {
    let size = tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// Returns how many lines the terminal has that standard output is, if it is one.
#[must_use]
pub fn rows() -> Option<usize> {
    let size = tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_row > 0).then_some(usize::from(size.ws_row))
}

/// Waits, and returns early if the reader of standard output closes its end meanwhile.
#[must_use]
pub fn closes_within(limit: Duration) -> bool {
    let stdout = rustix::stdio::stdout();
    let end = Instant::now() + limit;
    loop {
        let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap_or_default();
        // Nothing is asked for: the end of a pipe or of a terminal is told anyway.
        let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut ends, Some(&left)) {
            Ok(0) => return false,
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
}

/// Writes text to standard error. A failure is ignored, because it could not be reported.
pub fn write_error(text: &str) {
    let _ = write_to(rustix::stdio::stderr(), text.as_bytes());
}

fn write_stdout(bytes: &[u8]) -> Result<Written> {
    write_all(rustix::stdio::stdout(), bytes)
}

/// Writes everything to standard output or standard error.
///
/// # Errors
/// `NO_SPACE` and `IO`.
pub fn write_all(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<Written> {
    write_to(fd, bytes).map_err(|errno| {
        let code = if matches!(errno, Errno::NOSPC | Errno::DQUOT) { Code::NoSpace } else { Code::Io };
        let source = std::io::Error::from(errno);
        messages::not_written(code, &source, permission::limit(&source))
    })
}

/// Writes everything, without a buffer.
pub(super) fn write_to(fd: BorrowedFd, mut bytes: &[u8]) -> rustix::io::Result<Written> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::PIPE) => return Ok(Written::Closed),
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::new(&fd.as_fd(), PollFlags::OUT)], None);
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(Written::All)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, pipe};

    #[test]
    fn a_closed_pipe_is_no_error() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        assert_eq!(write_to(writer.as_fd(), b"x").unwrap(), Written::Closed);
    }

    #[test]
    fn more_than_a_pipe_holds_is_written_whole() {
        let (mut reader, writer) = pipe().unwrap();
        // A non-blocking pipe, as some runtimes pass on.
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let thread = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            bytes.len()
        });
        assert_eq!(write_to(writer.as_fd(), &vec![b'x'; 1_000_000]).unwrap(), Written::All);
        drop(writer);
        assert_eq!(thread.join().unwrap(), 1_000_000);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert_eq!(write_to(full.as_fd(), b"x").unwrap_err(), Errno::NOSPC);
    }
}
