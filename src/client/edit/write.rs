//! Writes the client's configuration: atomically, and only over the text that was edited.

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid, fchown};
use sha2::{Digest as _, Sha256};
use strongroom_backends::fs::dir::Dir;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::messages::client::edit as messages;

/// The largest configuration that is edited, in bytes. Claude Code's own file grows to megabytes.
pub const EDITED_MAX: u64 = 16 * 1024 * 1024;

/// The SHA-256 of a configuration as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digest(pub(super) [u8; 32]);

impl Digest {
    /// Returns the digest of a text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }
}

/// Replaces a configuration atomically and durably. A symlink is followed once, as the client does; mode and owner stay.
/// A new file gets mode 0600, and a new directory 0700. `before` is the digest of the text that was edited, or nothing
/// if there was no file. A program that writes in the same instant as the rename is not noticed: the client takes no
/// lock for this file.
///
/// # Errors
/// `CHANGED` if the file is not the one that was read, `UNSAFE_FILE` if it is not a regular file or belongs to someone
/// else, `NO_SPACE`, `IO`. The file stays as it was.
pub fn write_config(path: &Path, before: Option<&Digest>, text: &[u8]) -> Result<()> {
    let path = &target_of(path)?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| messages::not_a_file(path))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if before.is_none() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|error| messages::not_written(parent, error.kind()))?;
    }
    let parent =
        std::fs::canonicalize(parent).map_err(|error| messages::not_written(parent, error.kind()))?;
    let dir = Dir::open(&parent)?;
    must_be(&dir, name, before, path)?;
    // It holds what the file holds, so what is left of an interrupted write is removed first.
    let staged = format!(".{name}.strongroom-tmp");
    dir.remove_file(&staged)?;
    let file = dir.write_new(&staged, text)?;
    let done = keep_owner(&dir, name, before.is_some(), &file, path).and_then(|()| {
        dir.sync_file(&file, &staged)?;
        must_be(&dir, name, before, path)?;
        Ok(dir.rename(&staged, &dir, name)?)
    });
    if done.is_err() {
        let _ = dir.remove_file(&staged);
    }
    done?;
    Ok(dir.sync()?)
}

/// Returns where a configuration is: the target of a symlink, which may not be another one.
fn target_of(path: &Path) -> Result<PathBuf> {
    let Ok(target) = std::fs::read_link(path) else { return Ok(path.to_owned()) };
    let target = path.parent().map_or_else(|| target.clone(), |parent| parent.join(&target));
    if target.is_symlink() {
        return Err(messages::links_to_link(path));
    }
    Ok(target)
}

/// Refuses a file that is not the one that was read.
fn must_be(dir: &Dir, name: &str, before: Option<&Digest>, path: &Path) -> Result<()> {
    let max = usize::try_from(EDITED_MAX).unwrap_or(usize::MAX);
    let now = dir.read_if_any(name, max)?.map(Zeroizing::new);
    if now.map(|now| Digest::of(&now)).as_ref() == before {
        return Ok(());
    }
    Err(messages::changed_since(path))
}

/// Gives the new file the owner and the mode of the old one.
fn keep_owner(dir: &Dir, name: &str, exists: bool, file: &File, path: &Path) -> Result<()> {
    if !exists {
        return Ok(());
    }
    let failed = |error: std::io::Error| messages::not_written(path, error.kind());
    let old = dir.open_for_reading(name)?.metadata().map_err(failed)?;
    let new = file.metadata().map_err(failed)?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        let (uid, gid) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
        fchown(file, Some(uid), Some(gid)).map_err(|_| messages::of_someone_else(path))?;
    }
    file.set_permissions(Permissions::from_mode(old.mode() & 0o7777)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::error::Code;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_and_its_directory_are_private() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/openclaw.json");
        write_config(&path, None, b"{}\n").unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(write_config(&path, None, b"{ a: 1 }").unwrap_err().code(), Code::Changed);
        assert_eq!(fs::read(&path).unwrap(), b"{}\n");
    }

    #[test]
    fn mode_and_link_stay_and_what_an_interrupted_write_left_goes() {
        let root = tempfile::tempdir().unwrap();
        let (path, link) = (root.path().join("real.json"), root.path().join("openclaw.json"));
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink("real.json", &link).unwrap();
        fs::write(root.path().join(".real.json.strongroom-tmp"), "torn").unwrap();
        fs::write(root.path().join("real.json.tmp"), "of the client").unwrap();
        write_config(&link, Some(&Digest::of(b"{}")), b"{ a: 1 }").unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"{ a: 1 }"[..], 0o640));
        assert!(link.is_symlink());
        assert_eq!(names(root.path()), ["openclaw.json", "real.json", "real.json.tmp"]);
    }

    #[test]
    fn a_file_that_is_not_the_one_that_was_read_is_not_touched() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("openclaw.json");
        let before = Digest::of(b"{}");
        assert_eq!(write_config(&path, Some(&before), b"{ a: 1 }").unwrap_err().code(), Code::Changed);
        fs::write(&path, "{ b: 1 }").unwrap();
        let error = write_config(&path, Some(&before), b"{ a: 1 }").unwrap_err();
        assert_eq!(error.code(), Code::Changed);
        assert_eq!(fs::read(&path).unwrap(), b"{ b: 1 }");
        let (one, two) = (root.path().join("one"), root.path().join("two"));
        symlink(&path, &one).unwrap();
        symlink(&one, &two).unwrap();
        let before = Digest::of(b"{ b: 1 }");
        assert_eq!(write_config(&two, Some(&before), b"{}").unwrap_err().code(), Code::UnsafeFile);
        assert_eq!(write_config(root.path(), None, b"{}").unwrap_err().code(), Code::UnsafeFile);
        assert_eq!(names(root.path()), ["one", "openclaw.json", "two"]);
    }
}
