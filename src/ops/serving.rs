//! The servers of a vault's agents that run: tells them to lock and to unlock.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Result;
use crate::vault::agent::Agent;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::requests::{self, Read};
use crate::vault::serving::{DIR, running};

use super::open::Open;

/// How long a server may take to lock.
const SOON: Duration = Duration::from_secs(3);
/// The pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(10);

/// What a server is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// To drop its key.
    Lock,
    /// To read its key again.
    Unlock,
}

/// Tells the servers that run, and returns the agents of those that did it. `only` limits it to one agent. A server that is
/// to lock is told even if it says that it is locked: it may be about to unlock.
#[must_use]
pub fn tell(vault: &Vault, told: Told, only: Option<&AgentName>) -> Vec<AgentName> {
    let Ok(agents) = vault.each_agent() else { return Vec::new() };
    let agents = agents.flatten().filter(|agent| only.is_none_or(|only| only == agent.name()));
    let heard = |running: crate::vault::serving::Running| {
        if told == Told::Unlock && !running.locked {
            return None;
        }
        let was_locked = running.locked;
        let pid = i32::try_from(running.pid).ok().and_then(Pid::from_raw)?;
        let signal = match told {
            Told::Lock => Signal::USR1,
            Told::Unlock => Signal::HUP,
        };
        kill_process(pid, signal).ok()?;
        Some(was_locked)
    };
    let told = agents.filter_map(|agent| {
        let was_locked = heard(running(&agent).ok()??)?;
        let is_told = told == Told::Unlock || (locks(&agent) && !was_locked);
        is_told.then(|| agent.name().clone())
    });
    told.collect()
}

/// Waits until a server says that it is locked, or has ended. Returns whether that is so.
fn locks(agent: &Agent) -> bool {
    let begun = Instant::now();
    loop {
        match running(agent) {
            Ok(Some(there)) if !there.locked && begun.elapsed() < SOON => std::thread::sleep(PAUSE),
            Ok(Some(there)) => return there.locked,
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Returns the requests that the agent's servers answered, verified.
///
/// # Errors
/// Those of reading the log.
pub fn requests(open: &Open<'_>) -> Result<Vec<Read>> {
    let Some(agent) = open.vault.agent(&open.agent)? else { return Ok(Vec::new()) };
    let Some(dir) = agent.dir().dir_if_any(DIR)? else { return Ok(Vec::new()) };
    requests::read(&dir, &open.session.keys().agent(open.agent.as_str())?)
}
