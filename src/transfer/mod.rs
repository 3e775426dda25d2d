//! Importing: the bytes of a source become candidates, and candidates become a plan.
//!
//! Everything here except [`source`], which reads a file, is a function of its arguments. Nothing here unlocks the
//! vault: the caller tells the plan what exists there, and carries the plan out.

pub mod bounds;
pub mod bundle;
mod bundle_history;
mod bundle_out;
mod candidate;
mod decimal;
mod details;
mod dotenv;
pub mod environment;
mod expiry;
mod fields;
mod format;
pub mod installation;
mod openclaw_entry;
mod openclaw_json;
mod plan;
mod plan_report;
mod rename;
mod value;
mod variables_json;

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
pub use candidate::{Candidate, Invalid, Parsed, ProviderOrder, Skipped};
pub use format::Format;
pub use plan::{Action, Existing, OnConflict, Plan, PlanEntry, PlanOrder, plan};
pub use plan_report::{EntrySummary, InvalidSummary, OrderSummary, SkippedSummary, Summary};
pub use rename::Renames;

use crate::error::Result;
use crate::messages;
use crate::secret::encoding::decode;

/// What to import from a source.
#[derive(Clone, Copy, Default, Debug)]
pub struct ParseOptions<'r> {
    /// Whether OAuth sign-ins are imported too. They renew themselves, so that two copies log each other out.
    pub include_oauth: bool,
    /// The entries that get another id.
    pub renames: Option<&'r Renames>,
}

impl ParseOptions<'_> {
    /// Renames candidates whose ids are not in the source, such as those from variables.
    pub fn rename(&self, parsed: &mut Parsed) {
        if let Some(renames) = self.renames {
            renames.apply(parsed);
        }
    }

    /// Refuses a rename that matched no entry.
    ///
    /// # Errors
    /// `USAGE`.
    pub fn all_renamed(&self, what: &str) -> Result<()> {
        self.renames.map_or(Ok(()), |renames| renames.all_used(what))
    }
}

/// Parses a source of a plaintext format. `what` names it in errors.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY` and `NEWER_FORMAT` for a source that cannot be read as a whole, `TOO_LARGE` for one with
/// more than an import may have ([`bounds`]), `USAGE` for a rename that matched no entry. Errors of single entries are
/// in [`Parsed::invalid`].
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
            return Err(messages::transfer::still_encrypted(what));
        }
    };
    finish(&mut parsed, what, options)?;
    Ok(parsed)
}

/// Refuses a rename that matched no entry of a parsed source, and warns about an empty source.
///
/// # Errors
/// `USAGE` for a rename that matched no entry.
fn finish(parsed: &mut Parsed, what: &str, options: &ParseOptions<'_>) -> Result<()> {
    options.all_renamed(what)?;
    if parsed.candidates.is_empty() && parsed.skipped.is_empty() && parsed.invalid.is_empty() {
        parsed.warnings.push(messages::transfer::no_credentials(what));
    }
    Ok(())
}
