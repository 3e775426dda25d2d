//! How a provider's next profile was found, step by step.

use serde::Serialize;

use super::assemble::Input;
use super::order::{Basis, Pinned, Selected};
use super::phrases::{self, ids};
use super::pin::PinnedBy;
use super::profile::ProfileView;
use super::verdict::Verdict;
use crate::time::relative;
use crate::vault::id::Provider;

/// The steps of `status --explain`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// The agent.
    pub agent: String,
    /// The provider.
    pub provider: String,
    /// The model that is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What was looked at, in turn.
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
    /// What it found, a sentence or a profile each.
    pub found: Vec<String>,
}

/// What a step looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// The session's pin.
    Pin,
    /// The order that is set, or that there is none.
    Order,
    /// The profiles that serve the provider.
    Profiles,
    /// Those that are never used as they are.
    Excluded,
    /// Those that wait.
    Cooldown,
    /// The profile that is used next.
    Next,
    /// A key beside the vault, if there is one.
    Source,
}

impl StepKind {
    /// The heading of the step for people.
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

/// The explanation for people, line by line.
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
    let Some(session) = input.session else { return "no session is asked about (--session)".to_owned() };
    let Some(pin) = input.pin() else { return format!("session {session} has none") };
    let id = &pin.profile;
    let by = match pin.source {
        PinnedBy::User => format!("session {session} is pinned to {id}"),
        PinnedBy::Auto => format!("session {session} was served by {id} last"),
    };
    let effect = match &selected.pinned {
        Some(Pinned::Locked(_)) => "; no other profile serves it",
        Some(Pinned::Preferred(_)) => ", which comes first",
        Some(Pinned::Passed(_)) => ", which cannot serve now",
        Some(Pinned::Gone(_)) => ", which is not there any more: the pin has no effect",
        None => return format!("{by}, which is not of provider {provider}"),
    };
    format!("{by}{effect}")
}

fn order(input: &Input<'_>, provider: &Provider, basis: &Basis<'_>) -> Vec<String> {
    let basis = match basis {
        Basis::Index(order) => format!("set in the index: {}", ids(order.iter().copied())),
        Basis::State(order) => format!("set in auth-state.json: {}", ids(order.iter().copied())),
        Basis::Config(order) if order.is_empty() => {
            "auth.order of the client's configuration is empty: no profile is used".to_owned()
        }
        Basis::Config(order) => {
            format!("auth.order of the client's configuration: {}", ids(order.iter().copied()))
        }
        Basis::ConfigProfiles(listed) => format!(
            "none is set; the client's configuration lists {}: by type (oauth, token, api_key), then the longest unused",
            ids(listed.iter().copied())
        ),
        Basis::Automatic => {
            "none is set: by type (oauth, token, api_key), then the longest unused".to_owned()
        }
    };
    let served_by = input.policy.aliases.served_by(provider);
    let alias = (served_by != provider.as_str())
        .then(|| format!("{provider} is served by the profiles of {served_by}, as the client has it"));
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
    or_none(selected.choices.iter().filter_map(line).collect(), "none")
}

fn outcome(input: &Input<'_>, provider: &Provider, selected: &Selected<'_>) -> String {
    match (selected.next(), &selected.pinned) {
        (Some(next), Some(Pinned::Locked(_))) => format!("{}: it is pinned", next.id),
        (Some(next), _) if next.verdict == Verdict::Eligible => {
            format!("{}: the first that can be used", next.id)
        }
        (Some(next), _) => format!(
            "{}: no available auth profile (all in cooldown), and it is free soonest, {}",
            next.id,
            next.verdict.until().map_or_else(|| "now".to_owned(), |until| relative(until, input.now))
        ),
        (None, Some(Pinned::Locked(id))) => {
            format!("none: the session is pinned to {id}, which cannot be used")
        }
        (None, _) => format!("none: agent {} has no usable profile of {provider}", input.agent),
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
1. Pin       no session is asked about (--session)
2. Order     set in the index: anthropic:work, anthropic:default, anthropic:gone
3. Profiles  anthropic:default: api_key, unverified, no expiry, never used
             anthropic:work: token, unverified, expires in 30d, never used
             anthropic:old: token, unverified, expired 2d ago, never used
4. Not used  anthropic:gone: no sealed credential (missing_credential)
             anthropic:old: not in the order that is set (excluded_by_auth_order)
5. Waiting   anthropic:work: cooling down for 5m (rate_limit)
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
            "set in the index: anthropic:work | claude-cli is served by the profiles of anthropic, as the client \
             has it | auth-state.json has another order for anthropic than the index: anthropic:old. OpenClaw \
             2026.6.1 goes by that one, Strongroom by the index; `strongroom order clear --provider anthropic` \
             lets both go by it"
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
            (("anthropic:work", PinnedBy::Auto), "which cannot serve now", "anthropic:default: the first"),
            (("anthropic:default", PinnedBy::Auto), "which comes first", "anthropic:default: the first"),
            (("anthropic:gone", PinnedBy::User), "the pin has no effect", "anthropic:default: the first"),
            (
                ("openai-codex:me@x.io", PinnedBy::User),
                "not of provider anthropic",
                "anthropic:default: the first",
            ),
        ] {
            let told = told(Some(pin), &[]);
            assert!(told.contains(said) && told.contains(&format!("6. Next      {next}")), "{told}");
        }
    }
}
