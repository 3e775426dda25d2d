//! `connect --proxy`: a client gets a token for the proxy instead of secrets.

use super::connect::Parts;
use super::connect_client::Answers;
use super::context::not_a_secret;
use super::{Context, other_clients};
use crate::client::connectable::Client;
use crate::error::Result;
use crate::messages::connect::RELOAD;
use crate::messages::other_clients::no_parts;
use crate::messages::proxied as messages;
use crate::ops::open::Open;
use crate::ops::other_clients::{AskedProxy, is_local, kept, plan_proxied};
use crate::vault::serving;

pub(super) fn connect(context: &mut Context, answers: Answers, parts: &Parts, client: Client) -> Result<u8> {
    if !parts.host.is_empty() {
        return Err(messages::no_host());
    }
    if parts.name.is_some() && client != Client::Codex {
        return Err(no_parts(client.as_str()));
    }
    let providers = parts.providers.iter().map(|provider| {
        not_a_secret(provider)?;
        provider.parse()
    });
    let asked = AskedProxy {
        url: parts.url.as_deref().map(url).transpose()?,
        providers: providers.collect::<Result<_>>()?,
        profile: parts.profile.as_deref().map(|id| context.profile_id(id)).transpose()?,
        file: parts.file.clone(),
        name: parts.name.clone(),
    };
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let planned = plan_proxied(&mut open, client, &asked)?;
    let status = other_clients::carry_out(context, &vault, &mut open, answers, &planned)?;
    let agent = vault.agent(&open.agent)?;
    if !answers.dry_run && agent.as_ref().map(serving::running).transpose()?.flatten().is_none() {
        context.say(&messages::start_server(&open.agent.option()));
    }
    if !answers.dry_run && client == Client::Openclaw {
        context.say(RELOAD);
    }
    Ok(status)
}

/// Reads the address of a proxy on this machine. Returns it without a slash at its end.
fn url(text: &str) -> Result<String> {
    not_a_secret(text)?;
    let text = text.strip_suffix('/').unwrap_or(text);
    if is_local(text) { Ok(text.to_owned()) } else { Err(messages::not_an_url()) }
}

/// Returns whether OpenClaw is connected through the proxy.
///
/// # Errors
/// Those of reading the settings.
pub(super) fn has_openclaw(open: &Open<'_>) -> Result<bool> {
    Ok(kept(&open.vault.settings(open.session.keys())?, Client::Openclaw)?.is_some())
}

/// Refuses a connection with references beside one through the proxy.
///
/// # Errors
/// `EXISTS`.
pub(super) fn refuse_openclaw(open: &Open<'_>) -> Result<()> {
    if has_openclaw(open)? { Err(messages::connected_by_proxy(Client::Openclaw.as_str())) } else { Ok(()) }
}
