//! The home: its path, the checks that make it trusted, and the vault in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use strongroom_backends::StoreError;
use strongroom_backends::fs::denial::Denial;
use strongroom_backends::fs::dir::{Dir, Kind};
use strongroom_backends::fs::home;
use strongroom_backends::fs::lock::{self, Holder, Lock, Mode};

use super::agent::Agent;
use super::anchor::{self, Anchors};
use super::id::AgentName;
use super::reader::Reader;
pub use super::session::Session;
use super::transaction::state_step::{self, Follow};
use super::vault_file::{self, MAX as VAULT_FILE_MAX};
pub use super::vault_file::{FILE as VAULT_FILE, VaultFile};
use super::watch::Watch;
pub use super::writer::Writer;
use crate::env::{Env, refuse_unexpanded};
use crate::error::{Code, Error, Result};
use crate::keychain::Keychain;
use crate::looks::refuse_as_path;
use crate::messages::vault::home as messages;
use crate::seal::keys::Keys;
use crate::unlock::unlock_files::{self, Slot};

/// The directory of the agents in a home.
pub const AGENTS: &str = "agents";
/// How long a command waits for a lock by default.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How a command waits for locks, and what other commands that wait for it are told.
#[derive(Clone, Debug)]
pub struct LockWait {
    /// How long it waits for each lock.
    pub limit: Duration,
    /// The command's name.
    pub command: String,
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// Shows progress.
    pub watched: Arc<dyn Watch>,
}

impl LockWait {
    /// Takes a directory's lock.
    pub(super) fn take(&self, dir: &Dir, mode: Mode) -> std::result::Result<Lock, StoreError> {
        lock::take_telling(dir, mode, self.limit, &self.holder(), &|holder| self.watched.waits(holder))
    }

    /// Returns what other commands that wait for the lock are told.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder { pid: std::process::id(), since: self.now, command: self.command.clone() }
    }
}

/// What opening a vault needs.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How the keychain may be used.
    pub keychain: crate::keychain::Setup,
    /// The directory in which this machine remembers the home.
    pub anchors: anchor::Setup,
    /// Applies steps to the run-time state.
    pub follow: Follow,
}

impl Default for Setup {
    /// Uses no keychain and remembers nothing.
    fn default() -> Self {
        Self {
            keychain: crate::keychain::Setup::default(),
            anchors: anchor::Setup::default(),
            follow: state_step::none,
        }
    }
}

/// A vault whose home passed its checks. It is not unlocked.
#[derive(Debug)]
pub struct Vault {
    pub(super) home: Dir,
    notices: Vec<String>,
    pub(super) file: Option<VaultFile>,
    pub(super) keychain: Keychain,
    pub(super) anchors: Anchors,
    pub(super) follow: Follow,
}

/// Returns the home that a flag or a variable names, else the one in the platform's data directory.
///
/// # Errors
/// `CONFIG` if no home is known, `USAGE` for a secret in the place of a path.
pub fn locate(flag: Option<&Path>, env: &Env) -> Result<PathBuf> {
    let variable = env.path("STRONGROOM_HOME");
    for (path, place) in
        [(flag, "--home"), (variable.as_deref().filter(|_| flag.is_none()), "STRONGROOM_HOME")]
    {
        path.map_or(Ok(()), |path| refuse_as_path(path, place))?;
    }
    env.check_paths()?;
    if let Some(flag) = flag {
        refuse_unexpanded(flag, "--home")?;
    }
    let named = flag.map(Path::to_owned).or(variable);
    let default = if cfg!(target_os = "macos") {
        env.path("HOME").map(|home| home.join("Library/Application Support"))
    } else if cfg!(windows) {
        env.path("LOCALAPPDATA")
    } else {
        env.xdg("XDG_DATA_HOME", ".local/share")
    };
    let home =
        named.or_else(|| default.map(|data| data.join("strongroom"))).ok_or_else(messages::no_home_named)?;
    let in_root = |path: &Path| path.starts_with("/.local") || path.starts_with("/Library");
    if env.path("HOME").is_some_and(|home| home == Path::new("/")) && in_root(&home) && !home.exists() {
        return Err(messages::home_in_root());
    }
    // Messages and links inside the home must not depend on the current directory. Collecting the components drops a
    // trailing slash, which would follow a link.
    std::path::absolute(&home).map(|home| home.components().collect()).map_err(|_| messages::invalid_path())
}

/// Converts an error of the home directory itself to one with its own code.
pub(crate) fn of_home(error: StoreError) -> Error {
    match error {
        StoreError::Unsafe { path, why } => messages::unsafe_home(&path, why),
        // The owner of the home itself is visible from the directory above.
        StoreError::Denied { path, at, why: why @ Denial::Owner(_) } if path == at => {
            messages::denied(&path, &at, why)
        }
        other => other.into(),
    }
}

impl Vault {
    /// Opens the vault of a home. If `vault.json` is missing and the lock is held, another command may be making the
    /// vault; this waits for it for at most `limit`.
    ///
    /// # Errors
    /// `NO_VAULT`, `UNSAFE_HOME`, `NEWER_FORMAT`, `CORRUPT` for a damaged `vault.json`.
    pub fn open(path: &Path, setup: &Setup, limit: Duration) -> Result<Self> {
        let (vault, damaged) = Self::open_damaged(path, setup, limit)?;
        damaged.map_or(Ok(vault), Err)
    }

