//! What is known of the vault now, and who may ask: read again after each change, dropped when the server is locked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::choice::Chooser;
use super::reports::Reports;
use super::server::Voice;
use super::snapshot::{Checked, Snapshot, Stamps, stamps};
use super::source::Source;
use crate::error::{Code, Result};
use crate::messages::serve as messages;
use crate::vault::access::{Access, AccessName};
use crate::vault::id::ProfileId;

/// How often profiles are read again that could not be read.
pub(super) const READ_AGAIN: Duration = Duration::from_secs(1);
/// How often single records are read again that could not be read.
const FAILED_AGAIN: Duration = Duration::from_secs(10);

/// The vault of a server, as the proxy sees it.
#[derive(Clone)]
pub(super) struct Vaulted(pub Arc<Inner>);

pub(super) struct Inner {
    pub parts: Parts,
    state: RwLock<State>,
    /// When the state was found to be current last.
    checked: Checked,
    /// Held while the profiles are read, so that one request reads them for all.
    reading: AsyncMutex<()>,
    /// What ends the streams of each access. A new token is another access.
    pub ends: Mutex<HashMap<(AccessName, [u8; 32]), CancellationToken>>,
    /// When the success of each profile was reported last.
    pub successes: Mutex<HashMap<ProfileId, Instant>>,
    /// How often it was locked.
    locks: AtomicU64,
    /// When each profile failed last, whether that was reported or not. In Unix milliseconds.
    pub failures: Mutex<HashMap<ProfileId, i64>>,
}

/// What was read last.
enum State {
    Read(Arc<Snapshot>),
    /// It could not be read.
    Failed(Failed),
    /// It is locked. The digests of tokens, which are no secrets, tell a known client from a stranger.
    Locked(Vec<Access>),
}

impl State {
    /// Returns who may ask, or could when it was read last.
    fn accesses(&self) -> Vec<Access> {
        match self {
            Self::Read(snapshot) => snapshot.accesses.clone(),
            Self::Failed(failed) => failed.accesses.clone(),
            Self::Locked(accesses) => accesses.clone(),
        }
    }
}

/// A state that could not be read.
struct Failed {
    /// The versions of the files.
    stamps: Box<Stamps>,
    at: Instant,
    /// Why; empty before the first reading.
    what: String,
    /// Those who could ask before: their streams go on until they end, or expire.
    accesses: Vec<Access>,
}

impl Default for Failed {
    fn default() -> Self {
        Self { stamps: Box::default(), at: Instant::now(), what: String::new(), accesses: Vec::new() }
    }
}

/// What a server consists of.
pub(super) struct Parts {
    pub source: Arc<Source>,
    pub chooser: Arc<Chooser>,
    pub reports: Reports,
    /// Accesses that are not in the vault: that of a program that `run` started.
    pub own: Vec<Access>,
    /// The users who may connect by a Unix socket.
    pub uids: Vec<u32>,
    pub warn: Voice,
}

impl Vaulted {
    /// Returns it with what was read at the start.
    pub fn new(parts: Parts, first: Snapshot) -> Self {
        Self(Arc::new(Inner {
            parts,
            state: RwLock::new(State::Read(Arc::new(first))),
            checked: Checked::default(),
            reading: AsyncMutex::default(),
            ends: Mutex::default(),
            successes: Mutex::default(),
            locks: AtomicU64::new(0),
            failures: Mutex::default(),
        }))
    }

    /// Ends the thread that writes reports, after it has written them.
    pub fn end(&self) {
        self.0.parts.reports.end();
    }

    /// Locks: the key is wiped, and open streams end.
    pub fn lock(&self) {
        let accesses = self.0.accesses();
        let locks = self.0.locks.fetch_add(1, Ordering::SeqCst) + 1;
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = State::Locked(accesses);
        self.0.end_streams(|_, _| false);
        // A read that runs may hold the key for a moment, while it waits for a keychain.
        let source = Arc::clone(&self.0.parts.source);
        spawn_blocking(move || source.lock(locks));
    }

    /// Returns whether the time is over for which it may hold its key.
    pub fn is_over(&self) -> bool {
        self.0.parts.source.is_over()
    }

    /// Unlocks again without asking anyone, and reads the profiles. A lock that comes after this call counts.
    pub fn unlock(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        let inner = Arc::clone(&self.0);
        let before = inner.locks.load(Ordering::SeqCst);
        async move {
            let unlocked = spawn_blocking(move || inner.unlock(before));
            unlocked.await.unwrap_or_else(|_| Err(messages::locked()))
        }
    }

    /// Looks for changes, also if no request comes: an access that was removed ends its streams. `also_config` reads the
    /// client's configuration again too.
    pub async fn look(&self, also_config: bool) {
        let again = also_config.then(|| self.0.read_if_open()).flatten();
        // A keychain that is locked or silent is not asked at each look.
        let again = again.filter(|before| before.failures.is_empty() || before.at.elapsed() >= FAILED_AGAIN);
        if let Some(before) = again {
            let inner = Arc::clone(&self.0);
            let _ = spawn_blocking(move || inner.read(Some(&before))).await;
        } else {
            self.0.fresh().await;
        }
        self.0.sweep();
    }
}

