//! OpenClaw's copy of the index, up to 2026.6.1: whether it has what the vault would write.

use super::Finding;
use super::client::{CHECK, Client};
use super::client_stores::joined;
use crate::client::stores::ClientAgent;
use crate::error::Code;
use crate::messages::doctor::client as messages;
use crate::vault::home::Vault;
use crate::vault::index::mirror::Differences;
use crate::vault::index::{Index, MAX};

/// Compares the copy of each agent that the client has with the vault's index.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    let Some(vault) = client.vault.filter(|_| !client.is_sqlite()) else { return Vec::new() };
    client.agents().filter_map(|agent| of_agent(client, vault, agent)).collect()
}

fn of_agent(client: &Client<'_>, vault: &Vault, agent: &ClientAgent) -> Option<Finding> {
    let own = vault.agent(&agent.name).ok()??.index().ok()?;
    let path = agent.json();
    let there = match crate::client::file::read(&path, u64::try_from(MAX).ok()?) {
        // One that cannot be read is reported by its own check.
        Ok((bytes, _)) => Index::parse(bytes.expose()).ok()?,
        Err(error) if error.code() == Code::NoInput && client.version.is_some() => Index::default(),
        Err(_) => return None,
    };
    // A client that was never connected has no copy.
    let is_copy = there.entries().any(|entry| entry.mark.is_some() || entry.reference().is_some());
    if !is_copy && !client.is_connected() {
        return None;
    }
    let Differences { missing, outdated } = own.differences(&there);
    let (missing, outdated) = (joined(missing), joined(outdated));
    if missing.is_none() && outdated.is_none() {
        return None;
    }
    Some(Finding::wrong(CHECK, messages::stale_index(&path, missing.as_deref(), outdated.as_deref())))
}
