//! `lock`: forgets what `unlock` keeps.

use std::time::Duration;

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::unlock::cache;
use crate::vault::home::Vault;

/// Forget what `unlock` keeps in the kernel's keyring.
#[derive(Debug, Args)]
pub struct Lock {}

pub(super) fn run(context: &mut Context, _: &Lock) -> Result<u8> {
    let home = context.home()?;
    // Whatever state the home is in; only that there is a vault is looked at, for a mistyped path.
    let looked = Vault::open_damaged(&home, &context.keychain(), Duration::ZERO);
    let forgotten = cache::forget(&home);
    if !matches!(forgotten, Ok(true)) {
        looked?;
    }
    let forgotten = forgotten?;
    if context.json() {
        context.print_json(&serde_json::json!({ "forgotten": forgotten }))?;
    } else if forgotten {
        context.print("Locked: the vault's keys are forgotten.")?;
    } else {
        context.print("Nothing was unlocked by `strongroom unlock`.")?;
    }
    Ok(0)
}
