//! How a provider's next profile was found, step by step.

use serde::Serialize;

use super::assemble::Input;
use super::order::{Basis, Pinned, Selected};
use super::phrases::{self, ids};
use super::pin::PinnedBy;
use super::profile::ProfileView;
use super::verdict::Verdict;
use crate::messages::select as messages;
use crate::time::relative;
use crate::vault::id::Provider;

/// The steps of `status --explain`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// The agent.
    pub agent: String,
    /// The provider.
    pub provider: String,
    /// The model in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The steps of the selection, in turn.
    pub steps: Vec<Step>,
    /// The profile that is used next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    /// What it looks at.
    pub step: StepKind,
    /// What it found, one sentence or profile per line.
    pub found: Vec<String>,
}

/// What a step looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// The session's pin.
    Pin,
    /// The order that is set, if any.
    Order,
    /// The profiles that serve the provider.
    Profiles,
    /// The profiles that are never used as they are.
    Excluded,
    /// The profiles that are cooling down.
    Cooldown,
    /// The profile that is used next.
    Next,
    /// A key outside the vault, if there is one.
    Source,
}

impl StepKind {
    /// Returns the heading of the step for people.
    const fn heading(self) -> &'static str {
        match self {
            Self::Pin => "Pin",
            Self::Order => "Order",
            Self::Profiles => "Profiles",
            Self::Excluded => "Not used",
            Self::Cooldown => "Waiting",
            Self::Next => "Next",
            Self::Source => "Source",
        }
    }
}

/// Explains the selection among a provider's profiles.
#[must_use]
pub fn explain(input: &Input<'_>, provider: &Provider) -> Explanation {
    let own: Vec<&ProfileView> =
        input.profiles.iter().filter(|view| input.policy.aliases.shared(&view.provider, provider)).collect();
    let selected = input.select(provider, &own);
    let step = |step, found: Vec<String>| Step { step, found };
    let next = selected.next();
    let steps = vec![
        step(StepKind::Pin, vec![pin(input, provider, &selected)]),
        step(StepKind::Order, order(input, provider, &selected.basis)),
        step(StepKind::Profiles, profiles(input, &selected)),
        step(StepKind::Excluded, excluded(&selected)),
        step(StepKind::Cooldown, cooldown(input, &selected)),
        step(StepKind::Next, vec![outcome(input, provider, &selected)]),
    ];
    Explanation {
        agent: input.agent.to_string(),
        provider: provider.to_string(),
        model: input.model.map(|model| model.as_str().to_owned()),
        next: next.map(|choice| choice.id.to_string()),
        steps,
    }
}

/// Returns the explanation for people, line by line.
#[must_use]
pub fn text(explanation: &Explanation) -> Vec<String> {
    let model = explanation.model.as_ref().map(|model| format!(", model {model}")).unwrap_or_default();
    let mut lines = vec![format!("{} (agent {}{model})", explanation.provider, explanation.agent)];
    for (n, step) in explanation.steps.iter().enumerate() {
        let name = step.step.heading();
        for (m, found) in step.found.iter().enumerate() {
            let head = if m == 0 { format!("{}. {name}", n + 1) } else { String::new() };
            lines.push(format!("{head:<13}{found}"));
        }
    }
    lines
}

fn pin(input: &Input<'_>, provider: &Provider, selected: &Selected<'_>) -> String {
    let Some(session) = input.session else { return messages::NO_SESSION.to_owned() };
    let Some(pin) = input.pin() else { return messages::no_pin(session) };
    let id = &pin.profile;
    let by = match pin.source {
        PinnedBy::User => messages::pinned(session, id),
        PinnedBy::Auto => messages::preferred(session, id),
    };
    let effect = match &selected.pinned {
        Some(Pinned::Locked(_)) => messages::PIN_LOCKS,
        Some(Pinned::Preferred(_)) => messages::PIN_PREFERS,
        Some(Pinned::Passed(_)) => messages::PIN_PASSED,
        Some(Pinned::Gone(_)) => messages::PIN_GONE,
        None => &messages::pin_of_another(provider),
    };
    format!("{by}{effect}")
}

