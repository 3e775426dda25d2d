//! What a server obeys while it runs, and what it looks for by itself.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::current::Vaulted;
use super::listeners::ready;
use super::log::Moved;
use super::server::Voice;
use crate::error::{Code, Result};
use crate::messages::serve as messages;
use crate::vault::serving::{Place, Running, Told};

/// How often a server looks for changes while no request comes.
const LOOK: Duration = Duration::from_millis(500);
/// After how many looks it reads the client's configuration again, which is in other places.
const CONFIG_EVERY: u32 = 4;

/// What ends a server that obeys no signals. Clones end the same one.
#[derive(Clone, Debug, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Ends the server, and the requests that run.
    pub fn now(&self) {
        self.0.cancel();
    }
}

/// What ends a server, or is told to it while it runs: signals, or else a [`Stop`] alone.
pub(super) struct Ends {
    /// Whether it is told to stop, and obeys no signals.
    pub is_told: bool,
    stop: Option<Stop>,
    term: Option<Signal>,
    int: Option<Signal>,
    hup: Option<Signal>,
    lock: Option<Signal>,
}

impl Ends {
    /// Begins to listen for signals, if it `obeys` them: before anyone is told that the server runs.
    ///
    /// # Errors
    /// `IO`.
    pub fn of(obeys: bool) -> Result<Self> {
        let hears = |kind| obeys.then(|| ready(signal(kind), "signals")).transpose();
        Ok(Self {
            is_told: false,
            stop: None,
            term: hears(SignalKind::terminate())?,
            int: hears(SignalKind::interrupt())?,
            hup: hears(SignalKind::hangup())?,
            lock: hears(SignalKind::user_defined1())?,
        })
    }

    /// Ends the server by a [`Stop`], if there is one.
    pub fn until(&mut self, stop: Option<Stop>) {
        self.is_told = stop.is_some();
        self.stop = stop;
    }
}

/// A server as other processes see it.
pub(super) struct Seen {
    /// The directory in which it says what it is.
    pub place: Option<Place>,
    /// What it says.
    pub running: Running,
    /// Whether the directory says that.
    pub is_said: bool,
    /// Takes a place again.
    pub take: Box<dyn Fn() -> Result<Place> + Send>,
    /// The directory in which its log goes on, if it has one.
    pub moved: Option<Moved>,
}

impl Seen {
    fn tell(&mut self, locked: bool) {
        self.running.locked = locked;
        self.say();
    }

    fn say(&mut self) {
        self.is_said = self.place.as_ref().is_none_or(|place| place.tell(&self.running).is_ok());
    }

    fn told(&self) -> Option<Told> {
        self.place.as_ref().and_then(Place::told)
    }

    /// Takes a place in the home that was put in the place of its own, and says again what could not be said.
    ///
    /// # Errors
    /// `EXISTS` if another server has that place.
    fn look(&mut self) -> Result<()> {
        if self.place.as_ref().is_some_and(|place| !place.is_there()) {
            match (self.take)() {
                Ok(place) => {
                    if let (Some(moved), Ok(dir)) = (&self.moved, place.dir.dir(".")) {
                        *moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(dir);
                    }
                    self.place = Some(place);
                    self.is_said = false;
                }
                Err(error) if error.code() == Code::Exists => return Err(error),
                // The home is not there now.
                Err(_) => {}
            }
        }
        if !self.is_said {
            self.say();
        }
        Ok(())
    }
}

/// Waits for a signal; for ever if it is not listened for.
async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn stopped(stop: Option<&Stop>) {
    match stop {
        Some(stop) => stop.0.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Looks for changes, and obeys signals, until one ends the server.
pub(super) async fn watch(
    vaulted: &Vaulted,
    ttl: Option<Duration>,
    say: &Voice,
    seen: &mut Seen,
    ends: &mut Ends,
) {
    let Ends { stop, term, int, hup, lock, .. } = ends;
    let mut looks = tokio::time::interval(LOOK);
    // These may wait for a keychain, and signals do not wait for them.
    let mut looking = JoinSet::new();
    let mut unlocking = JoinSet::new();
    let mut over = ttl.map(|ttl| Instant::now() + ttl);
    let mut count = 0_u32;
    let mut is_to_unlock = false;
    let mut has_warned = false;
    let lock_now = |seen: &mut Seen, by_time: bool| {
        vaulted.lock();
        seen.tell(true);
        say(messages::is_locked(by_time));
    };
    loop {
        if is_to_unlock && unlocking.is_empty() {
            is_to_unlock = false;
            unlocking.spawn(vaulted.unlock());
        }
        tokio::select! {
            // If both came, the lock counts.
            biased;
            () = stopped(stop.as_ref()) => return,
            () = heard(term) => return,
            () = heard(int) => return,
            () = heard(hup) => is_to_unlock = true,
            () = heard(lock) => {
                is_to_unlock = false;
                // `lock` says it in both ways.
                let _ = seen.told();
                lock_now(seen, false);
            }
            Some(done) = unlocking.join_next(), if !unlocking.is_empty() => match done {
                Ok(Ok(())) => {
                    over = ttl.map(|ttl| Instant::now() + ttl);
                    seen.tell(false);
                    say(messages::UNLOCKED);
                }
                Ok(Err(error)) => say(&messages::not_unlocked(error.what())),
                Err(_) => {}
            },
            _ = looks.tick() => {
                if over.is_some_and(|at| at <= Instant::now()) || vaulted.is_over() {
                    over = None;
                    lock_now(seen, true);
                }
                match seen.look() {
                    Err(error) if !has_warned => {
                        has_warned = true;
                        say(&messages::other_server(error.what()));
                        lock_now(seen, false);
                    }
                    Err(_) => {}
                    Ok(()) => has_warned = false,
                }
                if let Some(told) = seen.told() {
                    is_to_unlock = told == Told::Unlock;
                    if told == Told::Lock {
                        lock_now(seen, false);
                    }
                }
                if looking.is_empty() {
                    count = count.wrapping_add(1);
                    let (vaulted, also_config) = (vaulted.clone(), count.is_multiple_of(CONFIG_EVERY));
                    looking.spawn(async move { vaulted.look(also_config).await });
                }
            }
            _ = looking.join_next(), if !looking.is_empty() => {}
        }
    }
}
