//! What makes files and names durable.

use std::os::fd::AsFd;

use rustix::fs;

use super::{Dir, Result};

impl Dir {
    /// Writes a file that must not exist yet, and makes it durable.
    ///
    /// # Errors
    /// As [`Dir::write_new`].
    pub fn write_new_durable(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let file = self.write_new(name, bytes)?;
        self.sync_file(&file, name)?;
        self.sync()
    }

    /// Replaces a file as a whole, durably: stage, fsync, rename, fsync of the directory. A crash
    /// leaves the old contents or the new. Callers hold a lock that covers the file.
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

    /// Makes the names in it durable.
    ///
    /// # Errors
    /// `Io`.
    pub fn sync(&self) -> Result<()> {
        fs::fsync(&self.fd).map_err(self.fail(""))
    }

    /// Makes everything on its file system durable: one barrier for many files.
    ///
    /// # Errors
    /// `NoSpace`, `Io`.
    pub fn sync_all(&self) -> Result<()> {
        #[cfg(target_os = "linux")]
        return fs::syncfs(&self.fd).map_err(self.fail(""));
        #[cfg(not(target_os = "linux"))]
        {
            for name in self.names()? {
                if self.kind(&name)? == Some(Kind::File) {
                    let file = self.open_or_create(&name)?;
                    self.sync_file(&file, &name)?;
                }
            }
            self.sync()
        }
    }

    /// Makes one file's contents durable.
    ///
    /// # Errors
    /// `NoSpace`, `Io`.
    pub fn sync_file(&self, file: &impl AsFd, name: &str) -> Result<()> {
        fs::fsync(file).map_err(self.fail(name))
    }
}
