//! A file of a client's that is read, changed, and written if it is still the one that was read.

use std::path::{Path, PathBuf};

use crate::client::edit::{Digest, EDITED_MAX, write_config};
use crate::client::file;
use crate::error::{Code, Result};
use crate::messages::client;
use crate::secret::Buffer;

/// A client's configuration as it was read.
#[derive(Debug)]
pub(super) struct ClientFile {
    pub path: PathBuf,
    /// Its text; `None` if it does not exist.
    pub text: Option<Buffer>,
}

impl ClientFile {
    pub fn read(path: &Path) -> Result<Self> {
        let text = match file::read(path, EDITED_MAX) {
            Ok((text, _)) => Some(text),
            Err(error) if error.code() == Code::NoInput => None,
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), text })
    }

    pub fn text(&self) -> Result<Option<&str>> {
        let Some(text) = &self.text else { return Ok(None) };
        text.expose_str().map(Some).ok_or_else(client::config_not_text)
    }

    pub fn digest(&self) -> Option<Digest> {
        self.text.as_ref().map(|text| Digest::of(text.expose()))
    }

    /// Replaces it, if it is to be another text.
    pub fn write(&self, text: &Buffer) -> Result<bool> {
        if self.text.as_ref().is_some_and(|now| now.expose() == text.expose()) {
            return Ok(false);
        }
        write_config(&self.path, self.digest().as_ref(), text.expose())?;
        Ok(true)
    }
}
