//! This program under another name, for clients that find a helper on `PATH` and give it no arguments: a link or, if it
//! needs flags, a script.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::client::connectable::Program;
use crate::error::Result;
use crate::messages::other_clients as messages;

/// The program under another name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Launcher {
    /// Its path.
    pub path: PathBuf,
    /// What it is.
    is: Form,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Form {
    /// A link to this path.
    Link(PathBuf),
    /// A script with this text.
    Script(String),
}

impl Launcher {
    /// Returns a link to a program, or a script that runs it with flags as a helper.
    #[must_use]
    pub fn of(path: PathBuf, program: &Program, helper: &str, needs_flags: bool) -> Self {
        let link = program.own().first().filter(|_| !needs_flags).map(|own| Form::Link(own.into()));
        Self { path, is: link.unwrap_or_else(|| Form::Script(program.script(helper))) }
    }

    /// Returns whether it is in its place.
    #[must_use]
    pub fn is_there(&self) -> bool {
        match &self.is {
            Form::Link(target) => fs::read_link(&self.path).is_ok_and(|own| own == *target),
            Form::Script(text) => {
                !self.path.is_symlink() && fs::read(&self.path).is_ok_and(|own| own == text.as_bytes())
            }
        }
    }

    /// Refuses to take the place of another program: also of one that another vault has put there. `was` is the one that
    /// this vault has put there.
    ///
    /// # Errors
    /// `EXISTS`.
    pub fn must_be_free(&self, was: Option<&Self>) -> Result<()> {
        let is_own = self.is_there() || was.is_some_and(Self::is_there);
        if is_own || self.path.symlink_metadata().is_err() {
            return Ok(());
        }
        Err(messages::launcher_in_the_way(&self.path))
    }

    /// Puts it into its place.
    ///
    /// # Errors
    /// `IO`.
    pub fn place(&self) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        let failed = |error: std::io::Error| messages::launcher_not_made(&self.path, error.kind());
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory).map_err(failed)?;
        let staged = tempfile::Builder::new().prefix(".strongroom").tempdir_in(directory).map_err(failed)?;
        let new = staged.path().join("new");
        match &self.is {
            Form::Link(target) => symlink(target, &new).map_err(failed)?,
            Form::Script(text) => {
                let mut file = fs::File::create_new(&new).map_err(failed)?;
                file.write_all(text.as_bytes()).map_err(failed)?;
                file.set_permissions(Permissions::from_mode(0o755)).map_err(failed)?;
                file.sync_all().map_err(failed)?;
            }
        }
        fs::rename(&new, &self.path).map_err(failed)
    }

    /// Removes it, if it is still the one that was put there.
    ///
    /// # Errors
    /// `IO`.
    pub fn remove(&self) -> Result<()> {
        if !self.is_there() {
            return Ok(());
        }
        fs::remove_file(&self.path).map_err(|error| messages::not_removed(&self.path, error.kind()))
    }
}
