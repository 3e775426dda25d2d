//! What stands in the place of a file's path: `-` and the descriptors of a shell's `<(…)`.
//!
//! They are taken over by their numbers: the process is not dumpable, so that the path `/dev/fd/63`, which
//! leads through `/proc/self`, is root's and cannot be opened by an ordinary user.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::{AsFd, RawFd};
use std::path::Path;
use std::time::Duration;

use strongroom_backends::{deadline, inherited_fd};

use super::stdin::{self, Rest};
use crate::error::{Code, Error, Result, fail};
use crate::secret::Buffer;

/// How long a stream may take to give its end.
const LIMIT: Duration = Duration::from_secs(30);
/// How much longer is waited for a read that does not come back.
const MARGIN: Duration = Duration::from_secs(1);

/// A stream that is named like a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// `-`, `/dev/stdin`.
    Stdin,
    /// `/dev/fd/N`, `/proc/self/fd/N`.
    Descriptor(RawFd),
}

impl Stream {
    /// The stream that a path stands for, if it is no path of a file.
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

    /// What it is called in messages.
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
    /// `NO_INPUT` if there is none, `TIMEOUT` if it gives no end, `TOO_LARGE`, `USAGE` if standard input was
    /// read before.
    pub fn read(self, max: usize) -> Result<Buffer> {
        match self {
            Self::Stdin if std::io::stdin().is_terminal() => {
                fail(Code::NoInput, "standard input is a terminal")
            }
            Self::Stdin => {
                let bytes = stdin::read_stdin_deadline(max, LIMIT, Rest::IsLeft)?;
                if bytes.is_empty() {
                    return fail(Code::NoInput, "standard input is empty");
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
/// `USAGE` for a standard stream, `NO_INPUT` if it is not open, `TIMEOUT` if it gives no end, `TOO_LARGE`.
pub fn read_fd(number: RawFd, max: usize) -> Result<Buffer> {
    let from = format!("file descriptor {number}");
    if let Some((name, remedy)) = standard(number) {
        return Err(Error::new(Code::Usage, format!("{from} is standard {name}")).with_remedy(remedy));
    }
    let file = inherited_fd::take(number)
        .ok_or_else(|| Error::new(Code::NoInput, format!("{from} was not opened for this command")))?;
    let (bytes, ended) = read(file, &from, max)?;
    if !ended {
        return Err(Error::new(Code::Timeout, format!("{from} gave no end within {} s", LIMIT.as_secs()))
            .with_remedy("close the other end after writing"));
    }
    Ok(bytes)
}

/// Reads it in a thread of its own: a file system that does not answer is not waited for.
fn read(file: File, from: &str, max: usize) -> Result<(Buffer, bool)> {
    let name = from.to_owned();
    let call = move || stdin::read(file.as_fd(), &name, max, Some(LIMIT), Rest::IsLeft);
    match deadline::within(LIMIT + MARGIN, call) {
        Ok(Some(read)) => read,
        Ok(None) => Ok((Buffer::with_capacity(0), false)),
        Err(_) => fail(Code::NoMemory, format!("no thread can be had to read {from}")),
    }
}

/// What a descriptor is by convention, and what is meant instead.
fn standard(number: RawFd) -> Option<(&'static str, &'static str)> {
    let elsewhere = "name a descriptor from 3 on that is opened for reading: 3<FILE";
    match number {
        0 => Some((
            "input",
            "standard input needs no descriptor: give - as the file (--passphrase-file -, --key-file -); a secret that is to be stored is read from there anyway",
        )),
        1 => Some(("output", elsewhere)),
        2 => Some(("error", elsewhere)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
