//! `lock`: removes what `unlock` keeps.

use std::time::Duration;

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::messages::cli::keys as messages;
use crate::messages::serve;
use crate::ops::serving::{self, Locking};
use crate::unlock::cache;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;

/// Lock the vault again: remove its keys from the kernel's keyring, and from servers that run
///
/// The servers of this home (`strongroom serve`, and those of programs that `run --proxy` started) keep their ports and
/// refuse requests until `strongroom unlock`.
#[derive(Debug, Args)]
pub struct Lock {
    /// Lock all vaults
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &mut Context, args: &Lock) -> Result<u8> {
    // They are told first, because what is cached may not be there at all, and waited for last.
    let locking = servers(context);
    let forgotten = if args.all { cache::forget_all().map(|count| count > 0) } else { of_home(context) };
    let heard = locking.wait();
    let forgotten = forgotten?;
    if context.json() {
        let agents: Vec<_> = heard.servers.iter().map(AgentName::as_str).collect();
        context.print_json(
            &serde_json::json!({ "forgotten": forgotten, "servers": agents, "programs": heard.programs }),
        )?;
    } else {
        for agent in &heard.servers {
            context.print(&serve::locked_server(agent))?;
        }
        for process in &heard.programs {
            context.print(&serve::locked_program(*process))?;
        }
        if forgotten {
            context.print(messages::locked(args.all))?;
        } else if heard.servers.is_empty() && heard.programs.is_empty() && heard.deaf.is_empty() {
            context.print(messages::NOTHING_UNLOCKED)?;
        }
    }
    if heard.deaf.is_empty() {
        return Ok(0);
    }
    let deaf = heard.deaf.iter().map(|deaf| (deaf.agent.as_str(), deaf.process));
    Err(serve::not_locked(&deaf.collect::<Vec<_>>()))
}

/// Tells the servers of this home to lock.
fn servers(context: &Context) -> Locking {
    let vault = context.home().and_then(|home| Vault::open_damaged(&home, &context.setup(), Duration::ZERO));
    vault.map(|(vault, _)| serving::lock(&vault)).unwrap_or_default()
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
