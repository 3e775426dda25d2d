//! Files outside the home in which a key or a passphrase lies.

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

/// How often a new file is staged again.
const STAGINGS: usize = 100;

/// How strictly a file's owner and mode are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The user's own file or root's, with mode 0600 or less; also one that others can read, as container
    /// runtimes mount it ([`Mount`]).
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

/// Why a key file that others can read is accepted; none for a private one, and for one that is not there or is
/// refused. It is not read.
#[must_use]
pub fn mount(path: &Path) -> Option<Mount> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    trust::of_open(&fs::open(path, flags, fs::Mode::empty()).ok()?, path).ok()?
}

/// What the path of a device or a socket leads to.
pub const NO_FILE: &str = "is not a regular file";
/// What the path of a directory leads to.
pub const DIRECTORY: &str = "is a directory";
/// What is wrong with a file's path that ends with a slash.
pub const SLASH: &str = "ends with a slash, as the name of a directory does";

/// Refuses a path that can only be a directory's. The system follows it to `…/key/`, and `Path` leaves the slash out,
/// so that a file would be made under another name than was given.
fn refuse_slash(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(StoreError::Unsafe { path: path.to_owned(), why: SLASH });
    }
    Ok(())
}

/// What is wrong with a place for a key file.
const ANOTHERS_DIRECTORY: &str = "belongs to another user, who could replace a key file in it";
/// The same.
const SHARED_DIRECTORY: &str = "can be written by other users, who could replace a key file in it";

/// Whether a key file is safe at a path: not in a directory of another user's, nor in one that everyone can write,
/// unless that is sticky. What is to be made below is made private.
///
/// # Errors
/// `Unsafe`; `Io` if that cannot be seen.
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

/// Whether a file exists, of whatever kind.
#[must_use]
pub fn exists(path: &Path) -> bool {
    fs::lstat(path).is_ok()
}

/// Writes a new key file, mode 0600, durably, and the directories above it. A kill leaves the whole
/// file or none, and beside it at most one that the next call sweeps. Of several at once, in containers
/// that share the directory too, one succeeds, and the file is its own.
///
/// # Errors
/// `Exists`, `NoSpace`, `Io`.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    refuse_slash(path)?;
    let (parent, name) = split(path)?;
    create_parents(&parent)?;
    // The parent itself may be a link of the user's own (a dotfile manager's).
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

/// Whether a key file is a regular file of the user's own that can be replaced where it lies.
#[must_use]
pub fn is_replaceable(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, FileType, accessat};
    let Ok((parent, _)) = split(path) else { return false };
    let Ok(stat) = fs::lstat(path) else { return false };
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && accessat(fs::CWD, &parent, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// Which file lies at a path: its number in its file system, and when that last changed, in seconds and
/// nanoseconds: a number is given again to a later file.
#[must_use]
pub fn stamp(path: &Path) -> Option<(u64, i64, i64)> {
    // The width of a number differs between systems.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, clippy::cast_possible_wrap)]
    fs::lstat(path).ok().map(|stat| (stat.st_ino as u64, stat.st_ctime as i64, stat.st_ctime_nsec as i64))
}

/// Removes a key file; one that is not there is as good as removed.
///
/// # Errors
/// `Io`.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::unlink(path) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(errno) => Err(StoreError::at(path, errno)),
    }
}

/// Puts `next` in the place of a key file, durably; what it held is kept as `former`. At every moment the
/// file is there, with the one key or the other.
///
/// # Errors
/// `Io`. Where there is no `next`, somebody else was faster.
pub fn supersede(path: &Path, next: &Path, former: &Path) -> Result<(), StoreError> {
    let at = |errno| StoreError::at(path, errno);
    if !exists(next) {
        return Ok(());
    }
    remove(former)?;
    match fs::link(path, former) {
        // A file system without links, or a first key file: what was there goes with the rename.
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

/// Writes the file under a name that nobody else has, and locks it, so that it is not swept. Whoever sweeps
/// at that very moment can take it before it is locked; each does so once.
fn stage(dir: &Dir, name: &str, bytes: &[u8]) -> Result<(String, File), StoreError> {
    for _ in 0..STAGINGS {
        // In another container there can be a process of the same number.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let staged = format!("{name}.{}-{now}.tmp", std::process::id());
        let file = dir.write_new(&staged, bytes)?;
        // Where files cannot be locked, none is swept.
        let is_being_swept = try_now(&file, Mode::Exclusive).is_err_and(|e| is_contended(&e));
        if !is_being_swept && dir.kind(&staged)?.is_some() {
            return Ok((staged, file));
        }
        dir.remove_file(&staged)?;
    }
    Err(dir.io(name, std::io::Error::other("others make it at the same moment, again and again")))
}

/// Removes what was staged by processes that are no more: nobody holds its lock.
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
    fn a_place_that_others_can_write_is_none_for_a_key() {
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
        // Somebody else is about to give this one its name.
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

    /// Threads have one process number, as processes of several containers can.
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
