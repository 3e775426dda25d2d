//! `remove`: removes a profile. The secret stays valid at its provider.

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::messages::cli::keys::profiles as messages;
use crate::ops::profiles;

/// Remove a profile from the vault
///
/// The secret stays valid until it is revoked at its provider.
#[derive(Debug, Args)]
pub struct Remove {
    /// Profile to remove
    #[arg(value_name = "ID")]
    id: String,
    /// Do not ask for confirmation
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(context: &mut Context, args: &Remove) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let agent = open.agent.clone();
    profiles::check_agent(&open, &profile)?;
    context.confirm(args.yes, &messages::remove(profile.as_str(), agent.as_str()))?;
    profiles::remove(&mut open, &profile)?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": agent.as_str(), "profileId": profile.as_str(), "result": "removed",
        }))?;
        return Ok(0);
    }
    context.print(&messages::removed(profile.as_str()))?;
    context.say(&messages::still_valid(profile.provider().as_str()));
    Ok(0)
}
