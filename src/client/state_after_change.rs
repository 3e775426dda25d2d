//! What follows in the run-time state from a change of profiles: carried out as a step of its
//! transaction, so that a kill between leaves nothing behind.

use strongroom_backends::fs::dir::Dir;

use super::state;
use super::state_file::StateFile;
use crate::error::Result;
use crate::select::backoff::after_new_secret;
use crate::vault::transaction::state_step::{Doing, StateStep};

/// Carries steps out on the state in an agent's directory, or looks what they would do; whether they change it. Under the
/// agent's lock; repeatable. A state that cannot be understood is left as it is: whoever made the change
/// tells.
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
            // Done before, the new id's is what was the old one's.
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
