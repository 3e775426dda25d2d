//! The file store: a directory with one sealed record a file.

use crate::StoreError;
use crate::fs::dir::Dir;

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

    /// Reads the bytes under a name, at most `max` of them, or says that there are none.
    ///
    /// # Errors
    /// If what is there cannot be read, or is no record.
    pub fn read_if_any(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.records.read_if_any(name, max)
    }

    /// Takes over the staged records of these names, and can be repeated: a name which is no
    /// longer staged was taken over before. Durable after [`FileStore::sync`].
    ///
    /// # Errors
    /// If a record cannot be written; those taken over until then stay.
    pub fn put_staged(&self, staged: &Dir, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            match staged.rename(name, &self.records, name) {
                // The staging directory was made durable as a whole: what is missing was moved.
                Err(StoreError::NotFound(_)) => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// Removes records; names that are not there are passed over. Durable after [`FileStore::sync`].
    ///
    /// # Errors
    /// If a record that is there cannot be removed.
    pub fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            self.records.remove_file(name)?;
        }
        Ok(())
    }

    /// Makes what was taken over and removed durable: once for all of it, and after the rest of a
    /// change was written, so that one commit of the file system's journal carries everything.
    ///
    /// # Errors
    /// If the file system could not keep them.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.records.sync()
    }

    /// The names of all records, sorted.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        self.records.names()
    }
}
