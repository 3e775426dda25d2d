//! Which profile of a provider is used next, and why the others are not.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::generation::Generation;
use super::pin::{Model, Pin, PinnedBy};
use super::policy::SelectionPolicy;
use super::profile::{ProfileView, Usable, is_exempt};
use super::state::AuthState;
use super::verdict::{ReasonCode, Verdict};
use crate::vault::credential::CredentialType;
use crate::vault::id::{ProfileId, Provider};

/// A profile and its verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice<'a> {
    /// The profile.
    pub id: &'a ProfileId,
    /// What is known about it, if it exists.
    pub view: Option<&'a ProfileView>,
    /// The verdict.
    pub verdict: Verdict,
}

/// What decides about the order, beside the profiles themselves.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The order that is set in the index, as [`Aliases::stored`](super::aliases::Aliases::stored) finds it.
    pub order: Option<&'a [ProfileId]>,
    /// What happened at run time.
    pub state: &'a AuthState,
    /// What the client's configuration says.
    pub policy: &'a SelectionPolicy,
    /// The session's pin.
    pub pin: Option<&'a Pin>,
    /// The model in question.
    pub model: Option<&'a Model>,
    /// Whose rules decide how a model counts.
    pub generation: Generation,
    /// Now, in Unix milliseconds.
    pub now: i64,
}

/// Which profiles take part, and in which order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Basis<'a> {
    /// The order that is set in the index.
    Index(Vec<&'a ProfileId>),
    /// The order in the state, as OpenClaw 2026.6.1 keeps it.
    State(Vec<&'a ProfileId>),
    /// `auth.order` of the client's configuration.
    Config(Vec<&'a ProfileId>),
    /// `auth.profiles` of the client's configuration, by type and last use.
    ConfigProfiles(Vec<&'a ProfileId>),
    /// All profiles, by type and last use.
    Automatic,
}

impl<'a> Basis<'a> {
    /// Returns the profiles that it names, if it names any.
    #[must_use]
    pub fn ids(&self) -> Option<&[&'a ProfileId]> {
        match self {
            Self::Index(ids) | Self::State(ids) | Self::Config(ids) | Self::ConfigProfiles(ids) => Some(ids),
            Self::Automatic => None,
        }
    }

    /// Returns its source, unless it is automatic.
    #[must_use]
    pub fn source(&self) -> Option<OrderSource> {
        match self {
            Self::Index(_) => Some(OrderSource::Index),
            Self::State(_) => Some(OrderSource::State),
            Self::Config(_) => Some(OrderSource::Config),
            Self::ConfigProfiles(_) => Some(OrderSource::ConfigProfiles),
            Self::Automatic => None,
        }
    }

    /// Returns whether it fixes the order of its profiles, instead of sorting them by type and last use.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        matches!(self, Self::Index(_) | Self::State(_) | Self::Config(_))
    }
}

/// The source of the profiles that take part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderSource {
    /// In the index.
    Index,
    /// In the state.
    State,
    /// In `auth.order` of the client's configuration.
    Config,
    /// In `auth.profiles` of the client's configuration, which has no order but excludes all other profiles.
    ConfigProfiles,
}

/// The effect of a session's pin on a provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pinned {
    /// A person pinned this profile: only it is used, whatever the order and cooldowns say.
    Locked(ProfileId),
    /// It last served the session, and comes first.
    Preferred(ProfileId),
    /// It last served the session, but cannot be used now.
    Passed(ProfileId),
    /// The profile no longer exists: the pin has no effect.
    Gone(ProfileId),
}

impl Pinned {
    /// Returns the effect without the profile.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            Self::Locked(_) => Effect::Locked,
            Self::Preferred(_) => Effect::Preferred,
            Self::Passed(_) => Effect::Passed,
            Self::Gone(_) => Effect::Gone,
        }
    }
}

/// A [`Pinned`] without its profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Only it is used.
    Locked,
    /// It comes first.
    Preferred,
    /// It cannot be used now.
    Passed,
    /// It does not exist.
    Gone,
}

/// The outcome of selection for a provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selected<'a> {
    /// Which profiles took part.
    pub basis: Basis<'a>,
    /// The effect of the session's pin.
    pub pinned: Option<Pinned>,
    /// All profiles of the provider: first those that can be used, in their order, then those that are cooling down, by
    /// the end of their window, then the excluded ones. A pinned profile comes before all others.
    pub choices: Vec<Choice<'a>>,
}

impl<'a> Selected<'a> {
    /// Returns the profile that is used next.
    #[must_use]
    pub fn next(&self) -> Option<&Choice<'a>> {
        if let Some(Pinned::Locked(id)) = &self.pinned {
            let own = self.choices.iter().find(|choice| choice.id == id);
            return own.filter(|choice| !matches!(choice.verdict, Verdict::Excluded(_)));
        }
        best(&self.choices)
    }
}

