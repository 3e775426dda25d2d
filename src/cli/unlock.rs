//! `unlock`: keeps what reading and writing need in the kernel's keyring for a time.

use clap::Args;

use super::Context;
use crate::error::{Code, Error, Result, fail};
use crate::time::{parse_duration, rfc3339};
use crate::unlock::cache::{self, Place, TTL_MAX, TTL_MIN, Wanted};
use crate::vault::home::Vault;
use crate::vault::id::AgentName;

/// Keep the vault open for a time, so that nothing asks for its passphrase meanwhile.
///
/// The vault's keys are kept in the kernel's keyring: no file holds them, no process stays, and only
/// processes of yours can read them. With --agent only that agent's key is kept, and nothing else
/// opens. Taking secrets elsewhere (export, recovery-key) and changing keys or methods asks all the
/// same.
#[derive(Debug, Args)]
pub struct Unlock {
    /// How long, from 1s to 24h
    #[arg(long, value_name = "TIME", default_value = "15m")]
    ttl: String,
    /// Only for this login session, not for your others
    #[arg(long)]
    session: bool,
}

pub(super) fn run(context: &mut Context, args: &Unlock) -> Result<u8> {
    let ttl = parse_duration("--ttl", &args.ttl)?;
    if !(TTL_MIN..=TTL_MAX).contains(&ttl) {
        return fail(Code::Usage, "--ttl is from 1s to 24h");
    }
    let agent = context.agent_by_hand()?;
    let vault = context.vault()?;
    // Before anyone is asked for a passphrase.
    let place = if args.session { Place::Session } else { Place::User };
    cache::check(place)?;
    agent.iter().try_for_each(|agent| expect(&vault, agent))?;
    let session = context.session_afresh(&vault)?;
    let unlocked = session.unlocked()?;
    let store = vault.default_store(&session);
    let agent = agent.as_ref().map(AgentName::as_str);
    let wanted = Wanted { agent, store: store.as_str(), place, ttl };
    let until = cache::store(vault.home().path(), unlocked, &wanted, context.env.now())?;
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
    let whom = agent.map_or_else(String::new, |agent| format!(" for agent {agent}"));
    context.print(&format!("Unlocked{whom} until {}, by {}.", rfc3339(until), unlocked.from))?;
    let who = if args.session { "of this session" } else { "of yours" };
    let what = agent.map_or_else(|| "the vault".to_owned(), |agent| format!("agent {agent}"));
    context.say(&format!(
        "`strongroom lock` ends that at once. Until then every process {who} can read {what}."
    ));
    Ok(0)
}

fn expect(vault: &Vault, agent: &AgentName) -> Result<()> {
    if vault.agent(agent)?.is_some() {
        return Ok(());
    }
    Err(Error::new(Code::NotFound, format!("there is no agent {agent} in this vault"))
        .with_remedy("store its first profile before, or unlock without --agent"))
}
