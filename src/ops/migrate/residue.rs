//! Removes what is left of secrets that the vault has: in copies and archives of the client's files, and in free pages of
//! its databases.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use strongroom_backends::shown;

use super::scan::{Needles, Searched};
use super::survey::{Client, Left};
use super::switch::{Switch, keys_in};
use crate::client::leftovers::{self, CopyOf, Leftover};
use crate::client::stores::{Form, Kept, StoreFile, empty_database, is_database};
use crate::error::{Error, Result};
use crate::messages::migrate as messages;

/// How the client names what it migrated (observed in 2026.9.6).
const MIGRATED: &str = ".migrated-";
/// The beginning of the names of copies of a `.env` file.
const DOTENV: &str = ".env.";

/// An agent's models, with the keys of their providers (observed in 2026.2.26, which writes it again).
const MODELS: &str = "models.json";

/// What was removed, and what is left.
#[derive(Debug, Default)]
pub struct Cleared {
    /// Files that are gone.
    pub removed: Vec<PathBuf>,
    /// Files without the secrets that they had.
    pub rewritten: Vec<PathBuf>,
    /// Secrets in copies that the vault does not have.
    pub left: Vec<Left>,
    /// What could not be cleared.
    pub failed: Vec<Error>,
    /// The last search.
    pub searched: Searched,
}

/// Clears every place of the client's, and searches again.
#[must_use]
pub fn clear(client: &Client, switch: &Switch<'_>, needles: &Needles<'_>) -> Cleared {
    let mut cleared = Cleared::default();
    let places = client.places();
    let live: Vec<&Path> = client.dotenv.iter().chain([&client.config]).map(PathBuf::as_path).collect();
    let hits: BTreeSet<PathBuf> = needles.search(&places).hits.into_iter().map(|hit| hit.path).collect();
    // Every copy is read, because the search does not find a short secret, or one with unusual escapes.
    let copies = leftovers::find(&client.installation, None);
    let paths: BTreeSet<&PathBuf> = hits.iter().chain(copies.iter().map(|left| &left.path)).collect();
    for path in paths.into_iter().filter(|path| !live.contains(&path.as_path())) {
        let copy = copies.iter().find(|copy| copy.path == *path).map(|copy| copy.of);
        match clear_file(client, path, copy, switch, needles) {
            Ok(true) if path.exists() => cleared.rewritten.push(path.clone()),
            Ok(true) => cleared.removed.push(path.clone()),
            Err(error) if hits.contains(path) || is_archive(path) => cleared.failed.push(error),
            // Nothing of ours is in it, or it is no copy of the client's.
            Ok(false) | Err(_) => {}
        }
    }
    for copy in leftovers::find(&client.installation, None) {
        cleared.left.extend(in_copy(&copy));
    }
    // Such as that of a provider whose name no profile can have.
    for what in keys_in(&client.config, false).unwrap_or_default() {
        let place = shown(&client.config);
        cleared.left.push(Left { what, place, why: messages::NOT_STORED, is_expected: false });
    }
    cleared.searched = needles.search(&places);
    cleared
}

/// Returns what a copy has in plain text, and the vault does not. One that cannot be read is one of `doctor`'s findings.
fn in_copy(copy: &Leftover) -> Vec<Left> {
    let left = |what, why, is_expected| Left { what, place: shown(&copy.path), why, is_expected };
    if copy.of == CopyOf::Config {
        let keys = keys_in(&copy.path, true).unwrap_or_default();
        return keys.into_iter().map(|what| left(what, messages::NOT_STORED, false)).collect();
    }
    let file = StoreFile { form: Form::Json, path: copy.path.clone(), agent: None };
    let Ok(Some(store)) = file.read() else { return Vec::new() };
    let profiles = store.profiles.iter().enumerate();
    profiles
        .filter_map(|(at, profile)| match &profile.secret {
            Kept::Plain(_) if profile.holds_secret() => {
                Some(left(profile.shown(at), messages::NOT_STORED, false))
            }
            Kept::SignIn => Some(left(profile.shown(at), messages::COPY_OF_SIGN_IN, true)),
            _ => None,
        })
        .collect()
}

/// Clears a file. Those that are not the client's own, such as those of a project in an agent's workspace, stay.
fn clear_file(
    client: &Client,
    path: &Path,
    copy: Option<CopyOf>,
    switch: &Switch<'_>,
    needles: &Needles<'_>,
) -> Result<bool> {
    match copy {
        // The client's audit reports an archive even if only references are in it.
        Some(CopyOf::Store) => switch.without_profiles(path, is_archive(path)),
        Some(CopyOf::Config) => switch.switch_copy(path),
        None if is_copy_of_dotenv(client, path) => switch.switch_dotenv(path, &mut Vec::new()),
        None if is_models(client, path) => switch.switch_models(path),
        None if client.installation.stores().iter().any(|store| store.path == path) && is_database(path) => {
            empty_database(path)?;
            Ok(needles.search_file(path)?.is_none())
        }
        None => Ok(false),
    }
}

fn is_archive(path: &Path) -> bool {
    named(path).contains(MIGRATED)
}

/// Returns whether a file is beside one of the client's files of variables, and has its name and more.
fn is_copy_of_dotenv(client: &Client, path: &Path) -> bool {
    let is_beside = client.dotenv.iter().any(|dotenv| dotenv.parent() == path.parent());
    is_beside && named(path).starts_with(DOTENV)
}

fn is_models(client: &Client, path: &Path) -> bool {
    let agents = client.installation.agents();
    agents.iter().any(|agent| path.parent() == Some(&agent.directory)) && named(path) == MODELS
}

fn named(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
