//! `rename`: gives a profile another id. Its record is encrypted again, because it is bound to its id.

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::messages::cli::keys::profiles as messages;
use crate::ops::profiles;

/// Rename a profile, in the index and in every order
#[derive(Debug, Args)]
pub struct Rename {
    /// Current id of the profile
    #[arg(value_name = "OLD")]
    old: String,
    /// New id of the profile
    #[arg(value_name = "NEW")]
    new: String,
}

pub(super) fn run(context: &mut Context, args: &Rename) -> Result<u8> {
    let (old, new) = (context.profile_id(&args.old)?, context.profile_id(&args.new)?);
    if old.provider() != new.provider() {
        return Err(messages::other_provider());
    }
    if old == new {
        return Err(messages::same_id());
    }
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let agent = open.agent.clone();
    profiles::check_agent(&open, &old)?;
    profiles::rename(&mut open, &old, &new)?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": agent.as_str(), "profileId": new.as_str(), "from": old.as_str(), "result": "renamed",
        }))?;
    } else {
        context.print(&messages::renamed(old.as_str(), new.as_str()))?;
    }
    Ok(0)
}