impl Inner {
    pub fn now(&self) -> i64 {
        self.parts.source.ambient.env.now()
    }

    pub fn is_locked(&self) -> bool {
        matches!(&*self.state.read().unwrap_or_else(PoisonError::into_inner), State::Locked(_))
    }

    /// Unlocks, unless it was locked more often than `before`.
    fn unlock(&self, before: u64) -> Result<()> {
        self.parts.source.unlock(before)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let locks = self.locks.load(Ordering::SeqCst);
        if locks != before {
            drop(state);
            self.parts.source.lock(locks);
            return Err(messages::locked());
        }
        *state = State::Failed(Failed::default());
        drop(state);
        self.read(None);
        Ok(())
    }

    pub fn read_if_open(&self) -> Option<Arc<Snapshot>> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Read(snapshot) => Some(Arc::clone(snapshot)),
            State::Failed(_) | State::Locked(_) => None,
        }
    }

    /// Returns what is known if it is current. `Err(())` if it has to be read.
    fn known(&self) -> std::result::Result<Option<Arc<Snapshot>>, ()> {
        if let Some(snapshot) = self.read_if_open().filter(|_| self.checked.is_recent()) {
            return Ok(Some(snapshot));
        }
        let (begun, now) = (Instant::now(), stamps(self.parts.source.dir()));
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Read(snapshot) if snapshot.stamps == now => {
                self.checked.at(begun);
                Ok(Some(Arc::clone(snapshot)))
            }
            State::Failed(failed) if *failed.stamps == now && failed.at.elapsed() < READ_AGAIN => Ok(None),
            State::Locked(_) => Ok(None),
            State::Read(_) | State::Failed(_) => Err(()),
        }
    }

    /// Returns the current profiles, or `None` if they cannot be read or are locked.
    pub async fn fresh(self: &Arc<Self>) -> Option<Arc<Snapshot>> {
        if let Ok(known) = self.known() {
            return known;
        }
        let _reading = self.reading.lock().await;
        if let Ok(known) = self.known() {
            return known;
        }
        let inner = Arc::clone(self);
        let before = self.read_if_open();
        spawn_blocking(move || inner.read(before.as_deref())).await.ok().flatten()
    }

    /// Reads the profiles. Tells a person if that begins to fail, and if it ends.
    fn read(&self, before: Option<&Snapshot>) -> Option<Arc<Snapshot>> {
        let at = stamps(self.parts.source.dir());
        let read = self.parts.source.read(before);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // It was locked meanwhile.
        if matches!(&*state, State::Locked(_)) {
            return None;
        }
        match read {
            Ok(Some(snapshot)) => {
                if matches!(&*state, State::Failed(failed) if !failed.what.is_empty()) {
                    (self.parts.warn)(messages::READ_AGAIN);
                }
                for (profile, error) in &snapshot.failures {
                    let known = before.is_some_and(|before| {
                        before.failures.iter().any(|(id, old)| id == profile && old.what() == error.what())
                    });
                    if !known {
                        (self.parts.warn)(&messages::profile_not_read(profile, error.what()));
                    }
                }
                let snapshot = Arc::new(snapshot);
                *state = State::Read(Arc::clone(&snapshot));
                drop(state);
                self.sweep();
                Some(snapshot)
            }
            Ok(None) => None,
            Err(error) => {
                let what = error.what().to_owned();
                let accesses = match &mut *state {
                    State::Failed(failed) if failed.what == what => std::mem::take(&mut failed.accesses),
                    before => {
                        (self.parts.warn)(&messages::not_read(&what));
                        before.accesses()
                    }
                };
                // What cannot be trusted may be the removal of one of them.
                let trusted = !matches!(error.code(), Code::Tampered | Code::NotFound | Code::NoVault);
                let accesses = if trusted { accesses } else { Vec::new() };
                *state = State::Failed(Failed { stamps: Box::new(at), at: Instant::now(), what, accesses });
                drop(state);
                self.sweep();
                None
            }
        }
    }

    /// Returns all who may ask, as they were read last.
    pub fn accesses(&self) -> Vec<Access> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = state.accesses();
        if matches!(&*state, State::Locked(_)) {
            return all;
        }
        drop(state);
        all.extend(self.parts.own.iter().cloned());
        all
    }

    /// Returns those who may ask here. A program that `run` started has a server for itself.
    pub fn admitted(&self) -> Vec<Access> {
        if self.parts.own.is_empty() { self.accesses() } else { self.parts.own.clone() }
    }

    /// Ends the streams of accesses that were removed or have expired.
    fn sweep(&self) {
        let (all, now) = (self.accesses(), self.now());
        self.end_streams(|name, token| {
            all.iter().any(|there| there.name == *name && there.token == *token && !there.has_expired(now))
        });
    }

    fn end_streams(&self, keeps: impl Fn(&AccessName, &[u8; 32]) -> bool) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.retain(|(name, token), end| {
            let keep = keeps(name, token);
            if !keep {
                end.cancel();
            }
            keep
        });
    }
}
