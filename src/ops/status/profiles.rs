//! What `status` sees of an agent before it selects: its entries, its records, its state, and what is wrong with them.

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

/// So many findings of secrets in an index are told one by one.
const EXPOSED_MAX: usize = 4;

/// What the entries are to selection, and a warning of what looks like a secret among them.
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

/// What looks like a secret in an index. Of much only some is told here.
fn exposed_in(index: &Index) -> Vec<Warning> {
    let mut told: Vec<_> = index.exposed().into_iter().map(|(_, what)| Warning::Exposed(what)).collect();
    if told.len() > EXPOSED_MAX {
        let more = told.len() - EXPOSED_MAX;
        told.truncate(EXPOSED_MAX);
        told.push(Warning::ExposedMore(more));
    }
    told
}

/// What is known without a key if the home is older than this machine remembers.
pub(super) fn behind(vault: &Vault, agent: &AgentName) -> Result<Vec<String>> {
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

/// What an entry of the index is to selection. Entries that are no profile of ours or of
/// OpenClaw's are passed over.
fn view(entry: Entry<'_>, holds: Holds) -> Option<ProfileView> {
    let id: ProfileId = entry.id.parse().ok()?;
    let mut view = ProfileView::new(id, entry.kind?);
    if !entry.is_of(&view.provider)
        && let Some(provider) = entry.provider()
    {
        view.provider = provider;
    }
    // Only of such a one it is shown.
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

/// A reference to another secret provider as it is shown: what could be a secret in the place of an id is left
/// out.
fn foreign(reference: &str) -> String {
    match reference.split_once(':') {
        Some((source, id)) if looks_secret(id) && !looks_secret(source) => format!("{source}:…"),
        _ if looks_secret(reference) => "…".to_owned(),
        _ => reference.to_owned(),
    }
}

/// Lets the records speak: they govern type, provider and expiry.
pub(super) fn verify(
    vault: &Vault,
    session: &Session,
    agent: &AgentName,
    views: &mut [ProfileView],
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    let Some(found) = vault.agent(agent)? else { return Ok(()) };
    let reader = found.reader(session.keys().agent(agent.as_str())?, vault.keychain())?;
    let ids: Vec<_> = views.iter().map(|view| view.id.clone()).collect();
    // A failure comes again, and is reported, at each record.
    let _ = reader.fetch(&ids.iter().collect::<Vec<_>>());
    for view in views.iter_mut().filter(|view| view.usable == Usable::Unverified) {
        view.usable = match reader.record(&view.id) {
            Ok(Some(record)) => {
                view.kind = record.credential.kind;
                view.provider = record.credential.provider.clone();
                view.expires = record.credential.expires;
                view.invalid_expires = false;
                Usable::Verified
            }
            Ok(None) => Usable::Missing,
            Err(error) if error.code() == Code::KeychainLost => Usable::Missing,
            Err(error) if error.code() == Code::Tampered => Usable::RolledBack,
            // It may well be there: nothing can be said of it now.
            Err(error) if error.code().is_of_keychain() => {
                let is_told = |one: &Warning| matches!(one, Warning::KeychainUnread(told) if told.what() == error.what());
                if !warnings.iter().any(is_told) {
                    warnings.push(Warning::KeychainUnread(error));
                }
                Usable::Unverified
            }
            // Another user's record is no damage.
            Err(error) if error.code() == Code::Io => {
                warnings.push(Warning::RecordUnread(error));
                Usable::Unreadable
            }
            Err(_) => Usable::Corrupt,
        };
    }
    Ok(())
}