    /// Opens the vault of a home even if `vault.json` is damaged, for commands that repair it. Returns that damage.
    ///
    /// # Errors
    /// `NO_VAULT`, `UNSAFE_HOME`, `NEWER_FORMAT`, `OLD_FORMAT`.
    pub fn open_damaged(path: &Path, setup: &Setup, limit: Duration) -> Result<(Self, Option<Error>)> {
        let none = || Err(messages::no_vault(path));
        let opened = match home::open(path) {
            Err(StoreError::NotFound(_)) => return none(),
            other => other.map_err(of_home)?,
        };
        let mut notices = Vec::new();
        if opened.readable_by_others {
            notices.push(messages::readable_by_others(path));
        }
        let home = opened.dir;
        let mut damaged = None;
        let mut bytes = home.read_if_any(VAULT_FILE, VAULT_FILE_MAX)?;
        if bytes.is_none() {
            if unlock_files::list(&home)?.is_empty() && home.dir_if_any(AGENTS)?.is_none() {
                return none();
            }
            // A vault that another command is making has lost nothing: wait for it.
            if !limit.is_zero() && lock::is_held(&home).unwrap_or(false) {
                let me = Holder { pid: std::process::id(), since: 0, command: String::new() };
                drop(lock::take(&home, Mode::Shared, limit, &me));
            }
            bytes = home.read_if_any(VAULT_FILE, VAULT_FILE_MAX)?;
        }
        let file = if let Some(bytes) = bytes {
            match vault_file::parse(&bytes) {
                // This program does not know what a repair would break in such a home.
                Err(error) if matches!(error.code(), Code::NewerFormat | Code::OldFormat) => {
                    return Err(error);
                }
                read => read.map_err(|error| damaged = Some(error)).ok(),
            }
        } else {
            notices.push(messages::vault_file_missing());
            None
        };
        let mut vault = Self::at(home, setup);
        (vault.notices, vault.file) = (notices, file);
        Ok((vault, damaged))
    }

    /// Returns the vault of a home without reading anything.
    #[must_use]
    pub(super) fn at(home: Dir, setup: &Setup) -> Self {
        let keychain = Keychain::new(&setup.keychain, home.path());
        let anchors = Anchors::new(&setup.anchors, home.path());
        Self { home, notices: Vec::new(), file: None, keychain, anchors, follow: setup.follow }
    }

    /// Returns the home's directory.
    #[must_use]
    pub const fn home(&self) -> &Dir {
        &self.home
    }

    /// Returns what the user should know about the home, as sentences.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Returns the contents of `vault.json`, if it exists.
    #[must_use]
    pub const fn file(&self) -> Option<&VaultFile> {
        self.file.as_ref()
    }

    /// Returns the keychain, which may hold records or the key.
    #[must_use]
    pub const fn keychain(&self) -> &Keychain {
        &self.keychain
    }

    /// Returns what this machine remembers of the home.
    #[must_use]
    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Lists the unlock files.
    ///
    /// # Errors
    /// Those of reading them.
    pub fn slots(&self) -> Result<Vec<Slot>> {
        unlock_files::list(&self.home)
    }

    /// Returns the names of all agents, sorted.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn agents(&self) -> Result<Vec<AgentName>> {
        let Some(agents) = self.home.dir_if_any(AGENTS)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for name in agents.names()? {
            if let Ok(agent) = name.parse::<AgentName>()
                && agents.kind(&name)? == Some(Kind::Directory)
            {
                found.push(agent);
            }
        }
        Ok(found)
    }

    /// Returns all agents, sorted by name. Each is opened when the iterator reaches it.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn each_agent(&self) -> Result<impl Iterator<Item = Result<Agent>>> {
        Ok(self.agents()?.into_iter().filter_map(|name| self.agent(&name).transpose()))
    }

    /// Returns a reader of an agent's records.
    ///
    /// # Errors
    /// `LOCKED` if `keys` are another agent's; those of reading the directory.
    pub fn reader(&self, agent: Agent, keys: &Keys) -> Result<Reader<'_>> {
        let ring = keys.agent(agent.name.as_str())?;
        agent.reader(ring, &self.keychain)
    }

    /// Opens an agent, if it exists.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn agent(&self, name: &AgentName) -> Result<Option<Agent>> {
        let Some(agents) = self.home.dir_if_any(AGENTS)? else { return Ok(None) };
        Ok(agents.dir_if_any(name.as_str())?.map(|dir| Agent { name: name.clone(), dir }))
    }

    /// Opens an agent, and creates it if it does not exist.
    ///
    /// # Errors
    /// Those of creating the directory.
    pub fn agent_or_create(&self, name: &AgentName) -> Result<Agent> {
        let dir = self.home.dir_or_create(AGENTS)?.dir_or_create(name.as_str())?;
        Ok(Agent { name: name.clone(), dir })
    }
}
