//! Pins of sessions to profiles. Needs no unlocking.

use super::ambient::Ambient;
use super::report::provider_of;
use super::state;
use crate::error::{Error, Result};
use crate::select::pin::{Pin, SessionName};
use crate::vault::home::{LockWait, Vault};
use crate::vault::id::AgentName;

/// Returns the pin of a session, or none and the error if the state cannot be read.
///
/// # Errors
/// Those of reading the home.
pub fn of_session(
    vault: &Vault,
    agent: &AgentName,
    session: &SessionName,
) -> Result<(Option<Pin>, Option<Error>)> {
    let Some(found) = vault.agent(agent)? else { return Ok((None, None)) };
    let (state, unreadable) = state::read(&found);
    Ok((state.pins.get(session).cloned(), unreadable))
}

/// Pins a session, or with `None` removes its pin. Returns whether the agent has the profile.
///
/// # Errors
/// Those of locking, and of reading and writing the state.
pub fn set(
    vault: &Vault,
    agent: &AgentName,
    session: &SessionName,
    pin: Option<&Pin>,
    ambient: &Ambient,
    waits: &LockWait,
) -> Result<bool> {
    let is_there = || match pin {
        Some(pin) => provider_of(vault, agent, &pin.profile, ambient).map(|found| found.is_some()),
        None => Ok(true),
    };
    if !is_there()? {
        return Ok(false);
    }
    if vault.agent(agent)?.is_some() {
        let (found, _locks) = vault.lock_agent(agent, waits)?;
        // It may have been renamed or removed while this waited for the lock.
        if !is_there()? {
            return Ok(false);
        }
        state::change(&found, |file| file.set_pin(session, pin))?;
    }
    Ok(true)
}
