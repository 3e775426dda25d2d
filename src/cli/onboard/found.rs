//! What `onboard` finds outside the vault, and what to do next.

use super::super::{Context, importing};
use crate::client::program::Program;
use crate::client::sources::Found;
use crate::client::stores::Installation;
use crate::doctor::client::Client;
use crate::error::{Code, Result};
use crate::messages::cli::setup as messages;
use crate::ops::open::Open;
use crate::term::escape::safe;
use crate::term::secret_input;
use crate::transfer::{ParseOptions, Parsed, environment, installation};
use crate::vault::id::AgentName;

/// Offers to store what is found outside the vault: in the environment, in OpenClaw's `.env` and configuration, and in
/// the stores of each of its agents. Returns whether the person wants to add another credential.
pub(super) fn take(context: &mut Context, open: &mut Open<'_>) -> Result<bool> {
    let (parsed, is_in_use) = look(context);
    let Some(parsed) = parsed.filter(|parsed| !parsed.candidates.is_empty()) else { return Ok(true) };
    context.say(messages::FOUND_KEYS);
    for candidate in &parsed.candidates {
        let agent = candidate.agent.as_ref().filter(|agent| **agent != AgentName::default());
        let of = agent.map(|agent| format!("{agent}/")).unwrap_or_default();
        context.say(&format!("  {of}{}  {}", candidate.id, safe(&candidate.place)));
    }
    if !secret_input::confirm(messages::STORE_THEM)? {
        return Ok(true);
    }
    importing::take(context, open, parsed, is_in_use)?;
    match secret_input::confirm(messages::ADD_ANOTHER) {
        // What was found is stored by now, so an interrupt is no failure.
        Err(error) if error.code() == Code::Cancelled => Ok(false),
        answer => answer,
    }
}

/// Returns what is found, and whether OpenClaw itself uses it. A store that cannot be read is warned of, and keeps nothing
/// else from being found.
fn look(context: &Context) -> (Option<Parsed>, bool) {
    let found = Found::look_here(&context.env, false);
    let client = Installation::of(&context.env, found.config.as_ref());
    if !client.stores().is_empty() {
        match installation::parse(&client, &found, &ParseOptions::default()) {
            Ok(parsed) => return (Some(parsed), true),
            Err(error) => context.warn(error.what()),
        }
    }
    (environment::parse(&found).ok(), false)
}

/// Says what comes after `onboard`.
pub(super) fn next_steps(context: &Context) {
    context.say(messages::NEXT);
    let client = Client::look(&context.env, None, None);
    if client.has_plaintext() {
        context.say(messages::NEXT_MIGRATE);
    } else if !client.is_connected() && (client.is_there() || Program::find(&context.env).is_some()) {
        context.say(messages::NEXT_CONNECT);
    }
    for line in messages::NEXT_STEPS {
        context.say(line);
    }
}
