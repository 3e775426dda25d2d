//! The anchor: what this machine remembers of a home outside of it, to tell a home that was rolled back from one
//! that was moved.
//!
//! There is one small file for each ledger, with its number, its MAC and the head of its log, signed with the keys of
//! its scope. It is written after a commit, under the lock of that ledger and without a sync, and its number never
//! goes down. It may lag. A missing or torn one never makes a commit fail. Reading a credential never reads it.

pub mod accept_rollback;
pub mod rollback;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_backends::StoreError;
use strongroom_backends::fs::dir::{Dir, Kind};
use strongroom_backends::fs::home;

use super::log::Head;
use crate::env::Env;
use crate::error::Result;
use crate::keychain::is_home_of;
use crate::seal::keys::{Ring, Scope, hex, label};
use crate::seal::signed::{self, Use};

/// The file with the home's path, next to its anchors.
const HOME: &str = "home";
/// The prefix of the names of agents' anchors.
const AGENT: &str = "agent.";
/// The largest anchor, in bytes.
const MAX: usize = 4096;
/// How long the anchors of a deleted home are kept.
const GONE_AFTER: Duration = Duration::from_secs(90 * 24 * 3600);

/// Where anchors are kept.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The directory; `None` if the environment does not name one.
    pub dir: Option<PathBuf>,
    /// The flag or the variable that named it. Then it is an error if an anchor is missing in it.
    pub named_by: Option<&'static str>,
}

impl Setup {
    /// Returns the directory that the user named, else the state directory of the service or of the user.
    #[must_use]
    pub fn of(flag: Option<&Path>, env: &Env) -> Self {
        const VARIABLE: &str = "STRONGROOM_ANCHOR";
        let by_flag = flag.map(|dir| (dir.to_owned(), "--anchor"));
        if let Some((dir, name)) = by_flag.or_else(|| Some((env.path(VARIABLE)?, VARIABLE))) {
            return Self { dir: std::path::absolute(dir).ok(), named_by: Some(name) };
        }
        // systemd separates several directories by colons.
        let of_service = env.path("STATE_DIRECTORY").and_then(|dirs| {
            let first = dirs.to_str()?.split(':').next()?.to_owned();
            Some(PathBuf::from(first).join("strongroom-anchor"))
        });
        let of_user = || {
            if cfg!(target_os = "macos") {
                env.path("HOME").map(|home| home.join("Library/Application Support/strongroom-state"))
            } else if cfg!(windows) {
                env.path("LOCALAPPDATA").map(|data| data.join("strongroom-state"))
            } else {
                env.xdg("XDG_STATE_HOME", ".local/state").map(|state| state.join("strongroom"))
            }
        };
        Self { dir: of_service.or_else(of_user), named_by: None }
    }
}

impl Setup {
    /// Returns whether anchors can be kept there: the directory, or the nearest existing one above it, is writable.
    #[must_use]
    pub fn can_remember(&self) -> bool {
        let is_there = |path: &&Path| path.symlink_metadata().is_ok();
        let nearest = self.dir.as_deref().and_then(|dir| dir.ancestors().find(is_there));
        nearest.is_some_and(|path| path.is_dir() && is_writable(path))
    }
}

#[cfg(unix)]
fn is_writable(dir: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(_: &Path) -> bool {
    true
}

/// A ledger's state, as an anchor remembers it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The ledger's number.
    pub number: u64,
    /// Its MAC, in Base64.
    pub mac: String,
    /// The head of its log.
    pub log: Head,
}

#[derive(Serialize, Deserialize)]
struct Text {
    format: u32,
    vault: String,
    machine: String,
    home: String,
    scope: String,
    key: String,
    number: u64,
    ledger: String,
    log: Head,
}

/// What the anchor of a ledger says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remembered {
    /// There is no directory for anchors.
    Nowhere,
    /// The home at this path held another vault when it was last written.
    OtherVault,
    /// This home has no anchors: it is on a new machine, a copy, or in a container that forgets.
    NoHome,
    /// This ledger has no anchor yet, but the home has others.
    Nothing,
    /// A state.
    Mark(Mark),
    /// The number of a state that was signed with a key that was retired since: the anchor predates a change of keys.
    Retired(u64),
    /// The number of a state that was signed with a key that the vault does not know: the anchor is from after a
    /// change of keys that was undone.
    UnknownKey(u64),
}

/// The anchors of a home.
#[derive(Debug)]
pub struct Anchors {
    setup: Setup,
    home: PathBuf,
    /// The canonical path, looked up when it is first needed. Reading a credential does not need it.
    canonical: OnceLock<PathBuf>,
}

