//! Removes what is left of secrets that the vault has: in copies and archives of the client's files, and in free pages of
//! its databases.

use std::path::{Path, PathBuf};

use super::scan::{Hit, Needles, Searched};
use super::survey::Client;
use super::switch::Switch;
use crate::client::stores::{empty_database, is_database};
use crate::error::{Error, Result};

/// The names of files with profiles, of which the client makes archives and copies: `auth-profiles.json.migrated-<time>`
/// (observed in 2026.9.6), `auth-profiles.json.bak`.
const PROFILES: &str = "auth-profiles.json";
/// How the client names what it migrated.
const MIGRATED: &str = ".migrated-";
/// Profiles of clients before 2026.1.
const LEGACY: &str = "auth.json";
/// The client's configuration, of which it keeps copies: `openclaw.json.bak`, `openclaw.json.bak.1`.
const CONFIG: &str = "openclaw.json";
const DOTENV: &str = ".env";

/// What was removed, and what is left.
#[derive(Debug, Default)]
pub struct Cleared {
    /// Files that are gone.
    pub removed: Vec<PathBuf>,
    /// Files without the secrets that they had.
    pub rewritten: Vec<PathBuf>,
    /// What could not be cleared.
    pub failed: Vec<Error>,
    /// The last search.
    pub searched: Searched,
}

/// What a file of the client's is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Copy {
    Profiles,
    Config,
    Dotenv,
    Other,
}

/// Clears every place of the client's, and searches again.
#[must_use]
pub fn clear(client: &Client, switch: &Switch<'_>, needles: &Needles<'_>) -> Cleared {
    let mut cleared = Cleared::default();
    let places = client.places();
    let live: Vec<&Path> = client.dotenv.iter().chain([&client.config]).map(PathBuf::as_path).collect();
    // An archive is a finding for the client, also if only references are in it.
    let archives = archives(client).into_iter().map(|path| Hit { path, profiles: [].into() });
    let hits: Vec<Hit> = needles.search(&places).hits.into_iter().chain(archives).collect();
    for Hit { path, .. } in &hits {
        if live.contains(&path.as_path()) {
            continue;
        }
        match clear_file(path, switch) {
            Ok(true) if path.exists() => cleared.rewritten.push(path.clone()),
            Ok(true) => cleared.removed.push(path.clone()),
            Ok(false) => {}
            Err(error) => cleared.failed.push(error),
        }
    }
    cleared.searched = needles.search(&places);
    cleared
}

fn clear_file(path: &Path, switch: &Switch<'_>) -> Result<bool> {
    match Copy::of(path) {
        Copy::Profiles => switch.without_profiles(path, true),
        Copy::Config => switch.switch_copy(path),
        Copy::Dotenv => switch.switch_dotenv(path, &mut Vec::new()),
        Copy::Other if is_database(path) => empty_database(path).map(|()| true),
        Copy::Other => Ok(false),
    }
}

impl Copy {
    fn of(path: &Path) -> Self {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_copy_of =
            |of: &str| name.strip_prefix(of).is_some_and(|rest| rest.starts_with(['.', '~', '-']));
        match name {
            LEGACY => Self::Profiles,
            _ if is_copy_of(PROFILES) => Self::Profiles,
            _ if is_copy_of(CONFIG) => Self::Config,
            _ if is_copy_of(DOTENV) => Self::Dotenv,
            _ => Self::Other,
        }
    }
}

/// Returns the archives of profiles in the directories of the agents.
fn archives(client: &Client) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for agent in client.installation.agents() {
        for entry in std::fs::read_dir(&agent.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_archive = name
                .to_str()
                .and_then(|name| name.strip_prefix(PROFILES))
                .is_some_and(|rest| rest.starts_with(MIGRATED));
            if is_archive {
                found.push(entry.path());
            }
        }
    }
    found
}
