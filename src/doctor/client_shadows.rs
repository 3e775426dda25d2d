//! Profiles that two of OpenClaw's stores have: it uses the one of the agent, and the other stays, perhaps with a secret
//! in plain text that comes back when the first is removed (observed in 2026.9.6).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Finding;
use super::client::{CHECK, Client};
use super::client_stores::joined;
use crate::client::stores::{Kept, StoredProfile};
use crate::messages::doctor::client as messages;
use crate::secret::ExposeSecret;

/// What hides what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hides {
    /// A reference hides plain text.
    Plaintext,
    /// Plain text hides a reference.
    Reference,
    /// Something else hides something else.
    Other,
}

/// Finds the profiles of each agent that hide another one.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    let mut found: BTreeMap<(PathBuf, PathBuf, Hides), Vec<String>> = BTreeMap::new();
    for agent in client.agents() {
        // A store that cannot be read is reported by its own check.
        let used = client.installation.effective(&agent.name).unwrap_or_default();
        for (at, used) in used.profiles.iter().enumerate() {
            let Some((other, file)) = &used.shadows else { continue };
            if let Some(hides) = hides(&used.profile, other) {
                let key = (used.store.path.clone(), file.path.clone(), hides);
                found.entry(key).or_default().push(used.profile.shown(at));
            }
        }
    }
    let told = |((own, other, hides), ids): ((PathBuf, PathBuf, Hides), Vec<String>)| {
        finding(&own, &other, hides, &joined(ids).unwrap_or_default())
    };
    found.into_iter().map(told).collect()
}

fn finding(own: &Path, other: &Path, hides: Hides, ids: &str) -> Finding {
    match hides {
        Hides::Plaintext => Finding::wrong(CHECK, messages::hides_plaintext(own, other, ids)),
        Hides::Reference => Finding::wrong(CHECK, messages::hides_reference(own, other, ids)),
        Hides::Other => Finding::advice(CHECK, messages::hides(own, other, ids)),
    }
}

/// Returns what a profile hides; nothing if both are the same.
fn hides(own: &StoredProfile, other: &StoredProfile) -> Option<Hides> {
    match (&own.secret, &other.secret) {
        (Kept::Reference(_), Kept::Plain(_) | Kept::SignIn) => Some(Hides::Plaintext),
        (Kept::Plain(_) | Kept::SignIn, Kept::Reference(_)) => Some(Hides::Reference),
        (Kept::Reference(own), Kept::Reference(other)) => (own != other).then_some(Hides::Other),
        (Kept::Plain(own), Kept::Plain(other)) => {
            (own.expose_secret() != other.expose_secret()).then_some(Hides::Other)
        }
        (_, Kept::Nowhere) => None,
        _ => Some(Hides::Other),
    }
}
