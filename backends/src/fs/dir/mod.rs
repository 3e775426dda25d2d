//! An open directory, through which everything in it is used by name.
//!
//! Names are single components and symlinks are never followed, so that replacing a directory or a file with a link
//! between two steps has no effect.

mod durable;
mod tree;

pub use tree::is_in_use;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::denial::{denied_to_move, may_write};
use crate::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// An open directory.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symlink, FIFO, socket or device.
    Other,
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
const PRIVATE_DIR: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

impl Dir {
    /// Opens a directory by its path. The last component may not be a symlink.
    ///
    /// # Errors
    /// `NotFound`, `Unsafe` for a symlink or anything else that is not a directory, `Io`.
    pub fn open(path: &Path) -> Result<Self> {
        let fd = fs::open(path, DIRECTORY, Mode::empty())
            .map_err(|errno| StoreError::at(path, told_apart(errno, || fs::lstat(path))))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Returns the path by which it was opened, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a name in it, for messages.
    #[must_use]
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns its device and inode numbers, which identify it on a running machine.
    ///
    /// # Errors
    /// `Io`.
    pub fn identity(&self) -> Result<(u64, u64)> {
        let stat = fs::fstat(&self.fd).map_err(self.fail(""))?;
        // The numbers are narrower on some platforms.
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
        Ok((stat.st_dev as u64, stat.st_ino as u64))
    }

    /// Returns the open descriptor.
    #[must_use]
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    fn fail(&self, name: &str) -> impl Fn(Errno) -> StoreError {
        let path = self.path_of(name);
        move |errno| StoreError::at(path.clone(), errno)
    }

    /// Opens a subdirectory.
    ///
    /// # Errors
    /// As [`Dir::open`].
    pub fn dir(&self, name: &str) -> Result<Self> {
        let looked = || fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        let fd = fs::openat(&self.fd, name, DIRECTORY, Mode::empty())
            .map_err(|errno| self.fail(name)(told_apart(errno, looked)))?;
        Ok(Self { fd, path: if name == "." { self.path.clone() } else { self.path_of(name) } })
    }

    /// Opens a subdirectory. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// As [`Dir::open`], except `NotFound`.
    pub fn dir_if_any(&self, name: &str) -> Result<Option<Self>> {
        match self.dir(name) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Checks whether this user can create and remove files in it.
    ///
    /// # Errors
    /// `Denied`, `ReadOnly`, `Io` if not.
    pub fn may_write(&self) -> Result<()> {
        may_write(&self.fd, Path::new(".")).map_err(|errno| StoreError::at(&self.path, errno))
    }

    /// Checks whether this user can open a file in it for reading and, with `writing`, for writing. A file that does
    /// not exist is not an error.
    ///
    /// # Errors
    /// `Denied`, `ReadOnly`, `Io` if not.
    pub fn may_open(&self, name: &str, writing: bool) -> Result<()> {
        use rustix::fs::{Access, accessat};
        let access = if writing { Access::READ_OK | Access::WRITE_OK } else { Access::READ_OK };
        match accessat(&self.fd, name, access, AtFlags::EACCESS) {
            Ok(()) | Err(Errno::NOENT | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(errno) => Err(self.fail(name)(errno)),
        }
    }

    /// Checks whether the file system, the quota and the limits of this process allow a file of `size` bytes, by
    /// writing one without a name, which is removed at once. On a file system without such files, nothing is checked.
    ///
    /// # Errors
    /// `NoSpace`, `ReadOnly`, `Denied`, `Io`.
    #[cfg(target_os = "linux")]
    pub fn try_write(&self, size: usize) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let fd = match fs::openat(&self.fd, ".", flags, PRIVATE_FILE) {
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT | Errno::NOSYS) => {
                return Ok(());
            }
            fd => fd.map_err(self.fail(""))?,
        };
        File::from(fd).write_all(&vec![0; size]).map_err(|source| self.io("", source))
    }

    /// Checks nothing, because the system has no files without a name.
    ///
    /// # Errors
    /// None.
    #[cfg(not(target_os = "linux"))]
    pub fn try_write(&self, _: usize) -> Result<()> {
        Ok(())
    }

    /// Creates a subdirectory with mode 0700.
    ///
    /// # Errors
    /// `Exists`, `NoSpace`, `Io`.
    pub fn create_dir(&self, name: &str) -> Result<Self> {
        fs::mkdirat(&self.fd, name, PRIVATE_DIR).map_err(self.fail(name))?;
        self.dir(name)
    }

    /// Opens a subdirectory, and creates it durably if it does not exist.
    ///
    /// # Errors
    /// As [`Dir::create_dir`], except `Exists`.
    pub fn dir_or_create(&self, name: &str) -> Result<Self> {
        match self.dir(name) {
            Err(error) if error.is_not_found() => {}
            done => return done,
        }
        match self.create_dir(name) {
            Err(StoreError::Exists(_)) => self.dir(name),
            Ok(dir) => {
                self.sync()?;
                Ok(dir)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what a name stands for, or `None` if it does not exist.
    ///
    /// # Errors
    /// `Io`.
    pub fn kind(&self, name: &str) -> Result<Option<Kind>> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(kind_of(FileType::from_raw_mode(stat.st_mode)))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.fail(name)(errno)),
        }
    }

    /// Reads a regular file of at most `max` bytes.
    ///
    /// # Errors
    /// `NotFound`; `Unsafe` if it is not a regular file (a FIFO does not block); `TooLarge`.
    pub fn read(&self, name: &str, max: usize) -> Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = fs::openat(&self.fd, name, flags, Mode::empty()).map_err(self.fail(name))?;
        read_regular(fd, &self.path_of(name), max)
    }

