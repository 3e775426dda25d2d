//! Reading the secret of an unlock method: from a key file, a passphrase file or a descriptor.

use std::os::fd::RawFd;
use std::path::Path;

use rustix::io::Errno;
use strongroom_backends::fs::denial::Denial;
use strongroom_backends::fs::home::DANGLING;
use strongroom_backends::key_file::{self, Trust};
use strongroom_backends::{StoreError, place_of, shown, variable_of};

use super::{MethodSecret, key_text, refused};
use crate::error::{Code, Error, Result, fail};
use crate::permission;
use crate::secret::Buffer;
pub use crate::term::stream::{Stream, read_fd};

/// The largest passphrase, in bytes.
pub const PASSPHRASE_MAX: usize = 4096;

/// Reads a key file, which may not lie in the vault's home, or a key from a stream.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA`; `TIMEOUT` if a stream gives no end.
pub fn key_of_file(path: &Path, home: &Path, trust: Trust) -> Result<MethodSecret> {
    if Stream::of(path).is_none() {
        refuse_inside(path, home)?;
    }
    let bytes = bytes_of(path, "key file", trust)?;
    Ok(MethodSecret::Key(key_text::parse(bytes.expose(), &told("key file", path))?))
}

/// Reads a small file that holds a secret, which is nobody else's to read, or a stream in its place. `what` it is
/// stands in messages after "the".
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `TOO_LARGE`; `TIMEOUT` if a stream gives no end.
pub fn bytes_of(path: &Path, what: &str, trust: Trust) -> Result<Buffer> {
    if let Some(stream) = Stream::of(path) {
        return stream.read(key_file::MAX);
    }
    let bytes = key_file::read(path, trust).map_err(|error| not_read(error, what))?;
    let mut buffer = Buffer::with_capacity(bytes.len());
    buffer.extend(&bytes);
    Ok(buffer)
}

/// What something was read from, for messages: a file, or a stream in its place.
#[must_use]
pub fn told(what: &str, path: &Path) -> String {
    Stream::of(path).map_or_else(|| format!("the {what} {}", shown(path)), Stream::told)
}

/// The same without what kind of file it is.
#[must_use]
pub fn named(path: &Path) -> String {
    Stream::of(path).map_or_else(|| shown(path), Stream::told)
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

/// Refuses a place for a new key file that other users could change.
///
/// # Errors
/// `UNSAFE_KEY_FILE`, those of looking there.
pub fn refuse_unsafe_place(path: &Path) -> Result<()> {
    match key_file::check_place(path) {
        Err(StoreError::Unsafe { path, why }) => {
            let remedy = if why == key_file::SLASH {
                "name the file itself, without a slash at its end"
            } else {
                "name a file in a directory that only you can write, as in ~/.config/strongroom"
            };
            Err(Error::new(Code::UnsafeKeyFile, format!("{} {why}", shown(&path))).with_remedy(remedy))
        }
        checked => Ok(checked?),
    }
}

/// Reads a passphrase: the bytes as they are, less one final line break.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA` when it is empty.
pub fn passphrase_of_file(path: &Path, trust: Trust) -> Result<Buffer> {
    trim_passphrase(bytes_of(path, "passphrase file", trust)?, &told("passphrase file", path))
}

/// Reads a passphrase from an inherited descriptor.
///
/// # Errors
/// `NO_INPUT` when it is not open, `BAD_DATA` when it is empty, `TOO_LARGE`.
pub fn passphrase_of_fd(number: RawFd) -> Result<Buffer> {
    let passphrase = read_fd(number, PASSPHRASE_MAX + 2)?;
    trim_passphrase(passphrase, &format!("file descriptor {number}"))
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
        return Err(Error::new(Code::BadData, format!("{from} holds an empty passphrase"))
            .with_remedy("give a passphrase on one line; its line break is left out"));
    }
    if passphrase.len() > PASSPHRASE_MAX {
        return fail(
            Code::TooLarge,
            format!("the passphrase of {from} is longer than {PASSPHRASE_MAX} bytes"),
        );
    }
    Ok(passphrase)
}

/// The error of a file that was named by hand and cannot be read. One that is not there and that a variable
/// names, or that may be a secret itself, is told by where it was named.
#[must_use]
pub fn not_read(error: StoreError, what: &str) -> Error {
    match error {
        StoreError::NotFound(path) => {
            let what = match variable_of(&path).or_else(|| place_of(&path)) {
                Some(place) => format!("the {what} that {place} names is not there"),
                None => format!("the {what} {} is not there", shown(&path)),
            };
            Error::new(Code::NoInput, what)
        }
        StoreError::Unsafe { path, why: DANGLING } => {
            Error::new(Code::NoInput, format!("the {what} cannot be read: {} {DANGLING}", shown(&path)))
                .with_remedy(permission::OF_DANGLING)
        }
        StoreError::Unsafe { path, why } => {
            Error::new(Code::UnsafeKeyFile, format!("the {what} {} {why}", shown(&path)))
                .with_remedy(refused::remedy(&path, why))
        }
        StoreError::Denied { path, at, why: Denial::Owner(owner) } if !permission::is_ours_to_give(&at) => {
            let remedy = refused::unreadable(&path, owner);
            permission::denied(&path, &at, Denial::Owner(owner)).with_remedy(remedy)
        }
        StoreError::Io { path, source }
            if source.raw_os_error() == Some(Errno::NAMETOOLONG.raw_os_error()) =>
        {
            let what = match place_of(&path) {
                Some(place) => format!("the name of the {what} that {place} names is too long"),
                None => format!("the name of the {what} {} is too long", shown(&path)),
            };
            Error::new(Code::Io, what)
                .with_remedy("use a shorter one: 255 bytes for each name, 4095 for the path")
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
