//! Importing: a source's bytes become candidates, and candidates become a plan.
//!
//! Everything here but [`source`], which reads a file, is a function of its arguments. Nothing opens
//! the vault; the caller tells the plan what exists there, and carries the plan out.

pub mod bounds;
pub mod bundle;
mod candidate;
mod decimal;
mod dotenv;
pub mod environment;
mod expiry;
mod fields;
mod format;
mod openclaw_entry;
mod openclaw_json;
mod plan;
mod plan_report;
mod rename;
mod value;
mod variables;

#[cfg(test)]
mod canary_tests;
#[cfg(test)]
mod dotenv_answers;
#[cfg(test)]
mod dotenv_tests;
#[cfg(test)]
mod openclaw_tests;
#[cfg(test)]
mod plan_tests;

pub use crate::client::file as source;
pub use candidate::{Candidate, Invalid, Parsed, Skipped};
pub use format::Format;
pub use plan::{Action, Existing, OnConflict, Plan, PlanEntry, plan};
pub use plan_report::{EntrySummary, InvalidSummary, SkippedSummary, Summary};
pub use rename::Renames;

use crate::error::{Code, Result, fail};
use crate::secret::encoding::decode;

/// What to take from a source.
#[derive(Clone, Copy, Default, Debug)]
pub struct ParseOptions<'r> {
    /// Whether OAuth sign-ins are taken too. They renew themselves, so that two copies log each
    /// other out.
    pub include_oauth: bool,
    /// Entries that get another id.
    pub renames: Option<&'r Renames>,
}

impl ParseOptions<'_> {
    /// Renames what was read under ids of its own, as that of variables is.
    pub fn rename(&self, parsed: &mut Parsed) {
        if let Some(renames) = self.renames {
            renames.apply(parsed);
        }
    }

    /// Refuses a rename that no entry met.
    ///
    /// # Errors
    /// `USAGE`.
    pub fn all_renamed(&self, what: &str) -> Result<()> {
        self.renames.map_or(Ok(()), |renames| renames.all_used(what))
    }
}

/// Takes a source of a plaintext format apart. `what` names it in errors.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY` and `NEWER_FORMAT` for a source that cannot be read as a whole, `TOO_LARGE`
/// for one that holds more than an import may ([`bounds`]).
/// What is wrong with single entries is in [`Parsed::invalid`].
pub fn parse(bytes: &[u8], format: Format, what: &str, options: &ParseOptions<'_>) -> Result<Parsed> {
    let decoded = decode(bytes, what)?;
    let bytes = decoded.bytes();
    let mut parsed = match format {
        Format::OpenClaw => openclaw_json::parse(bytes, what, *options)?,
        Format::Dotenv => {
            let mut parsed = dotenv::parse(bytes, what)?;
            options.rename(&mut parsed);
            parsed
        }
        Format::Bundle => {
            return fail(Code::BadData, format!("{what} is sealed and has to be opened before it is read"));
        }
    };
    finish(&mut parsed, what, options)?;
    Ok(parsed)
}

/// Refuses a source, once it is taken apart, that is not what was wanted, and tells of an empty one.
///
/// # Errors
/// `USAGE` for a rename that no entry met.
fn finish(parsed: &mut Parsed, what: &str, options: &ParseOptions<'_>) -> Result<()> {
    options.all_renamed(what)?;
    if parsed.candidates.is_empty() && parsed.skipped.is_empty() && parsed.invalid.is_empty() {
        parsed.warnings.push(format!("{what} holds no credentials"));
    }
    Ok(())
}
