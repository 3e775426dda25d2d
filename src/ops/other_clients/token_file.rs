//! A file of the user's own with a client's token for the proxy. It is known by the SHA-256 of its bytes, so that one
//! that someone else wrote stays.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_backends::{key_file, shown};

use crate::client::file;
use crate::error::Result;
use crate::messages::proxied as messages;
use crate::seal::keys::hex;
use crate::secret::Buffer;

/// The directory of tokens, in the user's configuration.
pub(super) const TOKENS: &str = "strongroom/tokens";
/// The largest such file, in bytes.
const MAX: u64 = 64 * 1024;
/// What a git work tree has at its top: a directory, or a file that leads to one.
const GIT: &str = ".git";

/// The file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenFile {
    /// Its path.
    pub path: PathBuf,
    /// The SHA-256 of its bytes, in hex. They have 256 random bits, so that it reveals nothing of them.
    sha256: String,
}

impl TokenFile {
    /// Returns a file with these bytes, which is not written yet.
    pub(super) fn new(path: &Path, bytes: &Buffer) -> Self {
        Self { path: path.to_owned(), sha256: hex(&Sha256::digest(bytes.expose())) }
    }

    /// Returns whether it is there as it was written, and no link.
    pub(super) fn is_own(&self) -> bool {
        let is_file = self
            .path
            .symlink_metadata()
            .is_ok_and(|meta| meta.is_file() && meta.uid() == rustix::process::geteuid().as_raw());
        let read = || file::read(&self.path, MAX).ok();
        is_file && read().is_some_and(|(bytes, _)| hex(&Sha256::digest(bytes.expose())) == self.sha256)
    }

    /// Returns what stays when it is to go: a file that was changed since.
    pub(super) fn left(&self) -> Option<String> {
        (key_file::exists(&self.path) && !self.is_own()).then(|| shown(&self.path))
    }

    /// Writes it, with mode 0600.
    ///
    /// # Errors
    /// `EXISTS`, and those of writing.
    pub(super) fn create(&self, bytes: &Buffer) -> Result<()> {
        Ok(key_file::create(&self.path, bytes.expose())?)
    }

    /// Removes it, if it is as it was written, and the directory of tokens if it was the last one.
    ///
    /// # Errors
    /// `IO`.
    pub(super) fn remove(&self) -> Result<()> {
        if self.is_own() {
            key_file::remove(&self.path)?;
        }
        if let Some(tokens) = self.path.parent().filter(|parent| parent.ends_with(TOKENS)) {
            // It stays if something else is in it.
            let _ = std::fs::remove_dir(tokens);
        }
        Ok(())
    }
}

/// Refuses a place for a token: in a git work tree, from which it could be published, or in a directory in which others can replace it.
///
/// # Errors
/// `UNSAFE_FILE`.
pub fn must_be_private(path: &Path) -> Result<()> {
    key_file::check_place(path)?;
    let above = path.ancestors().skip(1).find_map(|directory| directory.canonicalize().ok());
    let above = above.unwrap_or_default();
    match above.ancestors().find(|directory| directory.join(GIT).symlink_metadata().is_ok()) {
        Some(tree) => Err(messages::in_work_tree(path, tree)),
        None => Ok(()),
    }
}
