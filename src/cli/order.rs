//! `order get|set|clear`: shows or sets which profile of a provider is used first, without unlocking.

use clap::{Args, Subcommand};

use super::Context;
use super::context::not_a_secret;
use super::deferred::Lazy;
use crate::error::Result;
use crate::messages::cli::credentials;
use crate::messages::connect as messages;
use crate::ops::{connect, order};
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Provider};

/// Show or set which profile of a provider is used first
#[derive(Debug, Args)]
pub struct Order {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the order
    Get(Lazy<Of>),
    /// Set the order; profiles that are not named are not used
    Set(Lazy<Set>),
    /// Return to the automatic order
    Clear(Lazy<Of>),
}

#[derive(Debug, Args)]
struct Of {
    /// Provider
    #[arg(long, value_name = "P")]
    provider: String,
}

#[derive(Debug, Args)]
struct Set {
    /// Provider
    #[arg(long, value_name = "P")]
    provider: String,
    /// Profile ids, first choice first
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

pub(super) fn run(context: &mut Context, args: &Order) -> Result<u8> {
    let provider = match &args.verb {
        Verb::Get(of) | Verb::Clear(of) => &of.provider,
        Verb::Set(set) => &set.provider,
    };
    not_a_secret(provider)?;
    let provider: Provider = provider.parse()?;
    let vault = context.vault()?;
    let agent = context.agent()?;
    let (ambient, waits) = (context.ambient(), context.waits("order"));
    match &args.verb {
        Verb::Get(_) => {}
        Verb::Set(set) => {
            let mut ids = Vec::new();
            for text in &set.ids {
                let id = context.profile_id(text)?;
                if id.provider() != provider {
                    return Err(credentials::other_provider(&id, &provider));
                }
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            order::set(&vault, &agent, &provider, Some(&ids), &ambient, &waits)?;
        }
        Verb::Clear(_) => order::set(&vault, &agent, &provider, None, &ambient, &waits)?,
    }
    if !matches!(args.verb, Verb::Get(_)) && connect::may_be_connected(&vault) {
        // An order needs no key; what is written into a client's file does.
        match context.session_unasked(&vault).and_then(|session| context.open_by(&vault, session)) {
            Ok(mut open) => connect::follow(&mut open),
            Err(error) => context.warn(&messages::not_in_step(&error)),
        }
    }
    tell(context, &vault, &agent, &provider)
}

fn tell(context: &mut Context, vault: &Vault, agent: &AgentName, provider: &Provider) -> Result<u8> {
    let order = order::of_provider(vault, agent, provider, &context.ambient())?;
    let ids = order.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    if context.json() {
        context.print_json(&serde_json::json!({
            "agentId": agent.as_str(), "provider": provider.as_str(), "order": ids,
        }))?;
        return Ok(0);
    }
    let order = ids.map_or_else(|| "(none: automatic)".to_owned(), |ids| ids.join(", "));
    context.print(&format!("Agent: {agent}\nProvider: {provider}\nOrder override: {order}"))?;
    Ok(0)
}
