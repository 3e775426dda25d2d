//! Files outside the home that contain a key or a passphrase.

mod trust;

use std::fs::File;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{self, OFlags};
use zeroize::Zeroizing;

pub use trust::{FOREIGN, LOOSE, LOOSE_ABOVE, LOOSE_MOUNT, Mount};

use crate::StoreError;
use crate::fs::dir::{Dir, read_regular, split};
use crate::fs::home::{create_parents, dangling};
use crate::fs::lock::{Mode, is_contended, try_now};

/// The largest key or passphrase file, in bytes.
pub const MAX: usize = 4096;

/// How many times a new file is staged.
const STAGINGS: usize = 100;

/// How strictly a file's owner and mode are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// A file of the user or of root, with mode 0600 or less; or one that others can read, if a container runtime
    /// mounted it ([`Mount`]).
    Own,
    /// A systemd credential, whose directory the service manager made private.
    Credential,
}

/// Reads a key file.
///
/// # Errors
/// `NotFound`; `Unsafe` if it is not a regular file, belongs to another user, or can be read or written by others;
/// `TooLarge`.
pub fn read(path: &Path, trust: Trust) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    refuse_slash(path)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = fs::open(path, flags, fs::Mode::empty())
        .map_err(|e| dangling(path).unwrap_or_else(|| StoreError::at(path, e)))?;
    let kind = fs::fstat(&fd).map_err(|e| StoreError::at(path, e))?.st_mode;
    let why = match fs::FileType::from_raw_mode(kind) {
        fs::FileType::RegularFile => None,
        fs::FileType::Directory => Some(DIRECTORY),
        _ => Some(NO_FILE),
    };
    if let Some(why) = why {
        return Err(StoreError::Unsafe { path: path.to_owned(), why });
    }
    if trust == Trust::Own {
        trust::of_open(&fd, path)?;
    }
    read_regular(fd, path, MAX).map(Zeroizing::new)
}

/// Returns why a key file that others can read is accepted, without reading it. `None` for a private file, and for one
/// that does not exist or is refused.
#[must_use]
pub fn mount(path: &Path) -> Option<Mount> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    trust::of_open(&fs::open(path, flags, fs::Mode::empty()).ok()?, path).ok()?
}

/// Why a device or a socket is refused.
pub const NO_FILE: &str = "is not a regular file";
/// Why a directory is refused.
pub const DIRECTORY: &str = "is a directory";
/// Why a path that ends with a slash is refused.
pub const SLASH: &str = "ends with a slash, like a directory";

/// Refuses a path that can only be a directory's. The system looks for `…/key/`, but `Path` drops the slash, so that a
/// file would be created under another name than was given.
fn refuse_slash(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(StoreError::Unsafe { path: path.to_owned(), why: SLASH });
    }
    Ok(())
}

/// Why another user's directory is refused.
const ANOTHERS_DIRECTORY: &str = "belongs to another user, who could replace a key file in it";
/// Why a directory that everyone can write to is refused.
const SHARED_DIRECTORY: &str = "can be written by other users, who could replace a key file in it";

/// Checks whether a key file is safe at a path: its directory does not belong to another user, and others cannot write
/// to it, unless it is sticky. Directories that do not exist yet will be private.
///
/// # Errors
/// `Unsafe`; `Io` if a directory cannot be looked at.
pub fn check_place(path: &Path) -> Result<(), StoreError> {
    refuse_slash(path)?;
    let (parent, _) = split(path)?;
    for above in parent.ancestors() {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        let stat = match fs::stat(above) {
            Err(rustix::io::Errno::NOENT) => continue,
            stat => stat.map_err(|e| StoreError::at(above, e))?,
        };
        let is_shared = stat.st_mode & 0o1002 == 0o002;
        let is_anothers = stat.st_uid != 0 && stat.st_uid != rustix::process::geteuid().as_raw();
        return match (is_anothers, is_shared) {
            (true, _) => Err(StoreError::Unsafe { path: above.to_owned(), why: ANOTHERS_DIRECTORY }),
            (_, true) => Err(StoreError::Unsafe { path: above.to_owned(), why: SHARED_DIRECTORY }),
            _ => Ok(()),
        };
    }
    Ok(())
}

/// Returns whether a file of any kind exists.
#[must_use]
pub fn exists(path: &Path) -> bool {
    fs::lstat(path).is_ok()
}

/// Creates a key file with mode 0600 and the directories above it, durably.
///
/// A kill leaves the whole file or none, and at most one staged file, which the next call removes. If several processes
/// do this at once, even in containers that share the directory, exactly one succeeds, and the file is its own.
///
/// # Errors
/// `Exists`, `NoSpace`, `Io`.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    refuse_slash(path)?;
    let (parent, name) = split(path)?;
    create_parents(&parent)?;
    // The parent may be the user's own symlink, for example a dotfile manager's.
    let parent = parent.canonicalize().map_err(|source| StoreError::Io { path: parent.clone(), source })?;
    let dir = Dir::open(&parent)?;
    if dir.kind(&name)?.is_some() {
        return Err(StoreError::Exists(path.to_owned()));
    }
    sweep(&dir, &name)?;
    let (staged, file) = stage(&dir, &name, bytes)?;
    let done = dir.sync_file(&file, &staged).and_then(|()| dir.rename_new(&staged, &name));
    if done.is_err() {
        let _ = dir.remove_file(&staged);
    }
    done?;
    dir.sync()
}