fn order(input: &Input<'_>, provider: &Provider, basis: &Basis<'_>) -> Vec<String> {
    let basis = match basis {
        Basis::Index(order) => messages::order_in_index(&ids(order.iter().copied())),
        Basis::State(order) => messages::order_in_state(&ids(order.iter().copied())),
        Basis::Config(order) if order.is_empty() => messages::EMPTY_ORDER.to_owned(),
        Basis::Config(order) => messages::order_in_config(&ids(order.iter().copied())),
        Basis::ConfigProfiles(listed) => messages::no_order_but_listed(&ids(listed.iter().copied())),
        Basis::Automatic => messages::NO_ORDER.to_owned(),
    };
    let served_by = input.policy.aliases.served_by(provider);
    let alias = (served_by != provider.as_str()).then(|| messages::alias(provider, served_by));
    std::iter::once(basis).chain(alias).chain(input.overruled(provider)).collect()
}

fn profiles(input: &Input<'_>, selected: &Selected<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for choice in &selected.choices {
        let Some(view) = choice.view else { continue };
        let expiry = view.expires.map_or_else(
            || "no expiry".to_owned(),
            |at| {
                let verb = if at <= input.now { "expired" } else { "expires" };
                format!("{verb} {}", relative(at, input.now))
            },
        );
        let used = match input.state.usage(&view.id).and_then(|usage| usage.last_used) {
            Some(at) => format!("used {}", relative(at, input.now)),
            None => "never used".to_owned(),
        };
        lines.push(format!(
            "{}: {}, {}, {expiry}, {used}",
            view.id,
            view.kind.as_str(),
            view.usable.as_str()
        ));
    }
    or_none(lines, "none")
}

fn excluded(selected: &Selected<'_>) -> Vec<String> {
    let line = |choice: &super::order::Choice<'_>| match choice.verdict {
        Verdict::Excluded(code) => {
            let (code, phrase) = (code.as_str(), phrases::reason(code));
            Some(if code == phrase {
                format!("{}: {code}", choice.id)
            } else {
                format!("{}: {phrase} ({code})", choice.id)
            })
        }
        _ => None,
    };
    or_none(selected.choices.iter().filter_map(line).collect(), "none")
}

fn cooldown(input: &Input<'_>, selected: &Selected<'_>) -> Vec<String> {
    let line = |choice: &super::order::Choice<'_>| {
        choice.verdict.until()?;
        Some(format!("{}: {}", choice.id, phrases::verdict(&choice.verdict, input.now)))
    };
    let mut lines: Vec<_> = selected.choices.iter().filter_map(line).collect();
    if !lines.is_empty() {
        lines.push(phrases::rules(input.rules));
    }
    or_none(lines, "none")
}

fn outcome(input: &Input<'_>, provider: &Provider, selected: &Selected<'_>) -> String {
    match (selected.next(), &selected.pinned) {
        (Some(next), Some(Pinned::Locked(_))) => messages::next_is_pinned(next.id),
        (Some(next), _) if next.verdict == Verdict::Eligible => messages::next_is_first(next.id),
        (Some(next), _) => {
            let until = next.verdict.until();
            let when = until.map_or_else(|| "now".to_owned(), |until| relative(until, input.now));
            messages::next_is_soonest(next.id, &when)
        }
        (None, Some(Pinned::Locked(id))) => messages::none_because_pinned(id),
        (None, _) => messages::none_usable(input.agent, provider),
    }
}

