//! Importing: a source's bytes become candidates, and candidates become a plan.
//!
//! Everything here but [`source`], which reads a file, is a function of its arguments. Nothing opens
//! the vault; the caller tells the plan what exists there, and carries the plan out.

pub mod bounds;
pub mod bundle;
mod candidate;
mod dotenv;
pub mod environment;
mod format;
mod openclaw_entry;
mod openclaw_json;
mod plan;
mod plan_report;
mod value;

#[cfg(test)]
mod canary_tests;
#[cfg(test)]
mod openclaw_tests;
#[cfg(test)]
mod plan_tests;

pub use crate::sources::file as source;
pub use candidate::{Candidate, Invalid, Parsed, Skipped};
pub use format::Format;
pub use plan::{Action, Existing, OnConflict, Plan, PlanEntry, plan};
pub use plan_report::{EntrySummary, InvalidSummary, SkippedSummary, Summary};

use crate::error::{Code, Result, fail};

/// What to take from a source.
#[derive(Clone, Copy, Default, Debug)]
pub struct ParseOptions {
    /// Whether OAuth sign-ins are taken too. They renew themselves, so that two copies log each
    /// other out.
    pub include_oauth: bool,
}

/// Takes a source of a plaintext format apart. `what` names it in errors.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY` and `NEWER_FORMAT` for a source that cannot be read as a whole, `TOO_LARGE`
/// for one that holds more than an import may ([`bounds`]).
/// What is wrong with single entries is in [`Parsed::invalid`].
pub fn parse(bytes: &[u8], format: Format, what: &str, options: &ParseOptions) -> Result<Parsed> {
    let bytes = format::without_mark(bytes);
    let mut parsed = match format {
        Format::OpenClaw => openclaw_json::parse(bytes, what, *options)?,
        Format::Dotenv => dotenv::parse(bytes, what)?,
        Format::Bundle => {
            return fail(Code::BadData, format!("{what} is sealed and has to be opened before it is read"));
        }
    };
    if parsed.candidates.is_empty() && parsed.skipped.is_empty() && parsed.invalid.is_empty() {
        parsed.warnings.push(format!("{what} holds no credentials"));
    }
    Ok(parsed)
}
