//! A small agent for several tests of this module.

use super::aliases::Aliases;
use super::assemble::{Input, Overview, assemble};
use super::generation::Chosen;
use super::policy::SelectionPolicy;
use super::profile::{ProfileView, Usable};
use super::report::Report;
use super::report::{Lacking, Only};
use super::state::{AuthState, Orders, Usage};
use crate::time::{DAY, HOUR};
use crate::vault::credential::CredentialType::{self, ApiKey, OAuth, Token};
use crate::vault::id::{AgentName, ProfileId};

pub(super) const NOW: i64 = 1_800_000_000_000;

pub(super) fn view(id: &str, kind: CredentialType, expires: Option<i64>) -> ProfileView {
    ProfileView { expires, store: Some("file".to_owned()), ..ProfileView::new(id.parse().unwrap(), kind) }
}

pub(super) fn profiles() -> Vec<ProfileView> {
    vec![
        view("anthropic:default", ApiKey, None),
        view("anthropic:work", Token, Some(NOW + 30 * DAY)),
        view("anthropic:old", Token, Some(NOW - 2 * DAY)),
        ProfileView {
            email: Some("me@x.io".to_owned()),
            usable: Usable::Verified,
            ..view("openai-codex:me@x.io", OAuth, Some(NOW + 3 * HOUR))
        },
    ]
}

/// Returns the policy without a configuration.
pub(super) fn policy() -> SelectionPolicy {
    SelectionPolicy::new(Aliases::of(&[("claude-cli", "anthropic")]))
}

pub(super) fn state() -> AuthState {
    let work: ProfileId = "anthropic:work".parse().unwrap();
    let usage = Usage {
        cooldown_until: Some(NOW + 300_000),
        cooldown_reason: Some("rate_limit".to_owned()),
        ..Usage::default()
    };
    AuthState {
        last_good: [("anthropic".parse().unwrap(), work.clone())].into(),
        usage: [(work, usage)].into(),
        ..AuthState::default()
    }
}

pub(super) fn order(ids: &[&str]) -> Orders {
    let ids: Vec<_> = ids.iter().map(|id| id.parse().unwrap()).collect();
    Orders::from([("anthropic".parse().unwrap(), ids)])
}

pub(super) fn lacking(provider: &str, elsewhere: &[&str]) -> Lacking {
    let elsewhere = elsewhere.iter().map(|agent| agent.parse().unwrap()).collect();
    Lacking { provider: provider.parse().unwrap(), elsewhere }
}

pub(super) fn report(
    profiles: &[ProfileView],
    orders: &Orders,
    state: &AuthState,
    lacking: &[Lacking],
    warnings: &[String],
) -> Report {
    overview(profiles, orders, state, lacking, warnings, assemble)
}

pub(super) fn overview<R>(
    profiles: &[ProfileView],
    orders: &Orders,
    state: &AuthState,
    lacking: &[Lacking],
    warnings: &[String],
    show: impl FnOnce(&Overview<'_>) -> R,
) -> R {
    with_input(profiles, orders, state, |input| show(&Overview::of(Input { lacking, warnings, ..input })))
}

/// Gives a test the input of a report, which it can change.
pub(super) fn with_input<R>(
    profiles: &[ProfileView],
    orders: &Orders,
    state: &AuthState,
    use_it: impl FnOnce(Input<'_>) -> R,
) -> R {
    use_it(Input {
        home: "/srv/vault",
        agent: &AgentName::default(),
        store_path: "/srv/vault/agents/main/auth-profiles.json",
        profiles,
        orders,
        state,
        policy: &policy(),
        session: None,
        model: None,
        rules: &Chosen::default(),
        lacking: &[],
        only: &Only::All,
        of_client: &[],
        endpoints: &[],
        warnings: &[],
        now: NOW,
        warn_after_ms: super::health::WARN_AFTER_MS,
        unlocked_until: None,
        serving: None,
        elsewhere: &[],
        beside: false,
        has_vault: true,
    })
}
