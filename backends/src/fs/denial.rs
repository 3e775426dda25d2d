//! Why the system forbids something, as far as owners and modes tell.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, FileType, Stat};
use rustix::process::geteuid;

use crate::StoreError;

/// What forbids the use of a file or directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// It belongs to the user of this number.
    Owner(u32),
    /// It is the user's own, and its mode keeps him out.
    Mode,
    /// It has an attribute by which no one can change it.
    Immutable,
    /// Owner and mode do not: an access list, a security module, a server.
    Unknown,
}

/// The error of a path that the system does not let this user use.
pub(crate) fn denied(path: PathBuf) -> StoreError {
    let (at, why) = judge(&path);
    StoreError::Denied { at, path, why }
}

/// Whether this user can make and remove files in a directory, and see what is in it.
///
/// # Errors
/// The system's reason if not.
pub fn may_write(dir: impl AsFd, path: &Path) -> rustix::io::Result<()> {
    use rustix::fs::{Access, AtFlags, accessat};
    // A C library may know the effective user only by a call that the kernel does not have.
    match accessat(&dir, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {
            accessat(dir, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())
        }
        done => done,
    }
}

/// The error of a file that the system does not let this user move. That is a matter of both directories, whatever
/// the owner and the mode of the file itself.
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

/// What on the way to a path forbids its use.
fn judge(path: &Path) -> (PathBuf, Denial) {
    // What lies in a directory that cannot be searched is not seen: that directory is the first that is.
    let seen = path.ancestors().find_map(|at| Some((at, fs::lstat(at).ok()?)));
    let Some((at, stat)) = seen else { return (path.to_owned(), Denial::Unknown) };
    // To make, rename or remove something is a matter of its directory.
    let above = at.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.and_then(|above| Some((above, fs::lstat(above).ok()?)));
    for (at, stat) in [(at, stat)].into_iter().chain(above.filter(|(_, stat)| !is_shared(stat))) {
        if let Some(why) = of_one(at, &stat) {
            return (at.to_owned(), why);
        }
    }
    (at.to_owned(), Denial::Unknown)
}

/// A directory like `/tmp`, in which each has his own.
fn is_shared(stat: &Stat) -> bool {
    stat.st_mode & 0o1002 == 0o1002
}

fn of_one(at: &Path, stat: &Stat) -> Option<Denial> {
    if is_immutable(at, stat) {
        return Some(Denial::Immutable);
    }
    // Root is kept out by neither.
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
