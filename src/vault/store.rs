//! The stores of encrypted records.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::messages;

/// A place for a profile's encrypted record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Store {
    /// An encrypted file in the home.
    #[default]
    File,
    /// An item in the desktop's keychain.
    Keychain,
}

impl Store {
    /// Returns its name in indexes and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keychain => "keychain",
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Store {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut stores = [Self::File, Self::Keychain].into_iter();
        stores.find(|store| store.as_str() == text).ok_or_else(messages::vault::records::unknown_store)
    }
}