/// Selects among the profiles that serve a provider: its own, and those of its [aliases](super::aliases::Aliases).
///
/// An explicit order is kept: the one in the index, or else in the state, or else in the client's configuration. An
/// empty one counts as no order in the first two; in the configuration it leaves no profile. Without an order, profiles
/// are sorted by type (OAuth, token, API key), within a type by last use with the least recently used first, and then
/// as in `own`; if the configuration lists profiles of the provider, only those take part. If none of the profiles that
/// an order of ours or the configuration's list names exists, all profiles take part. Those that are cooling down are
/// sorted by the end of their window, and then as in the order, in the list or in `own`, whatever their type.
#[must_use]
pub fn select<'a>(provider: &Provider, own: &[&'a ProfileView], rules: &Rules<'a>) -> Selected<'a> {
    let named = basis(provider, rules);
    let Some(ids) = named.ids() else {
        let mut ranks = Ranks::default();
        ranks.judge_all(provider, own, rules);
        return selected(provider, Basis::Automatic, ranks, rules);
    };
    let by_id: HashMap<_, _> = own.iter().map(|view| (&view.id, *view)).collect();
    let all_gone = ids.iter().all(|id| !by_id.contains_key(id));
    let repairs = match &named {
        Basis::Config(ids) => !ids.is_empty() && rules.policy.lists(provider),
        _ => true,
    };
    let is_repaired = all_gone && repairs;
    let mut ranks = Ranks::default();
    let mut seen = HashSet::new();
    for id in ids.iter().filter(|id| seen.insert(**id)) {
        if let Some(view) = by_id.get(id).filter(|_| !is_repaired) {
            ranks.judge(provider, view, rules);
        }
    }
    if is_repaired {
        ranks.judge_all(provider, own, rules);
    }
    let mut told = HashSet::new();
    for id in ids.iter().filter(|id| !by_id.contains_key(*id) && told.insert(**id)) {
        let foreign = !rules.policy.aliases.shared(&id.provider(), provider);
        let reason = if foreign { ReasonCode::IneligibleProfile } else { ReasonCode::MissingCredential };
        ranks.exclude(id, None, reason);
    }
    if !is_repaired {
        let reason =
            if named.is_explicit() { ReasonCode::ExcludedByAuthOrder } else { ReasonCode::IneligibleProfile };
        for view in own.iter().filter(|view| !seen.contains(&view.id)) {
            ranks.exclude(&view.id, Some(view), reason);
        }
    }
    selected(provider, if is_repaired { Basis::Automatic } else { named }, ranks, rules)
}

/// Sorts the profiles, and applies the pin.
fn selected<'a>(
    provider: &Provider,
    basis: Basis<'a>,
    mut ranks: Ranks<'a>,
    rules: &Rules<'a>,
) -> Selected<'a> {
    if !basis.is_explicit() {
        // Only these: the client does not sort those that are cooling down.
        ranks.eligible.sort_by_cached_key(|choice| {
            let used = rules.state.usage(choice.id).and_then(|usage| usage.last_used);
            (choice.view.map(|view| type_rank(view.kind)), used.unwrap_or(0))
        });
    }
    let mut choices = ranks.into_choices();
    let pinned = pinned(provider, &mut choices, rules);
    Selected { basis, pinned, choices }
}

fn basis<'a>(provider: &Provider, rules: &Rules<'a>) -> Basis<'a> {
    let all = |ids: &'a [ProfileId]| ids.iter().collect();
    if let Some(ids) = rules.order.filter(|ids| !ids.is_empty()) {
        return Basis::Index(all(ids));
    }
    if let Some(ids) = rules.policy.aliases.stored(&rules.state.order, provider) {
        return Basis::State(all(ids));
    }
    if let Some(ids) = rules.policy.aliases.configured(&rules.policy.order, provider) {
        return Basis::Config(all(ids));
    }
    if rules.policy.lists(provider) {
        return Basis::ConfigProfiles(rules.policy.listed(provider).collect());
    }
    Basis::Automatic
}

/// Moves a pinned profile to the front.
fn pinned(provider: &Provider, choices: &mut Vec<Choice<'_>>, rules: &Rules<'_>) -> Option<Pinned> {
    let pin = rules.pin?;
    let id = &pin.profile;
    let place = choices.iter().position(|choice| choice.id == id && choice.view.is_some());
    let Some((place, view)) = place.and_then(|place| Some((place, choices[place].view?))) else {
        return rules.policy.aliases.shared(&id.provider(), provider).then(|| Pinned::Gone(id.clone()));
    };
    match pin.source {
        PinnedBy::User => {
            let verdict = verdict(provider, view, rules);
            let choice = choices.remove(place);
            choices.insert(0, Choice { verdict, ..choice });
            Some(Pinned::Locked(id.clone()))
        }
        PinnedBy::Auto if choices[place].verdict == Verdict::Eligible => {
            let choice = choices.remove(place);
            choices.insert(0, choice);
            Some(Pinned::Preferred(id.clone()))
        }
        PinnedBy::Auto => Some(Pinned::Passed(id.clone())),
    }
}

