//! How long a profile cools down after a failure, by the client's rules, and what a report changes.

use std::str::FromStr;

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

/// Why a request failed, as the client spells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Failure(&'static str);

impl Failure {
    /// Every kind that either generation of the client knows.
    pub const ALL: [&'static str; 13] = [
        "auth",
        "auth_permanent",
        "format",
        "overloaded",
        "rate_limit",
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
    pub fn is_of_model(self) -> bool {
        matches!(self.0, "rate_limit" | "timeout")
    }
}

impl FromStr for Failure {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| *known == text);
        known.map(Self).ok_or_else(|| messages::select::unknown_failure(&Self::ALL.join(", ")))
    }
}

/// Which generation of the client's back-off rules is used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Generation {
    /// The rules of OpenClaw 2026.2.26: 1, 5, 25 and 60 minutes; a permanent refusal counts as billing.
    Older,
    /// The rules of OpenClaw 2026.6.1 and later: 30 s, 1 and 5 minutes.
    #[default]
    Newer,
}

impl Generation {
    /// The environment variable that chooses it.
    pub const VARIABLE: &'static str = "STRONGROOM_BACKOFF";

    /// Returns its name: the first version of the client with these rules.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Older => "2026.2.26",
            Self::Newer => "2026.6.1",
        }
    }

    /// Returns how long a profile cools down after its `count`-th failure in a row, in milliseconds.
    #[must_use]
    pub fn cooldown(self, count: u64) -> i64 {
        let steps: &[i64] = match self {
            Self::Older => &[MINUTE, 5 * MINUTE, 25 * MINUTE, HOUR],
            Self::Newer => &[30 * SECOND, MINUTE, 5 * MINUTE],
        };
        let step = usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        steps[step.min(steps.len() - 1)]
    }
}

