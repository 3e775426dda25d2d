//! Which profile of a provider comes next, and why the others do not.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::profile::{ProfileView, Usable};
use super::state::State;
use crate::vault::credential::CredentialType;
use crate::vault::id::{ProfileId, Provider};

/// Providers that spread load behind one key: a failure says nothing about the next request.
const EXEMPT_FROM_COOLDOWN: [&str; 1] = ["openrouter"];

/// Why a profile is not a candidate, as OpenClaw spells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// An order is set for the provider, and does not name it.
    ExcludedByAuthOrder,
    /// There is no record, or no such profile at all.
    MissingCredential,
    /// Its expiry has passed.
    Expired,
    /// Its expiry is not an instant.
    InvalidExpires,
    /// Its record cannot be trusted, or it refers to another secret provider.
    UnresolvedRef,
    /// Its secret is not sealed, or it belongs to another provider.
    IneligibleProfile,
}

impl ReasonCode {
    /// The code as it stands in a report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExcludedByAuthOrder => "excluded_by_auth_order",
            Self::MissingCredential => "missing_credential",
            Self::Expired => "expired",
            Self::InvalidExpires => "invalid_expires",
            Self::UnresolvedRef => "unresolved_ref",
            Self::IneligibleProfile => "ineligible_profile",
        }
    }
}

/// What selection says of a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It can be used now.
    Eligible,
    /// It failed a short while ago; used only when nothing else is left.
    CoolingDown {
        /// When it is free again.
        until: i64,
        /// What it failed of, such as `rate_limit`.
        reason: Option<String>,
    },
    /// It failed in a way that lasts, such as `billing`; used only when nothing else is left.
    Disabled {
        /// When it is tried again.
        until: i64,
        /// What it failed of.
        reason: Option<String>,
    },
    /// It is never used as it stands.
    Excluded(ReasonCode),
}

impl Verdict {
    /// When the profile is free again, where it waits for that.
    #[must_use]
    pub const fn until(&self) -> Option<i64> {
        match self {
            Self::CoolingDown { until, .. } | Self::Disabled { until, .. } => Some(*until),
            Self::Eligible | Self::Excluded(_) => None,
        }
    }
}

/// A profile and what selection says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The profile.
    pub id: ProfileId,
    /// What selection says of it.
    pub verdict: Verdict,
}

/// All profiles of a provider: first those that can be used, in the order in which they are, then
/// the cooled ones by the end of their window, then the excluded ones.
///
/// `explicit_order` is the order set in the index; without it the one in the state counts, and an
/// empty one counts as none. Without any, the order is by type (OAuth, token, API key), within a
/// type by last use with the longest unused first, and else as in `profiles`.
#[must_use]
pub fn candidates(
    provider: &Provider,
    profiles: &[ProfileView],
    explicit_order: Option<&[ProfileId]>,
    state: &State,
    now: i64,
) -> Vec<Choice> {
    let own: Vec<_> = profiles.iter().filter(|view| view.provider == *provider).collect();
    candidates_among(provider, &own, explicit_order, state, now)
}

/// [`candidates`] of profiles that are known to be the provider's.
#[must_use]
pub fn candidates_among(
    provider: &Provider,
    own: &[&ProfileView],
    explicit_order: Option<&[ProfileId]>,
    state: &State,
    now: i64,
) -> Vec<Choice> {
    let mut ranks = Ranks::default();
    if let Some(order) = order_in_force(provider, explicit_order, state) {
        let by_id: HashMap<_, _> = own.iter().map(|view| (&view.id, *view)).collect();
        let mut named = HashSet::new();
        for id in order.iter().filter(|id| named.insert(*id)) {
            match by_id.get(id) {
                Some(view) => ranks.judge(view, state, now),
                None if id.provider() == *provider => ranks.exclude(id, ReasonCode::MissingCredential),
                None => ranks.exclude(id, ReasonCode::IneligibleProfile),
            }
        }
        for view in own.iter().filter(|view| !named.contains(&view.id)) {
            ranks.exclude(&view.id, ReasonCode::ExcludedByAuthOrder);
        }
    } else {
        let mut sorted = own.to_vec();
        sorted.sort_by_cached_key(|view| {
            (type_rank(view.kind), state.usage(&view.id).and_then(|usage| usage.last_used))
        });
        for view in sorted {
            ranks.judge(view, state, now);
        }
    }
    ranks.into_choices()
}

