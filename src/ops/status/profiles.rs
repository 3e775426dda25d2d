//! What `status` reads of an agent before selection: its entries, records and state, and what is wrong with them.

use std::borrow::Cow;

use super::Warning;
use crate::error::{Code, Result};
use crate::messages;
use crate::ops::list::{Holds, Listing};
use crate::seal::keys::Scope;
use crate::secret_format::looks_secret;
use crate::select::profile::{ProfileView, Usable};
use crate::vault::anchor::rollback::seen_behind;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index::{Entry, Index};
use crate::vault::ledger::Book;

/// The most secrets in an index that have a warning of their own.
const EXPOSED_MAX: usize = 4;

/// Returns the entries for selection, and adds warnings of what looks like a secret in them.
pub(super) fn views_of(seen: &Listing, warnings: &mut Vec<Warning>) -> Vec<ProfileView> {
    let mut exposed = !seen.index.exposed_beside().is_empty();
    let see = |(entry, holds): (Entry<'_>, Holds)| {
        exposed |= entry.exposed || entry.plaintext;
        view(entry, holds)
    };
    let views = seen.entries().filter_map(see).collect();
    if exposed {
        warnings.extend(exposed_in(&seen.index));
    }
    views
}

/// Returns warnings of what looks like a secret in an index; at most [`EXPOSED_MAX`] and one that counts the rest.
fn exposed_in(index: &Index) -> Vec<Warning> {
    let mut told: Vec<_> = index.exposed().into_iter().map(|(_, what)| Warning::Exposed(what)).collect();
    if told.len() > EXPOSED_MAX {
        let more = told.len() - EXPOSED_MAX;
        told.truncate(EXPOSED_MAX);
        told.push(Warning::ExposedMore(more));
    }
    told
}

/// Returns sentences about a home that is older than this machine remembers, as far as that is known without a key.
pub(super) fn rolled_back(vault: &Vault, agent: &AgentName) -> Result<Vec<String>> {
    let Some(file) = vault.file() else { return Ok(Vec::new()) };
    let id = file.vault_id.as_str();
    let mut found: Vec<String> =
        seen_behind(vault.anchors(), id, &Scope::Vault, vault.home()).into_iter().collect();
    if let Some(there) = vault.agent(agent)?
        && !there.has_unfinished()?
    {
        found.extend(seen_behind(vault.anchors(), id, &Scope::Agent(agent.to_string()), there.dir()));
    }
    let there = vault.agents()?;
    found.extend(
        vault
            .anchors()
            .agents(id)
            .into_iter()
            .filter(|name| !there.iter().any(|agent| agent.as_str() == name))
            .map(messages::vault::rollback::agent_gone),
    );
    Ok(found)
}

/// Returns an entry of the index for selection; `None` if it is neither a profile of Strongroom's nor of OpenClaw's.
fn view(entry: Entry<'_>, holds: Holds) -> Option<ProfileView> {
    let id: ProfileId = entry.id.parse().ok()?;
    let mut view = ProfileView::new(id, entry.kind?);
    if !entry.is_of(&view.provider)
        && let Some(provider) = entry.provider()
    {
        view.provider = provider;
    }
    // It is shown only if the entry stands for the reference.
    if holds == Holds::Reference {
        view.foreign = entry.foreign_reference().as_deref().map(foreign);
    }
    view.expires = entry.expires;
    view.invalid_expires = entry.invalid_expires;
    view.email = entry.email.map(Cow::into_owned);
    view.store = entry.mark.map(|mark| mark.store.into_owned());
    view.usable = match holds {
        Holds::Sealed => Usable::Unverified,
        Holds::Plaintext => Usable::Plaintext,
        Holds::Reference => Usable::Reference,
        Holds::Missing | Holds::Unknown => Usable::Missing,
    };
    Some(view)
}

/// Returns a reference to another secret provider as it is shown. If its id could be a secret, that is left out.
pub(super) fn foreign(reference: &str) -> String {
    match reference.split_once(':') {
        Some((source, id)) if looks_secret(id) && !looks_secret(source) => format!("{source}:…"),
        _ if looks_secret(reference) => "…".to_owned(),
        _ => reference.to_owned(),
    }
}

/// Decrypts the records and takes type, provider and expiry from them. Returns whether the index has lost them all.
pub(super) fn verify(
    (vault, session): (&Vault, &Session),
    agent: &AgentName,
    listing: &Listing,
    views: &mut [ProfileView],
    warnings: &mut Vec<Warning>,
) -> Result<bool> {
    let Some(found) = vault.agent(agent)? else { return Ok(false) };
    let reader = found.reader(session.keys().agent(agent.as_str())?, vault.keychain())?;
    let ids: Vec<_> = views.iter().map(|view| view.id.clone()).collect();
    // A failure happens again, and is reported, for each record.
    let _ = reader.fetch(&ids.iter().collect::<Vec<_>>());
    for view in views.iter_mut().filter(|view| view.usable == Usable::Unverified) {
        view.usable = match reader.record(&view.id) {
            Ok(Some(record)) => {
                view.kind = record.credential.kind;
                view.provider = record.credential.provider.clone();
                view.expires = record.credential.expires;
                view.invalid_expires = false;
                view.details = Some(record.details);
                Usable::Verified
            }
            Ok(None) => Usable::Missing,
            Err(error) if error.code() == Code::KeychainLost => Usable::Missing,
            Err(error) if error.code() == Code::Tampered => Usable::RolledBack,
            // It may be in the keychain, which cannot be asked now.
            Err(error) if error.code().is_of_keychain() => {
                let is_told = |one: &Warning| matches!(one, Warning::KeychainUnread(told) if told.what() == error.what());
                if !warnings.iter().any(is_told) {
                    warnings.push(Warning::KeychainUnread(error));
                }
                Usable::Unverified
            }
            // The file may be sound and belong to another user.
            Err(error) if error.code() == Code::Io => {
                warnings.push(Warning::RecordUnread(error));
                Usable::Unreadable
            }
            Err(_) => Usable::Corrupt,
        };
    }
    // Without an entry, a profile in the keychain is known to the ledger alone.
    let in_ledger = || reader.book().and_then(Book::ids);
    Ok(listing.index.is_empty() && in_ledger().is_ok_and(|ids| !ids.is_empty()))
}
