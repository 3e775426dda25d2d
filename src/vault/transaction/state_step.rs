//! The effects of a change of profiles on the run-time state, as repeatable steps of its transaction.
//!
//! The vault does not know the format of that state. The code that opens a vault provides a function that applies the
//! steps.

use serde::{Deserialize, Serialize};
use strongroom_backends::fs::dir::Dir;

use crate::error::Result;

/// One step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum StateStep {
    /// Moves the cooldowns and pins of a profile to its new id.
    Rename {
        /// The old id.
        from: String,
        /// The new id.
        to: String,
    },
    /// Removes the cooldowns and pins of a removed profile.
    Forget {
        /// The profile.
        profile: String,
    },
    /// Clears the cooldown of a profile, because it has a new secret.
    Lift {
        /// The profile.
        profile: String,
    },
}

/// What to do with steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Apply them durably.
    CarryOut,
    /// Only find out whether they would change anything.
    Look,
}

/// Applies steps to the state in an agent's directory, and returns whether they change it. Repeatable. A state that
/// cannot be parsed is left as it is, and is no error.
pub type Follow = fn(&Dir, &[StateStep], Doing) -> Result<bool>;

/// Does nothing: for a vault whose run-time state does not matter.
///
/// # Errors
/// None.
pub fn none(_: &Dir, _: &[StateStep], _: Doing) -> Result<bool> {
    Ok(false)
}
