//! A server from its start to its end: its listeners, its signals, and the time after which it locks itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use strongroom_proxy::{Config, Limits, Record, Route, Server, System, compatible, known, tls};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::choice::Chooser;
use super::current::{Parts, Vaulted};
use super::listeners::{self, Bound, ready};
use super::log::Log;
use super::reports::Reports;
use super::source::{Setups, Source};
use super::upstreams::Upstream;
use super::watch::{Ends, Seen, Stop, watch};
use crate::error::Result;
use crate::messages::serve as messages;
use crate::ops::ambient::Ambient;
use crate::ops::backoff;
use crate::vault::access::Access;
use crate::vault::agent::Agent;
use crate::vault::home::{Session, Vault};
use crate::vault::id::AgentName;
use crate::vault::requests::Chain;
use crate::vault::serving::{Place, Running};

/// How long requests may go on after a [`Stop`].
const AFTER_STOP: Duration = Duration::from_millis(500);
/// The most threads that serve requests.
const THREADS: usize = 8;

/// Tells a person a sentence, from any thread.
pub type Voice = Arc<dyn Fn(&str) + Send + Sync>;

/// What a server is told.
pub struct Options {
    /// The agent whose profiles it serves.
    pub agent: AgentName,
    /// The environment, and the sources of the key that were named.
    pub ambient: Ambient,
    /// The addresses to listen on.
    pub listen: Vec<std::net::SocketAddr>,
    /// The path of a Unix socket.
    pub socket: Option<PathBuf>,
    /// Other users who may connect to it.
    pub uids: Vec<u32>,
    /// Upstreams in place of providers' own.
    pub upstreams: Vec<Upstream>,
    /// Certificates of authorities beside the system's, as DER.
    pub authorities: Vec<Vec<u8>>,
    /// Further names that requests may give in `Host`, with their ports.
    pub hosts: Vec<String>,
    /// How long it serves before it locks itself.
    pub ttl: Option<Duration>,
    /// Warns a person.
    pub warn: Voice,
    /// Tells a person what the server does.
    pub say: Voice,
    /// Accesses that are not in the vault.
    pub own: Vec<Access>,
    /// What opening the vault again needs.
    pub setups: Setups,
}

/// A server that is ready: it listens, and nothing is answered yet.
pub struct Prepared {
    runtime: Runtime,
    ends: Ends,
    vaulted: Vaulted,
    server: Server<Vaulted>,
    listeners: Vec<Bound>,
    seen: Seen,
    log: Option<std::thread::JoinHandle<()>>,
    ttl: Option<Duration>,
    say: Voice,
    /// Whether anyone may ask.
    pub has_access: bool,
}

/// Prepares a server: takes its place, reads the profiles, and binds its sockets.
///
/// # Errors
/// `EXISTS` if one runs already, `NOT_FOUND`, `IO` for an address that is taken, `CONFIG` without authorities, or for rules
/// of cooldowns that are not known; those of reading the profiles.
pub fn prepare(vault: &Vault, session: Session, options: Options) -> Result<Prepared> {
    let Options {
        agent, ambient, upstreams, authorities, hosts, ttl, warn, say, own, setups, mut uids, ..
    } = options;
    let now = ambient.env.now();
    // Reports are written by these rules later, when no one could be told.
    backoff::rules(&ambient.env, None)?;
    let tls = tls(authorities).map_err(messages::no_authorities)?;
    let found = vault.agent(&agent)?.ok_or_else(|| messages::no_agent(&agent))?;
    let ring = session.keys().agent(agent.as_str())?;
    let is_own = !own.is_empty();
    // A program that `run` started has a server of its own.
    let place = if is_own { of_program(&found, now, &warn) } else { Some(Place::take(&found, now)?) };
    let mut bound = if is_own { Vec::new() } else { listeners::handed_over()? };
    for address in options.listen {
        bound.push(listeners::tcp(address)?);
    }
    if let Some(path) = &options.socket {
        bound.push(listeners::unix(path, !uids.is_empty())?);
    }
    if bound.is_empty() {
        return Err(messages::no_listeners());
    }
    uids.push(rustix::process::geteuid().as_raw());
    let source = Arc::new(Source::new(vault, session, agent, ambient, setups)?);
    let take = take_again(Arc::clone(&source), is_own);
    let first = source.read(None)?.ok_or_else(messages::locked)?;
    for (profile, error) in &first.failures {
        warn(&messages::profile_not_read(profile, error.what()));
    }
    let has_access = is_own || !first.accesses.is_empty();
    let named = upstreams.iter().map(|upstream| (upstream.name.as_str().into(), upstream.origin.clone()));
    let chooser = Arc::new(Chooser { upstreams: named.collect(), ..Chooser::default() });
    let reports = Reports::begin(Arc::clone(&source), Arc::clone(&chooser), Arc::clone(&warn))?;
    // It shares no log with another.
    let (log, thread) = match place.as_ref().filter(|_| !is_own) {
        Some(place) => {
            let (log, thread) = Log::begin(place.dir.dir(".")?, Chain::new(&ring), Arc::clone(&warn))?;
            (Some(log), Some(thread))
        }
        None => (None, None),
    };
    drop(ring);
    let clock = source.ambient.env.clone();
    let listens = Running {
        pid: std::process::id(),
        since: now,
        listeners: bound.iter().map(Bound::name).collect(),
        locked: false,
    };
    let runtime = runtime()?;
    let ends = {
        let _entered = runtime.enter();
        Ends::of(!is_own)?
    };
    // Its sockets take requests, and it obeys signals, from here on.
    if let Some(place) = &place {
        place.tell(&listens)?;
    }
    let moved = log.as_ref().map(Log::moved);
    let seen = Seen { place, running: listens, is_said: true, take, moved };
    let parts = Parts { source, chooser, reports, own, uids, warn: Arc::clone(&warn) };
    let vaulted = Vaulted::new(parts, first);
    let server = Server::new(Config {
        credentials: vaulted.clone(),
        routes: routes(&upstreams),
        tls,
        resolver: Arc::new(System),
        hosts,
        limits: Limits::default(),
        log: Arc::new(move |record: Record| {
            if let Some(log) = &log {
                log.add(clock.now(), record);
            }
        }),
    });
    Ok(Prepared { runtime, ends, vaulted, server, listeners: bound, seen, log: thread, ttl, say, has_access })
}

