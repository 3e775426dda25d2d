//! Removes a directory with everything in it.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use rustix::fs::{self, AtFlags, Mode};
use rustix::io::Errno;

use super::{DIRECTORY, Dir, Result};
use crate::StoreError;

/// How many names are read before they are removed.
const AT_ONCE: usize = 1024;
/// How many times a subdirectory is listed, because a file system may skip a name while others are removed.
const PASSES: usize = 8;

impl Dir {
    /// Removes a directory and everything in it, with any names and of any depth. Symlinks are removed, not followed.
    ///
    /// At most five descriptors are open at a time: the directories in a subdirectory are moved up before it is
    /// removed, so that ten thousand nested ones need no more than one.
    ///
    /// NFS and FUSE keep a removed file under another name while a program has it open. Everything else is removed.
    ///
    /// # Errors
    /// `Denied`, `Io`; [`is_in_use`] tells whether files are left for that reason.
    pub fn remove_tree(&self, name: &str) -> Result<()> {
        let Some(dir) = self.dir_if_any(name)? else { return Ok(()) };
        let (mut moved, mut hidden) = (0, 0);
        let mut in_use = None;
        while hidden < PASSES {
            let names = dir.some_names()?;
            let mut removed = 0;
            for inner in &names {
                let fail = |errno| dir.fail(&inner.to_string_lossy())(errno);
                match dir.remove_one(inner, &mut moved) {
                    Ok(()) => removed += 1,
                    Err(errno @ Errno::BUSY) => in_use = Some(fail(errno)),
                    Err(errno) => return Err(fail(errno)),
                }
            }
            if removed == 0 {
                break;
            }
            // FUSE gives an open file another such name each time it is removed.
            hidden += usize::from(names.iter().all(|name| name.to_bytes().starts_with(b".fuse_hidden")));
        }
        drop(dir);
        if let Some(error) = in_use {
            return Err(error);
        }
        match fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.fail(name)(errno)),
        }
    }

    /// Returns the first names in it.
    fn some_names(&self) -> Result<Vec<CString>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.fd).map_err(self.fail(""))? {
            let entry = entry.map_err(self.fail(""))?;
            if !is_dots(entry.file_name()) {
                names.push(entry.file_name().to_owned());
            }
            if names.len() == AT_ONCE {
                break;
            }
        }
        Ok(names)
    }

    /// Removes a file, or a directory after moving its subdirectories up next to it.
    fn remove_one(&self, name: &CStr, moved: &mut u64) -> rustix::io::Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            // These are the errors of unlinking a directory, on Linux and elsewhere.
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
        let inside = match fs::openat(&self.fd, name, DIRECTORY, Mode::empty()) {
            // It was not a directory, so unlinking it was not permitted.
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(Errno::PERM),
            inside => inside?,
        };
        for _ in 0..PASSES {
            self.empty(&inside, moved)?;
            match fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                done => return done,
            }
        }
        Err(Errno::NOTEMPTY)
    }

    /// Removes the files in a subdirectory, and moves its own subdirectories up next to it.
    fn empty(&self, inside: &OwnedFd, moved: &mut u64) -> rustix::io::Result<()> {
        for entry in fs::Dir::read_from(inside)? {
            let entry = entry?;
            let inner = entry.file_name();
            if is_dots(inner) {
                continue;
            }
            match fs::unlinkat(inside, inner, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(errno) => return Err(errno),
            }
            // None of our files has such a name. If another one does, the next number is tried.
            while fs::statat(&self.fd, up(*moved).as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                *moved += 1;
            }
            fs::renameat(inside, inner, &self.fd, up(*moved).as_str())?;
            *moved += 1;
        }
        Ok(())
    }
}

/// Returns whether a directory could not be removed because a program has a file in it open.
#[must_use]
pub fn is_in_use(error: &StoreError) -> bool {
    let StoreError::Io { source, .. } = error else { return false };
    matches!(Errno::from_io_error(source), Some(Errno::BUSY | Errno::NOTEMPTY))
}

/// Returns the name of a directory that was moved up.
fn up(number: u64) -> String {
    format!("removed-{number}")
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}
