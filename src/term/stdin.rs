//! Reads standard input that is not a terminal to its end, within bounds, into memory that is wiped. It reads the
//! descriptor directly, because std keeps a copy in a buffer of its own.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::messages::terminal as messages;
pub use crate::messages::terminal::ONE_ONLY;
use crate::secret::Buffer;

const CHUNK: usize = 16 * 1024;
const STDIN: &str = "standard input";

/// Whether standard input was read.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes standard input for one reader. A second one would find only its end, because the first has read everything.
fn take() -> Result<()> {
    if IS_TAKEN.swap(true, Ordering::SeqCst) {
        return Err(messages::stdin_taken());
    }
    Ok(())
}

/// Reads standard input to its end, waiting as long as necessary.
///
/// # Errors
/// `TOO_LARGE` beyond `max` bytes, `NO_INPUT` if it is empty or closed, `USAGE` if it was read before, `IO`.
pub fn read_stdin(max: usize) -> Result<Buffer> {
    take()?;
    let (bytes, _) = read(rustix::stdio::stdin(), STDIN, max, None, Rest::IsLeft)?;
    if bytes.is_empty() {
        return Err(messages::stdin_empty());
    }
    Ok(bytes)
}

/// Reads standard input to its end, or until the deadline. Empty input is not an error.
///
/// # Errors
/// `TIMEOUT` if it did not end in time, `TOO_LARGE` beyond `max` bytes, `USAGE` if it was read before,
/// `IO`.
pub fn read_stdin_deadline(max: usize, limit: Duration, rest: Rest) -> Result<Buffer> {
    take()?;
    let (bytes, ended) = read(rustix::stdio::stdin(), STDIN, max, Some(limit), rest)?;
    if !ended {
        return Err(messages::stdin_timeout(limit.as_millis()));
    }
    Ok(bytes)
}

/// Standard input, read line by line: its writer waits for an answer to each line before it closes its end.
#[derive(Debug)]
pub struct Lines(());

impl Lines {
    /// Takes standard input.
    ///
    /// # Errors
    /// `USAGE` if it was read before.
    pub fn take() -> Result<Self> {
        take().map(|()| Self(()))
    }

    /// Returns the next line without its line break; `None` at the end, or if there is no whole line within the limit.
    ///
    /// # Errors
    /// `TOO_LARGE` beyond `max` bytes, `IO`.
    pub fn next(&mut self, max: usize, limit: Duration) -> Result<Option<Buffer>> {
        next_line(rustix::stdio::stdin(), max, limit)
    }
}

/// Reads byte by byte, because what follows the line is left.
fn next_line(fd: BorrowedFd, max: usize, limit: Duration) -> Result<Option<Buffer>> {
    let Some(end) = Instant::now().checked_add(limit) else { return Ok(None) };
    let mut line = Buffer::with_capacity(max.min(1024));
    let mut byte = Zeroizing::new([0u8; 1]);
    loop {
        if !readable(fd, end).map_err(|errno| failed(STDIN, errno))? {
            return Ok(None);
        }
        match rustix::io::read(fd, &mut byte[..]) {
            Ok(0) | Err(Errno::BADF) => return Ok(None),
            Ok(_) if byte[0] == b'\n' => return Ok(Some(line)),
            Ok(_) if line.len() >= max => return Err(messages::too_large(STDIN, max)),
            Ok(_) => line.push(byte[0]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(failed(STDIN, errno)),
        }
    }
}

/// What to do with more input than requested.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// It is read and discarded, so that a writer that has not finished does not get a broken pipe.
    IsThrownAway,
    /// It is not read.
    IsLeft,
}

