//! OpenClaw's own files of profiles: one that would stop a newer version, a lock that is left, references that cannot be
//! resolved, and files that others can read.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Finding;
use crate::client::config::ClientConfig;
use crate::client::sidecar_lock;
use crate::client::stores::{Form, Generation, Installation, StoreFile};
use crate::client::version::ClientVersion;
use crate::env::Env;
use crate::messages::doctor::client as messages;
use crate::vault::home::Vault;
use crate::vault::index::{Index, MAX};

const CHECK: &str = "client";
/// Permissions of a group and of others.
const GROUP_AND_OTHERS: u32 = 0o077;

/// Looks at the files of each of the client's agents.
#[must_use]
pub fn check(vault: &Vault, env: &Env) -> Vec<Finding> {
    let config = ClientConfig::of(env).ok().flatten();
    let installation = Installation::of(env, config.as_ref());
    let stores = installation.stores();
    let mut findings: Vec<Finding> = stores.iter().filter_map(exposed).collect();
    let files = || stores.iter().filter(|store| store.form == Form::Json);
    let newer = ClientVersion::installed(env).is_some_and(ClientVersion::is_sqlite);
    if newer || installation.generation() == Generation::Both {
        findings.extend(files().map(|store| {
            let agent = store.agent.as_ref().map_or("main", |agent| agent.as_str());
            Finding::wrong(CHECK, messages::stops_newer(&store.path, agent))
        }));
    }
    for store in files() {
        if let Some(held) = sidecar_lock::held(&store.path).filter(|held| held.stale) {
            findings.push(Finding::note(CHECK, messages::stale_lock(&held.path, held.pid)));
        }
        findings.extend(unresolved(vault, store));
    }
    findings
}

/// Returns a finding if others can read a store.
fn exposed(store: &StoreFile) -> Option<Finding> {
    let mode = std::fs::metadata(&store.path).ok()?.mode();
    (mode & GROUP_AND_OTHERS != 0).then(|| Finding::wrong(CHECK, messages::readable_by_others(&store.path)))
}

/// Returns a finding if a file refers to profiles that the vault does not have: a gateway up to 2026.6.1 does not start
/// with one.
fn unresolved(vault: &Vault, store: &StoreFile) -> Option<Finding> {
    let agent = store.agent.as_ref()?;
    let there = read(&store.path)?;
    let own = vault.agent(agent).ok()?.map_or_else(Index::default, |agent| agent.index().unwrap_or_default());
    let ours = there.entries().filter(|entry| entry.reference().is_some());
    let gone: Vec<_> =
        ours.filter(|entry| !own.contains(entry.id)).map(|entry| entry.id.to_owned()).collect();
    (!gone.is_empty()).then(|| Finding::wrong(CHECK, messages::unresolved(&store.path, &gone.join(", "))))
}

fn read(path: &Path) -> Option<Index> {
    let (bytes, _) = crate::client::file::read(path, u64::try_from(MAX).ok()?).ok()?;
    Index::parse(bytes.expose()).ok()
}
