//! Copies of a home, and restoring parts of them.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The files of a home at one moment, by their names in it. Locks are left out.
pub struct Backup {
    home: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Backup {
    pub fn of(home: &Path) -> Self {
        Self { home: home.to_owned(), files: files(home) }
    }

    /// Returns the contents of a file.
    #[track_caller]
    pub fn file(&self, name: &str) -> &[u8] {
        self.files.get(name).unwrap_or_else(|| panic!("the backup has no {name}"))
    }

    /// Returns whether two copies contain the same files.
    pub fn same(&self, other: &Self) -> bool {
        self.files == other.files
    }

    /// Restores the part of the home that `belongs` selects; newer files of that part are removed.
    pub fn put_back(&self, belongs: impl Fn(&str) -> bool) {
        for name in files(&self.home).into_keys().filter(|name| belongs(name)) {
            fs::remove_file(self.home.join(name)).unwrap();
        }
        for (name, bytes) in self.files.iter().filter(|(name, _)| belongs(name)) {
            write(&self.home.join(name), bytes);
        }
    }

    /// Restores the whole home.
    pub fn restore(&self) {
        self.put_back(|_| true);
    }

    /// Writes a part of the copy over another home, and leaves the rest of that home alone.
    pub fn lay_over(&self, home: &Path, belongs: impl Fn(&str) -> bool) {
        for (name, bytes) in self.files.iter().filter(|(name, _)| belongs(name)) {
            write(&home.join(name), bytes);
        }
    }

    /// Unpacks the copy in another place, as a new home.
    pub fn unpack(&self, home: &Path) {
        self.lay_over(home, |_| true);
    }
}

/// Writes a private file; directories on the way are private too.
pub fn write(path: &Path, bytes: &[u8]) {
    let parent = path.parent().unwrap();
    DirBuilder::new().recursive(true).mode(0o700).create(parent).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Returns every file under a directory except the locks, by its name there.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = crate::session::kept(directory).into_iter();
    all.filter(|(path, ..)| path.is_file())
        .map(|(path, _, bytes)| (path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned(), bytes))
        .collect()
}
