//! The files of one SQLite database, and the way in which it is read without changing any of them.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::messages::stores as messages;

/// The largest database that is read, in bytes. The client keeps its sessions in the same file. Only the pages of the
/// tables in question are read.
const DATABASE_MAX: u64 = 64 * 1024 * 1024 * 1024;
/// The largest log that is read, in bytes. Without shared memory, all of it is read. The client keeps it near 4 MiB.
const LOG_MAX: u64 = 256 * 1024 * 1024;

/// The write version of a database with a log, and its place in the header
/// (<https://www.sqlite.org/fileformat.html>, section 1.3.3).
const LOGGED: (u8, usize) = (2, 18);

/// How SQLite opens a database so that it creates and changes no file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Without a log the database is complete. It is read without locks, as a file that does not change.
    Still,
    /// With a log and its shared memory, it is read under the locks that all programs share. Without a program that
    /// holds one, SQLite makes its own index of the log.
    Shared,
    /// With a log alone, as after a copy, it is read without locks, with an index of the log in memory.
    Log,
}

/// A database, its log, and the index of that log in shared memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Files {
    /// The path without links, beside which SQLite looks for the log.
    path: PathBuf,
    database: Stamp,
    log: Option<Stamp>,
    shared: Option<Stamp>,
}

/// What tells whether a file was changed or replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

impl Files {
    /// Examines the files of a database. Returns nothing if it does not exist.
    ///
    /// # Errors
    /// `UNSAFE_FILE` for what is not a regular file of this user, `TOO_LARGE`, `IO`.
    pub(super) fn of(path: &Path) -> Result<Option<Self>> {
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(messages::database_not_examined(error.kind())),
        };
        let Some(database) = stamp(&path, "the database", DATABASE_MAX)? else { return Ok(None) };
        let beside = |suffix: &str, which, max| {
            let mut name = OsString::from(&path);
            name.push(suffix);
            stamp(Path::new(&name), which, max)
        };
        if beside("-journal", "the journal of the database", u64::MAX)?.is_some_and(|one| one.size > 0) {
            return Err(messages::database_busy());
        }
        let log = beside("-wal", "the log of the database", LOG_MAX)?;
        let shared = beside("-shm", "the shared memory of the database", LOG_MAX)?;
        Ok(Some(Self { path, database, log, shared }))
    }

    /// Returns whether there is nothing in it. SQLite must not open it then: it would delete the log.
    pub(super) fn is_empty(&self) -> bool {
        self.database.size == 0
    }

    /// Returns whether it is a database with a log, and the log does not exist.
    pub(super) fn is_without_its_log(&self) -> bool {
        let mut header = [0; LOGGED.1 + 1];
        let read = File::open(&self.path).and_then(|mut file| file.read_exact(&mut header));
        self.log.is_none() && read.is_ok() && header.last() == Some(&LOGGED.0)
    }

    /// Returns its path without links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its size without the log, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.database.size
    }

    /// Returns the way in which it is opened.
    pub(super) fn way(&self) -> Way {
        match (&self.log, &self.shared) {
            (Some(_), Some(_)) => Way::Shared,
            (Some(log), None) if log.size > 0 => Way::Log,
            _ => Way::Still,
        }
    }

    /// Returns the URI by which SQLite opens it.
    pub(super) fn uri(&self) -> String {
        let mut uri = String::from("file:");
        for byte in self.path.as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                    uri.push(char::from(*byte));
                }
                _ => uri.push_str(&format!("%{byte:02x}")),
            }
        }
        uri.push_str(match self.way() {
            Way::Still => "?mode=ro&immutable=1",
            Way::Shared => "?mode=ro&readonly_shm=1",
            Way::Log => "?mode=ro&vfs=unix-none",
        });
        uri
    }

    /// Returns whether what was read is certain to be of one piece: under locks, or because nothing was changed since.
    pub(super) fn still_hold(&self) -> bool {
        self.way() == Way::Shared || Self::of(&self.path).is_ok_and(|now| now.as_ref() == Some(self))
    }
}

fn stamp(path: &Path, which: &str, max: u64) -> Result<Option<Stamp>> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(messages::database_not_examined(error.kind())),
    };
    if !is_own(&metadata) {
        return Err(messages::foreign_file(which));
    }
    if metadata.len() > max {
        return Err(messages::database_too_large(which, max));
    }
    Ok(Some(Stamp {
        file: (metadata.dev(), metadata.ino()),
        size: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    }))
}

/// Returns whether it is a regular file of this user. As root, SQLite would give the log to the database's owner.
fn is_own(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw()
}
