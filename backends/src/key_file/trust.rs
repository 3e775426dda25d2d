//! Who else can read or replace a key file, and whether that is acceptable.
//!
//! Container runtimes mount keys so that everyone in the container can read them: Docker and Podman with mode 0444 and
//! owned by root, in `/run/secrets`; Kubernetes with mode 0644, or 0440 and a group, through the links `..data` and
//! `..2026_11_28…`, on a tmpfs that is mounted read-only. Such a container has no other users. The same mode on an
//! ordinary disk is a mistake.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs;

use crate::StoreError;

/// The directories in which container runtimes mount secrets.
const PLACES: [&str; 2] = ["/run/secrets", "/var/run/secrets"];
/// Directories for everyone's files. A file there is not a mounted secret, even if it is in memory.
const SHARED: [&str; 2] = ["/tmp", "/var/tmp"];

/// Why a file on an ordinary disk that others can read or write is refused.
pub const LOOSE: &str = "can be read or written by other users";
/// Why a mounted file that others can write is refused.
pub const LOOSE_MOUNT: &str = "can be written by other users";
/// Why a mounted file is refused if others can write to a directory above it.
pub const LOOSE_ABOVE: &str = "can be replaced by other users, who can write to a directory above it";
/// Why a file that belongs neither to the user nor to root is refused.
pub const FOREIGN: &str = "belongs to another user";

/// Why a key file that others can read is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mount {
    /// It is where container runtimes mount secrets.
    Place,
    /// Its file system is mounted read-only.
    ReadOnly,
    /// Its file system is in memory.
    Memory,
}

impl Mount {
    /// Returns the reason as a clause of a sentence.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Place => "it is where container runtimes mount secrets",
            Self::ReadOnly => "its file system is mounted read-only",
            Self::Memory => "its file system is in memory",
        }
    }
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
struct Facts {
    owner: u32,
    mode: u32,
    me: u32,
    mount: Option<Mount>,
    /// Whether no one else can replace it; checked only if it matters.
    is_kept: bool,
}

fn is_open_to_others(mode: u32) -> bool {
    mode & 0o077 != 0
}

/// Returns `None` for a private file, and the reason for one that others may read.
fn judge(facts: Facts) -> Result<Option<Mount>, &'static str> {
    if facts.owner != facts.me && facts.owner != 0 {
        return Err(FOREIGN);
    }
    if !is_open_to_others(facts.mode) {
        return Ok(None);
    }
    let Some(mount) = facts.mount else { return Err(LOOSE) };
    if facts.mode & 0o022 != 0 {
        return Err(LOOSE_MOUNT);
    }
    if facts.is_kept { Ok(Some(mount)) } else { Err(LOOSE_ABOVE) }
}

/// Checks an open file by its owner, its mode and its file system. `path` is the path by which it was opened.
///
/// # Errors
/// `Unsafe`, and the system's errors.
pub(super) fn of_open(fd: &OwnedFd, path: &Path) -> Result<Option<Mount>, StoreError> {
    let stat = fs::fstat(fd).map_err(|e| StoreError::at(path, e))?;
    // Its width differs between systems.
    #[allow(clippy::useless_conversion)]
    let mode = u32::from(stat.st_mode);
    let mut facts = Facts {
        owner: stat.st_uid,
        mode,
        me: rustix::process::geteuid().as_raw(),
        mount: None,
        is_kept: false,
    };
    // Most are private and need no further check.
    if is_open_to_others(facts.mode) {
        facts.mount = mount_of(fd, path);
        facts.is_kept = facts.mount.is_some() && is_kept(fd, path, facts.me);
    }
    judge(facts).map_err(|why| StoreError::Unsafe { path: path.to_owned(), why })
}

