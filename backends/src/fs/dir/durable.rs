//! Makes files and names durable.

use std::os::fd::AsFd;

use rustix::fs;
use rustix::io::Errno;

use super::{Dir, Kind, Result};

impl Dir {
    /// Replaces a whole file durably: stage, fsync, rename, fsync of the directory. A crash leaves the old contents or
    /// the new ones. Callers hold a lock that covers the file.
    ///
    /// # Errors
    /// `NoSpace`, `Io`; the old contents stay.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let staged = format!("{name}.tmp");
        self.remove_file(&staged)?;
        let file = self.write_new(&staged, bytes)?;
        let done = self.sync_file(&file, &staged).and_then(|()| self.rename(&staged, self, name));
        if done.is_err() {
            let _ = self.remove_file(&staged);
        }
        done?;
        self.sync()
    }

    /// Makes the names in it durable, if the file system supports that.
    ///
    /// # Errors
    /// `Io`.
    pub fn sync(&self) -> Result<()> {
        self.try_sync().map(|_| ())
    }

    /// As [`Dir::sync`], and returns whether the file system supports it. A FUSE daemon, 9p, a shared folder of a
    /// virtual machine and CIFS may not, and then what is written there is as durable as they make it.
    ///
    /// # Errors
    /// `Io`.
    pub fn try_sync(&self) -> Result<bool> {
        match fs::fsync(&self.fd) {
            Ok(()) => Ok(true),
            Err(errno) if is_unsupported(errno) => Ok(false),
            Err(errno) => Err(self.fail("")(errno)),
        }
    }

    /// Makes everything on its file system durable with one barrier for many files. If there is no such barrier, makes
    /// each file in the directory durable and returns false.
    ///
    /// # Errors
    /// `NoSpace`, `Io`.
    pub fn sync_all(&self) -> Result<bool> {
        #[cfg(target_os = "linux")]
        match fs::syncfs(&self.fd) {
            Err(errno) if is_unsupported(errno) => {}
            done => return done.map(|()| true).map_err(self.fail("")),
        }
        for name in self.names()? {
            if self.kind(&name)? == Some(Kind::File) {
                let file = self.open_or_create(&name)?;
                self.sync_file(&file, &name)?;
            }
        }
        self.sync().map(|()| false)
    }

    /// Makes one file's contents durable.
    ///
    /// # Errors
    /// `NoSpace`, `Io`.
    pub fn sync_file(&self, file: &impl AsFd, name: &str) -> Result<()> {
        fs::fsync(file).map_err(self.fail(name))
    }
}

/// Returns whether an error means that the file system cannot make a directory durable. The descriptor is valid, so
/// that `EBADF` and `EISDIR` mean it too.
fn is_unsupported(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF | Errno::ISDIR)
}