    /// Reads a regular file. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// As [`Dir::read`], except `NotFound`.
    pub fn read_if_any(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>> {
        match self.read(name, max) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file with mode 0600 that must not exist yet. Not durable by itself.
    ///
    /// # Errors
    /// `Exists`, `NoSpace`, `Io`. A partly written file is removed.
    pub fn write_new(&self, name: &str, bytes: &[u8]) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = fs::openat(&self.fd, name, flags, PRIVATE_FILE).map_err(self.fail(name))?;
        let mut file = File::from(fd);
        match file.write_all(bytes) {
            Ok(()) => Ok(file),
            Err(source) => {
                let _ = fs::unlinkat(&self.fd, name, AtFlags::empty());
                Err(self.io(name, source))
            }
        }
    }

    /// Opens a subdirectory, and creates it with mode 0700 if it does not exist, not durably.
    ///
    /// # Errors
    /// As [`Dir::create_dir`], except `Exists`.
    pub fn dir_or_make(&self, name: &str) -> Result<Self> {
        match self.create_dir(name) {
            Err(StoreError::Exists(_)) => self.dir(name),
            made => made,
        }
    }

    /// Overwrites a file that is only advice, neither atomically nor durably, and returns it.
    ///
    /// # Errors
    /// `Unsafe`, `NoSpace`, `Io`.
    pub fn scribble(&self, name: &str, bytes: &[u8]) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = fs::openat(&self.fd, name, flags, PRIVATE_FILE).map_err(self.fail(name))?;
        let mut file = File::from(fd);
        // Truncated afterwards: if a file is emptied first, ext4 writes out its new contents at once, and the next
        // durable write of anything waits for them.
        let written = file.write_all(bytes).and_then(|()| file.set_len(bytes.len() as u64));
        written.map(|()| file).map_err(|source| self.io(name, source))
    }

    /// Opens a file for reading and writing, and creates it with mode 0600 if it does not exist.
    ///
    /// # Errors
    /// `Unsafe`, `NoSpace`, `Io`.
    pub fn open_or_create(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = fs::openat(&self.fd, name, flags, PRIVATE_FILE).map_err(self.fail(name))?;
        self.regular(fd, name)
    }

