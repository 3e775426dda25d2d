//! What follows in the run-time state from a change of profiles: a repeatable step of its transaction.
//!
//! The form of that state is known above the vault, so whoever opens a vault brings along what
//! carries the steps out.

use serde::{Deserialize, Serialize};
use strongroom_backends::fs::dir::Dir;

use crate::error::Result;

/// One step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum StateStep {
    /// Cooldowns and pins of a profile go over to its new id.
    Rename {
        /// The old id.
        from: String,
        /// The new id.
        to: String,
    },
    /// Cooldowns and pins of a removed profile go.
    Forget {
        /// The profile.
        profile: String,
    },
    /// A profile has a new secret: it no longer waits for what the old one earned.
    Lift {
        /// The profile.
        profile: String,
    },
}

/// What is done with steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// They are carried out, durably.
    CarryOut,
    /// It is only told whether they would change anything.
    Look,
}

/// Carries steps out on the state in an agent's directory, and gives whether they changed it. Repeatable; a state that
/// cannot be understood is left as it is, and is no error.
pub type Follow = fn(&Dir, &[StateStep], Doing) -> Result<bool>;

/// Carries nothing out: for a vault whose state is of no concern.
///
/// # Errors
/// None.
pub fn none(_: &Dir, _: &[StateStep], _: Doing) -> Result<bool> {
    Ok(false)
}
