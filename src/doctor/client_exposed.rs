//! OpenClaw's files that others can read.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::client::{CHECK, Client};
use super::{Finding, Level};
use crate::client::leftovers::CopyOf;
use crate::client::stores::Form;
use crate::messages::doctor::client as messages;

/// Permissions of a group and of others.
const GROUP_AND_OTHERS: u32 = 0o077;
/// What SQLite keeps beside a database.
const BESIDE_DATABASE: [&str; 2] = ["-wal", "-shm"];

/// Looks at the permissions of stores, their copies, and the files that may hold keys.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    let mut files: Vec<(PathBuf, Level)> = Vec::new();
    for store in &client.stores {
        files.push((store.file.path.clone(), Level::Wrong));
        if store.file.form != Form::Json {
            let beside = BESIDE_DATABASE.map(|suffix| (with(&store.file.path, suffix), Level::Wrong));
            files.extend(beside);
        }
    }
    let level = |of| if of == CopyOf::Store { Level::Wrong } else { Level::Note };
    files.extend(client.leftovers.iter().map(|left| (left.path.clone(), level(left.of))));
    let places = client.installation.places();
    // These hold a key only if someone wrote one into them.
    files.extend(places.config.iter().chain(&places.dotenv).map(|path| (path.clone(), Level::Note)));
    let exposed = files.into_iter().filter(|(path, _)| is_exposed(path));
    exposed
        .map(|(path, level)| Finding { level, ..Finding::wrong(CHECK, messages::readable_by_others(&path)) })
        .collect()
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn is_exposed(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.mode() & GROUP_AND_OTHERS != 0)
}
