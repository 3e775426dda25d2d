//! Hosts and helpers: the places to which a secret may go. Each change of them is a line of the log.

use crate::error::Result;
use crate::messages;
use crate::vault::details::HOSTS_MAX;
use crate::vault::id::ProfileId;
use crate::vault::log::Event;
use crate::vault::record::Details;

/// Returns lines of the log for hosts and helpers that changed. `op` is the kind of change.
#[must_use]
pub fn events(op: &str, profile: &ProfileId, before: &Details, after: &Details) -> Vec<Event> {
    let lists = [("hosts", &before.hosts, &after.hosts), ("helpers", &before.helpers, &after.helpers)];
    let names = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    lists
        .into_iter()
        .map(|(field, before, after)| (field, names(before), names(after)))
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| Event::of_field(op, profile, field, &before, &after))
        .collect()
}

/// Adds hosts that the details do not have yet.
pub fn add_hosts(details: &mut Details, hosts: &[String]) {
    let named = details.hosts.get_or_insert_default();
    for host in hosts {
        if !named.contains(host) {
            named.push(host.clone());
        }
    }
}

/// Refuses more hosts than a record may have.
///
/// # Errors
/// `TOO_LARGE`.
pub fn check(details: &Details) -> Result<()> {
    if details.hosts.as_ref().is_some_and(|hosts| hosts.len() > HOSTS_MAX) {
        return Err(messages::ops::too_many_hosts(HOSTS_MAX));
    }
    Ok(())
}
