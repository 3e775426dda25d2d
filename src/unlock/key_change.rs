//! Replaces the key in a key file when the vault's keys change.
//!
//! The new key is beside the old one as `<key file>.next` until the unlock files are encrypted with it. Then it takes
//! the old one's name, and the old one is kept as `<key file>.former` until another process has unlocked the vault with
//! the new one. Everything that looks for the key looks at `.next` too, so that an interruption locks no one out.

use std::path::{Path, PathBuf};

use strongroom_backends::key_file;

use super::{MethodSecret, key_text};
use crate::error::Result;

/// The suffix of the file with the key that will replace the current one.
const NEXT: &str = ".next";
/// The suffix of the file with the key that was replaced.
const FORMER: &str = ".former";

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns the path of the next key, if an interrupted change of keys left one.
#[must_use]
pub fn next_of(path: &Path) -> Option<PathBuf> {
    Some(beside(path, NEXT)).filter(|next| key_file::exists(next))
}

/// Returns the key file that the file at a path is to replace.
#[must_use]
pub fn target_of(path: &Path) -> Option<PathBuf> {
    path.to_str()?.strip_suffix(NEXT).map(PathBuf::from)
}

/// Returns whether a key file belongs to the user and can be replaced where it is.
#[must_use]
pub fn is_ours(path: &Path) -> bool {
    // A container's runtime would restore its own file.
    let mounted = ["/run/secrets", "/var/run/secrets"].iter().any(|place| path.starts_with(place));
    !mounted && key_file::is_replaceable(path)
}

/// Creates the key that will replace the one in a key file.
///
/// # Errors
/// Those of writing it.
pub fn prepare(path: &Path) -> Result<MethodSecret> {
    let next = beside(path, NEXT);
    // Left by a change that was interrupted before anything was encrypted with this key.
    key_file::remove(&next)?;
    let key = key_text::generate()?;
    key_file::create(&next, key_text::write(&key).expose())?;
    Ok(MethodSecret::Key(key))
}

/// Moves the new key into place, after the unlock files were encrypted with it.
///
/// # Errors
/// Those of renaming.
pub fn finish(path: &Path) -> Result<()> {
    Ok(key_file::supersede(path, &beside(path, NEXT), &beside(path, FORMER))?)
}

/// Removes a next key with which nothing was encrypted.
pub fn drop_next(path: &Path) {
    let _ = key_file::remove(&beside(path, NEXT));
}

/// Removes the former key, after the vault was unlocked with the new one. Best effort.
pub fn drop_former(path: &Path) {
    let _ = key_file::remove(&beside(path, FORMER));
}
