//! The servers of a vault's agents that run: tells them to lock and to unlock.

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Result;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::requests::{self, Read};
use crate::vault::serving::{DIR, running};

use super::open::Open;

/// What a server is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// To drop its key.
    Lock,
    /// To read its key again.
    Unlock,
}

/// Tells the servers that run, and returns the agents of those that were told. `only` limits it to one agent. One that is
/// as it should be is not told.
#[must_use]
pub fn tell(vault: &Vault, told: Told, only: Option<&AgentName>) -> Vec<AgentName> {
    let Ok(agents) = vault.each_agent() else { return Vec::new() };
    let agents = agents.flatten().filter(|agent| only.is_none_or(|only| only == agent.name()));
    let heard = |running: crate::vault::serving::Running| {
        if running.locked == (told == Told::Lock) {
            return None;
        }
        let pid = i32::try_from(running.pid).ok().and_then(Pid::from_raw)?;
        let signal = match told {
            Told::Lock => Signal::USR1,
            Told::Unlock => Signal::HUP,
        };
        kill_process(pid, signal).ok()
    };
    let told = agents.filter_map(|agent| {
        let running = running(&agent).ok()??;
        heard(running).map(|()| agent.name().clone())
    });
    told.collect()
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
