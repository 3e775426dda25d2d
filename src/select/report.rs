//! The data of `models status`. Fields that OpenClaw also has keep its names, so that scripts written for it keep
//! working; Strongroom's own fields are under `vault` and `check`.

use serde::Serialize;

use super::health::{Check, Status};
use super::order::{Effect, OrderSource};
use super::pin::PinnedBy;
use super::profile::Usable;
use super::verdict::VerdictKind;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::record::Details;
use crate::vault::serving::Running;

/// Everything `models status` shows. It holds no secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The vault's home.
    pub home: String,
    /// The agent whose profiles these are.
    pub agent: String,
    /// What OpenClaw also reports.
    pub auth: Auth,
    /// What only Strongroom knows.
    pub vault: Vault,
    /// The outcome of `--check`.
    pub check: Check,
}

/// What a report is limited to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Only {
    /// Everything.
    #[default]
    All,
    /// A provider.
    Provider(Provider),
    /// A profile.
    Profile(ProfileId),
}

/// A provider that is in use and has no key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Lacking {
    /// The provider.
    pub provider: Provider,
    /// Agents that have a profile of it.
    pub elsewhere: Vec<AgentName>,
}

/// The `auth` section, in OpenClaw's shape.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// The index.
    pub store_path: String,
    /// Providers with OAuth or token profiles, as `<provider> (<count>)`.
    #[serde(rename = "providersWithOAuth")]
    pub providers_with_oauth: Vec<String>,
    /// Providers that are in use and have neither a profile nor a key outside the vault.
    pub missing_providers_in_use: Vec<String>,
    /// The credentials of each provider.
    pub providers: Vec<ProviderAuth>,
    /// Profiles that are cooling down or disabled.
    pub unusable_profiles: Vec<Unusable>,
    /// The status of profiles.
    pub oauth: Health,
}

/// The credentials of a provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProviderAuth {
    /// The provider.
    pub provider: String,
    /// The source of its credentials.
    pub effective: Effective,
    /// Its profiles, counted.
    pub profiles: Counts,
}

/// The source of a provider's credentials.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Effective {
    /// `profiles`.
    pub kind: &'static str,
    /// The index.
    pub detail: String,
}

/// Profiles of a provider, counted by type.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All of them.
    pub count: usize,
    /// Those of type `oauth`.
    pub oauth: usize,
    /// Those of type `token`.
    pub token: usize,
    /// Those of type `api_key`.
    pub api_key: usize,
    /// One label per profile: `anthropic:work=token:ref(exec:main/anthropic:work)`.
    pub labels: Vec<String>,
}

/// A profile that is cooling down or disabled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unusable {
    /// The profile.
    pub profile_id: String,
    /// Its provider.
    pub provider: String,
    /// `cooldown` or `disabled`.
    pub kind: VerdictKind,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The end of the window, in Unix milliseconds.
    pub until: i64,
    /// How long that is from now, in milliseconds.
    pub remaining_ms: i64,
    /// The client whose own store says so; nothing for the vault's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'static str>,
}

/// The status of profiles. OpenClaw calls the section `oauth`, and puts every type in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// How long before its expiry a credential counts as expiring, in milliseconds.
    pub warn_after_ms: i64,
    /// Every profile.
    pub profiles: Vec<ProfileHealth>,
    /// Every provider, by its worst profile.
    pub providers: Vec<ProviderHealth>,
}

/// The status of a profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileHealth {
    /// The profile.
    pub profile_id: String,
    /// Its provider.
    pub provider: String,
    /// Its type.
    #[serde(rename = "type", serialize_with = "spelled")]
    pub kind: CredentialType,
    /// Its status.
    pub status: Status,
    /// Its expiry, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// How long that is from now, in milliseconds; negative if it has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<i64>,
    /// `store`, as OpenClaw has it.
    pub source: &'static str,
    /// The id and, if known, the account.
    pub label: String,
}

/// The status of a provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderHealth {
    /// The provider.
    pub provider: String,
    /// The status of its worst profile.
    pub status: Status,
    /// The first expiry among its profiles, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// How long that is from now, in milliseconds; negative if it has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<i64>,
}

/// The `vault` section.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Vault {
    /// Whether there is a vault.
    pub exists: bool,
    /// Every profile, in the order of the index.
    pub profiles: Vec<Sealed>,
    /// The outcome of selection for each provider.
    pub providers: Vec<Selection>,
    /// Problems that do not stop the report, such as an unreadable state.
    pub warnings: Vec<String>,
    /// Until when `strongroom unlock` keeps the vault unlocked, if it does, in Unix milliseconds.
    #[serde(rename = "unlockedUntil", skip_serializing_if = "Option::is_none")]
    pub unlocked_until: Option<i64>,
    /// The server of the agent that runs, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving: Option<Running>,
    /// Agents that have what this one lacks: profiles of the provider in question, or any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
}

/// A profile and its record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// The profile.
    pub profile_id: String,
    /// Its provider.
    pub provider: String,
    /// Its type.
    #[serde(rename = "type", serialize_with = "spelled")]
    pub kind: CredentialType,
    /// Its status.
    pub status: Status,
    /// Whether its secret is usable.
    pub record: Usable,
    /// The store that holds the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The reference by which a client asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Its expiry, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The account's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its user name, hosts, helpers and note, if the record was decrypted.
    #[serde(flatten)]
    pub details: Option<Details>,
    /// What is wrong with it and what to do, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// What is wrong with a profile, and what to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trouble {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// The outcome of selection for a provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// The provider.
    pub provider: String,
    /// Whether an order is set.
    pub order: OrderKind,
    /// The source of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_from: Option<OrderSource>,
    /// The pin of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinView>,
    /// The profile that is used next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The profile that served last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<String>,
    /// Where the client sends the requests of the session in question: `default`, or the URL in its configuration,
    /// without user info, query and fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The API of the endpoint, if the configuration names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// All profiles, the next ones first.
    pub candidates: Vec<Candidate>,
}

/// How the profiles of a provider are put in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderKind {
    /// In the order that was set.
    Explicit,
    /// By type and last use.
    Automatic,
}

/// The pin of a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PinView {
    /// The session.
    pub session: String,
    /// The profile.
    pub profile_id: String,
    /// The model that was asked for with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who pinned it.
    pub source: PinnedBy,
    /// Its effect.
    pub effect: Effect,
}

/// A profile and its verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The profile.
    pub profile_id: String,
    /// The verdict.
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

// Serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn spelled<S: serde::Serializer>(kind: &CredentialType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}