fn mount_of(fd: &OwnedFd, path: &Path) -> Option<Mount> {
    let real = path.canonicalize().ok()?;
    // On most systems /var/run is a link to /run.
    if PLACES.iter().any(|place| real.starts_with(place)) {
        return Some(Mount::Place);
    }
    let read_only = fs::fstatvfs(fd).is_ok_and(|stat| stat.f_flag.contains(fs::StatVfsMountFlags::RDONLY));
    if read_only {
        return Some(Mount::ReadOnly);
    }
    (is_in_memory(fd) && !is_shared(fd)).then_some(Mount::Memory)
}

#[cfg(target_os = "linux")]
fn is_in_memory(fd: &OwnedFd) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    // The width of the number differs between architectures.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    fs::fstatfs(fd).is_ok_and(|stat| matches!(stat.f_type as i64 & 0xffff_ffff, TMPFS | RAMFS))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &OwnedFd) -> bool {
    false
}

/// Returns whether the file is on the same file system as `/tmp`, which is in memory on many desktops.
fn is_shared(fd: &OwnedFd) -> bool {
    let Ok(own) = fs::fstat(fd) else { return true };
    SHARED.iter().any(|place| fs::stat(*place).is_ok_and(|stat| stat.st_dev == own.st_dev))
}

/// Returns whether the open file is the one at the path, and no one else can make the path lead to another one.
fn is_kept(fd: &OwnedFd, path: &Path, me: u32) -> bool {
    let (Ok(named), Ok(open)) = (std::path::absolute(path), fs::fstat(fd)) else { return false };
    let same = |found: fs::Stat| found.st_dev == open.st_dev && found.st_ino == open.st_ino;
    followed(&named, me).is_some_and(|real| fs::lstat(&real).is_ok_and(same))
}

/// Follows a path as the system does, one name at a time, and returns where it ends. Returns `None` if another user
/// could have redirected it: a directory on the way belongs to another user or can be written by others. A sticky
/// directory is accepted, because only the owner can replace what is in it, who must be this user or root.
fn followed(path: &Path, me: u32) -> Option<PathBuf> {
    // The most links that the system follows.
    const LINKS: usize = 40;
    let mut at = PathBuf::from("/");
    let mut rest = names_of(path);
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        let above = at.metadata().ok()?;
        if !is_safe_above(&above, me) {
            return None;
        }
        let next = at.join(&name);
        let found = next.symlink_metadata().ok()?;
        if !found.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        let is_anyones = above.mode() & 0o022 != 0 && found.uid() != me && found.uid() != 0;
        if links > LINKS || is_anyones {
            return None;
        }
        let target = next.read_link().ok()?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        rest.extend(names_of(&target));
    }
    Some(at)
}

/// Returns the names in a path, the last one first.
fn names_of(path: &Path) -> Vec<OsString> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| part.as_os_str().to_owned()).rev().collect()
}

