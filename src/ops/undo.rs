//! Brings back an earlier version of a profile, as a new generation.

use super::cooldowns;
use super::ids::not_found;
use super::notice::Notice;
use super::open::Open;
use super::save::sealed_besides;
use crate::error::{Code, Result};
use crate::messages;
use crate::vault::generation::next_record;
use crate::vault::history::Version;
use crate::vault::id::ProfileId;
use crate::vault::reader::{Found, Reader};
use crate::vault::record::{Details, Record};
use crate::vault::store::Store;
use crate::vault::transaction::change::Change;

/// A version that can be brought back, and what it would replace.
#[derive(Debug)]
pub struct Choice {
    /// The version.
    pub version: Version,
    /// The current record; `None` if the profile was removed.
    pub current: Option<Found>,
}

/// What was brought back.
#[derive(Debug)]
pub struct Restored {
    /// The new record.
    pub record: Record,
    /// What the user should know about it.
    pub notices: Vec<Notice>,
}

/// Returns the version that an undo would bring back: the latest, or the one with this generation.
///
/// # Errors
/// `NOT_FOUND` if there are no versions, `DENIED` if a later secret replaced a revoked one; those of reading.
pub fn choose(open: &Open<'_>, profile: &ProfileId, to: Option<u64>) -> Result<Choice> {
    let reader = open.reader()?.ok_or_else(|| not_found(open.vault, &open.agent, profile))?;
    choice(open, &reader, profile, to)
}

fn choice(open: &Open<'_>, reader: &Reader<'_>, profile: &ProfileId, to: Option<u64>) -> Result<Choice> {
    let versions = reader.versions(profile)?;
    if versions.kept.is_empty() {
        let known = reader.entry(profile)?.is_some();
        return Err(match versions.damaged.into_iter().next() {
            Some((_, error)) => error,
            None if known => messages::ops::nothing_to_undo(profile),
            None => not_found(open.vault, &open.agent, profile),
        });
    }
    let current = match reader.found(profile) {
        // A current record that is damaged or lost is a reason for an undo. One that only cannot be read now would be
        // lost by it.
        Err(error) if matches!(error.code(), Code::Corrupt | Code::Tampered | Code::KeychainLost) => None,
        found => found?,
    };
    let chosen = match to {
        None => latest(&versions.kept, current.as_ref()),
        Some(generation) => {
            versions.kept.iter().position(|version| version.record.generation == generation).ok_or_else(
                || messages::ops::no_such_version(profile, generation, &open.command("history", profile)),
            )?
        }
    };
    let later = versions.kept[chosen + 1..].iter().map(|version| &version.record);
    let revoked = |record: &Record| record.details.revoked == Some(true);
    if later.chain(current.as_ref().map(|found| &found.record)).any(revoked) {
        return Err(messages::ops::before_a_revocation(profile, &open.command("rotate", profile)));
    }
    let version =
        versions.kept.into_iter().nth(chosen).ok_or_else(|| messages::ops::nothing_to_undo(profile))?;
    Ok(Choice { version, current })
}

/// Returns which of the versions the current record replaced, or the last one if that is not known. A bundle may have
/// brought versions that were written after the one that was current here.
fn latest(versions: &[Version], current: Option<&Found>) -> usize {
    let replaced = current.and_then(|found| found.record.replaces.as_ref());
    replaced
        .and_then(|replaced| versions.iter().position(|v| v.record.generation == replaced.generation))
        .unwrap_or(versions.len() - 1)
}

/// Returns the store that the version goes to: the one that the profile is in, else the one that it was in.
///
/// # Errors
/// Those of the keychain.
pub fn place_of(open: &Open<'_>, choice: &Choice) -> Result<Store> {
    let place = choice.current.as_ref().map_or(choice.version.store, |found| found.store);
    if place == Store::Keychain {
        open.vault.keychain().ready()?;
    }
    Ok(place)
}

/// Brings back the chosen version. Hosts, helpers, pins and orders stay as they are.
///
/// # Errors
/// `CHANGED` if the profile was changed since the version was chosen; those of writing.
pub fn undo(open: &mut Open<'_>, chosen: &Choice, place: Store) -> Result<Restored> {
    let profile = &chosen.version.record.profile;
    let restores = chosen.version.record.generation;
    let writer = open.writer("undo")?;
    let Choice { version, current } = choice(open, &writer.reader()?, profile, Some(restores))?;
    let generation = |found: &Option<Found>| found.as_ref().map(|found| found.record.generation);
    if generation(&current) != generation(&chosen.current) {
        return Err(messages::ops::changed_before_undo(profile));
    }
    let Version { record: earlier, .. } = version;
    let generations = writer.generations()?;
    let mut record = next_record(profile, earlier.credential, current.as_ref(), &generations, writer.now())?;
    record.created = earlier.created;
    record.details = Details {
        username: earlier.details.username,
        note: earlier.details.note,
        restores: Some(restores),
        ..record.details
    };
    let mut notices = Vec::new();
    if let Some(at) = record.credential.expires.filter(|at| *at <= writer.now()) {
        notices.push(Notice::EndsBefore(at));
    }
    let mut change = Change::default();
    let cleared =
        cooldowns::of_stored(&mut change, &writer, current.as_ref().map(|found| &found.record), &record);
    change.put_given("undo", record.clone(), place, current);
    let outcome = writer.commit(change)?;
    drop(writer);
    open.committed(&outcome);
    notices.extend(cleared);
    notices.extend(sealed_besides(&outcome));
    Ok(Restored { record, notices })
}
