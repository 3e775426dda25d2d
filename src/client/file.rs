//! Reads a file that the user named: a regular file of bounded size.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::Path;

use strongroom_backends::{place_of, variable_of};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::messages::client as messages;
use crate::secret::Buffer;
use crate::vault::id::quoted;

/// The largest source that is read, in bytes.
pub const SOURCE_MAX: u64 = 64 * 1024 * 1024;

const CHUNK: usize = 64 * 1024;

/// Reads a file of at most `max` bytes. Symbolic links are followed, because the user named them. Also returns warnings
/// about who else can read it.
///
/// # Errors
/// `NO_INPUT` if it does not exist, `UNSAFE_FILE` if it is not a regular file, `TOO_LARGE` beyond `max`, and `IO`.
pub fn read(path: &Path, max: u64) -> Result<(Buffer, Vec<String>)> {
    let place = variable_of(path).or_else(|| place_of(path));
    let shown = place.map_or_else(|| quoted(&path.to_string_lossy()), messages::file_of);
    // Opening some devices already has an effect.
    must_be_regular(&std::fs::metadata(path).map_err(|error| failed(&shown, &error))?, &shown)?;
    let mut file = open(path).map_err(|error| failed(&shown, &error))?;
    let metadata = file.metadata().map_err(|error| failed(&shown, &error))?;
    must_be_regular(&metadata, &shown)?;
    if metadata.len() > max {
        return Err(too_large(&shown, max));
    }
    let expected = usize::try_from(metadata.len()).unwrap_or(0);
    let mut buffer = Buffer::with_capacity(expected.saturating_add(1));
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => buffer.extend(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(&shown, &error)),
        }
        // The file may grow while it is read.
        if u64::try_from(buffer.len()).is_ok_and(|length| length > max) {
            return Err(too_large(&shown, max));
        }
    }
    Ok((buffer, exposure(&metadata, &shown)))
}

/// Opens a file without waiting for a writer, in case a FIFO has replaced it in the meantime.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

fn must_be_regular(metadata: &Metadata, shown: &str) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(messages::not_regular(shown, metadata.is_dir()))
}

#[cfg(unix)]
fn exposure(metadata: &Metadata, shown: &str) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    let others = mode & 0o077;
    if others == 0 {
        return Vec::new();
    }
    vec![messages::exposed(shown, mode)]
}

#[cfg(not(unix))]
fn exposure(_: &Metadata, _: &str) -> Vec<String> {
    Vec::new()
}

fn failed(shown: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => messages::no_file(shown),
        _ if shown.starts_with("that ") => messages::file_not_read(shown),
        ErrorKind::PermissionDenied => messages::no_permission(shown),
        kind => messages::not_read(shown, kind),
    }
}

fn too_large(shown: &str, max: u64) -> Error {
    messages::too_large(shown, max)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn file(directory: &Path, contents: &[u8], mode: u32) -> std::path::PathBuf {
        let path = directory.join("source");
        std::fs::write(&path, contents).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_private_file_is_read_without_a_word() {
        let directory = tempfile::tempdir().unwrap();
        let contents = "b".repeat(3 * CHUNK + 7);
        let path = file(directory.path(), contents.as_bytes(), 0o600);
        let (buffer, warnings) = read(&path, SOURCE_MAX).unwrap();
        assert!(buffer.expose() == contents.as_bytes());
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn a_file_that_others_can_read_is_read_with_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        for mode in [0o640, 0o604, 0o620] {
            let path = file(directory.path(), b"x", mode);
            let (_, warnings) = read(&path, SOURCE_MAX).unwrap();
            assert!(
                warnings[0].contains(&format!("(mode {mode:03o}): make it private (`chmod 600")),
                "{warnings:?}"
            );
        }
    }

    #[test]
    fn a_link_that_the_user_named_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let path = file(directory.path(), b"x", 0o600);
        let link = directory.path().join("link");
        symlink(path, &link).unwrap();
        assert_eq!(read(&link, SOURCE_MAX).unwrap().0.expose(), b"x");
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for path in [fifo.as_path(), directory.path(), Path::new("/dev/null"), Path::new("/dev/zero")] {
            assert_eq!(read(path, SOURCE_MAX).unwrap_err().code(), Code::UnsafeFile, "{}", path.display());
        }
    }

    #[test]
    fn the_size_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = file(directory.path(), &[b'b'; 100], 0o600);
        assert_eq!(read(&path, 99).unwrap_err().code(), Code::TooLarge);
        assert_eq!(read(&path, 100).unwrap().0.len(), 100);
        // A file of unknown size, as in /proc, is bounded while it is read.
        assert_eq!(read(Path::new("/proc/self/status"), 10).unwrap_err().code(), Code::TooLarge);
    }

    #[test]
    fn a_file_that_is_not_there_is_named_safely() {
        let error = read(Path::new("/nowhere/\u{1b}[2J"), 1).unwrap_err();
        assert_eq!(error.code(), Code::NoInput);
        assert_eq!(error.what(), r#"there is no file "/nowhere/\u{1b}[2J""#);
    }
}
