//! Locks on OpenClaw's files that were left, or that are held for longer than any of its changes takes.

use super::Finding;
use super::client::{CHECK, Client};
use crate::client::sidecar_lock::{self, Held};
use crate::messages::doctor::FindingCode;
use crate::messages::doctor::client as messages;

/// Looks at the lock of each agent's file, even if the file itself is gone.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    let now = client.env.now();
    let held = client.agents().filter_map(|agent| sidecar_lock::held(&agent.json(), now));
    held.filter_map(|held| told(&held)).collect()
}

fn told(held: &Held) -> Option<Finding> {
    if held.stale {
        let what = messages::stale_lock(&held.path, held.pid);
        return Some(Finding::note(CHECK, what).coded(FindingCode::StaleLock));
    }
    let age = held.age.filter(|_| held.is_old())?;
    Some(Finding::advice(CHECK, messages::old_lock(&held.path, held.pid, age)))
}
