//! Finds out why the system denies access, as far as owners and modes tell.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, FileType, Stat};
use rustix::process::geteuid;

use crate::StoreError;

/// Why access to a file or directory is denied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// It belongs to the user with this id.
    Owner(u32),
    /// It belongs to this user, but its mode denies access.
    Mode,
    /// It has the immutable or the append-only attribute.
    Immutable,
    /// Owner and mode allow access: an access list, a security module or a server denies it.
    Unknown,
}

/// Returns the error for a path to which the system denies access.
pub(crate) fn denied(path: PathBuf) -> StoreError {
    let (at, why) = judge(&path);
    StoreError::Denied { at, path, why }
}

/// Checks whether this user can create and remove files in a directory and use what is in it.
///
/// # Errors
/// The system's reason if not.
pub fn may_write(dir: impl AsFd, path: &Path) -> rustix::io::Result<()> {
    use rustix::fs::{Access, AtFlags, accessat};
    // A C library may check the effective user with a system call that an older kernel does not have.
    match accessat(&dir, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {
            accessat(dir, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())
        }
        done => done,
    }
}

/// Returns the error for a file that the system does not let this user move. What matters are both directories, not the
/// owner and the mode of the file itself.
pub(crate) fn denied_to_move(from: PathBuf, to: &Path) -> StoreError {
    let forbids = |at: &Path| {
        let stat = fs::lstat(at).ok().filter(|stat| !is_shared(stat))?;
        Some((at.to_owned(), of_one(at, &stat)?))
    };
    let found = [to, from.as_path()].into_iter().filter_map(Path::parent).find_map(forbids);
    match found {
        Some((at, why)) => StoreError::Denied { path: to.to_owned(), at, why },
        None => denied(from),
    }
}

/// Finds what on the way to a path denies access.
fn judge(path: &Path) -> (PathBuf, Denial) {
    // What is in a directory that cannot be searched cannot be seen, so that the directory itself is found first.
    let seen = path.ancestors().find_map(|at| Some((at, fs::lstat(at).ok()?)));
    let Some((at, stat)) = seen else { return (path.to_owned(), Denial::Unknown) };
    // To create, rename or remove something takes access to its directory.
    let above = at.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.and_then(|above| Some((above, fs::lstat(above).ok()?)));
    for (at, stat) in [(at, stat)].into_iter().chain(above.filter(|(_, stat)| !is_shared(stat))) {
        if let Some(why) = of_one(at, &stat) {
            return (at.to_owned(), why);
        }
    }
    (at.to_owned(), Denial::Unknown)
}

/// Returns whether a directory is shared like `/tmp`, in which everyone has files of their own.
fn is_shared(stat: &Stat) -> bool {
    stat.st_mode & 0o1002 == 0o1002
}

fn of_one(at: &Path, stat: &Stat) -> Option<Denial> {
    if is_immutable(at, stat) {
        return Some(Denial::Immutable);
    }
    // Owners and modes do not matter to root.
    if geteuid().is_root() {
        return None;
    }
    if stat.st_uid != geteuid().as_raw() {
        return Some(Denial::Owner(stat.st_uid));
    }
    let needs = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory { 0o700 } else { 0o600 };
    (stat.st_mode & needs != needs).then_some(Denial::Mode)
}

#[cfg(target_os = "linux")]
fn is_immutable(at: &Path, stat: &Stat) -> bool {
    use rustix::fs::{IFlags, Mode, OFlags};
    if !matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::Directory) {
        return false;
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    fs::open(at, flags, Mode::empty())
        .and_then(fs::ioctl_getflags)
        .is_ok_and(|flags| flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND))
}

#[cfg(not(target_os = "linux"))]
fn is_immutable(_: &Path, _: &Stat) -> bool {
    false
}
