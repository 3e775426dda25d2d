//! `verify`: decrypts and checks everything.

use clap::Args;

use super::Context;
use super::check_exit::found;
use crate::error::Result;
use crate::messages::cli::keys::checks as messages;
use crate::term::escape::safe;
use crate::vault::verify;

/// Decrypt and check every profile, index and log
#[derive(Debug, Args)]
pub struct Verify {}

pub(super) fn run(context: &mut Context, _: &Verify) -> Result<u8> {
    let vault = context.vault()?;
    let waits = context.waits("verify");
    let mut session = context.session(&vault)?;
    let look = vault.keys_settled(&mut session, &waits)?;
    let mut verified = verify::verify(&vault, &session, &look.waits(&waits))?;
    if let Some(what) = look.told() {
        let finding =
            verify::Finding { kind: "busy", agent: None, profile: None, what, remedy: None, notice: true };
        verified.findings.insert(0, finding);
    }
    drop(look);
    let wrong = verified.findings.iter().filter(|finding| !finding.notice).count();
    if context.json() {
        context.print_json(&verified)?;
        return found(wrong);
    }
    for finding in &verified.findings {
        let of = finding.agent.as_ref().map_or_else(String::new, |agent| format!("agent {agent}: "));
        let mark = if finding.notice { "note" } else { "wrong" };
        let line = format!("{mark}: {of}{}", finding.what);
        context.print(&safe(&line))?;
        if let Some(remedy) = &finding.remedy {
            context.print(&format!("  → {}", safe(remedy)))?;
        }
    }
    context.print(&messages::verified(verified.records, verified.agents, verified.log_lines, wrong))?;
    found(wrong)
}
