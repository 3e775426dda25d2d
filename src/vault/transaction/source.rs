//! Where the parts of a committed change lie until they are in their places.

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
    /// Reads a part, or says that there is none. One that is larger than `max` bytes is refused.
    ///
    /// # Errors
    /// `TOO_LARGE`, `IO`.
    pub fn read_if_any(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Dir(dir) => Ok(dir.read_if_any(name, max)?),
            // A journal is small.
            Self::Journal(journal) => Ok(journal.part(name).map(<[u8]>::to_vec)),
        }
    }
}
