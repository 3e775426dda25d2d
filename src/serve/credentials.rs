//! What the proxy asks, answered by an open vault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use strongroom_proxy::{
    Access as Admitted, Credentials, Lease, NoneLeft, Outcome, Peer, ProfileTag, Refused, Route, known,
};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::choice::{Asked, Chooser, id_of, serves};
use super::reports::{Report, Reports, UNTIL_WRITTEN};
use super::server::Voice;
use super::snapshot::{Checked, Snapshot, Stamps, stamps};
use super::source::Source;
use crate::client::alias::ALIASES;
use crate::messages::serve as messages;
use crate::vault::access::{Access, AccessName};
use crate::vault::id::{ProfileId, Provider};

/// How often the success of a profile is reported.
const SUCCESS_EVERY: Duration = Duration::from_secs(60);
/// How long a success says nothing of a failure: it may have begun before that. In milliseconds.
const AFTER_FAILURE: i64 = 2_000;
/// How often profiles are read again that could not be read.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// How often single records are read again that could not be read.
const FAILED_AGAIN: Duration = Duration::from_secs(10);

/// The vault of a server, as the proxy sees it.
#[derive(Clone)]
pub(super) struct Vaulted(Arc<Inner>);

pub(super) struct Inner {
    parts: Parts,
    state: RwLock<State>,
    /// When the state was found to be current last.
    checked: Checked,
    /// Held while the profiles are read, so that one request reads them for all.
    reading: AsyncMutex<()>,
    /// What ends the streams of each access. A new token is another access.
    ends: Mutex<HashMap<(AccessName, [u8; 32]), CancellationToken>>,
    /// When the success of each profile was reported last.
    successes: Mutex<HashMap<ProfileId, Instant>>,
    /// When each profile failed last, whether that was reported or not. In Unix milliseconds.
    failures: Mutex<HashMap<ProfileId, i64>>,
}

/// What was read last.
enum State {
    Read(Arc<Snapshot>),
    /// It could not be read, from files of these versions.
    Failed(Box<Stamps>, Instant, String),
    /// It is locked. The digests of tokens, which are no secrets, tell a known client from a stranger.
    Locked(Vec<Access>),
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
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = State::Locked(accesses);
        self.0.end_streams(|_, _| false);
        // A read that runs may hold the key for a moment, while it waits for a keychain.
        let source = Arc::clone(&self.0.parts.source);
        spawn_blocking(move || source.lock());
    }

    /// Unlocks again without asking anyone, and reads the profiles.
    pub async fn unlock(&self) -> crate::error::Result<()> {
        let inner = Arc::clone(&self.0);
        let unlocked = spawn_blocking(move || {
            inner.parts.source.unlock()?;
            let mut state = inner.state.write().unwrap_or_else(PoisonError::into_inner);
            *state = State::Failed(Box::default(), Instant::now(), String::new());
            drop(state);
            inner.read(None);
            Ok(())
        });
        unlocked.await.unwrap_or_else(|_| Err(messages::locked()))
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
    fn now(&self) -> i64 {
        self.parts.source.ambient.env.now()
    }

    fn read_if_open(&self) -> Option<Arc<Snapshot>> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Read(snapshot) => Some(Arc::clone(snapshot)),
            State::Failed(..) | State::Locked(_) => None,
        }
    }

    /// Returns what is known if it is current. `Err(())` if it has to be read.
    fn known(&self) -> Result<Option<Arc<Snapshot>>, ()> {
        if let Some(snapshot) = self.read_if_open().filter(|_| self.checked.is_recent()) {
            return Ok(Some(snapshot));
        }
        let (begun, now) = (Instant::now(), stamps(self.parts.source.dir()));
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Read(snapshot) if snapshot.stamps == now => {
                self.checked.at(begun);
                Ok(Some(Arc::clone(snapshot)))
            }
            State::Failed(stamps, at, _) if **stamps == now && at.elapsed() < READ_AGAIN => Ok(None),
            State::Locked(_) => Ok(None),
            State::Read(_) | State::Failed(..) => Err(()),
        }
    }

    /// Returns the current profiles, or `None` if they cannot be read or are locked.
    async fn fresh(self: &Arc<Self>) -> Option<Arc<Snapshot>> {
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
                if matches!(&*state, State::Failed(_, _, what) if !what.is_empty()) {
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
                if !matches!(&*state, State::Failed(_, _, before) if *before == what) {
                    (self.parts.warn)(&messages::not_read(&what));
                }
                *state = State::Failed(Box::new(at), Instant::now(), what);
                None
            }
        }
    }

    /// Returns all who may ask, as they were read last.
    fn accesses(&self) -> Vec<Access> {
        let mut all = match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Read(snapshot) => snapshot.accesses.clone(),
            State::Locked(accesses) => return accesses.clone(),
            State::Failed(..) => Vec::new(),
        };
        all.extend(self.parts.own.iter().cloned());
        all
    }

    /// Returns those who may ask here. A program that `run` started has a server for itself.
    fn admitted(&self) -> Vec<Access> {
        if self.parts.own.is_empty() { self.accesses() } else { self.parts.own.clone() }
    }

    /// Ends the streams of accesses that were removed or have expired.
    fn sweep(&self) {
        if self.read_if_open().is_none() {
            return;
        }
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

    /// Returns the access that a request is of, if it is still there.
    fn access<'a>(&self, all: &'a [Access], admitted: &Admitted) -> Option<&'a Access> {
        let now = self.now();
        all.iter().find(|access| *access.name.as_str() == *admitted.id && !access.has_expired(now))
    }

    fn is_for(access: &Access, provider: &str) -> bool {
        let routes = known();
        let route = routes.iter().find(|route| *route.name == *provider);
        let fits = |own: &Provider| match route {
            Some(route) => serves(route, own),
            None => own.as_str() == provider,
        };
        access.providers.iter().any(fits) || access.profiles.iter().any(|own| fits(&own.id.provider()))
    }

    /// Returns whether a success is worth a report: once a minute, and at once if the state counts failures.
    fn is_due(&self, snapshot: &Snapshot, profile: &ProfileId) -> bool {
        let usage = snapshot.pool.state().usage(profile);
        let now = self.now();
        let seen = self.failures.lock().unwrap_or_else(PoisonError::into_inner).get(profile).copied();
        let last = usage.and_then(|usage| usage.last_failure_at).max(seen);
        if last.is_some_and(|at| now - at < AFTER_FAILURE) {
            return false;
        }
        let failed = usage.is_some_and(|usage| usage.error_count > 0 || usage.rests_until().is_some());
        let mut successes = self.successes.lock().unwrap_or_else(PoisonError::into_inner);
        let every = if failed { READ_AGAIN } else { SUCCESS_EVERY };
        let due = successes.get(profile).is_none_or(|at| at.elapsed() >= every);
        if due {
            successes.insert(profile.clone(), Instant::now());
        }
        due
    }
}

