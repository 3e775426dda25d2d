//! The file store: a directory with one encrypted record in each file.

use crate::StoreError;
use crate::fs::dir::Dir;

/// From this many files on, one barrier for the whole file system makes them durable.
pub const ONE_BARRIER_FROM: usize = 8;

/// A directory of records.
#[derive(Debug)]
pub struct FileStore {
    records: Dir,
}

impl FileStore {
    /// Makes the store in an open directory.
    #[must_use]
    pub fn new(records: Dir) -> Self {
        Self { records }
    }

    /// Reads the record with a name, of at most `max` bytes. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// If it cannot be read, or is not a regular file.
    pub fn read_if_any(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.records.read_if_any(name, max)
    }

    /// Moves staged records into place. It can be repeated: a record that is no longer staged was moved before. The
    /// result is durable after [`FileStore::sync`].
    ///
    /// # Errors
    /// If a record cannot be moved. Those moved before stay in place.
    pub fn put_staged(&self, staged: &Dir, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            match staged.rename(name, &self.records, name) {
                // The staging directory was made durable as a whole, so what is missing was moved.
                Err(StoreError::NotFound(_)) => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// Removes records. Records that do not exist are ignored. The result is durable after [`FileStore::sync`].
    ///
    /// # Errors
    /// If a record cannot be removed.
    pub fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            self.records.remove_file(name)?;
        }
        Ok(())
    }

    /// Makes moved and removed records durable. Called once, after the rest of a change was written, so that everything
    /// is in one commit of the file system's journal.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.records.sync()
    }

    /// Returns the names of all records, sorted.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        self.records.names()
    }
}
