//! What the client's own audit finds: `openclaw secrets audit --json`, as observed in 2026.6.1.

use std::ffi::OsStr;

use serde::Deserialize;

use super::program::Program;
use crate::error::Result;
use crate::messages::connect as messages;

/// What the audit counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Audit {
    /// Secrets in plain text.
    pub plaintext: usize,
    /// References that the client could not resolve.
    pub unresolved: usize,
}

#[derive(Deserialize)]
struct Report {
    summary: Summary,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    plaintext_count: usize,
    unresolved_ref_count: usize,
}

/// Runs the audit. The client asks this vault for every reference. `--allow-exec` is unknown to 2026.2.26, which asks
/// without it.
///
/// # Errors
/// `BAD_DATA` if it prints something else; those of running it.
pub fn run(program: &Program) -> Result<Audit> {
    for arguments in [&["secrets", "audit", "--json", "--allow-exec"][..], &["secrets", "audit", "--json"]] {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let ran = program.run(&arguments)?;
        // Its report holds file names and ids, and no secret.
        if let Ok(Report { summary }) = serde_json::from_slice(ran.output.expose()) {
            return Ok(Audit {
                plaintext: summary.plaintext_count,
                unresolved: summary.unresolved_ref_count,
            });
        }
    }
    Err(messages::odd_audit())
}
