//! `pin`: pins a profile to a session, without unlocking.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::client;
use super::context::not_a_secret;
use super::overview::{self, Form};
use super::session_name::session_name;
use crate::client::slash::{Wish, wish};
use crate::error::Result;
use crate::messages::cli::reading;
use crate::ops::ids::not_found;
use crate::ops::pin;
use crate::ops::status::Asked;
use crate::select::pin::{Model, Pin as Pinned, PinnedBy, SessionName};
use crate::vault::home::Vault;
use crate::vault::id::AgentName;

/// Pin a profile to a session, or show the session's pin
///
/// The session uses the pinned profile only, even if the order excludes it or it is cooling down.
/// The vault is not unlocked.
#[derive(Debug, Args)]
pub struct Pin {
    /// Session name, as the client uses it
    #[arg(long, value_name = "S")]
    session: String,
    /// Remove the session's pin
    #[arg(long, conflicts_with = "wish")]
    clear: bool,
    /// [ALIAS@]ID, or a chat line: '/model sonnet@anthropic:work', '/model list', '/model status'
    #[arg(value_name = "[ALIAS@]ID", num_args = 1..)]
    wish: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    agent: &'a str,
    session: &'a str,
    pin: Option<&'a Pinned>,
}

pub(super) fn run(context: &mut Context, args: &Pin) -> Result<u8> {
    let session = session_name(&args.session)?;
    args.wish.iter().try_for_each(|word| not_a_secret(word))?;
    // A chat line may come as one argument or as several.
    let wished = (!args.wish.is_empty()).then(|| wish(&args.wish.join(" ")));
    let vault = context.vault()?;
    let agent = context.agent()?;
    match wished {
        None if args.clear => set(context, &vault, &agent, &session, None),
        None => {
            let (pin, unreadable) = pin::of_session(&vault, &agent, &session)?;
            if let Some(error) = &unreadable {
                context.warn(&client::told_state(error));
            }
            tell(context, &agent, &session, pin.as_ref())
        }
        Some(Wish::List) => overview::show(context, Form::Picks, &of_session(session)),
        Some(Wish::Status) => overview::show(context, Form::Everything, &of_session(session)),
        Some(Wish::Model(_)) => Err(reading::model_without_profile()),
        Some(Wish::Pin { model, profile }) => {
            let profile = context.profile_id(&profile)?;
            let model = model.map(|model| model.parse::<Model>()).transpose()?;
            let pin = Pinned { profile, model, source: PinnedBy::User, at: context.env.now() };
            set(context, &vault, &agent, &session, Some(&pin))
        }
    }
}

fn of_session(session: SessionName) -> Asked {
    Asked { session: Some(session), ..Asked::default() }
}

fn set(
    context: &mut Context,
    vault: &Vault,
    agent: &AgentName,
    session: &SessionName,
    pin: Option<&Pinned>,
) -> Result<u8> {
    let is_set = pin::set(vault, agent, session, pin, &context.ambient(), &context.waits("pin"))?;
    if let (false, Some(pin)) = (is_set, pin) {
        return Err(not_found(vault, agent, &pin.profile));
    }
    tell(context, agent, session, pin)
}

fn tell(context: &mut Context, agent: &AgentName, session: &SessionName, pin: Option<&Pinned>) -> Result<u8> {
    if context.json() {
        context.print_json(&Document { agent: agent.as_str(), session: session.as_str(), pin })?;
        return Ok(0);
    }
    context.print(&match pin {
        None => reading::no_pin(session, agent),
        Some(pin) if pin.source == PinnedBy::Auto => reading::last_served(session, agent, &pin.profile),
        Some(pin) => reading::pinned(session, agent, &pin.profile, pin.model.as_ref().map(Model::as_str)),
    })?;
    Ok(0)
}
