//! `setup-token`: makes a setup-token, and stores it.

use clap::Args;

use super::Context;
use super::claude_token::{make, needs_terminal, wish};
use super::expiry_flags::Ends;
use super::storing::{self, StoreArg};
use crate::error::Result;

/// Make a setup-token with `claude setup-token`, and store it.
///
/// Runs the real `claude` on this terminal, keeps its token from the screen, and stores it. Where
/// there is no `claude`, or it fails, the token can be pasted. It needs a person, a terminal and a
/// browser; without a terminal use paste-token.
#[derive(Debug, Args)]
pub struct SetupToken {
    /// Whom the token is for; setup-tokens are Anthropic's
    #[arg(long, value_name = "P", default_value = "anthropic")]
    provider: String,
    /// The profile's id [default: anthropic:default]
    #[arg(long, value_name = "ID")]
    profile_id: Option<String>,
    #[command(flatten)]
    ends: Ends,
    /// Where the record is to rest [default: where it rests already, else the vault's store]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
    /// Accepted, as OpenClaw has it: nothing is asked before `claude` starts
    #[arg(long, hide = true)]
    yes: bool,
}

pub(super) fn run(context: &mut Context, args: &SetupToken) -> Result<u8> {
    let wish = wish(context, &args.provider, args.profile_id.as_deref(), &args.ends, args.store)?;
    needs_terminal(context, &wish)?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    storing::keep_what_is_there(context, &open, &wish, false)?;
    make(context, &mut open, wish)?.tell(context)
}
