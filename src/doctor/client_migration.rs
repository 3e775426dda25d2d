//! Files of an older OpenClaw beside a newer one, which keeps its profiles in SQLite: it stops if there are profiles to
//! migrate (`AUTH_PROFILE_MIGRATION_REQUIRED`), and no longer uses the file otherwise.

use super::Finding;
use super::client::{CHECK, Client};
use crate::client::stores::Form;
use crate::messages::doctor::client as messages;
use crate::vault::id::AgentName;

/// Finds the older files that a newer client meets.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    if !client.is_sqlite() {
        return Vec::new();
    }
    let files = client.stores.iter().filter(|store| store.file.form == Form::Json);
    files
        .map(|store| {
            let agent = store.file.agent.clone().unwrap_or_default();
            if has_profiles(client, &agent) {
                Finding::advice(CHECK, messages::old_store(&store.file.path, &agent))
            } else {
                Finding::wrong(CHECK, messages::stops_newer(&store.file.path, &agent))
            }
        })
        .collect()
}

/// Returns whether an agent already has profiles in a database. One that cannot be read counts as empty.
fn has_profiles(client: &Client<'_>, agent: &AgentName) -> bool {
    let used = client.installation.effective(agent).unwrap_or_default();
    used.profiles.iter().any(|profile| profile.store.form != Form::Json)
}
