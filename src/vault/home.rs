//! The home: where it is, whether it may be trusted, and who holds its locks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use strongroom_backends::fs::dir::{Dir, Kind};
use strongroom_backends::fs::home;
use strongroom_backends::fs::lock::{self, Holder, Lock, Mode};
use strongroom_backends::{StoreError, shown};

use super::agent::Agent;
use super::id::AgentName;
use super::log::{self, Scope};
pub use super::session::Session;
use super::settings::{self, MAX as SETTINGS_MAX};
pub use super::settings::{FILE as SETTINGS, Settings};
pub use super::writer::{Writer, finish_agent};
use crate::env::Env;
use crate::error::{Code, Error, Result, fail};
use crate::keychain::{Keychain, Setup};
use crate::seal::keys::Keys;
use crate::secret::Buffer;
use crate::unlock::cache;
use crate::unlock::payload::Payload;
use crate::unlock::seek::{self, Ask, Named};
use crate::unlock::slots::{self, Slot};
use crate::unlock::{MethodSecret, Opened};

/// The directory of the agents in a home.
pub const AGENTS: &str = "agents";
/// How long a lock is waited for, unless told otherwise.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How a command waits for locks, and how it calls itself to those who wait for it.
#[derive(Clone, Debug)]
pub struct Waits {
    /// How long it waits for each lock.
    pub limit: Duration,
    /// The command's name.
    pub command: String,
    /// Now, in Unix milliseconds.
    pub now: i64,
}

impl Waits {
    /// What those who wait are told.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder { pid: std::process::id(), since: self.now, command: self.command.clone() }
    }
}

/// A vault whose home passed its checks. It is not unlocked.
#[derive(Debug)]
pub struct Vault {
    /// The home.
    pub home: Dir,
    /// What a person should know about it, as sentences.
    pub notices: Vec<String>,
    /// `vault.json`, where it is there.
    pub settings: Option<Settings>,
    /// The keychain, where records or the key may lie.
    pub keychain: Keychain,
}

/// The home that a flag or a variable names, else the platform's data directory.
///
/// # Errors
/// `CONFIG` when none of them says where it is.
pub fn locate(flag: Option<&Path>, env: &Env) -> Result<PathBuf> {
    let named = flag.map(Path::to_owned).or_else(|| env.path("STRONGROOM_HOME"));
    let default = if cfg!(target_os = "macos") {
        env.path("HOME").map(|home| home.join("Library/Application Support"))
    } else if cfg!(windows) {
        env.path("LOCALAPPDATA")
    } else {
        env.xdg("XDG_DATA_HOME", ".local/share")
    };
    let home = named.or_else(|| default.map(|data| data.join("strongroom"))).ok_or_else(|| {
        Error::new(Code::Config, "neither --home nor STRONGROOM_HOME nor HOME says where the vault is")
            .with_remedy("name it with --home; in a client's configuration, as an argument of the command")
    })?;
    // Messages and links inside the home should not depend on where the command was started.
    // A trailing slash would follow a link.
    std::path::absolute(&home)
        .map(|home| home.components().collect())
        .map_err(|_| Error::new(Code::Config, "the home's path is not valid"))
}

/// An error of the home itself, by its own code.
pub(crate) fn of_home(error: StoreError) -> Error {
    match error {
        StoreError::Unsafe { path, why } => {
            let error = Error::new(Code::UnsafeHome, format!("{} {why}", shown(&path)));
            match why {
                "is a symlink" => error.with_remedy("name the directory itself with --home"),
                "is not a directory" => error.with_remedy("name a directory with --home"),
                "belongs to another user" => error.with_remedy(
                    "run the command as that user (not under sudo), or name a home of your own with --home",
                ),
                _ => error,
            }
        }
        other => other.into(),
    }
}

impl Vault {
    /// Opens the vault of a home. One without `vault.json` whose lock is held may just be being made: that is
    /// waited for at most `limit`.
    ///
    /// # Errors
    /// `NO_VAULT`, `UNSAFE_HOME`, `NEWER_FORMAT`, `CORRUPT` for a damaged `vault.json`.
    pub fn open(path: &Path, keychain: &Setup, limit: Duration) -> Result<Self> {
        let (vault, damaged) = Self::open_damaged(path, keychain, limit)?;
        damaged.map_or(Ok(vault), Err)
    }

