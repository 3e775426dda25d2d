//! The run-time state of an agent, read and changed.

use crate::client::state;
use crate::client::state_file::StateFile;
use crate::error::Result;
use crate::select::pin::{SessionName, Source};
use crate::vault::agent::Agent;
use crate::vault::id::ProfileId;

/// Finds the sessions that a person had pinned to a profile.
///
/// # Errors
/// Those of reading the state: what cannot be read does not follow a change of the profile.
pub fn pinned_by_hand(agent: &Agent, id: &ProfileId) -> Result<Vec<SessionName>> {
    let Some(bytes) = agent.dir().read_if_any(state::FILE, state::MAX)? else { return Ok(Vec::new()) };
    let file = StateFile::parse(Some(&bytes))?;
    let pinned = file.state.pins.iter().filter(|(_, pin)| pin.profile == *id && pin.source == Source::User);
    Ok(pinned.map(|(session, _)| session.clone()).collect())
}
