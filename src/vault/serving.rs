//! The server of an agent's profiles that runs, if one does: it holds a lock in a directory of its own, and says there
//! on what it listens.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::lock::{self, Holder, Lock, Mode};

use super::agent::Agent;
use crate::error::Result;
use crate::messages::serve as messages;

/// The name of the directory in an agent's directory.
pub const DIR: &str = "serve";
/// The name of the file that says on what the server listens.
const RUNNING: &str = "running.json";
/// The largest such file, in bytes.
const MAX: usize = 16 * 1024;

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

/// The place of a server that runs. Others are refused until it is dropped.
#[derive(Debug)]
pub struct Place {
    /// Its directory, which has its log.
    pub dir: Dir,
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
        let me = Holder { pid: std::process::id(), since: now, command: "serve".to_owned() };
        let lock = lock::take(&dir, Mode::Exclusive, Duration::from_millis(500), &me)?;
        dir.remove_file(RUNNING)?;
        Ok(Self { dir, _lock: lock })
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
    }
}

/// Returns what the server of an agent says of itself, if one runs.
///
/// # Errors
/// Those of reading.
pub fn running(agent: &Agent) -> Result<Option<Running>> {
    let Some(dir) = agent.dir().dir_if_any(DIR)? else { return Ok(None) };
    if !lock::is_held(&dir)? {
        return Ok(None);
    }
    let bytes = dir.read_if_any(RUNNING, MAX)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}
