//! `doctor --explain-error`: what an error message of a client or a provider means here.

use super::Context;
use crate::doctor::explain::{Facts, explain, read};
use crate::error::{Code, Error, Result, fail};
use crate::term::stdin;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Provider};

/// The longest message that is read, in bytes.
const MESSAGE_MAX: usize = 64 * 1024;

pub(super) fn run(context: &mut Context, text: &str) -> Result<u8> {
    let text = if text == "-" {
        if context.env.stdin_tty {
            context.say("Paste the message, then Ctrl-D:");
        }
        let bytes = stdin::read_stdin(MESSAGE_MAX)?;
        String::from_utf8_lossy(bytes.expose()).into_owned()
    } else {
        super::context::not_a_secret(text)?;
        text.to_owned()
    };
    let Some(read) = read(&text) else {
        return fail(Code::NotFound, "this message is not one that Strongroom knows").map_err(|e: Error| {
            e.with_remedy("run `strongroom models status` and `strongroom doctor`; docs/guide.md has the messages that are known")
        });
    };
    let agent = context.agent()?;
    // It helps without a vault, too.
    let vault = Vault::open(&context.home()?, &context.keychain()).ok();
    let provider = read.provider.as_deref().unwrap_or("anthropic");
    let own = vault.as_ref().map(|vault| profiles_of(vault, &agent, provider)).unwrap_or_default();
    let named = read.profile.as_ref().map(ToString::to_string);
    let profile = named.as_ref().or(own.first());
    let elsewhere = vault
        .as_ref()
        .and_then(|vault| elsewhere(vault, &agent, &provider.parse().ok()?))
        .filter(|_| own.is_empty());
    let explanation = explain(
        read.known,
        &Facts {
            agent: &agent,
            provider,
            profile: profile.map(String::as_str),
            exists: profile.is_some_and(|profile| own.contains(profile)),
            elsewhere: elsewhere.as_deref(),
        },
    );
    if context.json() {
        context.print_json(&explanation)?;
        return Ok(0);
    }
    let mut lines = vec![explanation.meaning];
    lines.extend(explanation.remedy.iter().map(|step| format!("  → {step}")));
    context.print(&lines.join("\n"))?;
    Ok(0)
}

/// The ids of an agent's profiles of a provider: as its order has them, else as its index does.
pub(super) fn profiles_of(vault: &Vault, agent: &AgentName, provider: &str) -> Vec<String> {
    let index = vault.agent(agent).ok().flatten().and_then(|found| found.index().ok());
    let Some(index) = index else { return Vec::new() };
    let order = provider.parse().ok().and_then(|provider| index.order(&provider)).unwrap_or_default();
    let mut ids: Vec<String> = index
        .entries()
        .filter(|entry| entry.provider.as_ref().is_some_and(|of| of.as_str() == provider))
        .map(|entry| entry.id.clone())
        .collect();
    ids.sort_by_key(|id| order.iter().position(|ordered| ordered.as_str() == id).unwrap_or(usize::MAX));
    ids
}

/// Who else has a profile of a provider, and what to do about it.
pub(super) fn elsewhere(vault: &Vault, agent: &AgentName, provider: &Provider) -> Option<String> {
    let others = vault.agents().ok()?;
    let (other, id) = others.into_iter().filter(|other| other != agent).find_map(|other| {
        let id = profiles_of(vault, &other, provider.as_str()).into_iter().next()?;
        Some((other, id))
    })?;
    Some(format!(
        "agents share nothing; agent {other} has {id}: use --agent {other}, or paste it for agent {agent} too"
    ))
}