/// Returns the profile to use: the first eligible one or, if all are cooling down, the one whose window ends first, as
/// in OpenClaw. Never an excluded one.
#[must_use]
pub fn best<'c, 'a>(choices: &'c [Choice<'a>]) -> Option<&'c Choice<'a>> {
    choices.iter().find(|choice| choice.verdict == Verdict::Eligible).or_else(|| {
        choices
            .iter()
            .filter_map(|choice| Some((choice.verdict.until()?, choice)))
            .min_by_key(|(until, _)| *until)
            .map(|(_, choice)| choice)
    })
}

/// Returns the cooldown or disablement of a profile that is in force now. At its last millisecond it is over. If both
/// are in force, the later end counts. A cooldown of one model counts unless another model is in question.
#[must_use]
pub fn waiting(view: &ProfileView, state: &AuthState, model: Option<&Model>, now: i64) -> Option<Verdict> {
    if is_exempt(&view.provider) {
        return None;
    }
    let usage = state.usage(&view.id)?.in_force(model, now);
    let until = usage.rests_until()?;
    Some(match (usage.disabled_until, usage.blocked_until) {
        (Some(_), _) => Verdict::Disabled { until, reason: usage.disabled_reason },
        // The provider said when its limit ends.
        (None, Some(_)) => {
            let reason = usage.cooldown_reason.or(Some("rate_limit".to_owned()));
            let model = usage.blocked_model.filter(|_| usage.cooldown_until.is_none());
            Verdict::CoolingDown { until, reason, model }
        }
        (None, None) => {
            Verdict::CoolingDown { until, reason: usage.cooldown_reason, model: usage.cooldown_model }
        }
    })
}

#[derive(Default)]
struct Ranks<'a> {
    eligible: Vec<Choice<'a>>,
    waiting: Vec<(i64, Choice<'a>)>,
    excluded: Vec<Choice<'a>>,
}

impl<'a> Ranks<'a> {
    fn judge_all(&mut self, provider: &Provider, own: &[&'a ProfileView], rules: &Rules<'_>) {
        for view in own {
            self.judge(provider, view, rules);
        }
    }

    fn judge(&mut self, provider: &Provider, view: &'a ProfileView, rules: &Rules<'_>) {
        match verdict(provider, view, rules) {
            Verdict::Excluded(reason) => self.exclude(&view.id, Some(view), reason),
            // Up to 2026.9.1 the client sorts without a model: a profile that is cooling down for another model keeps
            // its place at the end.
            verdict => {
                let choice = Choice { id: &view.id, view: Some(view), verdict };
                let model = rules.model.filter(|_| rules.generation.sorts_by_model());
                match waiting(view, rules.state, model, rules.now).and_then(|general| general.until()) {
                    Some(until) => self.waiting.push((until, choice)),
                    None => self.eligible.push(choice),
                }
            }
        }
    }

    fn exclude(&mut self, id: &'a ProfileId, view: Option<&'a ProfileView>, reason: ReasonCode) {
        self.excluded.push(Choice { id, view, verdict: Verdict::Excluded(reason) });
    }

    fn into_choices(mut self) -> Vec<Choice<'a>> {
        self.waiting.sort_by_key(|(until, _)| *until);
        let waiting = self.waiting.into_iter().map(|(_, choice)| choice);
        self.eligible.into_iter().chain(waiting).chain(self.excluded).collect()
    }
}

/// Returns the verdict on a profile by itself, whatever order is set.
#[must_use]
pub fn verdict(provider: &Provider, view: &ProfileView, rules: &Rules<'_>) -> Verdict {
    if let Some(reason) = exclusion(provider, view, rules) {
        return Verdict::Excluded(reason);
    }
    waiting(view, rules.state, rules.model, rules.now).unwrap_or(Verdict::Eligible)
}

fn exclusion(provider: &Provider, view: &ProfileView, rules: &Rules<'_>) -> Option<ReasonCode> {
    let now = rules.now;
    match view.usable {
        Usable::Missing => Some(ReasonCode::MissingCredential),
        Usable::Corrupt | Usable::Unreadable | Usable::RolledBack | Usable::Reference => {
            Some(ReasonCode::UnresolvedRef)
        }
        Usable::Plaintext => Some(ReasonCode::IneligibleProfile),
        _ if !rules.policy.fits(&view.id, provider, view.kind) => Some(ReasonCode::IneligibleProfile),
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
