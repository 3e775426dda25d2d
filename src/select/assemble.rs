//! Builds the report of `models status`.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::endpoint::Endpoint;
use super::generation::Chosen;
use super::health::{Check, CheckScope, Status, check, status};
use super::order::{Choice, Rules, Selected, select, waiting};
use super::phrases;
use super::pin::{Model, Pin, SessionName};
use super::policy::SelectionPolicy;
use super::profile::ProfileView;
use super::report::{
    Auth, Candidate, Counts, Effective, Health, Lacking, Only, OrderKind, PinView, ProfileHealth,
    ProviderAuth, ProviderHealth, Report, Sealed, Selection, Unusable, Vault,
};
use super::state::{AuthState, Orders};
use super::verdict::Verdict;
use crate::time::rfc3339;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::serving::Running;

/// What a report is built from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The vault's home, for display.
    pub home: &'a str,
    /// The agent.
    pub agent: &'a AgentName,
    /// The agent's index, for display.
    pub store_path: &'a str,
    /// The profiles, already filtered.
    pub profiles: &'a [ProfileView],
    /// The orders of the index.
    pub orders: &'a Orders,
    /// The run-time state; empty if it could not be read.
    pub state: &'a AuthState,
    /// What the client's configuration says about selection.
    pub policy: &'a SelectionPolicy,
    /// The session in question.
    pub session: Option<&'a SessionName>,
    /// The model in question.
    pub model: Option<&'a Model>,
    /// Which rules for failures apply, and why.
    pub rules: &'a Chosen,
    /// Providers that are in use and have no key.
    pub lacking: &'a [Lacking],
    /// What the report is limited to.
    pub only: &'a Only,
    /// Profiles that the client does not use now, by its own stores.
    pub of_client: &'a [Unusable],
    /// What the client's configuration says about endpoints.
    pub endpoints: &'a [Endpoint],
    /// Warnings for people.
    pub warnings: &'a [String],
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// How long before its expiry a profile counts as expiring, in milliseconds.
    pub warn_after_ms: i64,
    /// Until when `strongroom unlock` keeps the vault unlocked, if it does, in Unix milliseconds.
    pub unlocked_until: Option<i64>,
    /// The server of the agent that runs.
    pub serving: Option<&'a Running>,
    /// Agents that have what this one lacks.
    pub elsewhere: &'a [AgentName],
    /// Whether a key outside the vault serves what is asked for.
    pub beside: bool,
    /// Whether there is a vault.
    pub has_vault: bool,
}

impl<'a> Input<'a> {
    /// Returns the pin of the session in question.
    #[must_use]
    pub fn pin(&self) -> Option<&'a Pin> {
        self.state.pins.get(self.session?)
    }

    /// Returns a warning if the state has an order for a provider that the index overrules.
    #[must_use]
    pub fn overruled(&self, provider: &Provider) -> Option<String> {
        let (name, index) = self.policy.aliases.stored_as(self.orders, provider)?;
        let state =
            self.policy.aliases.stored(&self.state.order, provider).filter(|state| *state != index)?;
        Some(phrases::overruled(name, state, self.agent))
    }

    /// Returns where the client sends the requests of the session in question, as the client shows it: the endpoint,
    /// and its API if the configuration names one.
    #[must_use]
    pub fn endpoint(&self, provider: &Provider) -> Option<(String, Option<String>)> {
        self.session?;
        let configured = self.endpoints.iter().find(|endpoint| endpoint.provider == *provider);
        let url = configured.and_then(|endpoint| endpoint.url.clone());
        let api = configured.and_then(|endpoint| endpoint.api.clone());
        Some((url.unwrap_or_else(|| "default".to_owned()), api))
    }

    /// Selects among the profiles that serve a provider.
    #[must_use]
    pub fn select(&self, provider: &Provider, own: &[&'a ProfileView]) -> Selected<'a> {
        let order = self.policy.aliases.stored(self.orders, provider);
        let pin = self.pin();
        let Self { state, policy, model, now, .. } = *self;
        let generation = self.rules.generation;
        select(provider, own, &Rules { order, state, policy, pin, model, generation, now })
    }
}

/// The outcome of selection for all providers. Every form of `status` shows a part of it.
#[derive(Clone, Debug)]
pub struct Overview<'a> {
    /// What it is built from.
    pub input: Input<'a>,
    /// Each provider that has profiles.
    pub providers: Vec<OfProvider<'a>>,
    /// Providers that are in use and have no key, sorted.
    pub lacking: Vec<Lacking>,
    /// Warnings for people.
    pub warnings: Vec<String>,
    /// All profiles by id, filled on first use.
    by_id: OnceCell<HashMap<&'a ProfileId, &'a ProfileView>>,
}

