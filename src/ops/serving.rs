//! The servers of a vault's agents that run: tells them to lock and to unlock.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Result;
use crate::vault::agent::Agent;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::requests::{self, Read};
use crate::vault::serving::{DIR, Other, Told, programs, server};

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
    /// The agents and processes of servers that were to lock and do not say that they are locked. The process is known if the
    /// kernel tells it.
    pub deaf: Vec<(AgentName, Option<u32>)>,
}

/// A server that was told to lock.
struct Asked {
    server: Other,
    process: Option<u32>,
    was_locked: bool,
    version: Option<(u64, std::time::SystemTime)>,
}

impl Asked {
    /// Tells a server to lock, also if it says that it is: it may be about to unlock.
    fn new(server: Other) -> Self {
        let process = server.process();
        let was_locked = server.running().is_some_and(|there| there.locked);
        let version = server.version();
        // If it cannot be written, the wait is in vain, and the server is said to be deaf.
        let _ = server.tell(Told::Lock);
        Self { server, process, was_locked, version }
    }

    /// Waits until it has said that it is locked, or has ended. Returns whether that is so.
    fn locks(&self) -> bool {
        let is_locked = || {
            let says = || self.server.running().is_some_and(|there| there.locked);
            !self.server.runs() || (self.server.version() != self.version && says())
        };
        let begun = Instant::now();
        while !is_locked() {
            if begun.elapsed() > SOON {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }
}

/// Tells the servers that run to lock, and waits until they are locked.
#[must_use]
pub fn lock(vault: &Vault) -> Heard {
    let mut heard = Heard::default();
    for agent in agents(vault) {
        let name = agent.name().clone();
        let of_agent = server(&agent).ok().flatten().map(Asked::new);
        // It need not wait until it looks for what it is told.
        let process = of_agent.as_ref().and_then(|asked| asked.process);
        signal(process, Signal::USR1);
        let of_programs: Vec<_> = programs(&agent).unwrap_or_default().into_iter().map(Asked::new).collect();
        if let Some(asked) = of_agent {
            if !asked.locks() {
                heard.deaf.push((name.clone(), asked.process));
            } else if !asked.was_locked {
                heard.servers.push(name.clone());
            }
        }
        for asked in of_programs {
            let process = asked.process.or_else(|| Some(asked.server.running()?.pid));
            if !asked.locks() {
                heard.deaf.push((name.clone(), asked.process));
            } else if !asked.was_locked {
                heard.programs.extend(process);
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
        let told = |server: &Other| {
            let locked = server.running().filter(|there| there.locked);
            locked.filter(|_| server.tell(Told::Unlock).is_ok())
        };
        let server = server(&agent).ok().flatten();
        if server.as_ref().and_then(told).is_some() {
            heard.servers.push(agent.name().clone());
        }
        for program in programs(&agent).unwrap_or_default() {
            heard.programs.extend(told(&program).map(|there| there.pid));
        }
    }
    heard
}

fn agents(vault: &Vault) -> impl Iterator<Item = Agent> {
    vault.each_agent().into_iter().flatten().flatten()
}

fn signal(process: Option<u32>, signal: Signal) {
    let process = process.and_then(|process| Pid::from_raw(i32::try_from(process).ok()?));
    if let Some(process) = process {
        let _ = kill_process(process, signal);
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