impl FromStr for Generation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = [Self::Older, Self::Newer].into_iter().find(|one| one.as_str() == text);
        known.ok_or_else(messages::select::unknown_generation)
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
    /// Returns how long a profile is disabled at its `count`-th failure of this kind, in milliseconds.
    #[must_use]
    pub fn disablement(&self, failure: Failure, count: u64) -> i64 {
        let limits = &self.limits;
        let (base, max) = match (failure.as_str(), self.generation) {
            ("auth_permanent", Generation::Newer) => (limits.auth_permanent, limits.auth_permanent_max),
            _ => (limits.billing, limits.billing_max),
        };
        let base = base.max(DISABLE_BASE_MIN);
        let doublings = u32::try_from(count.saturating_sub(1).min(DOUBLINGS_MAX)).unwrap_or(0);
        base.saturating_mul(1 << doublings).min(max.max(base))
    }

    /// Returns the usage of a profile after one more failure at `now`, or `None` if its provider is exempt and nothing
    /// is recorded.
    ///
    /// A window that is still open stays as it is: failures that come in together must not add up. Counters start
    /// again when the last failure is older than the failure window, or when every window is over. A cooldown is
    /// limited to `model` if one is given, the failure can concern only one, and every other failure in the same
    /// window was of that model.
    #[must_use]
    pub fn after_failure(&self, usage: &Usage, failed: Failed<'_>, now: i64) -> Option<Usage> {
        let Failed { provider, failure, model } = failed;
        if is_exempt(provider) {
            return None;
        }
        let long_ago =
            usage.last_failure_at.is_some_and(|last| now.saturating_sub(last) > self.limits.failure_window);
        let over = usage.rests_until().is_some_and(|until| until <= now);
        let mut next = usage.without_past_windows(now);
        if long_ago || over {
            next.error_count = 0;
            next.failure_counts.clear();
        }
        next.error_count = next.error_count.saturating_add(1);
        let of_kind = next.failure_counts.entry(failure.as_str().to_owned()).or_default();
        *of_kind = of_kind.saturating_add(1);
        let of_kind = *of_kind;
        next.last_failure_at = Some(now);
        let reason = Some(failure.as_str().to_owned());
        if failure.disables() {
            let until = end(now, self.disablement(failure, of_kind));
            next.disabled_until = next.disabled_until.or(Some(until));
            next.disabled_reason = reason;
        } else {
            let until = end(now, self.generation.cooldown(next.error_count));
            // The older client has no cooldowns of one model.
            let of_one = failure.is_of_model() && self.generation == Generation::Newer;
            let model = model.filter(|_| of_one);
            next.cooldown_model = match next.cooldown_until {
                Some(_) => next.cooldown_model.filter(|before| Some(before) == model),
                None => model.cloned(),
            };
            next.cooldown_until = next.cooldown_until.or(Some(until));
            next.cooldown_reason = reason;
        }
        Some(next)
    }
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
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const OLDER: BackoffPolicy = BackoffPolicy { generation: Generation::Older, limits: LIMITS };
    const NEWER: BackoffPolicy = BackoffPolicy { generation: Generation::Newer, limits: LIMITS };
    const LIMITS: Limits = Limits {
        billing: 5 * HOUR,
        billing_max: 24 * HOUR,
        auth_permanent: 10 * MINUTE,
        auth_permanent_max: HOUR,
        failure_window: DAY,
    };

    fn kind(text: &str) -> Failure {
        text.parse().unwrap()
    }

    fn failed(policy: &BackoffPolicy, usage: &Usage, of: &str, now: i64) -> Usage {
        let provider = "anthropic".parse().unwrap();
        let failed = Failed { provider: &provider, failure: kind(of), model: None };
        policy.after_failure(usage, failed, now).unwrap()
    }

    #[test]
    fn both_generations_wait_as_published() {
        let minutes = |generation: Generation| (1..7).map(move |n| generation.cooldown(n) / SECOND);
        assert!(minutes(Generation::Older).eq([60, 300, 1500, 3600, 3600, 3600]));
        assert!(minutes(Generation::Newer).eq([30, 60, 300, 300, 300, 300]));
        let hours = |policy: BackoffPolicy, of| (1..6).map(move |n| policy.disablement(kind(of), n) / MINUTE);
        for policy in [OLDER, NEWER] {
            assert!(hours(policy, "billing").eq([300, 600, 1200, 1440, 1440]));
        }
        assert!(hours(OLDER, "auth_permanent").eq([300, 600, 1200, 1440, 1440]));
        assert!(hours(NEWER, "auth_permanent").eq([10, 20, 40, 60, 60]));
        assert_eq!(NEWER.disablement(kind("billing"), u64::MAX), DAY);
        assert_eq!(BackoffPolicy::default(), NEWER);
    }

    #[test]
    fn the_configuration_overrides_within_reason() {
        let with = |billing, billing_max| BackoffPolicy {
            limits: Limits { billing, billing_max, ..LIMITS },
            ..NEWER
        };
        for (billing, max, first, third) in [
            (HOUR, 3 * HOUR, HOUR, 3 * HOUR),
            (HOUR, MINUTE, HOUR, HOUR),
            (1, HOUR, MINUTE, 4 * MINUTE),
            (i64::MAX, i64::MAX, i64::MAX, i64::MAX),
        ] {
            let policy = with(billing, max);
            assert_eq!(policy.disablement(kind("billing"), 1), first);
            assert_eq!(policy.disablement(kind("billing"), 3), third);
        }
    }

    #[test]
    fn an_open_window_is_never_extended() {
        let first = failed(&NEWER, &Usage::default(), "rate_limit", NOW);
        assert_eq!(first.cooldown_until, Some(NOW + 30_000));
        let second = failed(&NEWER, &first, "timeout", NOW + 29_999);
        assert_eq!((second.cooldown_until, second.error_count), (Some(NOW + 30_000), 2));
        assert_eq!(second.cooldown_reason.as_deref(), Some("timeout"));
        let billing = failed(&NEWER, &second, "billing", NOW + 29_999);
        assert_eq!(billing.disabled_until, Some(NOW + 29_999 + 5 * HOUR));
        let again = failed(&NEWER, &billing, "billing", NOW + 30_000);
        assert_eq!(again.disabled_until, billing.disabled_until);
        assert_eq!((again.error_count, again.cooldown_until), (4, None), "the cooldown is over");
    }

    #[test]
    fn counters_begin_anew_when_all_windows_are_over() {
        let usage = failed(&NEWER, &failed(&NEWER, &Usage::default(), "auth", NOW), "auth", NOW);
        for (later, count, window) in [(29_999, 3, 30_000), (30_000, 1, 60_000), (30_001, 1, 60_001)] {
            let next = failed(&NEWER, &usage, "auth", NOW + later);
            assert_eq!((next.error_count, next.cooldown_until), (count, Some(NOW + window)), "{later}");
            assert_eq!(next.failure_counts["auth"], count);
        }
        // A disablement that is still in force keeps the count, so the next cooldown is longer.
        let usage = failed(&OLDER, &failed(&OLDER, &usage, "billing", NOW), "auth", NOW);
        let next = failed(&OLDER, &usage, "auth", NOW + HOUR);
        assert_eq!((next.error_count, next.cooldown_until), (5, Some(NOW + 2 * HOUR)));
    }

    #[test]
    fn counters_begin_anew_behind_the_window_of_failures() {
        let usage = Usage { error_count: 2, last_failure_at: Some(NOW - DAY), ..Usage::default() };
        for (later, count) in [(-1, 3), (0, 3), (1, 1)] {
            assert_eq!(failed(&NEWER, &usage, "auth", NOW + later).error_count, count, "{later}");
        }
        let short = BackoffPolicy { limits: Limits { failure_window: HOUR, ..LIMITS }, ..NEWER };
        assert_eq!(failed(&short, &usage, "auth", NOW).error_count, 1);
    }

    #[test]
    fn exempt_providers_note_no_failure() {
        for (provider, noted) in [("openrouter", false), ("kilocode", false), ("anthropic", true)] {
            let provider = provider.parse().unwrap();
            let failed = Failed { provider: &provider, failure: kind("billing"), model: None };
            let next = NEWER.after_failure(&Usage::default(), failed, NOW);
            assert_eq!(next.is_some(), noted);
        }
    }

    #[test]
    fn success_ends_every_window_and_keeps_the_last_failure() {
        let usage = failed(&NEWER, &failed(&NEWER, &Usage::default(), "billing", NOW), "auth", NOW);
        let good = after_success(&usage, NOW + 5);
        let expected = Usage { last_used: Some(NOW + 5), last_failure_at: Some(NOW), ..Usage::default() };
        assert_eq!(good, expected);
    }

    #[test]
    fn a_new_secret_ends_every_window_and_keeps_the_instants() {
        let usage = failed(&NEWER, &failed(&NEWER, &Usage::default(), "billing", NOW), "auth", NOW);
        let usage = Usage { last_used: Some(7), blocked_until: Some(NOW + 9), ..usage };
        let expected = Usage { last_used: Some(7), last_failure_at: Some(NOW), ..Usage::default() };
        assert_eq!(after_new_secret(&usage), expected);
        assert_eq!(after_new_secret(&expected), expected);
    }

    #[test]
    fn kinds_and_generations_are_those_of_the_client() {
        for text in Failure::ALL {
            assert_eq!(kind(text).as_str(), text);
        }
        assert!("Billing".parse::<Failure>().is_err());
        assert!("2026.9.6".parse::<Generation>().is_err());
    }
}