/// Reads a descriptor, which messages call `from`. Returns what was read, and whether that is everything.
///
/// # Errors
/// `TOO_LARGE` beyond `max` bytes, `IO`.
pub fn read(
    fd: BorrowedFd,
    from: &str,
    max: usize,
    limit: Option<Duration>,
    rest: Rest,
) -> Result<(Buffer, bool)> {
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    let mut bytes = Buffer::with_capacity(max.min(4096));
    let mut chunk = Zeroizing::new([0u8; CHUNK]);
    let mut too_large = false;
    let ended = loop {
        if let Some(end) = end
            && !readable(fd, end).map_err(|errno| failed(from, errno))?
        {
            break false;
        }
        match rustix::io::read(fd, &mut chunk[..]) {
            Ok(0) | Err(Errno::BADF) => break true,
            Ok(read) => match chunk.get(..read) {
                Some(read) if !too_large && bytes.len() + read.len() <= max => bytes.extend(read),
                _ => too_large = true,
            },
            Err(Errno::AGAIN) if end.is_none() => {
                let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], None);
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(failed(from, errno)),
        }
        if too_large && rest == Rest::IsLeft {
            break false;
        }
    };
    if too_large {
        return Err(messages::too_large(from, max));
    }
    Ok((bytes, ended))
}

/// Waits until there is something to read, or the end. Returns false if neither came in time.
fn readable(fd: BorrowedFd, end: Instant) -> rustix::io::Result<bool> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let timeout = Timespec::try_from(left).ok();
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(errno),
        }
    }
}

fn failed(from: &str, errno: Errno) -> Error {
    messages::not_read(from, std::io::Error::from(errno))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::io::{PipeWriter, Write, pipe};
    use std::os::fd::AsFd;

    const SOON: Option<Duration> = Some(Duration::from_millis(50));
    const LATE: Option<Duration> = Some(Duration::from_secs(60));

    fn with_writer(write: impl FnOnce(PipeWriter) + Send + 'static, max: usize) -> Result<(Buffer, bool)> {
        let (reader, writer) = pipe().unwrap();
        let thread = std::thread::spawn(|| write(writer));
        let read = read(reader.as_fd(), "it", max, LATE, Rest::IsThrownAway);
        thread.join().unwrap();
        read
    }

    #[test]
    fn all_of_it_is_read() {
        for size in [0, 1, CHUNK, 200_000] {
            let write = move |mut to: PipeWriter| to.write_all(&vec![b'x'; size]).unwrap();
            let (bytes, ended) = with_writer(write, 200_000).unwrap();
            assert!(ended);
            assert_eq!(bytes.len(), size);
        }
    }

    #[test]
    fn the_writer_of_too_much_meets_no_broken_pipe() {
        let write = |mut to: PipeWriter| to.write_all(&vec![b'x'; 3_000_000]).unwrap();
        assert_eq!(with_writer(write, 1000).unwrap_err().code(), Code::TooLarge);
    }

    #[test]
    fn an_input_that_does_not_end_is_left() {
        let (reader, mut writer) = pipe().unwrap();
        let (bytes, ended) = read(reader.as_fd(), "it", 10, SOON, Rest::IsThrownAway).unwrap();
        assert!(bytes.is_empty() && !ended);
        writer.write_all(b"abc").unwrap();
        let (bytes, ended) = read(reader.as_fd(), "it", 10, SOON, Rest::IsThrownAway).unwrap();
        assert_eq!(bytes.expose(), b"abc");
        assert!(!ended);
        writer.write_all(&[b'x'; 11]).unwrap();
        let error = read(reader.as_fd(), "it", 10, SOON, Rest::IsThrownAway).unwrap_err();
        assert_eq!(error.code(), Code::TooLarge);
    }

    #[test]
    fn lines_are_read_one_by_one() {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"one\n\ntwo\nthr").unwrap();
        let next = || next_line(reader.as_fd(), 3, Duration::from_millis(50));
        for line in ["one", "", "two"] {
            assert_eq!(next().unwrap().unwrap().expose(), line.as_bytes());
        }
        assert!(next().unwrap().is_none());
        writer.write_all(b"eeee").unwrap();
        assert_eq!(next().unwrap_err().code(), Code::TooLarge);
        drop(writer);
        assert!(next().unwrap().is_none());
    }

    #[test]
    fn an_endless_device_is_left() {
        let zero = std::fs::File::open("/dev/zero").unwrap();
        for (limit, rest) in [(SOON, Rest::IsThrownAway), (None, Rest::IsLeft), (LATE, Rest::IsLeft)] {
            assert_eq!(read(zero.as_fd(), "it", 10, limit, rest).unwrap_err().code(), Code::TooLarge);
        }
    }
}
