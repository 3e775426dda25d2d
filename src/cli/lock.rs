//! `lock`: removes what `unlock` keeps.

use std::time::Duration;

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::messages::cli::keys as messages;
use crate::unlock::cache;
use crate::vault::home::Vault;

/// Lock the vault again: remove its keys from the kernel's keyring
#[derive(Debug, Args)]
pub struct Lock {
    /// Lock all vaults
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &mut Context, args: &Lock) -> Result<u8> {
    let forgotten = if args.all { cache::forget_all()? > 0 } else { of_home(context)? };
    if context.json() {
        context.print_json(&serde_json::json!({ "forgotten": forgotten }))?;
    } else if forgotten {
        context.print(messages::locked(args.all))?;
    } else {
        context.print(messages::NOTHING_UNLOCKED)?;
    }
    Ok(0)
}

/// Removes what is cached for the home, whatever state the home is in. Opens the vault only to report a mistyped path.
fn of_home(context: &Context) -> Result<bool> {
    let home = context.home()?;
    let looked = Vault::open_damaged(&home, &context.setup(), Duration::ZERO);
    let ended = cache::forget(&home);
    if !ended.as_ref().is_ok_and(|ended| ended.caches > 0) {
        looked?;
    }
    let ended = ended?;
    if !ended.knows_vault {
        context.warn(messages::LOCKED_PATH_ONLY);
    }
    Ok(ended.caches > 0)
}
