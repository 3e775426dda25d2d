//! `verify`: opens and checks everything.

use clap::Args;

use super::Context;
use crate::error::{Code, Result};
use crate::vault::verify;

/// Open and check every record, index and log.
#[derive(Debug, Args)]
pub struct Verify {}

pub(super) fn run(context: &mut Context, _: &Verify) -> Result<u8> {
    let vault = context.vault()?;
    let session = context.session(&vault)?;
    let verified = verify::verify(&vault, &session)?;
    let clean = verified.is_clean();
    if context.json() {
        context.print_json(&verified)?;
        return Ok(if clean { 0 } else { Code::Findings.exit() });
    }
    for finding in &verified.findings {
        let of = finding.agent.as_ref().map_or_else(String::new, |agent| format!("agent {agent}: "));
        let mark = if finding.notice { "note" } else { "wrong" };
        let line = format!("{mark}: {of}{}", finding.what);
        context.print(&crate::term::escape::safe(&line))?;
    }
    let wrong = verified.findings.iter().filter(|finding| !finding.notice).count();
    context.print(&format!(
        "Verified {} records of {} agents and {} log lines: {}.",
        verified.records,
        verified.agents,
        verified.log_lines,
        if clean { "all is as this vault made it".to_owned() } else { format!("{wrong} findings") }
    ))?;
    Ok(if clean { 0 } else { Code::Findings.exit() })
}
