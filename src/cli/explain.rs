//! `doctor --explain-error`: what an error message of a client or a provider means here.

use super::Context;
use crate::doctor::explain::{Facts, explain};
use crate::doctor::message::{Profile, meant, read};
use crate::error::{Code, Error, Result};
use crate::term::stdin;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::Index;

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
        return Err(Error::new(Code::NotFound, "this message is not one that Strongroom knows").with_remedy("run `strongroom models status` and `strongroom doctor`; docs/guide.md has the messages that are known"));
    };
    let agent = context.agent()?;
    // It helps without a vault, too.
    let vault = Vault::open(&context.home()?, &context.setup(), context.lock_limit()).ok();
    let own = vault.as_ref().map(|vault| profiles_of(vault, &agent)).unwrap_or_default();
    let meant = meant(&read, &own, context.env.now());
    let provider = read.provider.as_deref().and_then(|name| name.parse().ok());
    let elsewhere = match (&vault, provider) {
        (Some(vault), Some(provider)) if meant.is_empty() => elsewhere(vault, &agent, &provider),
        _ => None,
    };
    let facts = Facts { agent: &agent, meant: &meant, elsewhere: elsewhere.as_deref() };
    let explanation = explain(&read, &facts);
    if context.json() {
        context.print_json(&explanation)?;
        return Ok(0);
    }
    let mut lines = vec![explanation.meaning];
    lines.extend(explanation.remedy.iter().map(|step| format!("  → {step}")));
    context.print(&lines.join("\n"))?;
    Ok(0)
}

/// An agent's profiles, as its index has them.
fn profiles_of(vault: &Vault, agent: &AgentName) -> Vec<Profile> {
    let index = vault.agent(agent).ok().flatten().and_then(|found| found.index().ok());
    let entries = index.iter().flat_map(Index::entries);
    entries
        .filter_map(|entry| {
            let id: ProfileId = entry.id.parse().ok()?;
            let provider = entry.provider().unwrap_or_else(|| id.provider());
            Some(Profile { id, provider, kind: entry.kind?, expires: entry.expires })
        })
        .collect()
}

/// Whether an agent has a profile of a provider.
pub(super) fn has(vault: &Vault, agent: &AgentName, provider: &str) -> bool {
    profiles_of(vault, agent).iter().any(|profile| profile.provider.as_str() == provider)
}

/// Who else has a profile of a provider, and what to do about it.
fn elsewhere(vault: &Vault, agent: &AgentName, provider: &Provider) -> Option<String> {
    let others = vault.agents().ok()?;
    let (other, id) = others.into_iter().filter(|other| other != agent).find_map(|other| {
        let own = profiles_of(vault, &other).into_iter().find(|profile| profile.provider == *provider)?;
        Some((other, own.id))
    })?;
    Some(format!(
        "agents share nothing; agent {other} has {id}: use --agent {other}, or paste it for agent {agent} too"
    ))
}
