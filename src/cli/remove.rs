//! `remove`: removes a profile. That is not revocation.

use clap::Args;

use super::Context;
use super::report::pinned_by_hand;
use crate::error::Result;
use crate::ops::ids::not_found;
use crate::vault::transaction::change::Change;

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
    if vault.agent(&agent)?.is_none() {
        return Err(not_found(&vault, &agent, &profile));
    }
    context.confirm(args.yes, &format!("Remove {profile} of agent {agent}?"))?;
    let writer = open.writer_without_secrets("remove")?;
    let reader = writer.reader()?;
    let sealed = reader.holds(&profile)?;
    let listed = reader.index()?.contains(profile.as_str());
    if !sealed && !listed {
        return Err(not_found(&vault, &agent, &profile));
    }
    // A record that does not open can be removed all the same.
    let generation = reader.entry(&profile)?.map_or(0, |entry| entry.generation);
    let pinned = pinned_by_hand(&writer.agent, &profile);
    let mut change = Change::default();
    change.remove(&profile, generation);
    let outcome = writer.commit(change)?;
    match pinned {
        Ok(pinned) => {
            for session in pinned {
                context.warn(&format!("session {session} was pinned to {profile}: its pin is gone, too"));
            }
        }
        Err(error) => context.warn(&format!("cooldowns and pins still name {profile}: {}", error.what())),
    }
    drop(writer);
    open.committed(&outcome);
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
