//! Credentials that OpenClaw keeps in plain text in its own stores.

use super::client::{CHECK, Client, ReadStore};
use super::{Finding, Level};
use crate::client::stores::{Kept, Store, StoredProfile, is_something};
use crate::messages::doctor::FindingCode;
use crate::messages::doctor::client as messages;

/// The most names in one finding.
const NAMES_MAX: usize = 20;

/// Looks into each of the client's stores that exists.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = client.stores.iter().flat_map(in_store).collect();
    if findings.is_empty() && !client.stores.is_empty() {
        findings.push(Finding::ok(CHECK, messages::NOTHING_PLAIN));
    }
    findings
}

fn in_store(ReadStore { file, read }: &ReadStore) -> Vec<Finding> {
    let unread = |error| Finding::met(CHECK, error).coded(FindingCode::Unreadable);
    let store = match read {
        Ok(store) => store,
        Err(error) => return vec![unread(error)],
    };
    let mut findings = Vec::new();
    if let Some(names) = names_of(store, StoredProfile::holds_secret) {
        findings.push(Finding::wrong(CHECK, messages::plain(&file.path, &names)));
    }
    if let Some(names) = names_of(store, is_sign_in) {
        findings
            .push(Finding::note(CHECK, messages::sign_ins(&file.path, &names)).coded(FindingCode::SignIn));
    }
    let named = store.named.iter().filter(|one| one.value.as_ref().is_some_and(is_something));
    if let Some(names) = joined(named.enumerate().map(|(at, one)| one.shown(at)).collect()) {
        findings.push(wrong(messages::named_values(&file.path, &names)).coded(FindingCode::NamedValue));
    }
    findings.extend(store.state_error.iter().map(unread));
    findings
}

/// Returns a finding without a remedy, because no command of ours takes these values.
fn wrong(what: String) -> Finding {
    Finding { level: Level::Wrong, ..Finding::note(CHECK, what) }
}

/// Returns the ids of the profiles that fit, joined.
pub(super) fn names_of(store: &Store, fits: impl Fn(&StoredProfile) -> bool) -> Option<String> {
    let profiles = store.profiles.iter().enumerate().filter(|(_, profile)| fits(profile));
    joined(profiles.map(|(at, profile)| profile.shown(at)).collect())
}

/// Joins names, as many as one finding has room for; returns nothing without any.
pub(super) fn joined(mut names: Vec<String>) -> Option<String> {
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    (!names.is_empty()).then(|| messages::joined(&names, more))
}

/// Returns whether a profile holds a sign-in that the client renews.
pub(super) fn is_sign_in(profile: &StoredProfile) -> bool {
    matches!(profile.secret, Kept::SignIn)
}
