//! `remove`: removes a profile. That is not revocation.

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::ops::profiles;

/// Remove a profile from the vault.
///
/// The secret stays valid until it is revoked at its provider.
#[derive(Debug, Args)]
pub struct Remove {
    /// The profile
    #[arg(value_name = "ID")]
    id: String,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(context: &mut Context, args: &Remove) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let agent = open.agent.clone();
    profiles::check_agent(&open, &profile)?;
    context.confirm(args.yes, &format!("Remove {profile} of agent {agent}?"))?;
    profiles::remove(&mut open, &profile)?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": agent.as_str(), "profileId": profile.as_str(), "result": "removed",
        }))?;
        return Ok(0);
    }
    context.print(&format!("Removed {profile}."))?;
    context.say(&format!("The secret itself is still valid: revoke it at {}.", profile.provider()));
    Ok(0)
}
