//! The places where Strongroom's sealed bytes and keys rest.
//!
//! Bytes only: nothing here knows of age, of JSON or of profiles. What comes in is sealed
//! already, so every place is trusted with keeping, never with secrecy.
//!
//! On Windows there are [`keychain`], [`deadline`] and [`stack`] alone.

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

/// What can go wrong with a place.
#[cfg(unix)]
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing of that name is there.
    #[error("{0} is not there")]
    NotFound(PathBuf),
    /// Something of that name is there already.
    #[error("{0} exists")]
    Exists(PathBuf),
    /// It is not what it should be: a symlink, a FIFO, someone else's.
    #[error("{path} {why}")]
    Unsafe {
        /// Which file or directory.
        path: PathBuf,
        /// What is wrong with it, as the rest of a sentence.
        why: &'static str,
    },
    /// It holds more bytes than anything of its kind may.
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
    /// A lock was not had in time.
    #[error("{path} is locked")]
    LockTimeout {
        /// The lock's file.
        path: PathBuf,
        /// Who says that it holds the lock.
        holder: Option<Holder>,
        /// How long was waited.
        waited: Duration,
    },
    /// The system forbids it to this user.
    #[error("permission denied: {at}")]
    Denied {
        /// Which file or directory was to be used.
        path: PathBuf,
        /// What forbids it: that one, or a directory on the way to it.
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
    /// Every other failure of the system.
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
    /// An error of the system at a path.
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
                // On the way to it, perhaps.
                let at = path.ancestors().find(|at| at.symlink_metadata().is_ok()).unwrap_or(&path);
                Self::Unsafe { path: at.to_owned(), why: "is not a directory" }
            }
            Errno::ISDIR => Self::Unsafe { path, why: "is a directory" },
            // What opening a socket, or a FIFO that nobody reads, gives.
            Errno::NXIO => Self::Unsafe { path, why: "is not a regular file" },
            Errno::NOSPC | Errno::DQUOT => Self::NoSpace(path),
            Errno::ACCESS | Errno::PERM => fs::denial::denied(path),
            Errno::ROFS => Self::ReadOnly(path),
            other => Self::Io { path, source: other.into() },
        }
    }

    /// Whether it only says that nothing is there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }
}