impl Anchors {
    /// Returns the anchors of the home at a path.
    #[must_use]
    pub fn new(setup: &Setup, home: &Path) -> Self {
        Self { setup: setup.clone(), home: home.to_owned(), canonical: OnceLock::new() }
    }

    fn home(&self) -> &Path {
        self.canonical.get_or_init(|| self.home.canonicalize().unwrap_or_else(|_| self.home.clone()))
    }

    /// Returns where they are kept.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    fn place(home: &Path) -> String {
        hex(&Sha256::digest(home.as_os_str().as_encoded_bytes())[..16])
    }

    /// Returns the directory of this home's anchors, if it exists. If the home was moved here from a path that is gone,
    /// the directory of that path is taken over.
    fn dir(&self, vault: &str) -> Option<Dir> {
        let of_vault = Dir::open(&self.setup.dir.as_ref()?.join(vault)).ok()?;
        let mine = Self::place(self.home());
        if let Ok(dir) = of_vault.dir(&mine) {
            return Some(dir);
        }
        for name in of_vault.names().ok()? {
            let Ok(dir) = of_vault.dir(&name) else { continue };
            let Ok(path) = dir.read(HOME, MAX).map(path_of) else { continue };
            if name == Self::place(&path) && !is_home_of(&path, vault) {
                drop(dir);
                of_vault.rename(&name, &of_vault, &mine).ok()?;
                let dir = of_vault.dir(&mine).ok()?;
                dir.scribble(HOME, self.home().as_os_str().as_encoded_bytes()).ok()?;
                return Some(dir);
            }
        }
        None
    }

    /// Returns why the anchors that exist cannot be read or written, if that is so.
    #[must_use]
    pub fn denied(&self, vault: &str) -> Option<StoreError> {
        let dir = self.setup.dir.as_ref()?;
        let mine = dir.join(vault).join(Self::place(self.home()));
        let files = |dir: &Dir| dir.names()?.iter().try_for_each(|name| dir.may_open(name, true));
        for at in [dir.clone(), dir.join(vault), mine.clone()] {
            let tried = Dir::open(&at).and_then(|dir| {
                dir.may_write()?;
                if at == mine { files(&dir) } else { Ok(()) }
            });
            match tried {
                Ok(()) => {}
                Err(error) if error.is_not_found() => return None,
                Err(error) => return Some(error),
            }
        }
        None
    }

    /// Returns the directories of other vaults that were in the home at this path.
    fn of_other_vaults(&self, vault: &str) -> Vec<Dir> {
        let Some(top) = self.setup.dir.as_ref().and_then(|dir| Dir::open(dir).ok()) else {
            return Vec::new();
        };
        let others = top.names().unwrap_or_default().into_iter().filter(|name| name != vault);
        let mine = Self::place(self.home());
        others.filter_map(|name| top.dir(&name).ok()).filter(|dir| dir.dir(&mine).is_ok()).collect()
    }

    /// Reads the anchor of a ledger.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn of(&self, ring: &Ring) -> Result<Remembered> {
        if self.setup.dir.is_none() {
            return Ok(Remembered::Nowhere);
        }
        let Some(dir) = self.dir(ring.vault.as_str()) else {
            let other = !self.of_other_vaults(ring.vault.as_str()).is_empty();
            return Ok(if other { Remembered::OtherVault } else { Remembered::NoHome });
        };
        let Ok(bytes) = dir.read(&file_of(&ring.scope), MAX) else { return Ok(Remembered::Nothing) };
        Ok(read(&bytes, ring)?.unwrap_or(Remembered::Nothing))
    }

    /// Returns the number of a ledger from its anchor, unverified: enough to warn without a key.
    #[must_use]
    pub fn unverified(&self, vault: &str, scope: &Scope) -> Option<u64> {
        let bytes = self.dir(vault)?.read(&file_of(scope), MAX).ok()?;
        serde_json::from_str::<Text>(signed::split(&bytes)?.json).ok().map(|text| text.number)
    }

    /// Makes the anchors durable, before the key that signed earlier ones is retired. Best effort.
    pub fn sync(&self, vault: &str) {
        let Some(dir) = self.dir(vault) else { return };
        for name in dir.names().unwrap_or_default() {
            if let Ok(file) = dir.open_for_reading(&name) {
                let _ = dir.sync_file(&file, &name);
            }
        }
        let _ = dir.sync();
    }

    /// Returns the agents that this machine remembers.
    #[must_use]
    pub fn agents(&self, vault: &str) -> Vec<String> {
        let names = self.dir(vault).and_then(|dir| dir.names().ok()).unwrap_or_default();
        names.iter().filter_map(|name| name.strip_prefix(AGENT)).map(str::to_owned).collect()
    }

    /// Remembers the state of a ledger. Best effort: a failure is ignored. The caller holds the ledger's lock.
    pub fn remember(&self, ring: &Ring, mark: &Mark) {
        let _ = self.try_remember(ring, mark);
    }

    fn try_remember(&self, ring: &Ring, mark: &Mark) -> Option<()> {
        let top = self.setup.dir.as_ref()?;
        let vault = ring.vault.as_str();
        let dir = match self.dir(vault) {
            Some(dir) => dir,
            None => self.make(top, vault)?,
        };
        let name = file_of(&ring.scope);
        if let Ok(bytes) = dir.read(&name, MAX)
            && let Ok(Some(Remembered::Mark(there))) = read(&bytes, ring)
            && there.number > mark.number
        {
            return None;
        }
        let text = Text {
            format: 1,
            vault: vault.to_owned(),
            machine: ring.machine.to_string(),
            home: Self::place(self.home()),
            scope: ring.scope.agent().map_or_else(|| "vault".to_owned(), |agent| format!("agent:{agent}")),
            key: ring.current().id().to_string(),
            number: mark.number,
            ledger: mark.mac.clone(),
            log: mark.log.clone(),
        };
        let json = serde_json::to_string(&text).ok()?;
        let salt = ring.machine_salt();
        let (text, _) = signed::sign(ring.current(), purpose(&salt), &json).ok()?;
        dir.scribble(&name, text.as_bytes()).ok().map(|_| ())
    }

    fn make(&self, top: &Path, vault: &str) -> Option<Dir> {
        home::create_parents(&top.join(vault)).ok()?;
        let of_vault = Dir::open(&top.join(vault)).ok()?;
        sweep(&of_vault, vault);
        // Another vault may only be replaced here after the user accepted that.
        for other in self.of_other_vaults(vault) {
            let _ = other.remove_tree(&Self::place(self.home()));
        }
        let dir = of_vault.dir_or_make(&Self::place(self.home())).ok()?;
        dir.scribble(HOME, self.home().as_os_str().as_encoded_bytes()).ok()?;
        Some(dir)
    }
}

