//! Files outside the home in which a key or a passphrase lies.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};
use zeroize::Zeroizing;

use crate::StoreError;
use crate::fs::dir::{Dir, read_regular, split};

/// The largest key or passphrase file, in bytes.
pub const MAX: usize = 4096;

/// How strictly a file's owner and mode are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The user's own file with mode 0600 or less, or root's own under a service manager.
    Own,
    /// A systemd credential: the directory it lies in was made private by the service manager.
    Credential,
}

/// Reads a key file.
///
/// # Errors
/// `NotFound`; `Unsafe` for what is not a regular file, belongs to somebody else, or can be read
/// or written by others; `TooLarge`.
pub fn read(path: &Path, trust: Trust) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = fs::open(path, flags, Mode::empty()).map_err(|e| StoreError::at(path, e))?;
    if trust == Trust::Own {
        check_private(&fd, path)?;
    }
    read_regular(fd, path, MAX).map(Zeroizing::new)
}

/// Whether a file exists, of whatever kind.
#[must_use]
pub fn exists(path: &Path) -> bool {
    fs::lstat(path).is_ok()
}

/// Writes a new key file, mode 0600, durably, and the directories above it. A kill leaves the whole
/// file or none, and beside it at most one that the next call sweeps.
///
/// # Errors
/// `Exists`, `NoSpace`, `Io`.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    let (parent, name) = split(path)?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&parent)
        .map_err(|source| StoreError::Io { path: parent.clone(), source })?;
    // The parent itself may be a link of the user's own (a dotfile manager's).
    let parent = parent.canonicalize().map_err(|source| StoreError::Io { path: parent.clone(), source })?;
    let dir = Dir::open(&parent)?;
    if dir.kind(&name)?.is_some() {
        return Err(StoreError::Exists(path.to_owned()));
    }
    for stale in dir.names()?.iter().filter(|file| is_stale(file, &name)) {
        dir.remove_file(stale)?;
    }
    // A name of its own: somebody else may be writing the same key file right now.
    let staged = format!("{name}.{}.tmp", std::process::id());
    let file = dir.write_new(&staged, bytes)?;
    let done = dir.sync_file(&file, &staged).and_then(|()| dir.rename_new(&staged, &name));
    if done.is_err() {
        let _ = dir.remove_file(&staged);
    }
    done?;
    dir.sync()
}

/// Whether a file was staged by a process that is no more. Of our own number it is by one before us.
fn is_stale(file: &str, name: &str) -> bool {
    let number = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".tmp"));
    let digits = number.filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
    let Some(process) = digits.and_then(|digits| Pid::from_raw(digits.parse().ok()?)) else { return false };
    process == getpid() || test_kill_process(process) == Err(Errno::SRCH)
}

fn check_private(fd: &OwnedFd, path: &Path) -> Result<(), StoreError> {
    let stat = fs::fstat(fd).map_err(|e| StoreError::at(path, e))?;
    let refuse = |why| Err(StoreError::Unsafe { path: path.to_owned(), why });
    let me = rustix::process::geteuid().as_raw();
    if stat.st_uid != me && stat.st_uid != 0 {
        return refuse("belongs to another user");
    }
    if stat.st_mode & 0o077 != 0 {
        return refuse("can be read or written by other users");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_file_is_private_from_birth_and_read_back() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b/key");
        create(&path, b"value").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(read(&path, Trust::Own).unwrap().as_slice(), b"value");
        assert!(matches!(create(&path, b"other"), Err(StoreError::Exists(_))));
        assert_eq!(read(&path, Trust::Own).unwrap().as_slice(), b"value");
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let stale = format!("key.{}.tmp", child.id());
        // Somebody else may be about to give this one its name.
        let living = format!("key.{}.tmp", std::os::unix::process::parent_id());
        for name in [&*stale, &*living, "key.x.tmp", "key..tmp", "other.1.tmp", "key.old"] {
            std::fs::write(temp.path().join(name), b"").unwrap();
        }
        create(&temp.path().join("key"), b"value").unwrap();
        let names = Dir::open(temp.path()).unwrap().names().unwrap();
        let mut left = ["key", "key..tmp", &living, "key.old", "key.x.tmp", "other.1.tmp"];
        left.sort_unstable();
        assert_eq!(names, left);
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("key");
        create(&path, b"value").unwrap();
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read(&path, Trust::Own), Err(StoreError::Unsafe { .. })));
        }
        assert!(read(&path, Trust::Credential).is_ok());
    }
}
