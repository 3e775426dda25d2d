//! Checks that a home belongs to its user, so that no one else can plant files in it.

use std::path::Path;

use rustix::fs::{self, Stat};

use super::denial::may_write;
use super::dir::{Dir, split};
use crate::StoreError;

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_OR_OTHERS_READ: u32 = 0o044;
const STICKY: u32 = 0o1000;

/// A home that passed its checks.
#[derive(Debug)]
pub struct Home {
    /// The open directory.
    pub dir: Dir,
    /// Whether others can list it. This causes only a warning, because everything in it is ciphertext or not secret.
    pub readable_by_others: bool,
}

fn unsafe_dir<T>(path: &Path, why: &'static str) -> Result<T, StoreError> {
    Err(StoreError::Unsafe { path: path.to_owned(), why })
}

fn mode(stat: &Stat) -> u32 {
    // The width of a mode differs between systems.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
    let mode = stat.st_mode as u32;
    mode
}

/// Opens a home, and checks it and its parent.
///
/// # Errors
/// `NotFound`; `Unsafe` if it belongs to another user (also under `sudo`), if the group or others can write to it, if
/// others can write to its parent and that is not sticky, or if it is a link.
pub fn open(path: &Path) -> Result<Home, StoreError> {
    let dir = Dir::open(path).map_err(|error| dangling(path).unwrap_or(error))?;
    let stat = fs::fstat(dir.fd()).map_err(|e| StoreError::at(path, e))?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return unsafe_dir(path, "belongs to another user");
    }
    if mode(&stat) & GROUP_OR_OTHERS_WRITE != 0 {
        return unsafe_dir(path, "can be written by other users");
    }
    check_parent(path)?;
    Ok(Home { dir, readable_by_others: mode(&stat) & GROUP_OR_OTHERS_READ != 0 })
}

/// Checks whether a home can be created at a path.
///
/// Refused are a directory of another user, who could replace the home and could not use it (as under `sudo`, which may
/// keep `HOME`), and a directory that others can write to. Root's directories are accepted.
///
/// # Errors
/// `Unsafe`; `Io` if a directory cannot be looked at.
pub fn check_place(path: &Path) -> Result<(), StoreError> {
    let (parent, _) = split(path)?;
    if let Some(error) = dangling(path) {
        return Err(error);
    }
    if parent.exists() {
        check_parent(path)?;
    }
    for above in parent.ancestors() {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match fs::stat(above) {
            Ok(stat) if stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw() => {
                return may_write(fs::CWD, above).map_err(|errno| StoreError::at(above, errno));
            }
            Ok(_) => return unsafe_dir(above, "belongs to another user"),
            Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(StoreError::at(above, errno)),
        }
    }
    Ok(())
}

/// Creates a home with mode 0700 and the directories above it, and opens it. An existing directory is used as it is,
/// even one that another process creates meanwhile.
///
/// # Errors
/// As [`check_place`] and [`open`].
pub fn create(path: &Path) -> Result<Home, StoreError> {
    if fs::lstat(path).is_err() {
        check_place(path)?;
    }
    let made = match fs::mkdir(path, fs::Mode::RWXU) {
        Err(rustix::io::Errno::NOENT) => {
            let (parent, _) = split(path)?;
            create_parents(&parent)?;
            fs::mkdir(path, fs::Mode::RWXU)
        }
        made => made,
    };
    match made {
        Ok(()) | Err(rustix::io::Errno::EXIST) => open(path),
        Err(errno) => Err(StoreError::at(path, errno)),
    }
}

/// Creates a directory with mode 0700 and those above it, if they do not exist.
///
/// # Errors
/// `Io`.
pub fn create_parents(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| {
        let failed = || match rustix::io::Errno::from_io_error(&source) {
            Some(errno) => StoreError::at(path, errno),
            None => StoreError::Io { path: path.to_owned(), source },
        };
        dangling(path).or_else(|| no_directory(path)).unwrap_or_else(failed)
    })
}

/// Returns the error for a path that is a file or leads through one. It is not `Exists`, because the path itself may
/// not exist.
fn no_directory(path: &Path) -> Option<StoreError> {
    let file = path.ancestors().find(|at| at.metadata().is_ok_and(|meta| !meta.is_dir()))?;
    Some(StoreError::Unsafe { path: file.to_owned(), why: "is not a directory" })
}

/// Why a dangling link is refused.
pub const DANGLING: &str = "is a link to something that does not exist";

/// Why a loop of links is refused.
const ENDLESS: &str = "is a link that leads back to itself";

/// Returns the error for a path that is a link to something that does not exist, or leads through one.
#[must_use]
pub fn dangling(path: &Path) -> Option<StoreError> {
    let leads_nowhere =
        |at: &&Path| at.symlink_metadata().is_ok_and(|meta| meta.file_type().is_symlink()) && !at.exists();
    // The one nearest to the root, because those below it do not exist because of it.
    let link = path.ancestors().filter(leads_nowhere).last()?;
    let is_endless = matches!(fs::stat(link), Err(rustix::io::Errno::LOOP));
    Some(StoreError::Unsafe { path: link.to_owned(), why: if is_endless { ENDLESS } else { DANGLING } })
}

/// Why something that another user owns is refused.
pub const ANOTHERS: &str = "belongs to another user";

/// Returns the owner of a file or directory in a home, if it exists.
#[must_use]
pub fn owner(dir: &Dir, name: &str) -> Option<u32> {
    fs::statat(dir.fd(), name, fs::AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| stat.st_uid)
}

/// Returns why a file or directory in a home is not private, as the verb of a sentence. `None` if it is private or does
/// not exist.
#[must_use]
pub fn not_private(dir: &Dir, name: &str) -> Option<&'static str> {
    let stat = fs::statat(dir.fd(), name, fs::AtFlags::SYMLINK_NOFOLLOW).ok()?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Some(ANOTHERS);
    }
    (mode(&stat) & GROUP_OR_OTHERS_WRITE != 0).then_some("can be written by other users")
}

fn check_parent(path: &Path) -> Result<(), StoreError> {
    let (parent, _) = split(path)?;
    let stat = fs::stat(&parent).map_err(|e| StoreError::at(&parent, e))?;
    if mode(&stat) & OTHERS_WRITE != 0 && mode(&stat) & STICKY == 0 {
        return unsafe_dir(&parent, "can be written by other users, who could replace the vault's home");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn homes_and_parents_that_others_can_write_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("h");
        create(&home).unwrap();
        for mode in [0o770, 0o707, 0o777] {
            set(&home, mode);
            assert!(matches!(open(&home), Err(StoreError::Unsafe { .. })), "{mode:o}");
        }
        set(&home, 0o755);
        assert!(open(&home).unwrap().readable_by_others);
        set(&home, 0o700);
        assert!(!open(&home).unwrap().readable_by_others);
        set(temp.path(), 0o777);
        assert!(matches!(open(&home), Err(StoreError::Unsafe { .. })));
        set(temp.path(), 0o1777);
        assert!(open(&home).is_ok());
    }

    #[test]
    fn several_that_make_one_home_and_the_directories_above_it_all_open_it() {
        let temp = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let home = temp.path().join(format!("{round}/data/h"));
            let start = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        create(&home).unwrap();
                    });
                }
            });
        }
    }

    #[test]
    fn a_home_that_is_a_link_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        create(&temp.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", temp.path().join("link")).unwrap();
        assert!(matches!(open(&temp.path().join("link")), Err(StoreError::Unsafe { .. })));
    }
}