/// The order that is set for a provider: the index's, else the state's, and never an empty one.
#[must_use]
pub fn order_in_force<'a>(
    provider: &Provider,
    explicit_order: Option<&'a [ProfileId]>,
    state: &'a State,
) -> Option<&'a [ProfileId]> {
    let kept = || state.order.get(provider).map(Vec::as_slice);
    explicit_order.filter(|order| !order.is_empty()).or_else(kept).filter(|order| !order.is_empty())
}

/// The profile to use: the first eligible one, and where all are cooling down the one whose window
/// ends soonest, as OpenClaw does. An excluded one never.
#[must_use]
pub fn best(choices: &[Choice]) -> Option<&Choice> {
    choices.iter().find(|choice| choice.verdict == Verdict::Eligible).or_else(|| {
        choices
            .iter()
            .filter_map(|choice| Some((choice.verdict.until()?, choice)))
            .min_by_key(|(until, _)| *until)
            .map(|(_, choice)| choice)
    })
}

/// The cooldown or disablement of a profile that is in force now. At its last millisecond it is
/// over. Where both are in force, the later end counts.
#[must_use]
pub fn waiting(view: &ProfileView, state: &State, now: i64) -> Option<Verdict> {
    if EXEMPT_FROM_COOLDOWN.contains(&view.provider.as_str()) {
        return None;
    }
    let usage = state.usage(&view.id)?;
    let active = |until: Option<i64>| until.filter(|until| now < *until);
    match (active(usage.cooldown_until), active(usage.disabled_until)) {
        (cooldown, Some(disabled)) => Some(Verdict::Disabled {
            until: disabled.max(cooldown.unwrap_or(disabled)),
            reason: usage.disabled_reason.clone(),
        }),
        (Some(until), None) => Some(Verdict::CoolingDown { until, reason: usage.cooldown_reason.clone() }),
        (None, None) => None,
    }
}

#[derive(Default)]
struct Ranks {
    eligible: Vec<Choice>,
    waiting: Vec<(i64, Choice)>,
    excluded: Vec<Choice>,
}

impl Ranks {
    fn judge(&mut self, view: &ProfileView, state: &State, now: i64) {
        if let Some(reason) = exclusion(view, now) {
            return self.exclude(&view.id, reason);
        }
        let id = view.id.clone();
        match waiting(view, state, now) {
            Some(verdict) => {
                self.waiting.push((verdict.until().unwrap_or(now), Choice { id, verdict }));
            }
            None => self.eligible.push(Choice { id, verdict: Verdict::Eligible }),
        }
    }

    fn exclude(&mut self, id: &ProfileId, reason: ReasonCode) {
        self.excluded.push(Choice { id: id.clone(), verdict: Verdict::Excluded(reason) });
    }

    fn into_choices(mut self) -> Vec<Choice> {
        self.waiting.sort_by_key(|(until, _)| *until);
        let waiting = self.waiting.into_iter().map(|(_, choice)| choice);
        self.eligible.into_iter().chain(waiting).chain(self.excluded).collect()
    }
}

fn exclusion(view: &ProfileView, now: i64) -> Option<ReasonCode> {
    match view.usable {
        Usable::Missing => Some(ReasonCode::MissingCredential),
        Usable::Corrupt | Usable::RolledBack | Usable::Reference => Some(ReasonCode::UnresolvedRef),
        Usable::Plaintext => Some(ReasonCode::IneligibleProfile),
        Usable::Verified | Usable::Unverified if view.invalid_expires => Some(ReasonCode::InvalidExpires),
        Usable::Verified | Usable::Unverified => view.expired(now).then_some(ReasonCode::Expired),
    }
}

const fn type_rank(kind: CredentialType) -> u8 {
    match kind {
        CredentialType::OAuth => 0,
        CredentialType::Token => 1,
        CredentialType::ApiKey => 2,
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
