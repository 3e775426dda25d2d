//! What happened to profiles at run time, as far as selection needs it.

use std::collections::{BTreeMap, HashMap};

use super::backoff::Failure;
use super::pin::{Model, Pin, SessionName};
use crate::vault::id::{ProfileId, Provider};

/// The orders that were set, by provider.
pub type Orders = BTreeMap<Provider, Vec<ProfileId>>;

/// What happened to the profiles of an agent. All of it is optional: without it, selection goes by order and type.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AuthState {
    /// Orders that are kept here instead of in the index, as in OpenClaw 2026.6.1.
    pub order: Orders,
    /// The profile that was last used for each provider.
    pub last_good: BTreeMap<Provider, ProfileId>,
    /// What happened to each profile.
    pub usage: HashMap<ProfileId, Usage>,
    /// The pins, by session.
    pub pins: HashMap<SessionName, Pin>,
}

/// What happened to one profile. Times are Unix milliseconds.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// When it was last used.
    pub last_used: Option<i64>,
    /// The end of its cooldown.
    pub cooldown_until: Option<i64>,
    /// Why it is cooling down.
    pub cooldown_reason: Option<String>,
    /// The model for which it is cooling down, if it is only one.
    pub cooldown_model: Option<Model>,
    /// Failures since the last success.
    pub error_count: u64,
    /// Failures by reason.
    pub failure_counts: BTreeMap<String, u64>,
    /// When it failed last.
    pub last_failure_at: Option<i64>,
    /// The end of its disablement.
    pub disabled_until: Option<i64>,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// Until when its provider said that it serves no request.
    pub blocked_until: Option<i64>,
    /// Why its provider serves none.
    pub blocked_reason: Option<String>,
    /// The model for which its provider serves none, if it is only one.
    pub blocked_model: Option<Model>,
}

impl Usage {
    /// Returns how often it failed for a reason since its counters started.
    #[must_use]
    pub fn failures_of(&self, reason: &str) -> u64 {
        self.failure_counts.get(reason).copied().unwrap_or(0)
    }

    /// Returns whether only another model is cooling down, by the client's rules: for a failure that can concern only
    /// one, with nothing else in force. An older client than 2026.8.1 never writes a model beside `model_not_found`.
    fn cools_for_another(&self, model: &Model) -> bool {
        matches!(self.cooldown_reason.as_deref(), Some("rate_limit" | "timeout" | "model_not_found"))
            && self.cooldown_model.as_ref().is_some_and(|of| of != model)
            && self.disabled_until.is_none()
            && self.blocked_until.is_none()
    }

    /// Returns the usage without windows that are over or, if `model` is given, that concern only another model.
    #[must_use]
    pub fn in_force(&self, model: Option<&Model>, now: i64) -> Self {
        let mut left = self.without_past_windows(now);
        if model.is_some_and(|model| left.blocked_model.as_ref().is_some_and(|of| of != model)) {
            left = left.without_block();
        }
        if model.is_some_and(|model| left.cools_for_another(model)) { Self::default() } else { left }
    }

    /// Returns whether it rests at `now` for this failure, for this model too, and at least until an instant. One more
    /// such failure would only be counted.
    #[must_use]
    pub fn rests_for(&self, failure: Failure, model: Option<&Model>, now: i64, until: i64) -> bool {
        let (end, reason) = if failure.disables() {
            (self.disabled_until, &self.disabled_reason)
        } else {
            (self.cooldown_until, &self.cooldown_reason)
        };
        end.is_some_and(|end| end > now && end >= until)
            && reason.as_deref() == Some(failure.as_str())
            && (failure.disables() || self.cooldown_model.as_ref().is_none_or(|of| Some(of) == model))
    }

    /// Returns when the last of its windows ends, whether in the past or in the future.
    #[must_use]
    pub fn rests_until(&self) -> Option<i64> {
        self.cooldown_until.max(self.disabled_until).max(self.blocked_until)
    }

    /// Returns the usage without the windows that are over.
    #[must_use]
    pub fn without_past_windows(&self, now: i64) -> Self {
        let mut left = self.clone();
        let over = |until: Option<i64>| until.is_none_or(|until| until <= now);
        if over(left.cooldown_until) {
            (left.cooldown_until, left.cooldown_reason, left.cooldown_model) = (None, None, None);
        }
        if over(left.disabled_until) {
            (left.disabled_until, left.disabled_reason) = (None, None);
        }
        if over(left.blocked_until) { left.without_block() } else { left }
    }

    fn without_block(self) -> Self {
        Self { blocked_until: None, blocked_reason: None, blocked_model: None, ..self }
    }
}

impl AuthState {
    /// Returns what happened to a profile, if anything is known.
    #[must_use]
    pub fn usage(&self, id: &ProfileId) -> Option<&Usage> {
        self.usage.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_known_while_its_window_is_open_for_its_model_and_as_long() {
        let failure = |name: &str| name.parse::<Failure>().unwrap();
        let model = |name: &str| name.parse::<Model>().unwrap();
        let cooling = Usage {
            cooldown_until: Some(100),
            cooldown_reason: Some("rate_limit".to_owned()),
            cooldown_model: Some(model("m")),
            ..Usage::default()
        };
        let m = model("m");
        assert!(cooling.rests_for(failure("rate_limit"), Some(&m), 99, 100));
        assert!(!cooling.rests_for(failure("rate_limit"), Some(&m), 100, 100), "it is over");
        assert!(!cooling.rests_for(failure("rate_limit"), Some(&m), 50, 101), "it ends too early");
        assert!(!cooling.rests_for(failure("rate_limit"), Some(&model("n")), 50, 50), "another model");
        assert!(!cooling.rests_for(failure("overloaded"), Some(&m), 50, 50), "another reason");
        assert!(!cooling.rests_for(failure("billing"), Some(&m), 50, 50), "it is not disabled");
        let disabled = Usage {
            disabled_until: Some(100),
            disabled_reason: Some("billing".to_owned()),
            ..Usage::default()
        };
        assert!(disabled.rests_for(failure("billing"), None, 50, 50));
    }
}