/// A provider that has profiles.
#[derive(Clone, Debug)]
pub struct OfProvider<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// Its profiles, in the order of the index.
    pub own: Vec<&'a ProfileView>,
    /// The outcome of selection among those that serve it: its own, and those of its aliases.
    pub selected: Selected<'a>,
}

impl<'a> Overview<'a> {
    /// Selects for every provider.
    #[must_use]
    pub fn of(input: Input<'a>) -> Self {
        let aliases = input.policy.aliases;
        let mut groups: BTreeMap<&Provider, Vec<&ProfileView>> = BTreeMap::new();
        let mut serving: HashMap<&str, Vec<&ProfileView>> = HashMap::new();
        for view in input.profiles {
            groups.entry(&view.provider).or_default().push(view);
        }
        // A provider without aliases here is served by its own profiles, any other by all of them in the order of the
        // index.
        let targets: HashSet<_> = groups.keys().map(|provider| aliases.served_by(provider)).collect();
        if targets.len() < groups.len() {
            for view in input.profiles {
                serving.entry(aliases.served_by(&view.provider)).or_default().push(view);
            }
        }
        let mut lacking = input.lacking.to_vec();
        lacking.sort();
        lacking.dedup();
        let mut overruled: Vec<_> = groups.keys().filter_map(|provider| input.overruled(provider)).collect();
        // Aliases share one order.
        overruled.dedup();
        let of_provider = |(provider, own): (&'a Provider, Vec<&'a ProfileView>)| {
            let selected = input.select(provider, serving.get(aliases.served_by(provider)).unwrap_or(&own));
            OfProvider { provider, own, selected }
        };
        let providers = groups.into_iter().map(of_provider).collect();
        let warnings = input.warnings.iter().cloned().chain(overruled).collect();
        Self { input, providers, lacking, warnings, by_id: OnceCell::new() }
    }

    /// Returns what is known about a profile, even if it is one of another provider.
    #[must_use]
    pub fn view_of(&self, choice: &Choice<'a>) -> Option<&'a ProfileView> {
        let all = || self.input.profiles.iter().map(|view| (&view.id, view)).collect();
        choice.view.or_else(|| self.by_id.get_or_init(all).get(choice.id).copied())
    }

    /// Returns the status of a profile.
    #[must_use]
    pub fn status(&self, view: &ProfileView) -> Status {
        status(view, self.input.now, self.input.warn_after_ms)
    }

    /// Returns the profile of a provider that is used next, if it exists.
    #[must_use]
    pub fn next_of(&self, provider: &str) -> Option<&'a ProfileView> {
        self.providers.iter().find(|one| one.provider.as_str() == provider)?.selected.next()?.view
    }

    /// Returns the outcome of `--check`.
    #[must_use]
    pub fn check(&self) -> Check {
        let missing: Vec<_> = self.lacking.iter().map(|lacking| &lacking.provider).collect();
        let profile = match self.input.only {
            Only::Profile(id) => Some(id),
            Only::All | Only::Provider(_) => None,
        };
        let asked = CheckScope { profile, missing: &missing, beside: self.input.beside };
        check(self.input.profiles, asked, self.input.now, self.input.warn_after_ms)
    }
}

/// Builds the report.
#[must_use]
pub fn assemble(overview: &Overview<'_>) -> Report {
    let input = &overview.input;
    let groups = || overview.providers.iter().map(|one| (one.provider, one.own.as_slice()));
    let providers: Vec<_> = groups().map(|(provider, own)| provider_auth(input, provider, own)).collect();
    Report {
        home: input.home.to_owned(),
        agent: input.agent.to_string(),
        auth: Auth {
            store_path: input.store_path.to_owned(),
            providers_with_oauth: providers
                .iter()
                .map(|auth| (&auth.provider, auth.profiles.oauth + auth.profiles.token))
                .filter(|(_, count)| *count > 0)
                .map(|(provider, count)| format!("{provider} ({count})"))
                .collect(),
            missing_providers_in_use: overview
                .lacking
                .iter()
                .map(|lacking| lacking.provider.to_string())
                .collect(),
            providers,
            unusable_profiles: unusable(input),
            oauth: Health {
                warn_after_ms: input.warn_after_ms,
                profiles: input.profiles.iter().map(|view| profile_health(input, view)).collect(),
                providers: groups().map(|(provider, own)| provider_health(input, provider, own)).collect(),
            },
        },
        vault: Vault {
            exists: input.has_vault,
            profiles: input.profiles.iter().map(|view| sealed(input, view)).collect(),
            providers: overview.providers.iter().map(|one| selection(input, one)).collect(),
            warnings: overview.warnings.clone(),
            unlocked_until: input.unlocked_until,
            serving: input.serving.cloned(),
            elsewhere: input.elsewhere.iter().map(ToString::to_string).collect(),
        },
        check: overview.check(),
    }
}

