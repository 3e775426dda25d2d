//! Reading the secret of an unlock method: from a key file, a passphrase file or a descriptor.

use std::os::fd::RawFd;
use std::path::Path;
use std::time::Duration;

use strongroom_backends::fs::home::DANGLING;
use strongroom_backends::key_file::{self, Trust};
use strongroom_backends::{StoreError, deadline, inherited_fd, shown};

use super::{MethodSecret, key_text};
use crate::error::{Code, Error, Result, fail};
use crate::permission;
use crate::secret::Buffer;

/// The largest passphrase, in bytes.
pub const PASSPHRASE_MAX: usize = 4096;
/// How long a descriptor may take to give its end.
const FD_LIMIT: Duration = Duration::from_secs(30);

/// Reads a key file, which may not lie in the vault's home.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA`.
pub fn key_of_file(path: &Path, home: &Path, trust: Trust) -> Result<MethodSecret> {
    refuse_inside(path, home)?;
    let bytes = key_file::read(path, trust).map_err(|error| of_key_file(error, "key file"))?;
    Ok(MethodSecret::Key(key_text::parse(&bytes, &format!("the key file {}", shown(path)))?))
}

/// Refuses a key file that lies in the home: whoever copies the home would have both.
///
/// # Errors
/// `UNSAFE_KEY_FILE`.
pub fn refuse_inside(path: &Path, home: &Path) -> Result<()> {
    let real = |path: &Path| {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        // A parent that is yet to be made has no links in it.
        parent.canonicalize().unwrap_or_else(|_| parent.to_owned())
    };
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    if real(path).starts_with(&home) {
        return fail(
            Code::UnsafeKeyFile,
            format!("the key file {} lies inside the vault's home", shown(path)),
        );
    }
    Ok(())
}

/// Reads a passphrase: the bytes as they are, less one final line break.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA` when it is empty.
pub fn passphrase_of_file(path: &Path) -> Result<Buffer> {
    if let Some(number) = fd_of(path) {
        return passphrase_of_fd(number);
    }
    read_passphrase_file(path, Trust::Own)
}

pub(super) fn read_passphrase_file(path: &Path, trust: Trust) -> Result<Buffer> {
    let bytes = key_file::read(path, trust).map_err(|error| of_key_file(error, "passphrase file"))?;
    let mut passphrase = Buffer::with_capacity(bytes.len());
    passphrase.extend(&bytes);
    trim_passphrase(passphrase, &format!("the passphrase file {}", shown(path)))
}

/// `/dev/fd/N`, as a shell's `<(…)` spells it: the process is not dumpable, so that it may not
/// open the path itself.
fn fd_of(path: &Path) -> Option<RawFd> {
    let text = path.to_str()?;
    text.strip_prefix("/dev/fd/").or_else(|| text.strip_prefix("/proc/self/fd/"))?.parse().ok()
}

/// Reads a passphrase from an inherited descriptor.
///
/// # Errors
/// `NO_INPUT` when it is not open, `BAD_DATA` when it is empty, `TOO_LARGE`.
pub fn passphrase_of_fd(number: RawFd) -> Result<Buffer> {
    let passphrase = read_fd(number, PASSPHRASE_MAX + 2)?;
    trim_passphrase(passphrase, &format!("file descriptor {number}"))
}

/// Reads an inherited descriptor to its end, at most `max` bytes.
///
/// # Errors
/// `NO_INPUT` when it is not open, `TIMEOUT` when it gives no end, `TOO_LARGE`.
pub fn read_fd(number: RawFd, max: usize) -> Result<Buffer> {
    let from = format!("file descriptor {number}");
    let file = inherited_fd::take(number)
        .ok_or_else(|| Error::new(Code::NoInput, format!("{from} was not opened for this command")))?;
    // Whoever opened it may hold the other end open for ever.
    let read = deadline::within(FD_LIMIT, move || read_to_end(file, max))
        .map_err(|_| Error::new(Code::NoMemory, format!("no thread can be had to read {from}")))?;
    match read {
        Some(Some(bytes)) if bytes.len() > max => {
            fail(Code::TooLarge, format!("{from} gives more than {max} bytes"))
        }
        Some(Some(bytes)) => Ok(bytes),
        Some(None) => fail(Code::NoInput, format!("{from} cannot be read")),
        None => fail(Code::Timeout, format!("{from} gave no end within {} s", FD_LIMIT.as_secs()))
            .map_err(|e: Error| e.with_remedy("close the other end after writing")),
    }
}

fn read_to_end(file: std::fs::File, max: usize) -> Option<Buffer> {
    use std::io::Read;
    let mut bytes = Buffer::with_capacity(max + 1);
    let mut chunk = zeroize::Zeroizing::new([0; 512]);
    let mut file = file.take(max as u64 + 1);
    loop {
        match file.read(chunk.as_mut_slice()) {
            Ok(0) => return Some(bytes),
            Ok(n) => bytes.extend(&chunk[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

fn trim_passphrase(mut passphrase: Buffer, from: &str) -> Result<Buffer> {
    if passphrase.expose().ends_with(b"\n") {
        let without = passphrase.len() - 1;
        passphrase.truncate(without);
        if passphrase.expose().ends_with(b"\r") {
            passphrase.truncate(without - 1);
        }
    }
    if passphrase.is_empty() {
        return fail(Code::BadData, format!("{from} holds an empty passphrase"))
            .map_err(|e: Error| e.with_remedy("give a passphrase on one line; its line break is left out"));
    }
    if passphrase.len() > PASSPHRASE_MAX {
        return fail(
            Code::TooLarge,
            format!("the passphrase of {from} is longer than {PASSPHRASE_MAX} bytes"),
        );
    }
    Ok(passphrase)
}

fn of_key_file(error: StoreError, what: &str) -> Error {
    match error {
        StoreError::NotFound(path) => {
            Error::new(Code::NoInput, format!("the {what} {} is not there", shown(&path)))
        }
        StoreError::Unsafe { path, why: DANGLING } => {
            Error::new(Code::NoInput, format!("the {what} cannot be read: {} {DANGLING}", shown(&path)))
                .with_remedy(permission::OF_DANGLING)
        }
        StoreError::Unsafe { path, why } => {
            Error::new(Code::UnsafeKeyFile, format!("the {what} {} {why}", shown(&path)))
                .with_remedy(key_file::remedy(why))
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &[u8]) -> Result<Buffer> {
        let mut buffer = Buffer::default();
        buffer.extend(text);
        trim_passphrase(buffer, "it")
    }

    #[test]
    fn a_passphrase_loses_one_line_break_and_nothing_else() {
        for (read, kept) in
            [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("ä\u{301}", "ä\u{301}")]
        {
            assert_eq!(bytes(read.as_bytes()).unwrap().expose(), kept.as_bytes(), "{read:?}");
        }
        for empty in ["", "\n", "\r\n"] {
            assert_eq!(bytes(empty.as_bytes()).unwrap_err().code(), Code::BadData);
        }
    }

    #[test]
    fn a_key_file_inside_the_home_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("h");
        std::fs::create_dir_all(home.join("sub")).unwrap();
        for path in [home.join("key"), home.join("sub/key"), home.join("sub/../key")] {
            assert_eq!(refuse_inside(&path, &home).unwrap_err().code(), Code::UnsafeKeyFile);
        }
        assert!(refuse_inside(&temp.path().join("key"), &home).is_ok());
        assert!(refuse_inside(&temp.path().join("home-beside/key"), &home).is_ok());
    }
}
