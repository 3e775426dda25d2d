//! What the client on this machine uses for an agent, by its own stores.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;
use strongroom_backends::shown;

use super::profiles::foreign;
use super::{Asked, Surroundings, Warning};
use crate::client::config_auth;
use crate::client::own_profiles::{OwnProviders, is_kept_there};
use crate::client::sidecar_lock;
use crate::client::stores::{Effective, EffectiveProfile, Generation, Kept, StoredProfile};
use crate::error::Code;
use crate::messages::stores as messages;
use crate::select::assemble::{Input, OfProvider, Overview};
use crate::select::generation::Chosen;
use crate::select::order::{Choice, waiting};
use crate::select::phrases;
use crate::select::profile::{ProfileView, Usable};
use crate::select::report::{Only, Unusable};
use crate::select::state::Orders;
use crate::select::verdict::VerdictKind;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Named, ProfileId, Provider, Reference};
use crate::vault::index;

/// The client's name in a report.
pub const NAME: &str = "openclaw";
/// How long the stores of all agents may take. One that another program holds takes up to two seconds.
const READING: Duration = Duration::from_secs(5);

/// What the client has in its own stores for an agent.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfClient {
    /// The client.
    pub name: &'static str,
    /// The providers that have profiles there.
    pub providers: Vec<ClientProvider>,
    /// Who holds the client's lock on its profiles, up to 2026.6.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<ClientLock>,
    /// Everything above, without what changes with time alone.
    #[serde(skip)]
    pub state: String,
}

/// The client's profiles of a provider.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientProvider {
    /// The provider.
    pub provider: String,
    /// The profile that the client uses next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// All of them, the next ones first.
    pub profiles: Vec<ClientProfile>,
}

/// A profile of the client.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientProfile {
    /// Its id.
    pub profile_id: String,
    /// The place of its secret.
    #[serde(flatten)]
    pub place: Place,
    /// The shared profile with the same id, which the client does not use for this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadows: Option<Place>,
    /// Its expiry, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The verdict of the client's own order and state.
    pub verdict: VerdictKind,
    /// Why it is not eligible: a reason code, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The verdict for people.
    pub phrase: String,
    /// When it is available again, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// Where the secret of a client's profile is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file of the store.
    pub store: String,
    /// How the store keeps it.
    pub kept: KeptAs,
    /// What it refers to: `<source>:<id>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// How a store of the client keeps a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptAs {
    /// In plain text.
    Plaintext,
    /// In plain text: a sign-in that the client renews.
    SignIn,
    /// As a reference to a vault of Strongroom.
    Strongroom,
    /// As a reference to something else.
    Reference,
    /// Not at all.
    Missing,
}

/// Who holds the client's lock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ClientLock {
    /// The lock's file.
    pub path: String,
    /// The process that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Whether that process is gone, so that the client takes the lock over.
    pub stale: bool,
}

/// What was read of the client's stores.
pub(super) struct Read {
    /// For the report, if the client has the agent and stores.
    pub(super) shown: Option<OfClient>,
    pub(super) unusable: Vec<Unusable>,
    pub(super) own: OwnProviders,
    /// Whether a credential of its own can be used now.
    pub(super) has_own: bool,
    /// The providers whose profiles of another agent of the vault the client uses for this one.
    pub(super) referred: BTreeSet<Provider>,
}

impl Read {
    fn nothing(own: OwnProviders) -> Self {
        Self { shown: None, unusable: Vec::new(), own, has_own: false, referred: BTreeSet::new() }
    }

