//! `lock`: forgets what `unlock` keeps.

use std::time::Duration;

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::unlock::cache;
use crate::vault::home::Vault;

/// Forget what `unlock` keeps in the kernel's keyring.
#[derive(Debug, Args)]
pub struct Lock {
    /// Forget it of all vaults
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &mut Context, args: &Lock) -> Result<u8> {
    let forgotten = if args.all { cache::forget_all()? > 0 } else { of_home(context)? };
    if context.json() {
        context.print_json(&serde_json::json!({ "forgotten": forgotten }))?;
    } else if forgotten {
        let keys = if args.all { "the keys of all vaults" } else { "the vault's keys" };
        context.print(&format!("Locked: {keys} are forgotten."))?;
    } else {
        context.print("Nothing was unlocked by `strongroom unlock`.")?;
    }
    Ok(0)
}

/// Ends what is cached of the home, whatever state it is in; that there is a vault is only looked at for
/// the sake of a mistyped path.
fn of_home(context: &Context) -> Result<bool> {
    let home = context.home()?;
    let looked = Vault::open_damaged(&home, &context.setup(), Duration::ZERO);
    let ended = cache::forget(&home);
    if !ended.as_ref().is_ok_and(|ended| ended.caches > 0) {
        looked?;
    }
    let ended = ended?;
    if !ended.knows_vault {
        context.warn("no file of the home tells the vault's id, so only what was unlocked at this path is forgotten; `strongroom lock --all` forgets the rest");
    }
    Ok(ended.caches > 0)
}
