//! `copy`: copies a profile to another agent.

use clap::Args;

use super::Context;
use super::global::agent_name;
use crate::error::Result;
use crate::messages::cli::keys::profiles as messages;
use crate::ops::copy;

/// Copy a profile to another agent
///
/// Cooldowns, pins, orders and earlier versions are not copied. A later change of one copy does not change the other.
#[derive(Debug, Args)]
pub struct Copy {
    /// Profile to copy
    #[arg(value_name = "ID")]
    id: String,
    /// Agent that gets the copy
    #[arg(long, value_name = "A")]
    to_agent: String,
    /// Id of the copy [default: the same]
    #[arg(long = "as", value_name = "NEW")]
    new: Option<String>,
}

pub(super) fn run(context: &mut Context, args: &Copy) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let to = args.new.as_deref().map_or_else(|| Ok(profile.clone()), |new| context.profile_id(new))?;
    let agent = agent_name(&args.to_agent)?;
    if to.provider() != profile.provider() {
        return Err(messages::other_provider());
    }
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let from = std::mem::replace(&mut open.agent, agent.clone());
    if from == agent {
        return Err(messages::same_agent());
    }
    copy::copy(&mut open, &from, &profile, &to)?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": from.as_str(), "profileId": profile.as_str(), "toAgent": agent.as_str(),
            "copy": to.as_str(), "result": "copied",
        }))?;
    } else {
        context.print(&messages::copied(profile.as_str(), agent.as_str(), to.as_str()))?;
    }
    Ok(0)
}