    /// Reads the client's stores for an agent. One that cannot be read is a warning.
    pub(super) fn of(
        around: &Surroundings,
        vault: Option<&Vault>,
        agent: &AgentName,
        asked: &Asked,
        now: i64,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        let generation = around.installation.generation();
        if generation == Generation::None {
            return Self::nothing(OwnProviders::Known(BTreeSet::new()));
        }
        let spent = around.spent.get();
        if spent > READING {
            warnings.push(Warning::ClientStore(messages::no_time_left(agent, READING.as_secs())));
            return Self::nothing(OwnProviders::Unknown);
        }
        let begun = Instant::now();
        let used = around.installation.effective(agent);
        around.spent.set(spent + begun.elapsed());
        let used = match used {
            Ok(used) => used,
            Err(error) => {
                // A store that is only busy may have a credential. The client cannot use one that is damaged either.
                let is_busy = matches!(error.code(), Code::LockTimeout | Code::Timeout);
                warnings.push(Warning::ClientStore(error));
                let none = OwnProviders::Known(BTreeSet::new());
                return Self::nothing(if is_busy { OwnProviders::Unknown } else { none });
            }
        };
        let there = around.installation.agent(agent);
        if there.is_some() {
            warnings.extend(used.state_error.iter().cloned().map(Warning::ClientStore));
            warnings.extend(plaintext_in(&used));
        }
        let views: Vec<_> =
            used.profiles.iter().filter_map(view).filter(|view| asked.is_about(view)).collect();
        let lock = there.filter(|_| generation == Generation::Json);
        let lock = lock.and_then(|there| sidecar_lock::held(&there.directory.join(index::FILE), now));
        let lock = lock.map(|held| ClientLock { path: shown(&held.path), pid: held.pid, stale: held.stale });
        let usable = |one: &&EffectiveProfile| {
            is_kept_there(&one.profile) && one.profile.expires.is_none_or(|expires| expires > now)
        };
        let unusable = views.iter().filter_map(|view| {
            let verdict = waiting(view, &used.state, asked.model.as_ref(), now)?;
            Some(Unusable { client: Some(NAME), ..Unusable::of(view, &verdict, now)? })
        });
        Self {
            unusable: unusable.collect(),
            own: OwnProviders::of(&used),
            has_own: used.profiles.iter().any(|one| usable(&one)),
            referred: vault.map(|vault| referred(vault, agent, &used)).unwrap_or_default(),
            shown: there.map(|_| of_client(around, agent, asked, (&used, &views), lock, now)),
        }
    }
}

/// Returns a warning of secrets in plain text, also in shared profiles that the agent does not use.
fn plaintext_in(used: &Effective) -> Option<Warning> {
    let shadowed =
        |one: &EffectiveProfile| one.shadows.as_ref().is_some_and(|(profile, _)| profile.holds_secret());
    let profiles = used.profiles.iter().enumerate();
    let plain = profiles.filter(|(_, one)| one.profile.holds_secret() || shadowed(one));
    let names: Vec<_> = plain.map(|(at, one)| one.profile.shown(at)).collect();
    (!names.is_empty()).then_some(Warning::ClientPlaintext(names))
}

/// Returns a profile of the client for selection. One that the client would drop has none.
fn view(one: &EffectiveProfile) -> Option<ProfileView> {
    let profile = &one.profile;
    let id: ProfileId = profile.id.parse().ok()?;
    let missing = matches!(profile.secret, Kept::Nowhere);
    Some(ProfileView {
        provider: profile.provider.parse().unwrap_or_else(|_| id.provider()),
        expires: profile.expires,
        usable: if missing { Usable::Missing } else { Usable::Unverified },
        ..ProfileView::new(id, profile.kind?)
    })
}

/// Selects among the client's profiles by its own order and state.
fn of_client(
    around: &Surroundings,
    agent: &AgentName,
    asked: &Asked,
    (used, views): (&Effective, &[ProfileView]),
    lock: Option<ClientLock>,
    now: i64,
) -> OfClient {
    let (none, orders, rules) = (config_auth::none(), Orders::new(), Chosen::default());
    let config = around.found.config.as_ref();
    let overview = Overview::of(Input {
        home: "",
        agent,
        store_path: "",
        profiles: views,
        orders: &orders,
        state: &used.state,
        policy: config.map_or(&none, |config| &config.selection),
        session: None,
        model: asked.model.as_ref(),
        rules: &rules,
        lacking: &[],
        only: &Only::All,
        of_client: &[],
        endpoints: &[],
        warnings: &[],
        now,
        warn_after_ms: asked.warn_after_ms,
        unlocked_until: None,
        serving: None,
        elsewhere: &[],
        beside: false,
        has_vault: false,
    });
    let by_id: BTreeMap<&str, _> = used.profiles.iter().map(|one| (one.profile.id.as_str(), one)).collect();
    let mut state = String::new();
    let of_provider = |of: &OfProvider<'_>| {
        let profile = |choice: &Choice<'_>| {
            let one = by_id.get(choice.id.as_str())?;
            let place = Place::of(&one.profile, &one.store.path);
            // Writing to a String cannot fail.
            let _ = writeln!(state, "{} {:?} {:?}", choice.id, choice.verdict, place);
            Some(ClientProfile {
                profile_id: choice.id.to_string(),
                shadows: one.shadows.as_ref().map(|(profile, store)| Place::of(profile, &store.path)),
                expires_at: one.profile.expires,
                verdict: choice.verdict.kind(),
                reason: choice.verdict.reason().map(str::to_owned),
                phrase: phrases::verdict(&choice.verdict, now),
                until: choice.verdict.until(),
                place,
            })
        };
        ClientProvider {
            provider: of.provider.to_string(),
            next: of.selected.next().map(|choice| choice.id.to_string()),
            profiles: of.selected.choices.iter().filter_map(profile).collect(),
        }
    };
    let providers = overview.providers.iter().map(of_provider).collect();
    OfClient { name: NAME, providers, lock, state }
}

