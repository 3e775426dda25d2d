//! Reads the secret of an unlock method from a key file, a passphrase file or a descriptor.

use std::os::fd::RawFd;
use std::path::Path;

use rustix::io::Errno;
use strongroom_backends::fs::denial::Denial;
use strongroom_backends::fs::home::DANGLING;
use strongroom_backends::key_file::{self, Trust};
use strongroom_backends::{StoreError, place_of, shown, variable_of};

use super::{MethodSecret, key_text, refused};
use crate::error::{Error, Result};
use crate::messages;
use crate::permission;
use crate::secret::Buffer;
pub use crate::term::stream::{Stream, read_fd};

/// The largest passphrase, in bytes.
pub const PASSPHRASE_MAX: usize = 4096;

/// Reads a key file, which may not be in the vault's home, or a key from a stream.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA`; `TIMEOUT` if a stream does not end.
pub fn key_of_file(path: &Path, home: &Path, trust: Trust) -> Result<MethodSecret> {
    if Stream::of(path).is_none() {
        refuse_inside(path, home)?;
    }
    let bytes = bytes_of(path, "key file", trust)?;
    Ok(MethodSecret::Key(key_text::parse(bytes.expose(), &told("key file", path))?))
}

/// Reads a small file with a secret, which only its owner may read, or a stream in its place. `what` says what the file
/// is; messages put "the" before it.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `TOO_LARGE`; `TIMEOUT` if a stream does not end.
pub fn bytes_of(path: &Path, what: &str, trust: Trust) -> Result<Buffer> {
    if let Some(stream) = Stream::of(path) {
        return stream.read(key_file::MAX);
    }
    let bytes = key_file::read(path, trust).map_err(|error| not_read(error, what))?;
    let mut buffer = Buffer::with_capacity(bytes.len());
    buffer.extend(&bytes);
    Ok(buffer)
}

/// Names what a secret was read from, for messages: a file, or a stream in its place.
#[must_use]
pub fn told(what: &str, path: &Path) -> String {
    Stream::of(path).map_or_else(|| format!("the {what} {}", shown(path)), Stream::told)
}

/// As [`told`], without the kind of file.
#[must_use]
pub fn named(path: &Path) -> String {
    Stream::of(path).map_or_else(|| shown(path), Stream::told)
}

/// Refuses a key file in the home, because a copy of the home would contain both.
///
/// # Errors
/// `UNSAFE_KEY_FILE`.
pub fn refuse_inside(path: &Path, home: &Path) -> Result<()> {
    let real = |path: &Path| {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        // A parent that does not exist yet has no links in it.
        parent.canonicalize().unwrap_or_else(|_| parent.to_owned())
    };
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    if real(path).starts_with(&home) {
        return Err(messages::unlock::key_file_in_home(path));
    }
    Ok(())
}

/// Refuses a place for a new key file in which other users could replace it.
///
/// # Errors
/// `UNSAFE_KEY_FILE`, and those of looking there.
pub fn refuse_unsafe_place(path: &Path) -> Result<()> {
    match key_file::check_place(path) {
        Err(StoreError::Unsafe { path, why }) => {
            let error = messages::unlock::unsafe_place(&path, why);
            Err(if why == key_file::SLASH {
                error.with_remedy(messages::unlock::NAME_THE_FILE)
            } else {
                error
            })
        }
        checked => Ok(checked?),
    }
}

/// Reads a passphrase: all bytes of the file except one final line break.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA` if it is empty.
pub fn passphrase_of_file(path: &Path, trust: Trust) -> Result<Buffer> {
    trim_passphrase(bytes_of(path, "passphrase file", trust)?, &told("passphrase file", path))
}

/// Reads a passphrase from an inherited descriptor.
///
/// # Errors
/// `NO_INPUT` if it is not open, `BAD_DATA` if it is empty, `TOO_LARGE`.
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
        return Err(messages::unlock::empty_passphrase(from));
    }
    if passphrase.len() > PASSPHRASE_MAX {
        return Err(messages::unlock::passphrase_too_long(from, PASSPHRASE_MAX));
    }
    Ok(passphrase)
}

/// Returns the error for a file that was named by hand and cannot be read. If the file does not exist and a variable
/// names it, or its path may itself be a secret, the message says where it was named.
#[must_use]
pub fn not_read(error: StoreError, what: &str) -> Error {
    match error {
        StoreError::NotFound(path) => {
            let place = variable_of(&path).or_else(|| place_of(&path));
            messages::unlock::file_not_found(what, &path, place)
        }
        StoreError::Unsafe { path, why: DANGLING } => {
            messages::unlock::dangling_file(what, &path, DANGLING).with_remedy(permission::OF_DANGLING)
        }
        StoreError::Unsafe { path, why } => {
            messages::unlock::unsafe_file(what, &path, why).with_remedy(refused::remedy(&path, why))
        }
        StoreError::Denied { path, at, why: Denial::Owner(owner) } if !permission::is_ours_to_give(&at) => {
            let remedy = refused::unreadable(&path, owner);
            permission::denied(&path, &at, Denial::Owner(owner)).with_remedy(remedy)
        }
        StoreError::Io { path, source }
            if source.raw_os_error() == Some(Errno::NAMETOOLONG.raw_os_error()) =>
        {
            messages::unlock::path_too_long(what, &path, place_of(&path))
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

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