/// Returns whether a key file is the user's own regular file and can be replaced where it is.
#[must_use]
pub fn is_replaceable(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, FileType, accessat};
    let Ok((parent, _)) = split(path) else { return false };
    let Ok(stat) = fs::lstat(path) else { return false };
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && accessat(fs::CWD, &parent, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// Identifies the file at a path: its inode number, and when the inode last changed, in seconds and nanoseconds,
/// because the number of a removed file is used again.
#[must_use]
pub fn stamp(path: &Path) -> Option<(u64, i64, i64)> {
    // The width of a number differs between systems.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, clippy::cast_possible_wrap)]
    fs::lstat(path).ok().map(|stat| (stat.st_ino as u64, stat.st_ctime as i64, stat.st_ctime_nsec as i64))
}

/// Removes a key file, if it exists.
///
/// # Errors
/// `Io`.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::unlink(path) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(errno) => Err(StoreError::at(path, errno)),
    }
}

/// Replaces a key file with `next`, durably, and keeps the old one as `former`. The file exists at every moment, with
/// one key or the other. If `next` does not exist, another process was faster.
///
/// # Errors
/// `Io`.
pub fn supersede(path: &Path, next: &Path, former: &Path) -> Result<(), StoreError> {
    let at = |errno| StoreError::at(path, errno);
    if !exists(next) {
        return Ok(());
    }
    remove(former)?;
    match fs::link(path, former) {
        // The file system has no hard links, or there is no old key file. The rename removes the old one, if any.
        Ok(()) | Err(rustix::io::Errno::PERM | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOENT) => {}
        Err(errno) => return Err(at(errno)),
    }
    match fs::rename(next, path) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(errno) => return Err(at(errno)),
    }
    let (parent, _) = split(path)?;
    let dir = Dir::open(&parent.canonicalize().map_err(|source| StoreError::Io { path: parent, source })?)?;
    dir.sync()
}

/// Writes the file under a unique name, and locks it, so that it is not swept. A process that sweeps at the same moment
/// may remove it before it is locked, but each process sweeps only once.
fn stage(dir: &Dir, name: &str, bytes: &[u8]) -> Result<(String, File), StoreError> {
    for _ in 0..STAGINGS {
        // Another container may have a process with the same id.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let staged = format!("{name}.{}-{now}.tmp", std::process::id());
        let file = dir.write_new(&staged, bytes)?;
        // If files cannot be locked, none is swept.
        let is_being_swept = try_now(&file, Mode::Exclusive).is_err_and(|e| is_contended(&e));
        if !is_being_swept && dir.kind(&staged)?.is_some() {
            return Ok((staged, file));
        }
        dir.remove_file(&staged)?;
    }
    Err(dir.io(name, std::io::Error::other("other processes keep creating it at the same time")))
}

/// Removes files that processes which no longer exist had staged: no one holds their locks.
fn sweep(dir: &Dir, name: &str) -> Result<(), StoreError> {
    let is_staged = |file: &str| {
        let number = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".tmp"));
        number.is_some_and(|number| {
            number.starts_with(|c: char| c.is_ascii_digit())
                && number.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        })
    };
    for staged in dir.names()?.iter().filter(|file| is_staged(file)) {
        if let Ok(file) = dir.open_for_reading(staged)
            && try_now(&file, Mode::Exclusive).is_ok()
        {
            dir.remove_file(staged)?;
        }
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
    fn a_place_that_others_can_write_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("key");
        for (mode, is_safe) in [(0o700, true), (0o755, true), (0o1777, true), (0o777, false), (0o703, false)]
        {
            std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            for path in [&path, &temp.path().join("new/key")] {
                assert_eq!(check_place(path).is_ok(), is_safe, "{mode:o} {}", path.display());
            }
        }
        assert!(check_place(&temp.path().join("new/")).is_err());
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let stale = ["key.4194305.tmp", "key.1-7.tmp"];
        // Another process is about to rename this one.
        let living = "key.1-8.tmp";
        for name in stale.into_iter().chain([living, "key.x.tmp", "key..tmp", "other.1.tmp", "key.old"]) {
            std::fs::write(temp.path().join(name), b"").unwrap();
        }
        let held = File::open(temp.path().join(living)).unwrap();
        try_now(&held, Mode::Exclusive).unwrap();
        create(&temp.path().join("key"), b"value").unwrap();
        let names = Dir::open(temp.path()).unwrap().names().unwrap();
        let mut left = ["key", "key..tmp", living, "key.old", "key.x.tmp", "other.1.tmp"];
        left.sort_unstable();
        assert_eq!(names, left);
    }

    /// Threads have the same process id, as processes in different containers may.
    #[test]
    fn of_several_at_once_one_succeeds_and_the_file_is_its_own() {
        let temp = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let path = temp.path().join(format!("{round}/key"));
            let start = std::sync::Barrier::new(4);
            let made = std::thread::scope(|scope| {
                let makers = [b"key-1", b"key-2", b"key-3", b"key-4"].map(|key| {
                    let (path, start) = (&path, &start);
                    scope.spawn(move || {
                        start.wait();
                        (key, create(path, key))
                    })
                });
                makers.map(|maker| maker.join().unwrap())
            });
            let winners: Vec<_> = made.iter().filter(|(_, done)| done.is_ok()).map(|(key, _)| *key).collect();
            assert_eq!(winners.len(), 1, "{made:?}");
            assert_eq!(std::fs::read(&path).unwrap(), winners[0]);
            let others = made.iter().filter(|(_, done)| matches!(done, Err(StoreError::Exists(_)))).count();
            assert_eq!(others, 3, "{made:?}");
            assert_eq!(Dir::open(path.parent().unwrap()).unwrap().names().unwrap(), ["key"]);
        }
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
