//! `rename`: gives a profile another id. Its record is sealed anew for the new place.

use clap::Args;

use super::Context;
use crate::error::{Code, Error, Result, fail};
use crate::ops::profiles;

/// Give a profile another id, in the index and in every order.
#[derive(Debug, Args)]
pub struct Rename {
    /// The profile
    #[arg(value_name = "OLD")]
    old: String,
    /// Its new id
    #[arg(value_name = "NEW")]
    new: String,
}

pub(super) fn run(context: &mut Context, args: &Rename) -> Result<u8> {
    let (old, new) = (context.profile_id(&args.old)?, context.profile_id(&args.new)?);
    if old.provider() != new.provider() {
        return Err(Error::new(Code::Usage, "a profile cannot be renamed to another provider's")
            .with_remedy("keep the part before the colon"));
    }
    if old == new {
        return fail(Code::Usage, "the old and the new id are the same");
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
        context.print(&format!("Renamed {old} to {new}."))?;
    }
    Ok(0)
}