/// Returns the paths at which this machine has seen homes of a vault.
#[must_use]
pub fn homes(setup: &Setup, vault: &str) -> BTreeSet<PathBuf> {
    let is_id = !vault.is_empty() && vault.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let dir = setup.dir.as_ref().filter(|_| is_id).and_then(|top| Dir::open(&top.join(vault)).ok());
    let Some(dir) = dir else { return BTreeSet::new() };
    let names = dir.names().unwrap_or_default();
    names.iter().filter_map(|name| dir.dir(name).ok()?.read(HOME, MAX).ok()).map(path_of).collect()
}

fn file_of(scope: &Scope) -> String {
    scope.agent().map_or_else(|| "vault".to_owned(), |agent| format!("{AGENT}{agent}"))
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        std::ffi::OsString::from_vec(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

/// Removes the anchors of homes that were deleted long ago.
fn sweep(of_vault: &Dir, vault: &str) {
    for name in of_vault.names().unwrap_or_default() {
        if of_vault.kind(&name).ok().flatten() != Some(Kind::Directory) {
            continue;
        }
        let Ok(dir) = of_vault.dir(&name) else { continue };
        let written = dir.open_for_reading("vault").and_then(|file| {
            file.metadata().and_then(|meta| meta.modified()).map_err(|error| dir.io("vault", error))
        });
        let old =
            written.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age >= GONE_AFTER));
        let gone = dir.read(HOME, MAX).map(path_of).is_ok_and(|path| !is_home_of(&path, vault));
        if old && gone {
            let _ = of_vault.remove_tree(&name);
        }
    }
}

fn purpose(salt: &str) -> Use<'_> {
    Use { salt, label: label::ANCHOR }
}

/// Parses and verifies an anchor. Returns `None` if it is torn, altered, or of another ledger.
fn read(bytes: &[u8], ring: &Ring) -> Result<Option<Remembered>> {
    let Some(parts) = signed::split(bytes) else { return Ok(None) };
    let Ok(text) = serde_json::from_str::<Text>(parts.json) else { return Ok(None) };
    let scope = ring.scope.agent().map_or_else(|| "vault".to_owned(), |agent| format!("agent:{agent}"));
    if text.vault != ring.vault.as_str() || text.scope != scope {
        return Ok(None);
    }
    let Some(key) = ring.get(&text.key) else {
        let number = text.number;
        let retired = ring.is_retired(&text.key);
        return Ok(Some(if retired { Remembered::Retired(number) } else { Remembered::UnknownKey(number) }));
    };
    let salt = format!("machine:{}", text.machine);
    if !signed::verifies(key, purpose(&salt), &parts)? {
        return Ok(None);
    }
    Ok(Some(Remembered::Mark(Mark { number: text.number, mac: text.ledger, log: text.log })))
}
