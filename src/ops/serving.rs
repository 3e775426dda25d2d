//! The servers of a vault's agents that run: tells them to lock and to unlock.

use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Result;
use crate::vault::agent::Agent;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::requests::{self, Read};
use crate::vault::serving::{DIR, Other, Running, Told, programs, server};

use super::open::Open;

/// How long a server may take to lock.
const SOON: Duration = Duration::from_secs(3);
/// The pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(10);

/// The servers that did what they were told.
#[derive(Default)]
pub struct Heard {
    /// The agents whose server did it.
    pub servers: Vec<AgentName>,
    /// The processes of `run --proxy` whose server did it.
    pub programs: Vec<u32>,
    /// Those that were to lock and do not say that they are locked.
    pub deaf: Vec<Deaf>,
}

/// A server that does not say that it is locked.
pub struct Deaf {
    /// Its agent.
    pub agent: AgentName,
    /// Its process, if the kernel tells it.
    pub process: Option<u32>,
}

/// Servers that were told to lock.
#[derive(Default)]
pub struct Locking(Vec<Asked>);

/// A server that was told to lock.
struct Asked {
    server: Other,
    agent: AgentName,
    /// Whether it is that of a program.
    is_of_program: bool,
    process: Option<u32>,
    /// What it said of itself before.
    before: Option<Running>,
    version: Option<(u64, SystemTime)>,
}

impl Asked {
    /// Tells a server to lock, also if it says that it is: it may be about to unlock.
    fn new(server: Other, agent: &AgentName, is_of_program: bool) -> Self {
        let (process, before, version) = (server.process(), server.running(), server.version());
        // If it cannot be written, the wait is in vain, and the server is said to be deaf.
        let _ = server.tell(Told::Lock);
        // It need not wait until it looks for what it is told. Signals to `run` are the program's.
        if !is_of_program {
            signal(process, Signal::USR1);
        }
        Self { server, agent: agent.clone(), is_of_program, process, before, version }
    }

    /// Returns whether it has said since then that it is locked, or has ended.
    fn is_locked(&self) -> bool {
        let says = || self.server.running().is_some_and(|there| there.locked);
        !self.server.runs() || (self.server.version() != self.version && says())
    }
}

/// Tells the servers that run to lock.
#[must_use]
pub fn lock(vault: &Vault) -> Locking {
    let mut asked = Vec::new();
    for agent in agents(vault) {
        let name = agent.name();
        asked.extend(server(&agent).ok().flatten().map(|server| Asked::new(server, name, false)));
        let programs = programs(&agent).unwrap_or_default();
        asked.extend(programs.into_iter().map(|server| Asked::new(server, name, true)));
    }
    Locking(asked)
}

impl Locking {
    /// Waits until all of them are locked, or for a time.
    #[must_use]
    pub fn wait(self) -> Heard {
        let begun = Instant::now();
        let mut heard = Heard::default();
        for asked in self.0 {
            while !asked.is_locked() && begun.elapsed() < SOON {
                std::thread::sleep(PAUSE);
            }
            if !asked.is_locked() {
                heard.deaf.push(Deaf { agent: asked.agent, process: asked.process });
                continue;
            }
            match asked.before {
                Some(before) if before.locked => {}
                // One that has just taken its place has said nothing before.
                before if asked.is_of_program => {
                    heard.programs.extend(before.or_else(|| asked.server.running()).map(|said| said.pid));
                }
                _ => heard.servers.push(asked.agent),
            }
        }
        heard
    }
}

/// Tells the servers that are locked to unlock. `only` limits it to one agent.
#[must_use]
pub fn unlock(vault: &Vault, only: Option<&AgentName>) -> Heard {
    let mut heard = Heard::default();
    for agent in agents(vault).filter(|agent| only.is_none_or(|only| only == agent.name())) {
        let told = |server: &Other| {
            // One that has not heard yet that it is to lock need not.
            let _ = server.take_back(Told::Lock);
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
