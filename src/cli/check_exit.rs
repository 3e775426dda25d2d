//! How a check ends.

use crate::error::{Code, Result, fail};

/// The end of a check: an error where anything is wrong.
pub(super) fn found(wrong: usize) -> Result<u8> {
    match wrong {
        0 => Ok(0),
        1 => fail(Code::Findings, "1 thing is wrong"),
        n => fail(Code::Findings, format!("{n} things are wrong")),
    }
}
