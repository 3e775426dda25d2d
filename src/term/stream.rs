//! Streams in place of a file's path: `-` and the descriptors of a shell's `<(…)`.
//!
//! Descriptors are used by their numbers. The process is not dumpable, so the path `/dev/fd/63`, which leads through
//! `/proc/self`, belongs to root and cannot be opened by an ordinary user.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::{AsFd, RawFd};
use std::path::Path;
use std::time::Duration;

use strongroom_backends::{deadline, inherited_fd};

use super::stdin::{self, Rest};
use crate::error::Result;
use crate::messages::terminal as messages;
use crate::secret::Buffer;

/// How long a stream may take to end.
const LIMIT: Duration = Duration::from_secs(30);
/// How much longer to wait for a read that does not return.
const MARGIN: Duration = Duration::from_secs(1);

/// A stream in place of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// `-` or `/dev/stdin`.
    Stdin,
    /// `/dev/fd/N` or `/proc/self/fd/N`.
    Descriptor(RawFd),
}

impl Stream {
    /// Returns the stream that a path stands for, or `None` if it is the path of a file.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let text = path.to_str()?;
        if matches!(text, "-" | "/dev/stdin") {
            return Some(Self::Stdin);
        }
        let number = text.strip_prefix("/dev/fd/").or_else(|| text.strip_prefix("/proc/self/fd/"))?;
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        match number.parse().ok().filter(|_| is_number)? {
            0 => Some(Self::Stdin),
            number => Some(Self::Descriptor(number)),
        }
    }

    /// Returns its name in messages.
    #[must_use]
    pub fn told(self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::Descriptor(number) => format!("file descriptor {number}"),
        }
    }

    /// Reads it to its end, at most `max` bytes.
    ///
    /// # Errors
    /// `NO_INPUT` if it is empty, not open or a terminal, `TIMEOUT` if it does not end in time, `TOO_LARGE`, and
    /// `USAGE` if standard input was read before.
    pub fn read(self, max: usize) -> Result<Buffer> {
        match self {
            Self::Stdin if std::io::stdin().is_terminal() => Err(messages::stdin_is_terminal()),
            Self::Stdin => {
                let bytes = stdin::read_stdin_deadline(max, LIMIT, Rest::IsLeft)?;
                if bytes.is_empty() {
                    return Err(messages::stdin_empty());
                }
                Ok(bytes)
            }
            Self::Descriptor(number) => read_fd(number, max),
        }
    }
}

/// Reads an inherited descriptor to its end, at most `max` bytes.
///
/// # Errors
/// `USAGE` for a standard stream, `NO_INPUT` if it is not open, `TIMEOUT` if it does not end in time, and `TOO_LARGE`.
pub fn read_fd(number: RawFd, max: usize) -> Result<Buffer> {
    let from = format!("file descriptor {number}");
    if let Some((name, remedy)) = standard(number) {
        return Err(messages::standard_stream(&from, name, remedy));
    }
    let file = inherited_fd::take(number).ok_or_else(|| messages::not_open(&from))?;
    let (bytes, ended) = read(file, &from, max)?;
    if !ended {
        return Err(messages::descriptor_timeout(&from, LIMIT.as_secs()));
    }
    Ok(bytes)
}

/// Reads a file in a thread of its own, so that a file system that does not answer cannot block the command.
fn read(file: File, from: &str, max: usize) -> Result<(Buffer, bool)> {
    let name = from.to_owned();
    let call = move || stdin::read(file.as_fd(), &name, max, Some(LIMIT), Rest::IsLeft);
    match deadline::within(LIMIT + MARGIN, call) {
        Ok(Some(read)) => read,
        Ok(None) => Ok((Buffer::with_capacity(0), false)),
        Err(_) => Err(messages::no_thread(from)),
    }
}

/// Returns the name of a standard stream, and what to use instead.
fn standard(number: RawFd) -> Option<(&'static str, &'static str)> {
    match number {
        0 => Some(("input", messages::USE_DASH)),
        1 => Some(("output", messages::USE_HIGHER)),
        2 => Some(("error", messages::USE_HIGHER)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn streams_are_told_from_files() {
        for (text, stream) in [
            ("-", Some(Stream::Stdin)),
            ("/dev/stdin", Some(Stream::Stdin)),
            ("/dev/fd/0", Some(Stream::Stdin)),
            ("/dev/fd/63", Some(Stream::Descriptor(63))),
            ("/proc/self/fd/12", Some(Stream::Descriptor(12))),
            ("/dev/fd/", None),
            ("/dev/fd/+3", None),
            ("/dev/fd/3/x", None),
            ("./-", None),
            ("key", None),
        ] {
            assert_eq!(Stream::of(Path::new(text)), stream, "{text}");
        }
    }

    #[test]
    fn standard_streams_are_named() {
        for number in 0..3 {
            assert_eq!(read_fd(number, 10).unwrap_err().code(), Code::Usage);
        }
        assert_eq!(read_fd(-1, 10).unwrap_err().code(), Code::NoInput);
    }
}
