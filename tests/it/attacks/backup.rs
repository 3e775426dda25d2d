//! Copies of a home, and how parts of them come back.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The files of a home as they were at a moment, by their names in it. Locks are left out.
pub struct Backup {
    home: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Backup {
    pub fn of(home: &Path) -> Self {
        Self { home: home.to_owned(), files: files(home) }
    }

    /// What a file held.
    #[track_caller]
    pub fn file(&self, name: &str) -> &[u8] {
        self.files.get(name).unwrap_or_else(|| panic!("the backup has no {name}"))
    }

    /// Whether two hold the same files.
    pub fn same(&self, other: &Self) -> bool {
        self.files == other.files
    }

    /// Makes a part of the home what it was, the part of which `belongs` says so: files that came since go.
    pub fn put_back(&self, belongs: impl Fn(&str) -> bool) {
        for name in files(&self.home).into_keys().filter(|name| belongs(name)) {
            fs::remove_file(self.home.join(name)).unwrap();
        }
        for (name, bytes) in self.files.iter().filter(|(name, _)| belongs(name)) {
            write(&self.home.join(name), bytes);
        }
    }

    /// Makes the whole home what it was.
    pub fn restore(&self) {
        self.put_back(|_| true);
    }

    /// Writes a part of it over another home, and leaves the rest of that one as it is.
    pub fn lay_over(&self, home: &Path, belongs: impl Fn(&str) -> bool) {
        for (name, bytes) in self.files.iter().filter(|(name, _)| belongs(name)) {
            write(&home.join(name), bytes);
        }
    }

    /// Unpacks it at another place, as a new home.
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

/// Every file under a directory but the locks, by its name there.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = crate::session::kept(directory).into_iter();
    all.filter(|(path, ..)| path.is_file())
        .map(|(path, _, bytes)| (path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned(), bytes))
        .collect()
}
