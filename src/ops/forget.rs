//! Removes earlier versions of a profile for good.

use super::ids::not_found;
use super::open::Open;
use crate::error::Result;
use crate::messages;
use crate::vault::history;
use crate::vault::id::ProfileId;
use crate::vault::log::Event;
use crate::vault::transaction::change::Change;
use crate::vault::writer::Writer;

/// What was removed for good.
#[derive(Debug)]
pub struct Forgotten {
    /// The number of versions.
    pub versions: usize,
    /// Changes that were set aside in the agent's directory, and may have copies.
    pub aside: Vec<String>,
}

/// Removes earlier versions of a profile: all of them, or the one with this generation. The current one stays.
///
/// # Errors
/// `NOT_FOUND`, and those of writing.
pub fn forget(open: &mut Open<'_>, profile: &ProfileId, only: Option<u64>) -> Result<Forgotten> {
    let writer = open.writer("forget")?;
    let entry = writer.reader()?.entry(profile)?;
    let there = history::generations(writer.agent(), profile)?;
    let Some(entry) = entry.filter(|entry| !there.is_empty() || !entry.is_removed()) else {
        return Err(not_found(open.vault, &open.agent, profile));
    };
    let mut change = Change::default();
    let versions = match only {
        Some(generation) if there.contains(&generation) => {
            change.drop_version(profile, generation);
            change.note(Event::of("forget", profile, Some(generation)));
            1
        }
        Some(generation) => {
            return Err(messages::ops::no_such_version(
                profile,
                generation,
                &open.command("history", profile),
            ));
        }
        None if there.is_empty() => 0,
        None => {
            let from = entry.generation.saturating_add(u64::from(entry.is_removed()));
            all_before(&mut change, &writer, profile, from)?
        }
    };
    let aside = set_aside(&writer)?;
    if !change.is_empty() {
        let outcome = writer.commit(change)?;
        drop(writer);
        open.committed(&outcome);
    }
    Ok(Forgotten { versions, aside })
}

/// Adds to a change that all versions of a profile below a generation are removed for good. Returns their number.
///
/// # Errors
/// Those of reading the directory.
pub(super) fn all_before(
    change: &mut Change,
    writer: &Writer<'_>,
    profile: &ProfileId,
    from: u64,
) -> Result<usize> {
    let there = history::generations(writer.agent(), profile)?;
    for generation in &there {
        change.drop_version(profile, *generation);
    }
    change.history_from(profile, from);
    change.note(Event::of("forget", profile, Some(from)));
    Ok(there.len())
}

/// Returns the names of changes that were set aside in the agent's directory.
fn set_aside(writer: &Writer<'_>) -> Result<Vec<String>> {
    let names = writer.agent().dir().names()?;
    Ok(names.into_iter().filter(|name| name.starts_with("txn.") && name.contains('-')).collect())
}
