//! Removes a directory with all that is in it.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use rustix::fs::{self, AtFlags, Mode};
use rustix::io::Errno;

use super::{DIRECTORY, Dir, Result};
use crate::StoreError;

/// So many names are read before they are removed.
const AT_ONCE: usize = 1024;
/// How often a directory inside is looked through: a file system may pass over a name while others go.
const PASSES: usize = 8;

impl Dir {
    /// Removes a directory and everything in it, whatever the names and however deep. Symlinks are removed, not
    /// followed.
    ///
    /// At most five descriptors are open at a time: what lies in a directory inside is moved up
    /// before that is removed, so that ten thousand of them, one in the other, need no more than one.
    ///
    /// NFS and FUSE keep a removed file under another name while a program has it open. What can be removed
    /// beside such files is.
    ///
    /// # Errors
    /// `Denied`, `Io`; [`is_in_use`] tells that files are left for that reason.
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
            // FUSE gives each the next name when it is removed, for as long as it is open.
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

    /// The first names in it.
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

    /// Removes a file, or a directory whose own directories are moved up beside it.
    fn remove_one(&self, name: &CStr, moved: &mut u64) -> rustix::io::Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            // What unlinking a directory gives, on Linux and elsewhere.
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
        let inside = match fs::openat(&self.fd, name, DIRECTORY, Mode::empty()) {
            // It was no directory that could not be removed.
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

    /// Removes the files in a directory inside, and moves its directories up beside it.
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
            // No file of ours has such a name. If another one has it, the next number is free.
            while fs::statat(&self.fd, up(*moved).as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                *moved += 1;
            }
            fs::renameat(inside, inner, &self.fd, up(*moved).as_str())?;
            *moved += 1;
        }
        Ok(())
    }
}

/// Whether a directory could not be removed because a program has a file in it open.
#[must_use]
pub fn is_in_use(error: &StoreError) -> bool {
    let StoreError::Io { source, .. } = error else { return false };
    matches!(Errno::from_io_error(source), Some(Errno::BUSY | Errno::NOTEMPTY))
}

/// The name of a directory that was moved up.
fn up(number: u64) -> String {
    format!("removed-{number}")
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}
