//! How long a profile cools down after a failure, by the client's rules, and what a report changes.

use std::str::FromStr;

use super::generation::Generation;
use super::pin::Model;
use super::profile::is_exempt;
use super::state::Usage;
use crate::error::Error;
use crate::messages;
use crate::time::{DAY, HOUR, MINUTE, SECOND};
use crate::vault::credential::EXPIRES_MAX;
use crate::vault::id::Provider;

/// The shortest base of a disablement, whatever the configuration says.
const DISABLE_BASE_MIN: i64 = MINUTE;
/// After this many doublings, a disablement no longer grows.
const DOUBLINGS_MAX: u64 = 10;
/// The kind of failure that has its own counter and times in [`Generation::September`].
const RATE_LIMIT: &str = "rate_limit";
/// How long the first rate limit lasts, and the longest one, in [`Generation::September`].
const RATE_LIMIT_TIMES: (i64, i64) = (30 * SECOND, DAY);
/// Why a provider's own limit is in force until an instant that the provider named.
const SUBSCRIPTION_LIMIT: &str = "subscription_limit";

/// Why a request failed, as the client spells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Failure(&'static str);

impl Failure {
    /// Every kind that any generation of the client knows.
    pub const ALL: [&'static str; 13] = [
        "auth",
        "auth_permanent",
        "format",
        "overloaded",
        RATE_LIMIT,
        "billing",
        "timeout",
        "model_not_found",
        "session_expired",
        "empty_response",
        "no_error_details",
        "unclassified",
        "unknown",
    ];

    /// Returns the kind as it is spelled in the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Returns whether it disables a profile instead of only cooling it down.
    #[must_use]
    pub fn disables(self) -> bool {
        matches!(self.0, "billing" | "auth_permanent")
    }

    /// Returns whether it can concern only one model: a limit or a timeout of one model says nothing about another.
    #[must_use]
    pub fn is_of_model(self, generation: Generation) -> bool {
        match generation {
            Generation::February => false,
            Generation::June => matches!(self.0, RATE_LIMIT | "timeout"),
            Generation::September => matches!(self.0, RATE_LIMIT | "timeout" | "model_not_found"),
        }
    }

    /// Returns whether the client counts it: the newest one does not, if the provider gave no details.
    #[must_use]
    pub fn counts(self, generation: Generation) -> bool {
        generation != Generation::September || self.0 != "no_error_details"
    }
}

impl FromStr for Failure {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| *known == text);
        known.map(Self).ok_or_else(|| messages::select::unknown_failure(&Self::ALL.join(", ")))
    }
}

/// One provider's `auth.cooldowns` in the client's configuration. All in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long the first disablement for lack of credit lasts.
    pub billing: i64,
    /// The longest disablement for lack of credit.
    pub billing_max: i64,
    /// How long the first disablement for a permanent refusal lasts.
    pub auth_permanent: i64,
    /// The longest disablement for a permanent refusal.
    pub auth_permanent_max: i64,
    /// A failure older than this is forgotten.
    pub failure_window: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            billing: 5 * HOUR,
            billing_max: 24 * HOUR,
            auth_permanent: 10 * MINUTE,
            auth_permanent_max: HOUR,
            failure_window: DAY,
        }
    }
}

impl Limits {
    /// The limits of [`Generation::September`], which reads none from the configuration.
    const OF_SEPTEMBER: Self = Self {
        billing: 10 * MINUTE,
        billing_max: DAY,
        auth_permanent: 10 * MINUTE,
        auth_permanent_max: HOUR,
        failure_window: DAY,
    };
}

/// A request that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The provider of the profile.
    pub provider: &'a Provider,
    /// Why it failed.
    pub failure: Failure,
    /// The model that was asked for, if that is known.
    pub model: Option<&'a Model>,
}

/// How failures of a provider's profiles count.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BackoffPolicy {
    /// Which generation of rules.
    pub generation: Generation,
    /// What the configuration says.
    pub limits: Limits,
}

impl BackoffPolicy {
    /// Returns the limits that apply: those of the configuration, unless the generation no longer reads them.
    fn limits(&self) -> &Limits {
        if self.generation == Generation::September { &Limits::OF_SEPTEMBER } else { &self.limits }
    }

    /// Returns how long a profile is disabled at its `count`-th failure of this kind, in milliseconds.
    #[must_use]
    pub fn disablement(&self, failure: Failure, count: u64) -> i64 {
        let limits = self.limits();
        let (base, max) = match (failure.as_str(), self.generation) {
            ("auth_permanent", Generation::June | Generation::September) => {
                (limits.auth_permanent, limits.auth_permanent_max)
            }
            _ => (limits.billing, limits.billing_max),
        };
        doubled(base.max(DISABLE_BASE_MIN), count.min(DOUBLINGS_MAX.saturating_add(1)), max)
    }