    fn regular(&self, fd: OwnedFd, name: &str) -> Result<File> {
        let stat = fs::fstat(&fd).map_err(self.fail(name))?;
        if kind_of(FileType::from_raw_mode(stat.st_mode)) != Kind::File {
            return Err(StoreError::Unsafe { path: self.path_of(name), why: "is not a regular file" });
        }
        Ok(File::from(fd))
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// `NotFound`, `Unsafe`, `Io`.
    pub fn open_for_reading(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = fs::openat(&self.fd, name, flags, Mode::empty()).map_err(self.fail(name))?;
        self.regular(fd, name)
    }

    /// Renames a file, and replaces a file with the new name. Not durable by itself.
    ///
    /// # Errors
    /// `NotFound`, `Io`.
    pub fn rename(&self, from: &str, to_dir: &Self, to: &str) -> Result<()> {
        fs::renameat(&self.fd, from, &to_dir.fd, to).map_err(|errno| match errno {
            Errno::ACCESS | Errno::PERM => denied_to_move(self.path_of(from), &to_dir.path_of(to)),
            other => self.fail(from)(other),
        })
    }

    /// Renames a file to a name that must not exist yet. Not durable by itself.
    ///
    /// # Errors
    /// `Exists`, `Io`.
    pub fn rename_new(&self, from: &str, to: &str) -> Result<()> {
        match fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            // The file system does not support this. Add the new name first, then remove the old one.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                match fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty()) {
                    Ok(()) => self.remove_file(from),
                    // It does not support hard links either.
                    Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP) if self.kind(to)?.is_none() => {
                        self.rename(from, self, to)
                    }
                    Err(errno) => Err(self.fail(to)(errno)),
                }
            }
            done => done.map_err(self.fail(to)),
        }
    }

    /// Removes a file, if it exists.
    ///
    /// # Errors
    /// `Io`.
    pub fn remove_file(&self, name: &str) -> Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.fail(name)(errno)),
        }
    }

    /// Removes anything with a name: a file, a link, or a directory as [`Dir::remove_tree`] does.
    ///
    /// # Errors
    /// `Io`.
    pub fn remove_any(&self, name: &str) -> Result<()> {
        match self.kind(name)? {
            Some(Kind::Directory) => self.remove_tree(name),
            _ => self.remove_file(name),
        }
    }

    /// Returns all names in it, sorted. Bytes that are not UTF-8 are replaced, so that such names are seen and
    /// reported, but never match one of ours.
    ///
    /// # Errors
    /// `Io`.
    pub fn names(&self) -> Result<Vec<String>> {
        let fail = self.fail("");
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.fd).map_err(&fail)? {
            let entry = entry.map_err(&fail)?;
            let name = String::from_utf8_lossy(entry.file_name().to_bytes()).into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Converts an error of the standard library for a name in it.
    pub fn io(&self, name: &str, source: std::io::Error) -> StoreError {
        match Errno::from_io_error(&source) {
            Some(errno) => self.fail(name)(errno),
            None => StoreError::Io { path: self.path_of(name), source },
        }
    }
}

/// Returns the right error for a symlink to a directory, which the system calls "not a directory".
fn told_apart(errno: Errno, look: impl Fn() -> rustix::io::Result<fs::Stat>) -> Errno {
    let link = |stat: fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
    if errno == Errno::NOTDIR && look().is_ok_and(link) { Errno::LOOP } else { errno }
}

fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        _ => Kind::Other,
    }
}

/// Reads an open file, which was opened without blocking, if it is a regular file of at most `max` bytes.
pub(crate) fn read_regular(fd: OwnedFd, path: &Path, max: usize) -> Result<Vec<u8>> {
    let stat = fs::fstat(&fd).map_err(|e| StoreError::at(path, e))?;
    if kind_of(FileType::from_raw_mode(stat.st_mode)) != Kind::File {
        return Err(StoreError::Unsafe { path: path.to_owned(), why: "is not a regular file" });
    }
    let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
    if size > max {
        return Err(StoreError::TooLarge { path: path.to_owned(), max });
    }
    // One byte more than its size, so that a file that grows is noticed and the buffer never moves.
    let mut bytes = Vec::with_capacity(size + 1);
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    File::from(fd)
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
    if bytes.len() > max {
        return Err(StoreError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

/// Splits a path into its directory and its file name.
pub(crate) fn split(path: &Path) -> Result<(PathBuf, String)> {
    let name = path
        .file_name()
        .and_then(OsStr::to_str)
        .ok_or_else(|| StoreError::Unsafe { path: path.to_owned(), why: "is not the path of a file" })?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Ok((parent, name.to_owned()))
}

#[cfg(test)]
#[path = "dir_tests.rs"]
mod tests;
