//! What the proxy asks, answered by an open vault.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use strongroom_proxy::{
    Access as Admitted, Credentials, Failure, Lease, NoneLeft, Outcome, Peer, ProfileTag, Refused, Route,
};

use super::choice::{Asked, id_of, serves};
use super::current::{Inner, READ_AGAIN, Vaulted};
use super::reports::{Report, UNTIL_WRITTEN};
use super::snapshot::Snapshot;
use crate::client::alias::ALIASES;
use crate::looks::looks_secret;
use crate::vault::access::Access;
use crate::vault::id::{ProfileId, Provider};

/// How often the success of a profile is reported.
const SUCCESS_EVERY: Duration = Duration::from_secs(60);
/// How long a success says nothing of a failure, also if it was sent after that. In milliseconds.
const AFTER_FAILURE: i64 = 2_000;

impl Inner {
    /// Returns the access that a request is of, if it is still there.
    fn access<'a>(&self, all: &'a [Access], admitted: &Admitted) -> Option<&'a Access> {
        let now = self.now();
        all.iter().find(|access| *access.name.as_str() == *admitted.id && !access.has_expired(now))
    }

    fn why_closed(&self) -> Refused {
        if self.is_locked() { Refused::Locked } else { Refused::Unreadable }
    }

    fn is_for(access: &Access, provider: &str) -> bool {
        let route = Route::known(provider);
        let fits = |own: &Provider| match &route {
            Some(route) => serves(route, own),
            None => own.as_str() == provider,
        };
        access.providers.iter().any(fits) || access.profiles.iter().any(|own| fits(&own.id.provider()))
    }

    /// Returns whether a success is worth a report: once a minute, and at once if the state counts failures.
    /// `took` is how long ago the request was sent.
    fn is_due(&self, snapshot: &Snapshot, profile: &ProfileId, took: Duration) -> bool {
        let usage = snapshot.pool.state().usage(profile);
        let now = self.now();
        let seen = self.failures.lock().unwrap_or_else(PoisonError::into_inner).get(profile).copied();
        let last = usage.and_then(|usage| usage.last_failure_at).max(seen);
        let before = AFTER_FAILURE.max(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        if last.is_some_and(|at| now - at < before) {
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
            return Err(if open || !all.is_empty() { Refused::UnknownToken } else { inner.why_closed() });
        };
        if access.has_expired(inner.now()) {
            return Err(Refused::Expired);
        }
        if !open {
            return Err(inner.why_closed());
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
        let snapshot = inner.fresh().await;
        let none = || if inner.is_locked() { NoneLeft::Locked } else { NoneLeft::Unreadable };
        let snapshot = snapshot.ok_or_else(none)?;
        let (all, admitted) = (inner.accesses(), inner.admitted());
        let access = inner.access(&admitted, access).ok_or(NoneLeft::NoProfile)?;
        let asked = Asked {
            access,
            others: &all,
            route,
            session,
            stores: inner.parts.own.is_empty(),
            tried,
            now: inner.now(),
        };
        inner.parts.chooser.choose(&snapshot, asked)
    }

    async fn newer(&self, access: &Admitted, route: &Route, tag: &ProfileTag) -> Option<Lease> {
        let inner = &self.0;
        let snapshot = inner.fresh().await?;
        let (all, admitted) = (inner.accesses(), inner.admitted());
        let access = inner.access(&admitted, access)?;
        let asked =
            Asked { access, others: &all, route, session: None, stores: false, tried: &[], now: inner.now() };
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
            // A client chooses it, and it is written where others read it.
            model: model.filter(|model| !looks_secret(model)).map(str::to_owned),
        };
        match outcome {
            Outcome::Succeeded { took } => {
                if inner.is_due(&snapshot, &report.profile, took) {
                    inner.parts.reports.send(report);
                }
            }
            Outcome::Failed { failure, status, retry_after } => {
                let now = inner.now();
                // A request can cause these by what it asks for. Some providers say 401 for what a key may not do, and a
                // stream has its status before its error.
                if failure == Failure::Forbidden || matches!(status, 400 | 403) {
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
