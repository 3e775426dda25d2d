//! Where the parts of a committed change are until they are in place.

use strongroom_backends::fs::dir::Dir;

use super::journal::Journal;
use crate::error::Result;

/// A transaction's directory, or a journal.
#[derive(Debug)]
pub enum ChangeSource {
    /// The directory.
    Dir(Dir),
    /// The journal.
    Journal(Journal),
}

impl ChangeSource {
    /// Returns the names of its parts.
    ///
    /// # Errors
    /// Those of reading a directory.
    pub fn names(&self) -> Result<Vec<String>> {
        match self {
            Self::Dir(dir) => Ok(dir.names()?),
            Self::Journal(journal) => Ok(journal.names().map(str::to_owned).collect()),
        }
    }

    /// Reads a part, if there is one. A part of more than `max` bytes is refused.
    ///
    /// # Errors
    /// `TOO_LARGE`, `IO`.
    pub fn read_if_any(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Dir(dir) => Ok(dir.read_if_any(name, max)?),
            // A journal is small, so `max` does not matter.
            Self::Journal(journal) => Ok(journal.part(name).map(<[u8]>::to_vec)),
        }
    }
}
