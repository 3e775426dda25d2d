//! The file store: a directory with one sealed record a file.

use crate::fs::dir::{Dir, Kind};
use crate::{Health, SecretStore, StoreError};

/// More files than this are made durable by one barrier for the file system.
pub const ONE_BARRIER_FROM: usize = 8;

/// A directory of records.
#[derive(Debug)]
pub struct FileStore {
    records: Dir,
}

impl FileStore {
    /// The store in an open directory.
    #[must_use]
    pub fn new(records: Dir) -> Self {
        Self { records }
    }
}

impl SecretStore for FileStore {
    type Error = StoreError;

    fn kind(&self) -> &'static str {
        "file"
    }

    fn copies(&self, name: &str, max: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.records.read_if_any(name, max)?.into_iter().collect())
    }

    fn put_staged(&self, staged: &Dir, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            match staged.rename(name, &self.records, name) {
                // The staging directory was made durable as a whole: what is missing was moved.
                Err(StoreError::NotFound(_)) => {}
                done => done?,
            }
        }
        Ok(())
    }

    fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            self.records.remove_file(name)?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.records.sync()
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        self.records.names()
    }

    fn health(&self) -> Health {
        use rustix::fs::{Access, AtFlags, accessat};
        match self.records.kind(".") {
            Ok(Some(Kind::Directory)) => {}
            _ => return Health::Unavailable,
        }
        match accessat(self.records.fd(), ".", Access::WRITE_OK, AtFlags::EACCESS) {
            Ok(()) => Health::Ready,
            Err(_) => Health::ReadOnly,
        }
    }
}
