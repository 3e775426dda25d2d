//! The servers of an agent's profiles that run: each holds a lock in a directory of its own, and says there on what it
//! listens. One answers everyone who has an access; each program that `run --proxy` started has another one.

use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::lock::{self, Holder, Lock, Mode};

use super::agent::Agent;
use crate::error::Result;
use crate::messages::serve as messages;
use crate::seal;
use crate::seal::keys::hex;

/// The name of the directory in an agent's directory.
pub const DIR: &str = "serve";
/// The name of the file that says on what the server listens.
const RUNNING: &str = "running.json";
/// The largest such file, in bytes.
const MAX: usize = 16 * 1024;
/// How long a place may be looked at by others before it is taken.
const SOON: Duration = Duration::from_millis(500);
/// The name of the directory in it that has a directory for each program's server.
const PROGRAMS: &str = "programs";

/// What a server is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// To drop its key.
    Lock,
    /// To read its key again.
    Unlock,
}

impl Told {
    /// Returns the name of the empty file that says it: one can be made if the disk is full.
    const fn file(self) -> &'static str {
        match self {
            Self::Lock => "told-lock",
            Self::Unlock => "told-unlock",
        }
    }
}

/// What a server says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// Its process id.
    pub pid: u32,
    /// When it started, in Unix milliseconds.
    pub since: i64,
    /// On what it listens: `http://ADDRESS:PORT`, or `unix:PATH`.
    pub listeners: Vec<String>,
    /// Whether it is locked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
}

/// The place of a server that runs: no other has it until it is dropped.
#[derive(Debug)]
pub struct Place {
    /// Its directory, which has its log.
    pub dir: Dir,
    /// The directory that it is removed from at its end, and its name there: a program's.
    of_program: Option<(Dir, String)>,
    _lock: Lock,
}

impl Place {
    /// Takes the place of an agent's server.
    ///
    /// # Errors
    /// `EXISTS` if a server runs already; those of writing.
    pub fn take(agent: &Agent, now: i64) -> Result<Self> {
        let dir = agent.dir().dir_or_create(DIR)?;
        if lock::is_held(&dir)? {
            return Err(messages::runs_already(agent.name(), running(agent)?.map(|running| running.pid)));
        }
        let lock = held(&dir, now)?;
        // What an earlier server was told is not meant for this one.
        for name in [RUNNING, Told::Lock.file(), Told::Unlock.file()] {
            dir.remove_file(name)?;
        }
        Ok(Self { dir, of_program: None, _lock: lock })
    }

    /// Makes a place for a program's server, and removes those of programs that were killed.
    ///
    /// # Errors
    /// Those of writing.
    pub fn for_program(agent: &Agent, now: i64) -> Result<Self> {
        let all = agent.dir().dir_or_create(DIR)?.dir_or_create(PROGRAMS)?;
        // One that was made and is not locked yet would look like one of a program that was killed.
        let _making = held(&all, now)?;
        for name in all.names()? {
            if all.dir(&name).is_ok_and(|dir| lock::is_held(&dir).is_ok_and(|held| !held)) {
                all.remove_tree(&name)?;
            }
        }
        let name = hex(&seal::random::<8>()?);
        let dir = all.create_dir(&name)?;
        let lock = held(&dir, now)?;
        let place = Self { dir, of_program: Some((all, name)), _lock: lock };
        place.tell(&Running { pid: std::process::id(), since: now, listeners: Vec::new(), locked: false })?;
        Ok(place)
    }