    /// Opens the vault of a home as [`Vault::open`], even where `vault.json` is damaged, for those who mend it.
    ///
    /// # Errors
    /// `NO_VAULT`, `UNSAFE_HOME`, `NEWER_FORMAT`.
    pub fn open_damaged(path: &Path, keychain: &Setup, limit: Duration) -> Result<(Self, Option<Error>)> {
        let none = || fail(Code::NoVault, format!("there is no vault in {}", shown(path)));
        let opened = match home::open(path) {
            Err(StoreError::NotFound(_)) => return none(),
            other => other.map_err(of_home)?,
        };
        let mut notices = Vec::new();
        if opened.readable_by_others {
            notices.push(format!(
                "{} can be read by other users (all in it is sealed); chmod 700 it",
                shown(path)
            ));
        }
        let home = opened.dir;
        let mut damaged = None;
        let mut bytes = home.read_if_any(SETTINGS, SETTINGS_MAX)?;
        if bytes.is_none() {
            if slots::list(&home)?.is_empty() && home.dir_if_any(AGENTS)?.is_none() {
                return none();
            }
            // What is being made at this moment is nothing that was lost.
            if !limit.is_zero() && lock::is_held(&home).unwrap_or(false) {
                let me = Holder { pid: std::process::id(), since: 0, command: String::new() };
                drop(lock::take(&home, Mode::Shared, limit, &me));
            }
            bytes = home.read_if_any(SETTINGS, SETTINGS_MAX)?;
        }
        let settings = if let Some(bytes) = bytes {
            match settings::parse(&bytes) {
                // Nobody here can tell what mending such a home would break.
                Err(error) if error.code() == Code::NewerFormat => return Err(error),
                read => read.map_err(|error| damaged = Some(error)).ok(),
            }
        } else {
            notices.push("vault.json is missing; `strongroom doctor --repair` writes it again".to_owned());
            None
        };
        let keychain = Keychain::new(keychain, home.path());
        Ok((Self { home, notices, settings, keychain }, damaged))
    }

    /// The unlock files.
    ///
    /// # Errors
    /// Those of reading them.
    pub fn slots(&self) -> Result<Vec<Slot>> {
        slots::list(&self.home)
    }