fn is_safe_above(dir: &Metadata, me: u32) -> bool {
    let sticky = dir.mode() & 0o1000 != 0;
    (dir.uid() == me || dir.uid() == 0) && (dir.mode() & 0o022 == 0 || sticky)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    #[test]
    fn a_key_that_others_can_read_is_accepted_only_as_runtimes_mount_it() {
        let disk = Facts { owner: ME, mode: 0o100_600, me: ME, mount: None, is_kept: true };
        let mounted = Facts { mount: Some(Mount::Place), ..disk };
        for (facts, expected) in [
            (disk, Ok(None)),
            (Facts { owner: 0, mode: 0o100_400, ..disk }, Ok(None)),
            (Facts { mode: 0o100_640, ..disk }, Err(LOOSE)),
            (Facts { mode: 0o100_604, ..disk }, Err(LOOSE)),
            (Facts { mode: 0o100_444, owner: 0, ..disk }, Err(LOOSE)),
            (Facts { owner: 1001, ..disk }, Err(FOREIGN)),
            // Docker and Podman.
            (Facts { mode: 0o100_444, owner: 0, ..mounted }, Ok(Some(Mount::Place))),
            // Kubernetes, with fsGroup and without.
            (
                Facts { mode: 0o100_440, owner: 0, mount: Some(Mount::ReadOnly), ..disk },
                Ok(Some(Mount::ReadOnly)),
            ),
            (
                Facts { mode: 0o100_644, owner: 0, mount: Some(Mount::Memory), ..disk },
                Ok(Some(Mount::Memory)),
            ),
            (Facts { mode: 0o100_444, ..mounted }, Ok(Some(Mount::Place))),
            (Facts { mode: 0o100_400, ..mounted }, Ok(None)),
            (Facts { mode: 0o100_664, ..mounted }, Err(LOOSE_MOUNT)),
            (Facts { mode: 0o100_646, ..mounted }, Err(LOOSE_MOUNT)),
            (Facts { mode: 0o100_666, mount: Some(Mount::ReadOnly), ..disk }, Err(LOOSE_MOUNT)),
            (Facts { mode: 0o100_444, owner: 1001, ..mounted }, Err(FOREIGN)),
            (Facts { mode: 0o100_444, is_kept: false, ..mounted }, Err(LOOSE_ABOVE)),
            // Others cannot read it, so that they could not have copied it.
            (Facts { mode: 0o100_400, is_kept: false, ..mounted }, Ok(None)),
        ] {
            assert_eq!(judge(facts), expected, "{facts:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn others_may_read_a_file_in_memory_if_they_cannot_replace_it() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let open = |path: &Path| -> OwnedFd { std::fs::File::open(path).unwrap().into() };
        let temp = tempfile::tempdir_in("/dev/shm").unwrap();
        set(temp.path(), 0o755);
        // Kubernetes uses this layout.
        let data = temp.path().join("..2026_11_28_15_04_05.1");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("key"), b"made up").unwrap();
        symlink("..2026_11_28_15_04_05.1", temp.path().join("..data")).unwrap();
        symlink("..data/key", temp.path().join("key")).unwrap();
        let path = temp.path().join("key");
        set(&path, 0o444);
        assert_eq!(of_open(&open(&path), &path).unwrap(), Some(Mount::Memory));
        set(&path, 0o400);
        assert_eq!(of_open(&open(&path), &path).unwrap(), None);
        set(&path, 0o464);
        assert!(of_open(&open(&path), &path).is_err());
        set(&path, 0o440);
        for (dir, mode, accepted) in [
            (data.as_path(), 0o777, false),
            (data.as_path(), 0o775, false),
            (data.as_path(), 0o1777, true),
            (temp.path(), 0o777, false),
            (temp.path(), 0o3777, true),
        ] {
            set(dir, mode);
            assert_eq!(of_open(&open(&path), &path).is_ok(), accepted, "{} {mode:o}", dir.display());
            set(dir, 0o755);
        }
        // A link on the way, in a directory for everyone: it matters who made it.
        let shared = temp.path().join("shared");
        std::fs::create_dir(&shared).unwrap();
        set(&shared, 0o1777);
        symlink("../key", shared.join("own")).unwrap();
        symlink("shared/own", temp.path().join("by")).unwrap();
        let by = temp.path().join("by");
        assert!(of_open(&open(&by), &by).is_ok());
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(shared.join("own"), Some(ME), Some(ME)).unwrap();
            assert!(of_open(&open(&by), &by).is_err(), "another user's link leads to it");
            set(&shared, 0o755);
            assert!(of_open(&open(&by), &by).is_ok(), "only root could put it there");
        }
        symlink("loop", temp.path().join("loop")).unwrap();
        assert!(followed(&temp.path().join("loop"), ME).is_none());
        // Another file in its place is not the one that was checked.
        let other = open(&path);
        std::fs::remove_file(data.join("key")).unwrap();
        std::fs::write(data.join("key"), b"other").unwrap();
        assert!(of_open(&other, &path).is_err());
    }
}
