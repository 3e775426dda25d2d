//! Copies that the client leaves beside its files: archives of migrated stores, backups of its configuration, and stores
//! of its oldest versions.

use std::path::{Path, PathBuf};

use super::places::CONFIGS;
use super::stores::Installation;
use crate::vault::id::AgentName;
use crate::vault::index;

/// The most names of a directory that are looked at.
const NAMES_MAX: usize = 10_000;
/// The most copies in a directory.
const COPIES_MAX: usize = 200;
/// Stores of the oldest versions, in an agent's directory.
const OLD_STORES: [&str; 2] = ["auth.json", "oauth.json"];
/// The older store of sign-ins in the client's directory.
const OLD_SIGN_INS: &str = "credentials/oauth.json";
/// Endings of files that are no copies.
const NO_COPIES: [&str; 3] = [".lock", ".tmp", ".stale"];

/// What a copy is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyOf {
    /// A store of profiles.
    Store,
    /// The configuration.
    Config,
}

/// A copy that the client left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leftover {
    /// Its file.
    pub path: PathBuf,
    /// What it is of.
    pub of: CopyOf,
}

/// Finds the copies: of the stores of each agent, or of `only` one, and of the configuration. Nothing is opened.
#[must_use]
pub fn find(installation: &Installation, only: Option<&AgentName>) -> Vec<Leftover> {
    let mut found = Vec::new();
    let agents = installation.agents().iter().filter(|agent| only.is_none_or(|only| agent.name == *only));
    for agent in agents {
        let is_copy = |name: &str| OLD_STORES.contains(&name) || is_copy_of(index::FILE, name);
        found.extend(named(&agent.directory, is_copy).map(|path| Leftover { path, of: CopyOf::Store }));
    }
    let places = installation.places();
    let sign_ins = places.state.as_ref().map(|state| state.join(OLD_SIGN_INS));
    let sign_ins = sign_ins.filter(|path| path.is_file());
    found.extend(sign_ins.map(|path| Leftover { path, of: CopyOf::Store }));
    if let Some(directory) = places.config.as_deref().and_then(Path::parent) {
        let own = places.config.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let is_copy = |name: &str| CONFIGS.into_iter().chain(own).any(|of| is_copy_of(of, name));
        found.extend(named(directory, is_copy).map(|path| Leftover { path, of: CopyOf::Config }));
    }
    found
}

/// Returns whether a name is that of a copy: the file's own name, a dot, and more.
fn is_copy_of(file: &str, name: &str) -> bool {
    let more = name.strip_prefix(file).and_then(|more| more.strip_prefix('.'));
    more.is_some_and(|more| !more.is_empty()) && !NO_COPIES.iter().any(|ending| name.ends_with(ending))
}

/// Returns the regular files of a directory whose name fits, in the order of their names.
fn named(directory: &Path, fits: impl Fn(&str) -> bool) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().take(NAMES_MAX);
    let fitting = entries.filter(|entry| entry.file_name().to_str().is_some_and(&fits));
    let mut paths: Vec<_> = fitting.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.truncate(COPIES_MAX);
    paths.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    #[test]
    fn copies_are_told_from_the_files_themselves_and_from_locks() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join(".openclaw");
        for name in [
            "agents/main/agent/auth-profiles.json",
            "agents/main/agent/auth-profiles.json.lock",
            "agents/main/agent/auth-profiles.json.lock.12-3.tmp",
            "agents/main/agent/auth-profiles.json.migrated-2026-11-01T00:00:00.000Z-a",
            "agents/main/agent/auth-state.json",
            "agents/ops/agent/auth.json",
            "agents/ops/agent/auth-profiles.json.bak",
            "credentials/oauth.json",
            "openclaw.json",
            "openclaw.json.bak",
            "openclaw.json.bak.1",
            "openclaw.jsonx",
        ] {
            std::fs::create_dir_all(state.join(name).parent().unwrap()).unwrap();
            std::fs::write(state.join(name), "{}").unwrap();
        }
        let env = Env::default().with_var("HOME", home.path());
        let installation = Installation::of(&env, None);
        let found = |only: Option<&str>| {
            let only = only.map(|name| name.parse().unwrap());
            let relative = |left: Leftover| {
                let path = left.path.strip_prefix(&state).unwrap().to_str().unwrap().to_owned();
                (path, left.of)
            };
            find(&installation, only.as_ref()).into_iter().map(relative).collect::<Vec<_>>()
        };
        let of = |name: &str, of| (name.to_owned(), of);
        let rest = [
            of("credentials/oauth.json", CopyOf::Store),
            of("openclaw.json.bak", CopyOf::Config),
            of("openclaw.json.bak.1", CopyOf::Config),
        ];
        let main =
            of("agents/main/agent/auth-profiles.json.migrated-2026-11-01T00:00:00.000Z-a", CopyOf::Store);
        let ops = [
            of("agents/ops/agent/auth-profiles.json.bak", CopyOf::Store),
            of("agents/ops/agent/auth.json", CopyOf::Store),
        ];
        assert_eq!(found(None), [std::slice::from_ref(&main), &ops[..], &rest].concat());
        assert_eq!(found(Some("main")), [&[main], &rest[..]].concat());
    }
}