    /// Where the keychain would have the vault's key.
    #[must_use]
    pub fn in_keychain(&self) -> seek::InKeychain<'_> {
        let vault = self.settings.as_ref().map(|settings| settings.vault_id.as_str());
        seek::InKeychain { keychain: &self.keychain, vault }
    }

    /// Unlocks the vault, from the cache where that is there.
    ///
    /// # Errors
    /// `LOCKED`, `WRONG_KEY`, and those of the sources named by hand; `TAMPERED` when `vault.json`
    /// says something else than the unlock file.
    pub fn unlock(&self, named: &Named, env: &Env, ask: Ask<'_>) -> Result<Session> {
        let opened = seek::open(&self.slots()?, named, env, self.home.path(), &self.in_keychain(), ask)?;
        self.session(opened, env)
    }

    /// Unlocks the vault by a method, whatever is cached: for what an agent with a shell should not
    /// get from a cache.
    ///
    /// # Errors
    /// As [`Vault::unlock`].
    pub fn unlock_afresh(&self, named: &Named, env: &Env, ask: Ask<'_>) -> Result<Session> {
        let slots = self.slots()?;
        let unlocked = seek::unlock(&slots, named, env, self.home.path(), &self.in_keychain(), ask).map_err(
            |error| {
                if error.code() != Code::Locked || cache::read(self.home.path(), &slots, env.now()).is_none()
                {
                    return error;
                }
                let what =
                    format!("{}; what `strongroom unlock` cached is not enough for this", error.what());
                Error::new(Code::Locked, what).with_remedy(error.remedy().to_owned())
            },
        )?;
        self.session(Opened::By(unlocked), env)
    }

    /// The session of an opened vault.
    ///
    /// # Errors
    /// `TAMPERED` when `vault.json` says something else.
    pub fn session(&self, opened: Opened, env: &Env) -> Result<Session> {
        let session = Session::of(opened, env)?;
        if self.settings.as_ref().is_some_and(|settings| *settings != session.settings()) {
            return fail(Code::Tampered, "vault.json does not say what the unlock file says").map_err(
                |e: Error| {
                    e.with_remedy("restore vault.json, or remove it and run `strongroom doctor --repair`")
                },
            );
        }
        Ok(session)
    }

    /// All agents, by name.
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

    /// An agent that is there.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn agent(&self, name: &AgentName) -> Result<Option<Agent>> {
        let Some(agents) = self.home.dir_if_any(AGENTS)? else { return Ok(None) };
        Ok(agents.dir_if_any(name.as_str())?.map(|dir| Agent { name: name.clone(), dir }))
    }

    /// An agent, made where it is missing.
    ///
    /// # Errors
    /// Those of making the directory.
    pub fn agent_or_create(&self, name: &AgentName) -> Result<Agent> {
        let dir = self.home.dir_or_create(AGENTS)?.dir_or_create(name.as_str())?;
        Ok(Agent { name: name.clone(), dir })
    }

    /// Takes the vault's lock.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`.
    pub fn lock(&self, mode: Mode, waits: &Waits) -> Result<Lock> {
        Ok(lock::take(&self.home, mode, waits.limit, &waits.holder())?)
    }

    /// Takes an agent's lock for a change that needs no keys. An unfinished transaction stays.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`.
    pub fn lock_agent(&self, agent: &AgentName, waits: &Waits) -> Result<(Agent, [Lock; 2])> {
        let vault = self.lock(Mode::Shared, waits)?;
        let agent = self.agent_or_create(agent)?;
        let lock = lock::take(&agent.dir, Mode::Exclusive, waits.limit, &waits.holder())?;
        Ok((agent, [vault, lock]))
    }

    /// Takes the locks for a change, unlocks again where the keys changed meanwhile, and finishes
    /// what a killed process left.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, those of unlocking again, those of the unfinished transaction.
    pub fn writer<'s>(
        &'s self,
        session: &'s mut Session,
        agent: &AgentName,
        waits: &Waits,
    ) -> Result<Writer<'s>> {
        let mut writers = self.writers(session, std::slice::from_ref(agent), waits)?;
        writers.pop().ok_or_else(|| Error::new(Code::Internal, "a lock was taken for no agent"))
    }

    /// Takes the locks for a change of several agents, in the order of their names.
    ///
    /// # Errors
    /// As [`Vault::writer`].
    pub fn writers<'s>(
        &'s self,
        session: &'s mut Session,
        agents: &[AgentName],
        waits: &Waits,
    ) -> Result<Vec<Writer<'s>>> {
        let mut agents = agents.to_vec();
        agents.sort_unstable();
        agents.dedup();
        let locked = agents.iter().map(|agent| self.lock_agent(agent, waits)).collect::<Result<Vec<_>>>()?;
        self.keep_current(session)?;
        let keys = &session.keys;
        self.check_end(keys)?;
        locked
            .into_iter()
            .map(|(agent, locks)| {
                let finished = finish_agent(&agent, keys, waits.now)?;
                Ok(Writer::new(agent, keys, &self.keychain, waits.now, finished, locks))
            })
            .collect()
    }

    /// Keeps the keys as they are while the lock is held, and the session up to date with them, for somebody who
    /// judges all there is: beside a change of keys, half of it would seem lost. No lock where the home cannot
    /// be written, and so nothing is changed.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, those of unlocking again.
    pub fn keys_settled(&self, session: &mut Session, waits: &Waits) -> Result<Option<Lock>> {
        let lock = match self.lock(Mode::Shared, waits) {
            Err(error) if error.code() == Code::LockTimeout => return Err(error),
            lock => lock.ok(),
        };
        self.keep_current(session)?;
        Ok(lock)
    }

    /// Takes the vault's lock alone, and brings the session up to date with the keys, for somebody who mends it.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT`, `IO`, those of unlocking again.
    pub fn keys_alone(&self, session: &mut Session, waits: &Waits) -> Result<Lock> {
        let lock = self.lock(Mode::Exclusive, waits)?;
        self.keep_current(session)?;
        Ok(lock)
    }

    /// Unlocks again where the keys were changed. Under the vault's lock, so that they are not changed once more.
    fn keep_current(&self, session: &mut Session) -> Result<()> {
        if session.is_current(&self.home)? { Ok(()) } else { self.refresh(session) }
    }

    /// Makes sure that the vault's own log was last written under keys that are held.
    ///
    /// # Errors
    /// `TAMPERED`.
    pub fn check_end(&self, keys: &Keys) -> Result<()> {
        if log::check_end(keys, Scope::Vault, &self.home)? {
            return Ok(());
        }
        fail(Code::Tampered, "the vault's own change log is gone; nothing was changed")
            .map_err(|e: Error| e.with_remedy("restore log.jsonl, or run `strongroom doctor --repair`"))
    }

    /// Unlocks again, for somebody changed the keys: with the secret that a session holds, or, where
    /// it came from the cache, by what can be had without asking.
    ///
    /// # Errors
    /// `WRONG_KEY` when the secret opens the vault no longer, `LOCKED` when the cache was all there is.
    pub fn refresh(&self, session: &mut Session) -> Result<()> {
        // The lock may be this process's own.
        let mut fresh = Self::open(self.home.path(), &Setup::default(), Duration::ZERO)?;
        fresh.keychain = self.keychain.again();
        let env = session.env.clone();
        *session = match &mut session.opened {
            Opened::By(unlocked) => {
                let secret =
                    std::mem::replace(&mut unlocked.secret, MethodSecret::Passphrase(Buffer::default()));
                let unlocked = slots::open(&fresh.slots()?, secret, &unlocked.from.clone())?;
                fresh.session(Opened::By(unlocked), &env)?
            }
            // What is named by hand comes before the cache, so nothing was.
            Opened::Cached(_) => fresh.unlock(&Named::default(), &env, None).map_err(|error| {
                if error.code() != Code::Locked {
                    return error;
                }
                Error::new(Code::Locked, "the vault's keys were changed since it was unlocked")
                    .with_remedy("run `strongroom unlock` again")
            })?,
        };
        Ok(())
    }

    /// Writes `vault.json` as a payload says.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub fn write_settings(home: &Dir, payload: &Payload) -> Result<()> {
        Ok(home.replace(SETTINGS, &Settings::of(payload).to_bytes()?)?)
    }
}
