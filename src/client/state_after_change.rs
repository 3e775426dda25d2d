//! Updates the run-time state after a change of profiles, as a step of its transaction, so that an interruption leaves
//! no stale state.

use strongroom_backends::fs::dir::Dir;

use super::state;
use super::state_file::StateFile;
use crate::error::Result;
use crate::select::backoff::after_new_secret;
use crate::vault::transaction::state_step::{Doing, StateStep};

/// Applies steps to the state in an agent's directory, or only checks them. Returns whether they change it. The caller
/// holds the agent's lock; steps are repeatable. A state that cannot be parsed is left as it is, and the caller reports
/// it.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn follow(dir: &Dir, steps: &[StateStep], doing: Doing) -> Result<bool> {
    if steps.is_empty() {
        return Ok(false);
    }
    let Ok(Some(bytes)) = dir.read_if_any(state::FILE, state::MAX) else { return Ok(false) };
    let Ok(mut file) = StateFile::parse(Some(&bytes)) else { return Ok(false) };
    let mut changed = false;
    for step in steps {
        changed |= take(&mut file, step)?;
    }
    if changed && doing == Doing::CarryOut {
        dir.replace(state::FILE, &file.to_bytes())?;
    }
    Ok(changed)
}

fn take(file: &mut StateFile, step: &StateStep) -> Result<bool> {
    match step {
        StateStep::Rename { from, to } => {
            let from = from.parse()?;
            // If it was done before, the state already has the new id.
            if file.names(&from) { file.rename(&from, &to.parse()?) } else { Ok(false) }
        }
        StateStep::Forget { profile } => file.forget(&profile.parse()?),
        StateStep::Lift { profile } => {
            let id = profile.parse()?;
            let Some(before) = file.state.usage(&id) else { return Ok(false) };
            let after = after_new_secret(before);
            if after == *before {
                return Ok(false);
            }
            file.set_usage(&id, &after)?;
            Ok(true)
        }
    }
}
