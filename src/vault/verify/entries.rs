//! Compares records with their entries in the index.

use std::collections::BTreeSet;

use super::{Seen, Verified};
use crate::messages::vault::findings as messages;
use crate::vault::agent::Agent;
use crate::vault::credential::CredentialType;
use crate::vault::generation::is_ahead;
use crate::vault::id::{Reference, quoted};
use crate::vault::index::{EXEC_PROVIDER, Entry, Index, Mark};
use crate::vault::record::Record;

pub(super) fn verify_record(
    agent: &Agent,
    Seen { record, opens, store }: &Seen,
    index: Option<&Index>,
    now: i64,
    verified: &mut Verified,
) {
    let id = record.profile.as_str();
    if !opens {
        verified.add("recovery", agent, Some(id), messages::not_recoverable(id));
    }
    if is_ahead(record.generation, now) {
        verified.note("clock", agent, Some(id), messages::from_the_future(id));
    }
    match index.map(|index| index.entry(id)) {
        None => {}
        Some(None) => {
            verified.add("unlisted", agent, Some(id), messages::not_in_index(id));
        }
        Some(Some(entry)) => {
            if entry.mark.is_none() || entry.mark != store.map(|store| Mark::of(store, record.generation)) {
                verified.add("drift", agent, Some(id), messages::store_differs(id));
            }
            for what in drift(agent, record, &entry) {
                verified.add("drift", agent, Some(id), what);
            }
        }
    }
}

/// Returns sentences about the differences between an index entry and its record, which counts.
#[must_use]
pub fn drift(agent: &Agent, record: &Record, entry: &Entry<'_>) -> Vec<String> {
    let id = &record.profile;
    let credential = &record.credential;
    let mut found = Vec::new();
    let mut say = |field: &str| found.push(messages::field_differs(field, id));
    if entry.kind != Some(credential.kind) {
        say("type");
    }
    if entry.provider().as_ref() != Some(&credential.provider) {
        say("provider");
    }
    if entry.expires != credential.expires {
        say("expiry");
    }
    if entry.email.as_deref() != credential.email.as_deref()
        || entry.display_name.as_deref() != credential.display_name.as_deref()
        || entry.copy_to_agents != credential.copy_to_agents
    {
        say("account or name");
    }
    let due = Reference::id_of(&agent.name, id);
    let referenced = credential.kind != CredentialType::OAuth;
    if (referenced && entry.reference().as_deref() != Some(&*due)) || entry.foreign_reference().is_some() {
        say("reference");
    }
    found
}

pub(super) fn verify_entry(agent: &Agent, entry: &Entry<'_>, held: &BTreeSet<&str>, verified: &mut Verified) {
    let shown = quoted(entry.id);
    let ours = entry.mark.is_some() || entry.reference().is_some();
    let there = held.contains(entry.id);
    if ours && !there {
        verified.add("missing", agent, Some(entry.id), messages::listed_and_gone(&shown));
    }
    if !there && entry.reference().is_none() && entry.foreign_reference().is_some() {
        verified.note("foreign", agent, Some(entry.id), messages::refers_elsewhere(&shown, EXEC_PROVIDER));
    }
}