impl Credentials for Vaulted {
    async fn authorize(&self, token: &[u8], peer: &Peer, provider: &str) -> Result<Admitted, Refused> {
        let inner = &self.0;
        if let Peer::Unix { uid, .. } = peer
            && !inner.parts.uids.contains(uid)
        {
            return Err(Refused::OtherPeer);
        }
        let open = inner.fresh().await.is_some();
        let all = inner.admitted();
        let digest = Access::digest(token);
        // All are compared, so that the time says nothing of which one it is.
        let found = all
            .iter()
            .fold(None, |found, access| if access.has_token(&digest) { Some(access) } else { found });
        let Some(access) = found else {
            return Err(if open || !all.is_empty() { Refused::UnknownToken } else { Refused::Locked });
        };
        if access.has_expired(inner.now()) {
            return Err(Refused::Expired);
        }
        if !open {
            return Err(Refused::Locked);
        }
        if !Inner::is_for(access, provider) {
            return Err(Refused::OtherProvider);
        }
        let name = (access.name.clone(), access.token);
        let ended =
            inner.ends.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default().clone();
        Ok(Admitted {
            id: access.name.as_str().into(),
            at_once: usize::try_from(access.at_once).unwrap_or(usize::MAX),
            per_minute: access.per_minute,
            ended,
        })
    }

    async fn next(
        &self,
        access: &Admitted,
        route: &Route,
        session: Option<&str>,
        tried: &[ProfileTag],
    ) -> Result<Lease, NoneLeft> {
        let inner = &self.0;
        let snapshot = inner.fresh().await.ok_or(NoneLeft::Locked)?;
        let (all, admitted) = (inner.accesses(), inner.admitted());
        let access = inner.access(&admitted, access).ok_or(NoneLeft::NoProfile)?;
        let asked = Asked { access, others: &all, route, session, tried, now: inner.now() };
        inner.parts.chooser.choose(&snapshot, asked)
    }

    async fn newer(&self, access: &Admitted, route: &Route, tag: &ProfileTag) -> Option<Lease> {
        let inner = &self.0;
        let snapshot = inner.fresh().await?;
        let (all, admitted) = (inner.accesses(), inner.admitted());
        let access = inner.access(&admitted, access)?;
        let asked = Asked { access, others: &all, route, session: None, tried: &[], now: inner.now() };
        inner.parts.chooser.newer(&snapshot, asked, tag)
    }

    async fn report(&self, access: &Admitted, tag: &ProfileTag, outcome: Outcome, model: Option<&str>) {
        let inner = &self.0;
        let Some(snapshot) = inner.read_if_open() else { return };
        // A failure of a secret that was replaced says nothing of the new one.
        let current = snapshot.profile(&tag.id).filter(|served| served.generation == tag.generation);
        let (Some(served), Some(profile)) = (current, id_of(tag)) else { return };
        let provider = served.view.provider.clone();
        let report = Report {
            profile,
            provider: ALIASES.served_by(&provider).parse().unwrap_or(provider),
            generation: tag.generation,
            failure: None,
            retry_after: None,
            model: model.map(str::to_owned),
        };
        match outcome {
            Outcome::Succeeded => {
                if inner.is_due(&snapshot, &report.profile) {
                    inner.parts.reports.send(report);
                }
            }
            Outcome::Failed { failure, status, retry_after } => {
                let now = inner.now();
                // A request can cause these by what it asks for.
                if matches!(status, 400 | 403) {
                    let Ok(name) = access.id.parse() else { return };
                    let by = (&name, model);
                    if !inner.parts.chooser.waits.refused(&report.profile, tag.generation, failure, by, now) {
                        return;
                    }
                }
                let report = Report { failure: Some(failure), retry_after, ..report };
                let mut failures = inner.failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.insert(report.profile.clone(), now);
                drop(failures);
                if report.is_known(snapshot.pool.state().usage(&report.profile), now) {
                    return;
                }
                let (until, what) = (now.saturating_add(UNTIL_WRITTEN), (failure, model));
                if !inner.parts.chooser.waits.rests(&report.profile, tag.generation, what, now, until) {
                    inner.parts.reports.send(report);
                }
            }
        }
    }
}
