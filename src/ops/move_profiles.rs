//! Moves profiles to another store.

use super::ids::not_found;
use super::notice::Notice;
use super::open::Open;
use super::settings;
use crate::error::{Code, Result};
use crate::vault::generation::next_record;
use crate::vault::id::ProfileId;
use crate::vault::settings::Key;
use crate::vault::store::Store;
use crate::vault::transaction::change::Change;

/// What was moved.
#[derive(Debug, Default)]
pub struct Moved {
    /// Whether all profiles of the agent were to be moved.
    pub all: bool,
    /// The ids of profiles that were moved.
    pub moved: Vec<String>,
    /// The ids of profiles that the keychain lost.
    pub lost: Vec<String>,
    /// The number of profiles that were in that store already.
    pub there: u64,
}

/// Moves profiles to a store. Without ids, it moves all profiles of the agent, and new ones go there too.
///
/// # Errors
/// `NOT_FOUND`, and those of the keychain and of writing.
pub fn move_to(open: &mut Open<'_>, mut wanted: Vec<ProfileId>, to: Store) -> Result<Moved> {
    if to == Store::Keychain {
        open.vault.keychain().ready()?;
    }
    let writer = open.writer("store move")?;
    let reader = writer.reader()?;
    let mut done = Moved { all: wanted.is_empty(), ..Moved::default() };
    if done.all {
        wanted = reader.record_ids()?;
    }
    reader.fetch(&wanted.iter().collect::<Vec<_>>())?;
    let generations = writer.generations()?;
    let mut change = Change::default();
    for id in &wanted {
        let found = match reader.found(id) {
            // A lost profile does not keep the others from being moved.
            Err(error) if done.all && error.code() == Code::KeychainLost => {
                open.tell(&Notice::NotMoved(error));
                done.lost.push(id.to_string());
                continue;
            }
            found => found?.ok_or_else(|| not_found(open.vault, &open.agent, id))?,
        };
        if reader.store_of(id).unwrap_or(found.store) == to {
            done.there += 1;
            continue;
        }
        let mut record =
            next_record(id, found.record.credential.clone(), Some(&found), &generations, writer.now())?;
        record.updated = found.record.updated;
        record.rotated = found.record.rotated;
        change.put("move", record, to);
        done.moved.push(id.to_string());
    }
    let outcome = if done.moved.is_empty() { None } else { Some(writer.commit(change)?) };
    drop(writer);
    if let Some(outcome) = outcome {
        open.committed(&outcome);
    }
    if done.all {
        set_default(open, to);
    }
    Ok(done)
}

/// Makes a store the default for new profiles, if the agent has none to move.
///
/// # Errors
/// Those of the keychain.
pub fn move_none(open: &mut Open<'_>, to: Store) -> Result<Moved> {
    if to == Store::Keychain {
        open.vault.keychain().ready()?;
    }
    set_default(open, to);
    Ok(Moved { all: true, ..Moved::default() })
}

/// Makes a store the default for new profiles. The move is done by then, so a failure is only a notice.
fn set_default(open: &mut Open<'_>, to: Store) {
    let before = open.vault.default_store(&open.session);
    if let Err(error) = settings::put(open, "store move", Key::DefaultStore, Some(to.as_str())) {
        open.tell(&Notice::DefaultStoreStays { before, error });
    }
}