    /// Returns how long a profile cools down after a failure, with the counters that include it, in milliseconds.
    fn cooldown(&self, failure: Failure, usage: &Usage) -> i64 {
        if self.generation == Generation::September && failure.as_str() == RATE_LIMIT {
            let (base, max) = RATE_LIMIT_TIMES;
            return doubled(base, usage.failures_of(RATE_LIMIT), max);
        }
        self.generation.cooldown(usage.error_count)
    }

    /// Returns the usage of a profile after one more failure at `now`, or `None` if the failure does not count: its
    /// provider is exempt, or the client records no such failure.
    ///
    /// A window that is still open stays as it is: failures that come in together must not add up. Counters start
    /// again when the last failure is older than the failure window, or when every window is over; from 2026.9.2 on the
    /// count of rate limits stays until a success. A cooldown is limited to `model` if one is given, the failure can
    /// concern only one, and every other failure in the same window was of that model. While the provider's own limit
    /// is in force, the newest client ignores rate limits, because the end is known.
    #[must_use]
    pub fn after_failure(&self, usage: &Usage, failed: Failed<'_>, now: i64) -> Option<Usage> {
        let Failed { provider, failure, model } = failed;
        if is_exempt(provider) || !failure.counts(self.generation) {
            return None;
        }
        if self.is_known_limit(usage, failed, now) {
            return Some(usage.clone());
        }
        let long_ago =
            usage.last_failure_at.is_some_and(|last| now.saturating_sub(last) > self.limits().failure_window);
        let over = usage.rests_until().is_some_and(|until| until <= now);
        let mut next = usage.without_past_windows(now);
        if long_ago || over {
            let keeps_rate_limits = self.generation == Generation::September;
            next.error_count = 0;
            next.failure_counts.retain(|kind, count| keeps_rate_limits && kind == RATE_LIMIT && *count > 0);
        }
        next.error_count = next.error_count.saturating_add(1);
        let of_kind = next.failure_counts.entry(failure.as_str().to_owned()).or_default();
        *of_kind = of_kind.saturating_add(1);
        next.last_failure_at = Some(now);
        let reason = Some(failure.as_str().to_owned());
        if failure.disables() {
            let until = end(now, self.disablement(failure, next.failures_of(failure.as_str())));
            next.disabled_until = next.disabled_until.or(Some(until));
            next.disabled_reason = reason;
        } else {
            let until = end(now, self.cooldown(failure, &next));
            let model = model.filter(|_| failure.is_of_model(self.generation));
            next.cooldown_model = match next.cooldown_until {
                Some(_) => next.cooldown_model.filter(|before| Some(before) == model),
                None => model.cloned(),
            };
            next.cooldown_until = next.cooldown_until.or(Some(until));
            next.cooldown_reason = reason;
        }
        Some(next)
    }

    /// Returns whether a failure is a rate limit whose end the provider has already named.
    fn is_known_limit(&self, usage: &Usage, failed: Failed<'_>, now: i64) -> bool {
        let of_another = usage.blocked_model.as_ref().is_some_and(|of| Some(of) != failed.model);
        self.generation == Generation::September
            && failed.failure.as_str() == RATE_LIMIT
            && usage.blocked_reason.as_deref() == Some(SUBSCRIPTION_LIMIT)
            && usage.blocked_until.is_some_and(|until| now < until)
            && !of_another
    }
}

/// Returns `base`, doubled for each of `count` failures after the first, and at most `max`.
fn doubled(base: i64, count: u64, max: i64) -> i64 {
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 1_i64.checked_shl(doublings).filter(|factor| *factor > 0).unwrap_or(i64::MAX);
    base.saturating_mul(factor).min(max.max(base))
}

/// Returns the end of a window that begins now. One that would end after the last instant of JavaScript's `Date` ends
/// at once, as in the client.
fn end(now: i64, duration: i64) -> i64 {
    now.checked_add(duration).filter(|end| *end <= EXPIRES_MAX).unwrap_or(now)
}

/// Returns the usage of a profile after a success at `now`: every window and counter is cleared.
#[must_use]
pub fn after_success(usage: &Usage, now: i64) -> Usage {
    Usage { last_used: Some(now), last_failure_at: usage.last_failure_at, ..Usage::default() }
}

/// Returns the usage of a profile whose secret was replaced: windows and counters belonged to the old one. Its last use
/// is kept, so that it keeps its place.
#[must_use]
pub fn after_new_secret(usage: &Usage) -> Usage {
    Usage { last_used: usage.last_used, last_failure_at: usage.last_failure_at, ..Usage::default() }
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
