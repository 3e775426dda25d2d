//! Reads and changes the run-time state of an agent.

use crate::client::state;
use crate::client::state_file::StateFile;
use crate::error::{Error, Result};
use crate::messages;
use crate::select::pin::{PinnedBy, SessionName};
use crate::select::state::AuthState;
use crate::vault::agent::Agent;
use crate::vault::id::ProfileId;

/// Reads an agent's state. If it cannot be read, returns an empty one and the error.
#[must_use]
pub fn read(agent: &Agent) -> (AuthState, Option<Error>) {
    let read = agent.dir().read_if_any(state::FILE, state::MAX).map_err(Error::from);
    match read.and_then(|bytes| state::parse(bytes.as_deref())) {
        Ok(state) => (state, None),
        Err(error) => (AuthState::default(), Some(error)),
    }
}

/// Changes an agent's state. The caller holds its lock.
///
/// # Errors
/// Those of reading and writing the file, and of the edit; `TOO_LARGE`.
pub fn change(agent: &Agent, edit: impl FnOnce(&mut StateFile) -> Result<()>) -> Result<StateFile> {
    let bytes = agent.dir().read_if_any(state::FILE, state::MAX)?;
    let mut file = StateFile::parse(bytes.as_deref())?;
    edit(&mut file)?;
    let new = file.to_bytes();
    if new.len() > state::MAX {
        return Err(messages::ops::state_too_large(state::FILE));
    }
    // Without contents, a file that does not exist is not created.
    let nothing = bytes.is_none() && file.state == AuthState::default();
    if !nothing && bytes.as_deref() != Some(new.as_slice()) {
        agent.dir().replace(state::FILE, &new)?;
    }
    Ok(file)
}

/// Returns the sessions that the user has pinned to a profile.
///
/// # Errors
/// Those of reading the state: pins in a state that cannot be read do not follow a change of the profile.
pub fn pinned_by_hand(agent: &Agent, id: &ProfileId) -> Result<Vec<SessionName>> {
    let Some(bytes) = agent.dir().read_if_any(state::FILE, state::MAX)? else { return Ok(Vec::new()) };
    let file = StateFile::parse(Some(&bytes))?;
    let pinned = file.state.pins.iter().filter(|(_, pin)| pin.profile == *id && pin.source == PinnedBy::User);
    Ok(pinned.map(|(session, _)| session.clone()).collect())
}
