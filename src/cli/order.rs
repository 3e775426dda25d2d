//! `order get|set|clear`: which profile of a provider is used first. Needs no unlocking.

use clap::{Args, Subcommand};
use strongroom_backends::shown;

use super::Context;
use super::context::not_a_secret;
use super::lazy::Lazy;
use super::list::View;
use crate::error::{Code, Error, Result, fail};
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::Index;
use crate::vault::transaction::edit_index;

/// Show or set which profile of a provider is used first.
#[derive(Debug, Args)]
pub struct Order {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the order
    Get(Lazy<Of>),
    /// Set the order; profiles that it does not name are not used
    Set(Lazy<Set>),
    /// Go back to the automatic order
    Clear(Lazy<Of>),
}

#[derive(Debug, Args)]
struct Of {
    /// The provider
    #[arg(long, value_name = "P")]
    provider: String,
}

#[derive(Debug, Args)]
struct Set {
    /// The provider
    #[arg(long, value_name = "P")]
    provider: String,
    /// The profiles, first choice first
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
    match &args.verb {
        Verb::Get(_) => {}
        Verb::Set(set) => {
            let mut ids = Vec::new();
            for text in &set.ids {
                let id = context.profile_id(text)?;
                if id.provider() != provider {
                    return fail(Code::Usage, format!("{id} is not a profile of provider {provider}"));
                }
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            change(context, &vault, &agent, &provider, Some(&ids))?;
        }
        Verb::Clear(_) => change(context, &vault, &agent, &provider, None)?,
    }
    tell(context, &vault, &agent, &provider)
}

fn change(
    context: &Context,
    vault: &Vault,
    agent: &AgentName,
    provider: &Provider,
    ids: Option<&[ProfileId]>,
) -> Result<()> {
    let known = match (vault.agent(agent)?, ids) {
        (Some(found), _) => View::of(context, vault, found)?.index,
        (None, None) => return Ok(()),
        (None, Some(_)) => Index::default(),
    };
    if let Some(id) = ids.unwrap_or_default().iter().find(|id| !known.contains(id.as_str())) {
        let directory = vault.home().path_of("agents").join(agent.as_str());
        return Err(Error::new(
            Code::NotFound,
            format!("Auth profile \"{id}\" not found in {}", shown(&directory)),
        )
        .with_remedy("run `strongroom list` to see the profiles of this agent"));
    }
    let (agent, _locks) = vault.lock_agent(agent, &context.waits("order"))?;
    edit_index(&agent, |index| {
        index.set_order(provider, ids);
        Ok(())
    })
}

fn tell(context: &mut Context, vault: &Vault, agent: &AgentName, provider: &Provider) -> Result<u8> {
    let order = match vault.agent(agent)? {
        Some(found) => View::of(context, vault, found)?.index.order(provider),
        None => None,
    };
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
