//! The file in which a client up to 2026.6.1 keeps an agent's profiles, as a mirror of the index.

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Whether the file should say nothing.
    bare: bool,
    kept: Kept,
}

impl Versions {
    fn changes(&self) -> bool {
        self.now.as_deref() != Some(&*self.wanted) && !(self.bare && self.now.is_none())
    }

    fn told(self, agent: &AgentName, path: &Path) -> Mirrored {
        let changes = self.changes();
        let made = changes && self.now.is_none();
        Mirrored { agent: agent.clone(), path: path.to_owned(), changes, made, kept: self.kept }
    }
}

/// Returns what a mirror would change.
pub(super) fn plan(open: &Open<'_>, agent: &AgentName, path: &Path) -> Result<Mirrored> {
    let own = index_of(open, agent)?;
    let same = same_secrets(open, agent, path)?;
    Ok(versions(path, |there| own.mirror_to(there, &|id| same.contains(id)))?.told(agent, path))
}

/// Writes the mirror of an agent, under the agent's lock and the client's.
pub(super) fn write(open: &Open<'_>, agent: &AgentName, path: &Path) -> Result<Mirrored> {
    let waits = open.waits("connect");
    let (found, _locks) = open.vault.lock_agent(agent, &waits)?;
    let own = if found.has_unfinished()? { index_of(open, agent)? } else { found.index()? };
    let directory = path.parent().unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| messages::mirror_not_made(directory, error.kind());
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let target = target_of(path);
    let _lock = lock(open, &target)?;
    let same = same_secrets(open, agent, &target)?;
    let versions = versions(&target, |there| own.mirror_to(there, &|id| same.contains(id)))?;
    if versions.changes() {
        let (dir, name) = place_of(&target)?;
        dir.replace(&name, &versions.wanted)?;
    }
    Ok(versions.told(agent, path))
}

/// Takes the entries of the vault out of the client's file. One that connecting made goes if nothing else is in it.
pub(super) fn remove(open: &Open<'_>, path: &Path, made: bool) -> Result<()> {
    let target = target_of(path);
    if !target.exists() {
        return Ok(());
    }
    let _lock = lock(open, &target)?;
    let versions = versions(&target, |there| {
        there.unmirror();
        Kept::default()
    })?;
    let (dir, name) = place_of(&target)?;
    if made && versions.bare {
        dir.remove_file(&name)?;
    } else if versions.changes() {
        dir.replace(&name, &versions.wanted)?;
    }
    Ok(())
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
        let is_same = held.secret.expose_secret() == secret.expose_secret()
            && profile.others.is_empty()
            && profile.kind == Some(held.kind);
        is_same.then(|| id.to_string())
    };
    Ok(store.profiles.iter().filter_map(is_same).collect())
}

fn index_of(open: &Open<'_>, agent: &AgentName) -> Result<Index> {
    open.reader_of(agent)?.map_or_else(|| Ok(Index::default()), |reader| reader.index())
}

/// Takes the client's lock of a file of profiles.
///
/// # Errors
/// `LOCK_TIMEOUT` if the client holds it; those of making it.
pub fn lock_file(open: &Open<'_>, path: &Path) -> Result<SidecarLock> {
    lock(open, &target_of(path))
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

/// Returns the directory of the client's file, and its name.
fn place_of(path: &Path) -> Result<(Dir, String)> {
    let odd = || messages::mirror_not_made(path, std::io::ErrorKind::InvalidFilename);
    let parent = path.parent().ok_or_else(odd)?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(odd)?;
    let parent = std::fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned());
    Ok((Dir::open(&parent)?, name.to_owned()))
}

fn versions(path: &Path, edit: impl Fn(&mut Index) -> Kept) -> Result<Versions> {
    let target = target_of(path);
    let now = if target.exists() {
        let (dir, name) = place_of(&target)?;
        dir.read_if_any(&name, MAX)?.map(Zeroizing::new)
    } else {
        None
    };
    let mut there = match &now {
        Some(bytes) => Index::parse(bytes).map_err(|error| messages::not_mirrored(&target, &error))?,
        None => Index::default(),
    };
    let kept = edit(&mut there);
    let wanted = Zeroizing::new(there.to_bounded_bytes()?);
    Ok(Versions { now, wanted, bare: there.is_bare(), kept })
}
