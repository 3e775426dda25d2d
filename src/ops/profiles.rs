//! Removes and renames profiles, with their earlier versions.

use super::forget;
use super::ids::not_found;
use super::notice::Notice;
use super::open::Open;
use super::other_clients;
use super::save::sealed_besides;
use super::state::pinned_by_hand;
use crate::error::Result;
use crate::messages;
use crate::vault::access;
use crate::vault::generation::{next_record, replaced};
use crate::vault::history::{self, Version};
use crate::vault::id::ProfileId;
use crate::vault::record::Details;
use crate::vault::transaction::change::Change;

/// Makes sure that the agent exists, so that it can have the profile.
///
/// # Errors
/// `NOT_FOUND`.
pub fn check_agent(open: &Open<'_>, profile: &ProfileId) -> Result<()> {
    match open.vault.agent(&open.agent)? {
        Some(_) => Ok(()),
        None => Err(not_found(open.vault, &open.agent, profile)),
    }
}

/// What becomes of what a change replaces or removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Before {
    /// It is kept as an earlier version.
    #[default]
    Kept,
    /// It was revoked: it and all versions before it are removed for good.
    Revoked,
}

/// Removes a profile, even if its record cannot be decrypted. Returns whether it is kept as an earlier version.
///
/// # Errors
/// `NOT_FOUND`, and those of writing.
pub fn remove(open: &mut Open<'_>, profile: &ProfileId, before: Before) -> Result<bool> {
    let writer = open.writer_without_secrets("remove")?;
    let reader = writer.reader()?;
    let sealed = reader.holds(profile)?;
    let listed = reader.index()?.contains(profile.as_str());
    if !sealed && !listed {
        return Err(not_found(open.vault, &open.agent, profile));
    }
    let generation = reader.entry(profile)?.map_or(0, |entry| entry.generation);
    let pinned = pinned_by_hand(writer.agent(), profile);
    let removed = match before {
        // One that cannot be decrypted is removed anyway.
        Before::Kept if sealed => match reader.found(profile) {
            Ok(found) => found,
            Err(error) => {
                open.tell(&Notice::NotKept { profile: profile.clone(), error });
                None
            }
        },
        Before::Kept | Before::Revoked => None,
    };
    let is_kept = removed.is_some();
    let mut change = Change::default();
    change.remove(profile, generation, removed);
    if before == Before::Revoked {
        forget::all_before(&mut change, &writer, profile, generation.saturating_add(1))?;
    }
    let outcome = writer.commit(change)?;
    match pinned {
        Ok(pinned) => {
            for session in pinned {
                open.tell(&Notice::PinGone { session, profile: profile.clone() });
            }
        }
        Err(error) => open.tell(&Notice::StateStays { profile: profile.clone(), error }),
    }
    drop(writer);
    open.committed(&outcome);
    Ok(is_kept)
}

/// Renames a profile, in the index and in every order. Its record and its earlier versions are encrypted again for the
/// new id.
///
/// # Errors
/// `NOT_FOUND`, `EXISTS`, and those of writing.
pub fn rename(open: &mut Open<'_>, old: &ProfileId, new: &ProfileId) -> Result<()> {
    let writer = open.writer("rename")?;
    let reader = writer.reader()?;
    let found = reader.found(old)?.ok_or_else(|| not_found(open.vault, &open.agent, old))?;
    if reader.holds(new)? || reader.index()?.contains(new.as_str()) {
        return Err(messages::ops::id_in_use(new));
    }
    let generations = writer.generations()?;
    let current = &found.record;
    let mut record = next_record(new, current.credential.clone(), None, &generations, writer.now())?;
    record.replaces = Some(replaced(&found));
    record.details = Details::carried(Some(current), &record.credential);
    record.created = current.created;
    record.rotated = Some(current.rotated_at());
    record.generation = record.generation.max(current.generation.saturating_add(1));
    let mut change = Change::default();
    // Versions that an earlier profile with the new id had may be forgotten, and these are not among them.
    let mut least = reader.entry(new)?.map_or(0, |entry| entry.history_from);
    for Version { record: mut version, store, imported } in reader.versions(old)?.kept {
        version.profile = new.clone();
        version.generation = version.generation.max(least);
        least = version.generation.saturating_add(1);
        change.keep(Version { record: version, store, imported });
    }
    for generation in history::generations(writer.agent(), old)? {
        change.drop_version(old, generation);
    }
    record.generation = record.generation.max(least);
    let store = reader.store_of(old).unwrap_or_default();
    let mut accesses = reader.book()?.ledger.accesses.clone();
    if access::rename(&mut accesses, old, new) {
        change.accesses(accesses);
    }
    change.rename(old, record, store, current.generation);
    let followed = pinned_by_hand(writer.agent(), old);
    let outcome = writer.commit(change)?;
    if let Err(error) = followed {
        open.tell(&Notice::StateStays { profile: old.clone(), error });
    }
    drop(writer);
    open.committed(&outcome);
    sealed_besides(&outcome).for_each(|notice| open.tell(&notice));
    other_clients::renamed(open, old, new);
    Ok(())
}
