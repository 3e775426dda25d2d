//! Records whether a request with a profile succeeded, for the next selection. Needs no unlocking.

use serde::Serialize;

use super::ambient::Ambient;
use super::client_config::{self, Unread};
use super::list::Listing;
use super::state::change;
use crate::client::config_auth;
use crate::client::state_file::StateFile;
use crate::env::Env;
use crate::error::Result;
use crate::select::backoff::{BackoffPolicy, Failed, Failure, after_success};
use crate::select::generation::Generation;
use crate::select::order::waiting;
use crate::select::pin::{Model, Pin, PinnedBy, SessionName};
use crate::select::profile::ProfileView;
use crate::select::state::Usage;
use crate::select::verdict::Verdict;
use crate::vault::credential::CredentialType;
use crate::vault::home::{LockWait, Vault};
use crate::vault::id::{AgentName, ProfileId, Provider};

/// A request that is reported.
#[derive(Clone, Debug)]
pub struct Request {
    /// The profile that was used.
    pub profile: ProfileId,
    /// The provider of the profile.
    pub provider: Provider,
    /// Why it failed; `None` if it succeeded.
    pub failure: Option<Failure>,
    /// The requested model.
    pub model: Option<Model>,
    /// The session that made the request.
    pub session: Option<SessionName>,
    /// The version of the profile's record, if the report counts for that one alone.
    pub generation: Option<u64>,
    /// How long the provider said to wait, in milliseconds.
    pub retry_after: Option<i64>,
}

/// What a report recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Noted {
    /// A failure.
    Failure,
    /// A success.
    Success,
    /// Nothing: failures of this provider, or of this kind, cause no cooldown.
    Exempt,
}

/// The state after a report.
#[derive(Clone, Debug)]
pub struct Reported {
    /// What was recorded.
    pub noted: Noted,
    /// The counters of the profile now.
    pub usage: Usage,
    /// Why the profile is not used for now, if it is cooling down or disabled.
    pub waits_for: Option<Verdict>,
    /// When the report was recorded, in Unix milliseconds.
    pub now: i64,
}

/// Returns how failures of a provider's profiles count, and what of the client's configuration could not be read.
#[must_use]
pub fn policy(env: &Env, provider: &Provider, generation: Generation) -> (BackoffPolicy, Option<Unread>) {
    let (config, unread) = client_config::read(env);
    let limits = config.map_or_else(config_auth::none, |config| config.selection).limits(provider);
    (BackoffPolicy { generation, limits }, unread)
}

/// Records how a request went. Returns `None` if the agent no longer has the profile, or has another version of it.
///
/// # Errors
/// Those of locking, and of reading and writing the state.
pub fn report(
    vault: &Vault,
    agent: &AgentName,
    request: &Request,
    policy: &BackoffPolicy,
    ambient: &Ambient,
    waits: &LockWait,
) -> Result<Option<Reported>> {
    let (found, _locks) = vault.lock_agent(agent, waits)?;
    let Request { profile: id, provider, failure, model, session, .. } = request;
    // It may have been renamed, removed or replaced while this waited for the lock.
    let index = Listing::of(vault, agent, ambient)?.index;
    let Some(entry) = index.entry(id.as_str()) else { return Ok(None) };
    let there = entry.mark.as_ref().map(|mark| mark.generation);
    if request.generation.zip(there).is_some_and(|(used, there)| used != there) {
        return Ok(None);
    }
    // Read after the lock was taken, so that the times of reports are in the order in which they are recorded.
    let now = ambient.env.now();
    let mut noted = Noted::Exempt;
    let file = change(&found, |file| {
        let before = file.state.usage(id).cloned().unwrap_or_default();
        let after = match failure {
            Some(failure) => {
                let failed = Failed { provider, failure: *failure, model: model.as_ref() };
                let after = policy.after_failure(&before, failed, now);
                after.map(|after| waiting_as_told(after, request.retry_after, now))
            }
            None => Some(after_success(&before, now)),
        };
        let Some(after) = after else { return Ok(()) };
        noted = if failure.is_some() { Noted::Failure } else { Noted::Success };
        file.set_usage(id, &after)?;
        if failure.is_none() {
            file.set_last_good(provider, id)?;
        }
        session.as_ref().map_or(Ok(()), |session| follow(file, session, id, failure.is_some(), now))
    })?;
    let usage = file.state.usage(id).cloned().unwrap_or_default();
    let view =
        ProfileView { provider: provider.clone(), ..ProfileView::new(id.clone(), CredentialType::Token) };
    let waits_for = waiting(&view, &file.state, None, now);
    Ok(Some(Reported { noted, usage, waits_for, now }))
}

/// Lets a cooldown last as long as the provider said.
fn waiting_as_told(mut usage: Usage, retry_after: Option<i64>, now: i64) -> Usage {
    let told = retry_after.map(|wait| now.saturating_add(wait));
    usage.cooldown_until = usage.cooldown_until.map(|until| told.map_or(until, |told| until.max(told)));
    usage
}

/// Moves an automatic pin to the profile that served the session. A pin that the user set stays.
fn follow(file: &mut StateFile, session: &SessionName, id: &ProfileId, failed: bool, now: i64) -> Result<()> {
    match file.state.pins.get(session) {
        Some(pin) if pin.source == PinnedBy::User => Ok(()),
        Some(pin) if failed && pin.profile == *id => file.set_pin(session, None),
        _ if failed => Ok(()),
        _ => file.set_pin(
            session,
            Some(&Pin { profile: id.clone(), model: None, source: PinnedBy::Auto, at: now }),
        ),
    }
}

/// Returns the provider of a profile; `None` if the agent's index does not list it.
///
/// # Errors
/// Those of reading the index.
pub fn provider_of(
    vault: &Vault,
    agent: &AgentName,
    id: &ProfileId,
    ambient: &Ambient,
) -> Result<Option<Provider>> {
    let index = Listing::of(vault, agent, ambient)?.index;
    Ok(index.entry(id.as_str()).map(|entry| entry.provider().unwrap_or_else(|| id.provider())))
}
