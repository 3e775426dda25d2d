//! Copies a profile to another agent.

use super::ids::not_found;
use super::open::Open;
use super::save::{place_of, sealed_besides};
use crate::error::Result;
use crate::messages;
use crate::vault::generation::next_record;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Details;
use crate::vault::transaction::change::Change;

/// Copies a profile to the agent of `open`, encrypted with that agent's key. Cooldowns, pins, orders and earlier
/// versions are not copied.
///
/// # Errors
/// `NOT_FOUND`, `EXISTS`, and those of writing.
pub fn copy(open: &mut Open<'_>, from: &AgentName, profile: &ProfileId, to: &ProfileId) -> Result<()> {
    let missing = || not_found(open.vault, from, profile);
    let source = open.reader_of(from)?.ok_or_else(missing)?.record(profile)?.ok_or_else(missing)?;
    let place = place_of(open, to, None)?;
    let writer = open.writer("copy")?;
    let reader = writer.reader()?;
    if reader.holds(to)? || reader.index()?.contains(to.as_str()) {
        return Err(messages::ops::id_in_use(to));
    }
    let generations = writer.generations()?;
    let mut record = next_record(to, source.credential.clone(), None, &generations, writer.now())?;
    record.details = Details::carried(Some(&source), &record.credential);
    record.rotated = Some(source.rotated_at());
    let mut change = Change::default();
    change.put_given("copy", record, place, None);
    let outcome = writer.commit(change)?;
    drop(writer);
    open.committed(&outcome);
    sealed_besides(&outcome).for_each(|notice| open.tell(&notice));
    Ok(())
}