fn or_none(lines: Vec<String>, none: &str) -> Vec<String> {
    if lines.is_empty() { vec![none.to_owned()] } else { lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::fixture::{NOW, order, policy, profiles, state, with_input};
    use crate::select::pin::Pin;
    use crate::select::policy::SelectionPolicy;

    fn told(pin: Option<(&str, PinnedBy)>, ids: &[&str]) -> String {
        let mut state = state();
        let session = "tg:1".parse().unwrap();
        if let Some((profile, source)) = pin {
            let profile = profile.parse().unwrap();
            state.pins.insert("tg:1".parse().unwrap(), Pin { profile, model: None, source, at: NOW });
        }
        let orders = if ids.is_empty() { crate::select::state::Orders::new() } else { order(ids) };
        with_input(&profiles(), &orders, &state, |input| {
            let input = Input { session: pin.map(|_| &session), ..input };
            text(&explain(&input, &"anthropic".parse().unwrap())).join("\n")
        })
    }

    #[test]
    fn every_step_is_told() {
        assert_eq!(
            told(None, &["anthropic:work", "anthropic:default", "anthropic:gone"]),
            "\
anthropic (agent main)
1. Pin       no session given (`--session`)
2. Order     set in the index: anthropic:work, anthropic:default, anthropic:gone
3. Profiles  anthropic:default: api_key, unverified, no expiry, never used
             anthropic:work: token, unverified, expires in 30d, never used
             anthropic:old: token, unverified, expired 2d ago, never used
4. Not used  anthropic:gone: no stored credential (missing_credential)
             anthropic:old: not in the order that is set (excluded_by_auth_order)
5. Waiting   anthropic:work: cooling down for 5m (rate_limit)
             failures count as in OpenClaw 2026.6.1 (the default; no version was found on PATH)
6. Next      anthropic:default: the first that can be used"
        );
    }

    #[test]
    fn an_order_that_is_empty_or_overruled_or_of_an_alias_is_told() {
        let listed =
            |ids: &[&str]| if ids.is_empty() { crate::select::state::Orders::new() } else { order(ids) };
        let told = |provider: &str, index: &[&str], in_state: &[&str], policy: &SelectionPolicy| {
            let state = crate::select::state::AuthState { order: listed(in_state), ..state() };
            let orders = listed(index);
            with_input(&profiles(), &orders, &state, |input| {
                let input = Input { policy, ..input };
                explain(&input, &provider.parse().unwrap()).steps[1].found.join(" | ")
            })
        };
        let order = [("anthropic".parse().unwrap(), Vec::new())].into();
        let empty = &SelectionPolicy { order, ..policy() };
        assert_eq!(
            told("anthropic", &[], &[], empty),
            "auth.order of the client's configuration is empty: no profile is used"
        );
        assert_eq!(
            told("claude-cli", &["anthropic:work"], &["anthropic:old"], empty),
            "set in the index: anthropic:work | claude-cli uses the profiles of anthropic, as in the client | \
             auth-state.json has another order for anthropic than the index: anthropic:old. OpenClaw 2026.6.1 uses \
             that order, Strongroom the one in the index; to make both use auth-state.json: `strongroom order clear \
             --provider anthropic`"
        );
    }

    #[test]
    fn a_pin_is_told_with_what_it_does() {
        for (pin, said, next) in [
            (
                ("anthropic:work", PinnedBy::User),
                "is pinned to anthropic:work; no other",
                "anthropic:work: it is pinned",
            ),
            (
                ("anthropic:old", PinnedBy::User),
                "is pinned to anthropic:old; no other",
                "none: the session is pinned",
            ),
            (("anthropic:work", PinnedBy::Auto), "which cannot be used now", "anthropic:default: the first"),
            (("anthropic:default", PinnedBy::Auto), "which comes first", "anthropic:default: the first"),
            (("anthropic:gone", PinnedBy::User), "the pin has no effect", "anthropic:default: the first"),
            (
                ("openai-codex:me@x.io", PinnedBy::User),
                "not a profile of provider anthropic",
                "anthropic:default: the first",
            ),
        ] {
            let told = told(Some(pin), &[]);
            assert!(told.contains(said) && told.contains(&format!("6. Next      {next}")), "{told}");
        }
    }
}