fn provider_auth(input: &Input<'_>, provider: &Provider, own: &[&ProfileView]) -> ProviderAuth {
    let count = |kind| own.iter().filter(|view| view.kind == kind).count();
    let label = |view: &&ProfileView| {
        let label = view.label(input.agent);
        match waiting(view, input.state, input.model, input.now) {
            Some(verdict) => format!("{label} [{}]", phrases::verdict(&verdict, input.now)),
            None => label,
        }
    };
    ProviderAuth {
        provider: provider.to_string(),
        effective: Effective { kind: "profiles", detail: input.store_path.to_owned() },
        profiles: Counts {
            count: own.len(),
            oauth: count(CredentialType::OAuth),
            token: count(CredentialType::Token),
            api_key: count(CredentialType::ApiKey),
            labels: own.iter().map(label).collect(),
        },
    }
}

fn unusable(input: &Input<'_>) -> Vec<Unusable> {
    let of_vault = |view| Unusable::of(view, &waiting(view, input.state, input.model, input.now)?, input.now);
    input.profiles.iter().filter_map(of_vault).chain(input.of_client.iter().cloned()).collect()
}

impl Unusable {
    /// Returns a profile with its verdict, if that has an end.
    #[must_use]
    pub fn of(view: &ProfileView, verdict: &Verdict, now: i64) -> Option<Self> {
        let until = verdict.until()?;
        Some(Self {
            profile_id: view.id.to_string(),
            provider: view.provider.to_string(),
            kind: verdict.kind(),
            reason: verdict.reason().map(str::to_owned),
            until,
            remaining_ms: until.saturating_sub(now),
            client: None,
        })
    }
}

fn profile_health(input: &Input<'_>, view: &ProfileView) -> ProfileHealth {
    ProfileHealth {
        profile_id: view.id.to_string(),
        provider: view.provider.to_string(),
        kind: view.kind,
        status: status(view, input.now, input.warn_after_ms),
        expires_at: view.expires,
        remaining_ms: view.expires.map(|expires| expires.saturating_sub(input.now)),
        source: "store",
        label: match &view.email {
            Some(email) => format!("{} ({email})", view.id),
            None => view.id.to_string(),
        },
    }
}

fn provider_health(input: &Input<'_>, provider: &Provider, own: &[&ProfileView]) -> ProviderHealth {
    let expires_at = own.iter().filter_map(|view| view.expires).min();
    ProviderHealth {
        provider: provider.to_string(),
        status: own
            .iter()
            .map(|view| status(view, input.now, input.warn_after_ms))
            .fold(Status::Static, Status::worse),
        expires_at,
        remaining_ms: expires_at.map(|expires| expires.saturating_sub(input.now)),
    }
}

fn sealed(input: &Input<'_>, view: &ProfileView) -> Sealed {
    let status = status(view, input.now, input.warn_after_ms);
    Sealed {
        profile_id: view.id.to_string(),
        provider: view.provider.to_string(),
        kind: view.kind,
        status,
        record: view.usable,
        store: view.store.clone(),
        reference: view.reference(input.agent),
        expires: view.expires.map(rfc3339),
        email: view.email.clone(),
        details: view.details.clone(),
        trouble: phrases::trouble(view, status, input.agent, input.now),
    }
}

fn selection(input: &Input<'_>, of: &OfProvider<'_>) -> Selection {
    let OfProvider { provider, selected, .. } = of;
    let pin = selected.pinned.as_ref().and_then(|pinned| {
        let (pin, session) = (input.pin()?, input.session?);
        Some(PinView {
            session: session.to_string(),
            profile_id: pin.profile.to_string(),
            model: pin.model.as_ref().map(|model| model.as_str().to_owned()),
            source: pin.source,
            effect: pinned.effect(),
        })
    });
    let (endpoint, api) = input.endpoint(provider).unzip();
    Selection {
        endpoint,
        api: api.flatten(),
        provider: provider.to_string(),
        order: if selected.basis.is_explicit() { OrderKind::Explicit } else { OrderKind::Automatic },
        order_from: selected.basis.source(),
        pin,
        next: selected.next().map(|choice| choice.id.to_string()),
        last_good: input.state.last_good.get(*provider).map(ToString::to_string),
        candidates: selected.choices.iter().map(|choice| candidate(choice, input.now)).collect(),
    }
}

fn candidate(choice: &Choice<'_>, now: i64) -> Candidate {
    Candidate {
        profile_id: choice.id.to_string(),
        verdict: choice.verdict.kind(),
        reason: choice.verdict.reason().map(str::to_owned),
        phrase: phrases::verdict(&choice.verdict, now),
        until: choice.verdict.until(),
    }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
