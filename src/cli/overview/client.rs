//! What the client has in its own stores, for `status`.

use crate::messages::cli::reading as messages;
use crate::ops::status::client::{ClientProfile, ClientProvider, KeptAs, OfClient, Place};
use crate::select::verdict::VerdictKind;
use crate::term::escape::safe;
use crate::term::table::Table;

/// How far the profiles of a provider are indented.
const INDENT: usize = 4;

/// Returns the lines about the client's own profiles; no lines if it has no profiles. Of a provider, only the profile
/// that is used next is named, and those about which there is something to say.
pub(super) fn lines(client: &OfClient) -> Vec<String> {
    let mut lines = Vec::new();
    if client.providers.is_empty() && client.lock.is_none() {
        return lines;
    }
    lines.extend([String::new(), messages::CLIENT_PROFILES.to_owned()]);
    for of in &client.providers {
        let next = of.profiles.iter().find(|profile| Some(&profile.profile_id) == of.next.as_ref());
        let next = next.map(|next| format!("{}, {}", next.profile_id, place(&next.place)));
        lines.push(format!("  {}", safe(&messages::client_uses(&of.provider, next.as_deref()))));
        lines.extend(notable(of));
    }
    if let Some(lock) = &client.lock {
        lines.push(format!("  {}", safe(&messages::client_locked(&lock.path, lock.pid, lock.stale))));
    }
    lines
}

fn notable(of: &ClientProvider) -> Vec<String> {
    let mut table = Table::default();
    for profile in of.profiles.iter().filter(|profile| profile.is_notable()) {
        let said = said(profile, of.next.as_ref() == Some(&profile.profile_id));
        if !said.is_empty() {
            table.row([profile.profile_id.as_str(), &said.join("; ")]);
        }
    }
    let mut out = String::new();
    table.write_to(&mut out, INDENT);
    out.lines().map(str::to_owned).collect()
}

/// Returns what there is to say about a profile. The place of the next one was said.
fn said(profile: &ClientProfile, is_next: bool) -> Vec<String> {
    let mut said = Vec::new();
    if !is_next && profile.place.kept == KeptAs::Plaintext {
        said.push(place(&profile.place));
    }
    if matches!(profile.verdict, VerdictKind::Cooldown | VerdictKind::Disabled) {
        said.push(profile.phrase.clone());
    }
    said.extend(profile.shadows.as_ref().map(|shadowed| messages::client_hides(&place(shadowed))));
    said
}

/// Returns where a secret is, in words.
fn place(place: &Place) -> String {
    let Place { store, kept, reference } = place;
    match (kept, reference) {
        (KeptAs::Plaintext, _) => messages::kept_in_plaintext(store),
        (KeptAs::SignIn, _) => messages::kept_as_sign_in(store),
        (KeptAs::Strongroom, _) => messages::kept_by_strongroom(store),
        (KeptAs::Reference, reference) => {
            messages::kept_by_reference(reference.as_deref().unwrap_or("…"), store)
        }
        (KeptAs::Missing, _) => messages::not_kept(store),
    }
}
