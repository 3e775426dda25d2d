//! `pin`: one profile for one session. Needs no unlocking.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::client;
use super::context::not_a_secret;
use super::overview::{self, Form};
use super::session_name::session_name;
use crate::client::slash::{Wish, wish};
use crate::error::{Code, Error, Result};
use crate::ops::ids::not_found;
use crate::ops::pin;
use crate::ops::status::Asked;
use crate::select::pin::{Model, Pin as Pinned, PinnedBy, SessionName};
use crate::vault::home::Vault;
use crate::vault::id::AgentName;

/// Pin a profile for one session, or show its pin.
///
/// A pinned profile alone serves the session, whatever order and cooldown say. Nothing is unlocked.
#[derive(Debug, Args)]
pub struct Pin {
    /// The session, as the client names it
    #[arg(long, value_name = "S")]
    session: String,
    /// Take the session's pin away
    #[arg(long, conflicts_with = "wish")]
    clear: bool,
    /// [ALIAS@]ID, or a line of a chat: '/model sonnet@anthropic:work', '/model list', '/model status'
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
        Some(Wish::Model(_)) => Err(Error::new(Code::Usage, "that names a model and no profile")
            .with_remedy(
                "a model is the client's own matter; pin a profile with /model <alias-or-id>@<profile>",
            )),
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
    let model = |pin: &Pinned| pin.model.as_ref().map(|model| format!(" with {}", model.as_str()));
    context.print(&match pin {
        None => format!("Session {session} of agent {agent} has no pin."),
        Some(pin) if pin.source == PinnedBy::Auto => {
            format!(
                "Session {session} of agent {agent} was served by {} last; it is tried first.",
                pin.profile
            )
        }
        Some(pin) => format!(
            "Session {session} of agent {agent} is pinned to {}{}.",
            pin.profile,
            model(pin).unwrap_or_default()
        ),
    })?;
    Ok(0)
}
