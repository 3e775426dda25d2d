//! `unlock`: keeps the vault's keys in the kernel's keyring for a time.

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::messages::cli::keys as messages;
use crate::messages::serve;
use crate::ops::serving;
use crate::time::{local, parse_duration};
use crate::unlock::cache::{self, Place, TTL_MAX, TTL_MIN, Wanted};
use crate::vault::home::Vault;
use crate::vault::id::AgentName;

/// Unlock the vault for a time, so that no command asks for its passphrase
///
/// The vault's keys are kept in the kernel's keyring: no file holds them, no process stays running, and only your
/// processes can read them. With --agent, only that agent's key is kept, and nothing else is unlocked. Commands that
/// take secrets out (export, recovery-key) or change keys or unlock methods still ask.
#[derive(Debug, Args)]
pub struct Unlock {
    /// Stay unlocked for this long, from 1s to 24h
    #[arg(long, value_name = "TIME", default_value = "15m")]
    ttl: String,
    /// Unlock for this login session only, not for your others
    #[arg(long)]
    session: bool,
}

pub(super) fn run(context: &mut Context, args: &Unlock) -> Result<u8> {
    let ttl = parse_duration("--ttl", &args.ttl)?;
    if !(TTL_MIN..=TTL_MAX).contains(&ttl) {
        return Err(messages::ttl_bounds());
    }
    let agent = context.agent_by_hand()?;
    let vault = context.vault()?;
    // Fail before anyone types a passphrase.
    let place = if args.session { Place::Session } else { Place::User };
    cache::check(place)?;
    agent.iter().try_for_each(|agent| check_agent(&vault, agent))?;
    let session = context.session_afresh(&vault)?;
    let unlocked = session.unlocked()?;
    let store = vault.default_store(&session);
    let by_hand = agent;
    let agent = by_hand.as_ref().map(AgentName::as_str);
    let wanted = Wanted { agent, store: store.as_str(), place, ttl };
    let until = cache::store(vault.home().path(), unlocked, &wanted, context.env.now())?;
    let heard = serving::unlock(&vault, by_hand.as_ref());
    if context.json() {
        let mut document = serde_json::json!({ "method": unlocked.payload.method, "until": until });
        if let Some(agent) = agent {
            document["agent"] = agent.into();
        }
        if args.session {
            document["session"] = true.into();
        }
        context.print_json(&document)?;
        return Ok(0);
    }
    context.print(&messages::unlocked(agent, &local(until), &unlocked.from))?;
    context.say(&messages::unlocked_for(agent, args.session));
    for agent in &heard.servers {
        context.say(&serve::unlocks_server(agent));
    }
    for process in &heard.programs {
        context.say(&serve::unlocks_program(*process));
    }
    Ok(0)
}

/// Fails if the agent does not exist.
fn check_agent(vault: &Vault, agent: &AgentName) -> Result<()> {
    if vault.agent(agent)?.is_some() {
        return Ok(());
    }
    Err(messages::no_agent(agent.as_str()))
}
