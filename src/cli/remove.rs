//! `remove`: removes a profile. The secret stays valid at its provider.

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::messages::cli::keys::{history, profiles as messages};
use crate::ops::profiles::{self, Before};

/// Remove a profile from the vault
///
/// The secret stays valid until it is revoked at its provider.
#[derive(Debug, Args)]
pub struct Remove {
    /// Profile to remove
    #[arg(value_name = "ID")]
    id: String,
    /// The secret was revoked: remove it and all earlier versions for good
    #[arg(long)]
    revoked: bool,
    /// Do not ask for confirmation
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(context: &mut Context, args: &Remove) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, args.revoked)?;
    let agent = open.agent.clone();
    profiles::check_agent(&open, &profile)?;
    let question = if args.revoked { messages::remove_for_good } else { messages::remove };
    context.confirm(args.yes, &question(profile.as_str(), agent.as_str()))?;
    let before = if args.revoked { Before::Revoked } else { Before::Kept };
    let is_kept = profiles::remove(&mut open, &profile, before)?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": agent.as_str(), "profileId": profile.as_str(), "result": "removed",
        }))?;
        return Ok(0);
    }
    context.print(&messages::removed(profile.as_str()))?;
    if args.revoked {
        context.say(history::OUT_OF_REACH);
        return Ok(0);
    }
    context.say(&messages::still_valid(profile.provider().as_str()));
    if is_kept && context.env.stderr_tty {
        context.say(&history::can_be_undone(&agent.option(), &profile.word()));
    }
    Ok(0)
}