/// Makes a place for a program's server. It serves without one if the directory cannot be written, because nothing else of
/// it needs that.
fn of_program(agent: &Agent, now: i64, warn: &Voice) -> Option<Place> {
    let place = Place::for_program(agent, now);
    place.map_err(|error| warn(&messages::lock_does_not_reach(error.what()))).ok()
}

/// Returns what takes a place in the home that is there then.
fn take_again(source: Arc<Source>, is_own: bool) -> Box<dyn Fn() -> Result<Place> + Send> {
    Box::new(move || {
        let vault = source.vault()?;
        let agent = vault.agent(&source.agent)?.ok_or_else(|| messages::no_agent(&source.agent))?;
        let now = source.ambient.env.now();
        if is_own { Place::for_program(&agent, now) } else { Place::take(&agent, now) }
    })
}

/// Returns the routes: those that are known, and one for each further upstream, which speaks OpenAI's interface.
fn routes(upstreams: &[Upstream]) -> Vec<Route> {
    let mut routes = known();
    for upstream in upstreams {
        if !routes.iter().any(|route| *route.name == *upstream.name) {
            routes.push(compatible(&upstream.name));
        }
    }
    routes
}

fn runtime() -> Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(THREADS);
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name("proxy").enable_all();
    builder.build().map_err(|_| messages::no_runtime())
}

impl Prepared {
    /// Returns on what it listens.
    #[must_use]
    pub fn listeners(&self) -> &[String] {
        &self.seen.running.listeners
    }

    /// Serves until a signal ends it: SIGTERM and SIGINT after the requests that run, at most half a minute. SIGUSR1
    /// locks it, SIGHUP unlocks it again.
    ///
    /// # Errors
    /// Those of the system at the start.
    pub fn serve(self) -> Result<()> {
        self.run(None)
    }

    /// Serves until it is told to stop. Signals are left to others.
    ///
    /// # Errors
    /// Those of the system at the start.
    pub fn serve_until(self, stop: Stop) -> Result<()> {
        self.run(Some(stop))
    }

    fn run(self, until: Option<Stop>) -> Result<()> {
        let Self { runtime, mut ends, vaulted, server, mut listeners, mut seen, log, ttl, say, .. } = self;
        let sockets: Vec<_> = listeners.iter_mut().filter_map(Bound::take_file).collect();
        let served = runtime.block_on(async {
            let stop = CancellationToken::new();
            let server = Arc::new(server);
            let mut serving = JoinSet::new();
            for bound in listeners {
                let name = bound.name();
                let (server, stop) = (Arc::clone(&server), stop.clone());
                match bound {
                    Bound::Tcp(listener) => {
                        ready(listener.set_nonblocking(true), &name)?;
                        let listener = ready(TcpListener::from_std(listener), &name)?;
                        serving.spawn(async move { server.serve(listener, stop).await });
                    }
                    Bound::Unix(listener, _) => {
                        ready(listener.set_nonblocking(true), &name)?;
                        let listener = ready(UnixListener::from_std(listener), &name)?;
                        serving.spawn(async move { server.serve(listener, stop).await });
                    }
                }
            }
            ends.until(until);
            watch(&vaulted, ttl, &say, &mut seen, &mut ends).await;
            stop.cancel();
            let drained = async { while serving.join_next().await.is_some() {} };
            if ends.is_told {
                // What came of the last request is reported.
                let _ = tokio::time::timeout(AFTER_STOP, drained).await;
                return Ok(());
            }
            say(messages::ENDING);
            drained.await;
            Ok(())
        });
        // Those that wait for a disk or a lock are waited for below.
        runtime.shutdown_timeout(Duration::from_secs(1));
        vaulted.end();
        // While no other server of this agent can have made one there.
        for socket in sockets {
            socket.remove();
        }
        drop((vaulted, seen));
        if let Some(log) = log {
            let _ = log.join();
        }
        served
    }
}
