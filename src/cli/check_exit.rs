//! The result of a check.

use crate::error::Result;
use crate::messages::cli::keys::checks as messages;

/// Returns the exit status of a check, or an error if it found problems.
pub(super) fn found(wrong: usize) -> Result<u8> {
    match wrong {
        0 => Ok(0),
        n => Err(messages::problems(n)),
    }
}
