//! A key file whose key is replaced with a change of the vault's keys.
//!
//! The new key lies beside the old one as `<key file>.next` until the unlock files are sealed under it;
//! then it takes the old one's name, and the old one is kept as `<key file>.former` until another
//! process has opened the vault with the new one. Whoever seeks the key looks at `.next` as well, so
//! that a kill between leaves nobody locked out.

use std::path::{Path, PathBuf};

use strongroom_backends::key_file;

use super::{MethodSecret, key_text};
use crate::error::Result;

/// What is added to a key file's name for the key that is to take its place.
const NEXT: &str = ".next";
/// What is added to a key file's name for the key that it held before.
const FORMER: &str = ".former";

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Where the key lies that is to take a key file's place, if a change of keys was cut short.
#[must_use]
pub fn next_of(path: &Path) -> Option<PathBuf> {
    Some(beside(path, NEXT)).filter(|next| key_file::exists(next))
}

/// The key file whose next key lies at a path.
#[must_use]
pub fn target_of(path: &Path) -> Option<PathBuf> {
    path.to_str()?.strip_suffix(NEXT).map(PathBuf::from)
}

/// Whether a key file is the user's own and can be replaced here.
#[must_use]
pub fn is_ours(path: &Path) -> bool {
    // What a container's runtime put there comes back as it was.
    let mounted = ["/run/secrets", "/var/run/secrets"].iter().any(|place| path.starts_with(place));
    !mounted && key_file::is_replaceable(path)
}

/// Makes the key that is to take a key file's place.
///
/// # Errors
/// Those of writing it.
pub fn prepare(path: &Path) -> Result<MethodSecret> {
    let next = beside(path, NEXT);
    // Of a change that was cut short before anything was sealed under it.
    key_file::remove(&next)?;
    let key = key_text::generate()?;
    key_file::create(&next, key_text::write(&key).expose())?;
    Ok(MethodSecret::Key(key))
}

/// Puts the new key into its place, once the unlock files are sealed under it.
///
/// # Errors
/// Those of renaming.
pub fn finish(path: &Path) -> Result<()> {
    Ok(key_file::supersede(path, &beside(path, NEXT), &beside(path, FORMER))?)
}

/// Forgets what was prepared, and nothing was sealed under.
pub fn drop_next(path: &Path) {
    let _ = key_file::remove(&beside(path, NEXT));
}

/// Removes the former key, after the vault was opened with the new one. Best effort.
pub fn drop_former(path: &Path) {
    let _ = key_file::remove(&beside(path, FORMER));
}
