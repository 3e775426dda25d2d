//! How a request with a profile went: noted for the next choice. Needs no unlocking.

use serde::Serialize;

use super::ambient::Ambient;
use super::list::Listing;
use super::state::change;
use crate::client::state_file::StateFile;
use crate::error::Result;
use crate::select::backoff::{BackoffPolicy, Failed, Failure, after_success};
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
    /// The profile that it was made with.
    pub profile: ProfileId,
    /// The provider of the profile.
    pub provider: Provider,
    /// What it failed of, if it was not served.
    pub failure: Option<Failure>,
    /// The model that it was for.
    pub model: Option<Model>,
    /// The session that it was for.
    pub session: Option<SessionName>,
}

/// What a report came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Noted {
    /// A failure was noted.
    Failure,
    /// A success was noted.
    Success,
    /// Nothing was: failures of the provider make no profile wait.
    Exempt,
}

/// What stands in the state behind a report.
#[derive(Clone, Debug)]
pub struct Reported {
    /// What was noted.
    pub noted: Noted,
    /// What the profile has to its account now.
    pub usage: Usage,
    /// What the profile waits for now.
    pub waits_for: Option<Verdict>,
    /// When it was noted, in Unix milliseconds.
    pub now: i64,
}

/// Notes how a request went. `None` if the agent does not have the profile any more.
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
    let Request { profile: id, provider, failure, model, session } = request;
    // It may have been renamed or removed while the lock was waited for.
    if provider_of(vault, agent, id, ambient)?.is_none() {
        return Ok(None);
    }
    // Behind the wait for the lock, so that reports are reckoned in the order in which they are noted.
    let now = ambient.env.now();
    let mut noted = Noted::Exempt;
    let file = change(&found, |file| {
        let before = file.state.usage(id).cloned().unwrap_or_default();
        let after = match failure {
            Some(failure) => {
                let failed = Failed { provider, failure: *failure, model: model.as_ref() };
                policy.after_failure(&before, failed, now)
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

/// An automatic pin follows what served the session; one that a person set stays.
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

/// Finds the provider of a profile; `None` if it is not in the agent's index.
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