    /// Returns what the server was told since the last call. If both, it is to lock.
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        let is_there = |told: &Told| self.dir.kind(told.file()).is_ok_and(|kind| kind.is_some());
        let told = [Told::Lock, Told::Unlock].into_iter().find(is_there)?;
        for done in [Told::Lock, Told::Unlock] {
            let _ = self.dir.remove_file(done.file());
        }
        Some(told)
    }

    /// Returns whether others find this server at the path of its directory. A backup that was put back has another directory there, or
    /// another file for the lock in it.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let me = std::process::id();
        let there = || {
            let there = Dir::open(self.dir.path()).ok()?;
            if !lock::is_held(&there).ok()? {
                return Some(false);
            }
            let holders = lock::holders(&there);
            if !holders.is_empty() {
                return Some(holders.contains(&me));
            }
            // The kernel does not tell. Some file systems give a directory another number each time.
            let is_same = there.identity().ok()? == self.dir.identity().ok()?;
            Some(is_same || said_in(&there)?.pid == me)
        };
        there().unwrap_or(false)
    }

    /// Says on what the server listens.
    ///
    /// # Errors
    /// Those of writing.
    pub fn tell(&self, running: &Running) -> Result<()> {
        let text = serde_json::to_vec(running).map_err(|_| messages::not_serialized())?;
        Ok(self.dir.replace(RUNNING, &text)?)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What a killed server leaves does not count either: its lock is free.
        let _ = self.dir.remove_file(RUNNING);
        if let Some((all, name)) = &self.of_program {
            let _ = all.remove_tree(name);
        }
    }
}

fn held(dir: &Dir, now: i64) -> Result<Lock> {
    let me = Holder { pid: std::process::id(), since: now, command: "serve".to_owned() };
    Ok(lock::take(dir, Mode::Exclusive, SOON, &me)?)
}

/// Returns what the server of an agent says of itself, if one runs.
///
/// # Errors
/// Those of reading.
pub fn running(agent: &Agent) -> Result<Option<Running>> {
    Ok(server(agent)?.and_then(|server| server.running()))
}

fn said_in(dir: &Dir) -> Option<Running> {
    serde_json::from_slice(&dir.read_if_any(RUNNING, MAX).ok()??).ok()
}

/// A server, seen by another process. What it says of itself is for information: others may have written the file.
#[derive(Debug)]
pub struct Other(Dir);

impl Other {
    /// Returns whether it runs: its directory may go at any moment.
    #[must_use]
    pub fn runs(&self) -> bool {
        lock::is_held(&self.0).unwrap_or(false)
    }

    /// Returns what it says of itself, or `None` if it has not begun to serve, or has ended.
    #[must_use]
    pub fn running(&self) -> Option<Running> {
        said_in(&self.0).filter(|_| self.runs())
    }

    /// Returns its process, if it and the kernel tell the same one: others may have written the first, and the second may be of
    /// another file system's file with the same number.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        let said = said_in(&self.0)?.pid;
        lock::holders(&self.0).contains(&said).then_some(said)
    }

    /// Returns what changes each time that the server says something of itself.
    #[must_use]
    pub fn version(&self) -> Option<(u64, SystemTime)> {
        let meta = self.0.open_for_reading(RUNNING).ok()?.metadata().ok()?;
        Some((meta.ino(), meta.modified().ok()?))
    }

    /// Tells it something, and takes back what else it was told.
    ///
    /// # Errors
    /// Those of writing.
    pub fn tell(&self, told: Told) -> Result<()> {
        self.0.open_or_create(told.file())?;
        self.take_back(if told == Told::Lock { Told::Unlock } else { Told::Lock })
    }

    /// Takes back what it was told, if it has not heard it.
    ///
    /// # Errors
    /// Those of writing.
    pub fn take_back(&self, told: Told) -> Result<()> {
        Ok(self.0.remove_file(told.file())?)
    }
}

/// Returns the server of an agent, if one runs.
///
/// # Errors
/// Those of reading the directory.
pub fn server(agent: &Agent) -> Result<Option<Other>> {
    let Some(dir) = agent.dir().dir_if_any(DIR)? else { return Ok(None) };
    Ok(lock::is_held(&dir)?.then_some(Other(dir)))
}

/// Returns the servers of programs that run.
///
/// # Errors
/// Those of reading the directory.
pub fn programs(agent: &Agent) -> Result<Vec<Other>> {
    let Some(serve) = agent.dir().dir_if_any(DIR)? else { return Ok(Vec::new()) };
    let Some(all) = serve.dir_if_any(PROGRAMS)? else { return Ok(Vec::new()) };
    let programs = all.names()?.into_iter().filter_map(|name| Some(Other(all.dir(&name).ok()?)));
    Ok(programs.filter(Other::runs).collect())
}
