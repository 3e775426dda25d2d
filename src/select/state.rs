//! What happened to profiles at run time, as far as selection asks for it.

use std::collections::{BTreeMap, HashMap};

use super::pin::{Model, Pin, SessionName};
use crate::vault::id::{ProfileId, Provider};

/// The order of profiles that was set for providers.
pub type Orders = BTreeMap<Provider, Vec<ProfileId>>;

/// What happened to the profiles of an agent. None of it is needed: without it, selection goes on by order and type.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AuthState {
    /// Orders that are kept here and not in the index, as OpenClaw 2026.6.1 does.
    pub order: Orders,
    /// The profile that served each provider last.
    pub last_good: BTreeMap<Provider, ProfileId>,
    /// What happened to each profile.
    pub usage: HashMap<ProfileId, Usage>,
    /// The profile of each session that has one of its own.
    pub pins: HashMap<SessionName, Pin>,
}

/// What happened to one profile. Times are Unix milliseconds.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// When it was last used.
    pub last_used: Option<i64>,
    /// It is not to be used before this instant.
    pub cooldown_until: Option<i64>,
    /// Why it cools down.
    pub cooldown_reason: Option<String>,
    /// The model for which it cools down, where it is one alone.
    pub cooldown_model: Option<Model>,
    /// Failures since the last success.
    pub error_count: u64,
    /// Failures by reason.
    pub failure_counts: BTreeMap<String, u64>,
    /// When it failed last.
    pub last_failure_at: Option<i64>,
    /// It is disabled until this instant.
    pub disabled_until: Option<i64>,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// Its provider said that it serves no request before this instant.
    pub blocked_until: Option<i64>,
}

impl Usage {
    /// Whether its cooldown is one of another model than this one, as the client judges: of a rate
    /// limit or a time-out, with nothing else in force.
    fn cools_for_another(&self, model: &Model) -> bool {
        matches!(self.cooldown_reason.as_deref(), Some("rate_limit" | "timeout"))
            && self.cooldown_model.as_ref().is_some_and(|of| of != model)
            && self.disabled_until.is_none()
            && self.blocked_until.is_none()
    }

    /// What of it is in force, for a model where one is known.
    #[must_use]
    pub fn in_force(&self, model: Option<&Model>, now: i64) -> Self {
        let left = self.without_past_windows(now);
        if model.is_some_and(|model| left.cools_for_another(model)) { Self::default() } else { left }
    }

    /// When the last of its windows ends, be it past or to come.
    #[must_use]
    pub fn rests_until(&self) -> Option<i64> {
        self.cooldown_until.max(self.disabled_until).max(self.blocked_until)
    }

    /// The same without the windows that are over.
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
        if over(left.blocked_until) {
            left.blocked_until = None;
        }
        left
    }
}

impl AuthState {
    /// What is known of a profile's use.
    #[must_use]
    pub fn usage(&self, id: &ProfileId) -> Option<&Usage> {
        self.usage.get(id)
    }
}
