//! The file in which a client up to 2026.6.1 keeps an agent's profiles, as a mirror of the index.

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use strongroom_backends::StoreError;
use strongroom_backends::fs::dir::Dir;
use zeroize::Zeroizing;

use crate::client::sidecar_lock::SidecarLock;
use crate::client::stores::{Form, Kept as Held, StoreFile, StoredProfile};
use crate::error::Result;
use crate::messages::connect as messages;
use crate::ops::open::Open;
use crate::secret::ExposeSecret;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index::mirror::Kept;
use crate::vault::index::{Index, MAX};

/// How long a change waits for the client's lock, unless `--lock-timeout` is shorter. It is done by then; only the mirror
/// is late.
const WAIT: Duration = Duration::from_secs(5);

/// What became of an agent's mirror, or would.
#[derive(Debug)]
pub struct Mirrored {
    /// The agent.
    pub agent: AgentName,
    /// The client's file.
    pub path: PathBuf,
    /// Whether the file changes.
    pub changes: bool,
    /// Whether there was no file.
    pub made: bool,
    /// What the client keeps itself under ids of the vault.
    pub kept: Kept,
}

/// A client's file: its bytes now, and as they should be.
struct Versions {
    now: Option<Zeroizing<Vec<u8>>>,
    wanted: Zeroizing<Vec<u8>>,
    kept: Kept,
}

impl Versions {
    fn changes(&self) -> bool {
        let is_nothing = self.now.is_none() && Index::parse(&self.wanted).is_ok_and(|index| index.is_empty());
        !is_nothing && self.now.as_deref() != Some(&*self.wanted)
    }
}

/// Returns what a mirror would change.
pub(super) fn plan(open: &Open<'_>, agent: &AgentName, path: &Path) -> Result<Mirrored> {
    let own = index_of(open, agent)?;
    let same = same_secrets(open, agent, path)?;
    let versions = versions(path, |there| own.mirror_to(there, &|id| same.contains(id)))?;
    let changes = versions.changes();
    let made = changes && versions.now.is_none();
    Ok(Mirrored { agent: agent.clone(), path: path.to_owned(), changes, made, kept: versions.kept })
}

/// Writes the mirror of an agent, under the agent's lock and the client's.
pub(super) fn write(open: &Open<'_>, agent: &AgentName, path: &Path) -> Result<Mirrored> {
    let waits = open.waits("connect");
    let (found, _locks) = open.vault.lock_agent(agent, &waits)?;
    let own = if found.has_unfinished()? { index_of(open, agent)? } else { found.index()? };
    replace(open, agent, path, |there, same| own.mirror_to(there, &|id| same.contains(id)))
}

/// Takes the entries of the vault out of the client's file. One that connecting made goes if nothing else is in it.
pub(super) fn remove(open: &Open<'_>, agent: &AgentName, path: &Path, made: bool) -> Result<Mirrored> {
    let removed = replace(open, agent, path, |there, _| {
        there.unmirror();
        Kept::default()
    })?;
    let is_bare = |bytes: Vec<u8>| Index::parse(&bytes).is_ok_and(|index| index.is_bare());
    if made && removed.path.exists() {
        let _lock = lock(open, &removed.path)?;
        if std::fs::read(&removed.path).is_ok_and(is_bare) {
            let failed = |error: std::io::Error| messages::mirror_not_made(&removed.path, error.kind());
            std::fs::remove_file(&removed.path).map_err(failed)?;
        }
    }
    Ok(removed)
}

/// Returns the ids whose secret in plain text in the client's file is the one that the vault has: both were read, so that
/// nothing is lost with the client's copy.
fn same_secrets(open: &Open<'_>, agent: &AgentName, path: &Path) -> Result<HashSet<String>> {
    let file = StoreFile { form: Form::Json, path: path.to_owned(), agent: Some(agent.clone()) };
    let (Some(reader), Some(store)) = (open.reader_of(agent)?, file.read()?) else {
        return Ok(HashSet::new());
    };
    let is_same = |profile: &StoredProfile| {
        let Held::Plain(secret) = &profile.secret else { return None };
        let id: ProfileId = profile.id.parse().ok()?;
        let held = reader.record(&id).ok()??.credential;
        let is_same =
            held.secret.expose_secret() == secret.expose_secret() && profile.kind == Some(held.kind);
        is_same.then(|| id.to_string())
    };
    Ok(store.profiles.iter().filter_map(is_same).collect())
}

fn index_of(open: &Open<'_>, agent: &AgentName) -> Result<Index> {
    open.reader_of(agent)?.map_or_else(|| Ok(Index::default()), |reader| reader.index())
}

fn replace(
    open: &Open<'_>,
    agent: &AgentName,
    path: &Path,
    edit: impl Fn(&mut Index, &HashSet<String>) -> Kept,
) -> Result<Mirrored> {
    let path = target_of(path);
    let directory = path.parent().unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| messages::mirror_not_made(directory, error.kind());
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let _lock = lock(open, &path)?;
    let same = same_secrets(open, agent, &path)?;
    let versions = versions(&path, |there| edit(there, &same))?;
    let changes = versions.changes();
    if changes {
        let name = path.file_name().and_then(|name| name.to_str());
        let name =
            name.ok_or_else(|| messages::mirror_not_made(&path, std::io::ErrorKind::InvalidFilename))?;
        Dir::open(&std::fs::canonicalize(directory).map_err(failed)?)?.replace(name, &versions.wanted)?;
    }
    let made = changes && versions.now.is_none();
    Ok(Mirrored { agent: agent.clone(), path, changes, made, kept: versions.kept })
}

fn lock(open: &Open<'_>, path: &Path) -> Result<SidecarLock> {
    SidecarLock::take(path, open.now(), open.waits.limit.min(WAIT))
}

/// Returns where the client's file is. It follows one link, as the client does.
fn target_of(path: &Path) -> PathBuf {
    match (std::fs::read_link(path), path.parent()) {
        (Ok(target), Some(parent)) => parent.join(target),
        _ => path.to_owned(),
    }
}

fn versions(path: &Path, edit: impl Fn(&mut Index) -> Kept) -> Result<Versions> {
    let path = target_of(path);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(messages::mirror_not_made(&path, std::io::ErrorKind::InvalidFilename));
    };
    let now = match Dir::open(&std::fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned())) {
        Ok(dir) => dir.read_if_any(name, MAX)?.map(Zeroizing::new),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let mut there = match &now {
        Some(bytes) => Index::parse(bytes).map_err(|error| messages::not_mirrored(&path, &error))?,
        None => Index::default(),
    };
    let kept = edit(&mut there);
    Ok(Versions { wanted: Zeroizing::new(there.to_bounded_bytes()?), now, kept })
}
