//! `setup-token`: makes a setup-token and stores it.

use clap::Args;

use super::Context;
use super::claude_token::{make, needs_terminal, wish};
use super::expiry_flags::Ends;
use super::storing::{self, StoreArg};
use crate::error::Result;

/// Make a token with `claude setup-token`, and store it
///
/// Runs the real `claude` on this terminal, keeps its token off the screen, and stores it. If
/// `claude` is missing or fails, you can paste the token instead. This needs a person, a terminal
/// and a browser; without a terminal, use paste-token.
#[derive(Debug, Args)]
pub struct SetupToken {
    /// Provider of the token; only anthropic has setup-tokens
    #[arg(long, value_name = "P", default_value = "anthropic")]
    provider: String,
    /// Profile id [default: anthropic:default]
    #[arg(long, value_name = "ID")]
    profile_id: Option<String>,
    #[command(flatten)]
    ends: Ends,
    /// Store to use [default: the profile's current store, or the vault's default]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
    /// Accepted because OpenClaw has it; nothing is asked before `claude` starts
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