impl Place {
    fn of(profile: &StoredProfile, store: &std::path::Path) -> Self {
        let (kept, reference) = match &profile.secret {
            Kept::Plain(_) => (KeptAs::Plaintext, None),
            Kept::SignIn => (KeptAs::SignIn, None),
            Kept::Nowhere => (KeptAs::Missing, None),
            Kept::Reference(reference) => {
                let kept = if reference.is_to_strongroom() { KeptAs::Strongroom } else { KeptAs::Reference };
                (kept, Some(foreign(&format!("{}:{}", reference.source, reference.id))))
            }
        };
        Self { store: shown(store), kept, reference }
    }
}

/// Returns the providers of profiles that the client uses for this agent and that another agent of the vault has: up to
/// 2026.6.1 every agent also uses those of `main`, later the shared ones.
fn referred(vault: &Vault, agent: &AgentName, used: &Effective) -> BTreeSet<Provider> {
    let mut asked: BTreeMap<AgentName, Vec<ProfileId>> = BTreeMap::new();
    for one in &used.profiles {
        let Kept::Reference(reference) = &one.profile.secret else { continue };
        if !reference.is_to_strongroom() {
            continue;
        }
        let Ok(Reference::Profile(readings)) = reference.id.parse() else { continue };
        for reading in readings {
            let of = reading.agent.unwrap_or_default();
            if let (Named::Id(id), true) = (reading.profile, of != *agent) {
                asked.entry(of).or_default().push(id);
            }
        }
    }
    let mut found = BTreeSet::new();
    for (of, ids) in asked {
        let Ok(Some(index)) = vault.agent(&of).map(|of| of.and_then(|of| of.index().ok())) else { continue };
        let entries = ids.iter().filter_map(|id| index.entry(id.as_str()));
        found.extend(entries.filter(|entry| entry.mark.is_some()).filter_map(|entry| entry.provider()));
    }
    found
}

impl ClientProfile {
    /// Returns whether there is something to say about it apart from where it is.
    #[must_use]
    pub fn is_notable(&self) -> bool {
        self.shadows.is_some()
            || matches!(self.verdict, VerdictKind::Cooldown | VerdictKind::Disabled)
            || self.place.kept == KeptAs::Plaintext
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_without_a_secret_or_a_type_is_not_used() {
        let store = r#"{"profiles":{
            "a:x": {"type":"api_key","provider":"a","key":"made-up"},
            "a:y": {"type":"api_key","provider":"a"},
            "a:z": {"provider":"a","key":"made-up"},
            "no id": {"type":"api_key","provider":"a","key":"made-up"}}}"#;
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".openclaw/agents/main/agent");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("auth-profiles.json"), store).unwrap();
        let env = crate::env::Env::default().with_var("HOME", home.path());
        let installation = crate::client::stores::Installation::of(&env, None);
        let used = installation.effective(&AgentName::default()).unwrap();
        let views: Vec<_> = used.profiles.iter().filter_map(view).collect();
        let found: Vec<_> = views.iter().map(|view| (view.id.as_str(), view.usable)).collect();
        assert_eq!(found, [("a:x", Usable::Unverified), ("a:y", Usable::Missing)]);
        assert!(matches!(plaintext_in(&used), Some(Warning::ClientPlaintext(names)) if names.len() == 3));
    }
}
