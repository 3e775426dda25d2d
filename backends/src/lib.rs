//! The places in which Strongroom stores encrypted bytes and keys.
//!
//! Nothing here knows about age, JSON or profiles: only bytes. Records are encrypted already, so that every place is
//! trusted to keep them, but not to keep them secret.
//!
//! On Windows there are only [`keychain`], [`deadline`] and [`stack`].

pub mod deadline;
pub mod escape;
#[cfg(unix)]
pub mod file;
#[cfg(unix)]
pub mod fs;
#[cfg(unix)]
pub mod inherited_fd;
#[cfg(unix)]
pub mod kernel_keyring;
#[cfg(unix)]
pub mod key_file;
pub mod keychain;
mod shown;
pub mod stack;

#[cfg(unix)]
use std::io;
#[cfg(unix)]
use std::path::PathBuf;
#[cfg(unix)]
use std::time::Duration;

pub use shown::{
    Given, as_data, is_hidden, is_of_words, is_opaque, may_be_shown, note_given, place_of, shown, variable_of,
};

#[cfg(unix)]
use fs::denial::Denial;
#[cfg(unix)]
use fs::lock::Holder;

/// An error of a place.
#[cfg(unix)]
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not exist.
    #[error("{0} does not exist")]
    NotFound(PathBuf),
    /// It already exists.
    #[error("{0} already exists")]
    Exists(PathBuf),
    /// It is not what it should be: it is a symlink or a FIFO, or belongs to someone else.
    #[error("{path} {why}")]
    Unsafe {
        /// Which file or directory.
        path: PathBuf,
        /// What is wrong with it, as the verb of a sentence.
        why: &'static str,
    },
    /// It has more bytes than its kind may have.
    #[error("{path} is larger than {max} bytes")]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The bound, in bytes.
        max: usize,
    },
    /// The file system or the quota is full.
    #[error("no space left to write {0}")]
    NoSpace(PathBuf),
    /// A lock was not free in time.
    #[error("{path} is locked")]
    LockTimeout {
        /// The lock's file.
        path: PathBuf,
        /// The process that says that it holds the lock.
        holder: Option<Holder>,
        /// How long this process waited.
        waited: Duration,
    },
    /// The system denies access to this user.
    #[error("permission denied: {at}")]
    Denied {
        /// The file or directory that was to be used.
        path: PathBuf,
        /// What denies access: that one, or a directory on the way to it.
        at: PathBuf,
        /// Why, as far as owner and mode tell.
        why: Denial,
    },
    /// It is on a file system that cannot be written.
    #[error("{0} is on a read-only file system")]
    ReadOnly(PathBuf),
    /// The file system has no locks, or none for this machine.
    #[error("{path} cannot be locked: {source}")]
    NoLocks {
        /// The lock's file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Any other failure of the system.
    #[error("{path}: {source}")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

#[cfg(unix)]
impl StoreError {
    /// Converts an error of the system for a path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>, errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        let path = path.into();
        match errno {
            Errno::NOENT => Self::NotFound(path),
            Errno::EXIST => Self::Exists(path),
            // O_NOFOLLOW on a symlink; O_DIRECTORY on something else.
            Errno::LOOP => Self::Unsafe { path, why: "is a symlink" },
            Errno::NOTDIR => {
                // It may be on the way to the path.
                let at = path.ancestors().find(|at| at.symlink_metadata().is_ok()).unwrap_or(&path);
                Self::Unsafe { path: at.to_owned(), why: "is not a directory" }
            }
            Errno::ISDIR => Self::Unsafe { path, why: "is a directory" },
            // The error of opening a socket, or a FIFO that no one reads.
            Errno::NXIO => Self::Unsafe { path, why: "is not a regular file" },
            Errno::NOSPC | Errno::DQUOT => Self::NoSpace(path),
            Errno::ACCESS | Errno::PERM => fs::denial::denied(path),
            Errno::ROFS => Self::ReadOnly(path),
            other => Self::Io { path, source: other.into() },
        }
    }

    /// Returns whether it only says that the path does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }
}
