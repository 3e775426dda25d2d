//! The servers of a vault's agents that run: tells them to lock and to unlock.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Result;
use crate::vault::agent::Agent;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::requests::{self, Read};
use crate::vault::serving::{DIR, Program, Running, Told, programs, running};

use super::open::Open;

/// How long a server may take to lock.
const SOON: Duration = Duration::from_secs(3);
/// The pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(10);

/// The servers that were told something.
#[derive(Default)]
pub struct Heard {
    /// The agents whose server did it.
    pub servers: Vec<AgentName>,
    /// The processes of `run --proxy` whose server did it.
    pub programs: Vec<u32>,
    /// The processes whose server was to lock and does not say that it is locked.
    pub deaf: Vec<u32>,
}

/// Tells the servers that run to lock, and waits until they are locked. A server is told even if it says that it is: it may be
/// about to unlock.
#[must_use]
pub fn lock(vault: &Vault) -> Heard {
    let mut heard = Heard::default();
    for agent in agents(vault) {
        let programs = programs(&agent).unwrap_or_default();
        for program in &programs {
            let _ = program.tell(Told::Lock);
        }
        if let Ok(Some(before)) = running(&agent)
            && signals(&before, Signal::USR1)
        {
            if !locks(|| of_server(&agent)) {
                heard.deaf.push(before.pid);
            } else if !before.locked {
                heard.servers.push(agent.name().clone());
            }
        }
        for program in programs {
            let before = program.running();
            if !locks(|| of_program(&program)) {
                heard.deaf.extend(before.map(|before| before.pid));
            } else if let Some(before) = before.filter(|before| !before.locked) {
                heard.programs.push(before.pid);
            }
        }
    }
    heard
}

/// Tells the servers that are locked to unlock. `only` limits it to one agent.
#[must_use]
pub fn unlock(vault: &Vault, only: Option<&AgentName>) -> Heard {
    let mut heard = Heard::default();
    for agent in agents(vault).filter(|agent| only.is_none_or(|only| only == agent.name())) {
        let server = running(&agent).ok().flatten();
        if server.is_some_and(|there| there.locked && signals(&there, Signal::HUP)) {
            heard.servers.push(agent.name().clone());
        }
        for program in programs(&agent).unwrap_or_default() {
            let there = program.running().filter(|there| there.locked);
            let told = there.filter(|_| program.tell(Told::Unlock).is_ok());
            heard.programs.extend(told.map(|there| there.pid));
        }
    }
    heard
}

fn agents(vault: &Vault) -> impl Iterator<Item = Agent> {
    vault.each_agent().into_iter().flatten().flatten()
}

fn signals(there: &Running, signal: Signal) -> bool {
    let pid = i32::try_from(there.pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// Returns whether the agent's server is locked, or has ended.
fn of_server(agent: &Agent) -> bool {
    running(agent).is_ok_and(|there| there.is_none_or(|there| there.locked))
}

/// Returns whether the server of a program is locked, or has ended.
fn of_program(program: &Program) -> bool {
    !program.runs() || program.running().is_some_and(|there| there.locked)
}

/// Waits until a server is locked. Returns whether it is.
fn locks(is_locked: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_locked() {
        if begun.elapsed() > SOON {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
    true
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
