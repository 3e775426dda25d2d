//! `rename`: gives a profile another id. Its record is sealed anew for the new place.

use clap::Args;

use super::Context;
use super::notices;
use super::report::pinned_by_hand;
use crate::error::{Code, Error, Result, fail};
use crate::ops::ids::not_found;
use crate::ops::store::sealed_besides;
use crate::vault::generation::{next_record, replaced};
use crate::vault::transaction::change::Change;

/// Give a profile another id, in the index and in every order.
#[derive(Debug, Args)]
pub struct Rename {
    /// The profile
    #[arg(value_name = "OLD")]
    old: String,
    /// Its new id
    #[arg(value_name = "NEW")]
    new: String,
}

pub(super) fn run(context: &mut Context, args: &Rename) -> Result<u8> {
    let (old, new) = (context.profile_id(&args.old)?, context.profile_id(&args.new)?);
    if old.provider() != new.provider() {
        return Err(Error::new(Code::Usage, "a profile cannot be renamed to another provider's")
            .with_remedy("keep the part before the colon"));
    }
    if old == new {
        return fail(Code::Usage, "the old and the new id are the same");
    }
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let agent = open.agent.clone();
    if vault.agent(&agent)?.is_none() {
        return Err(not_found(&vault, &agent, &old));
    }
    let writer = open.writer("rename")?;
    let reader = writer.reader()?;
    let found = reader.found(&old)?.ok_or_else(|| not_found(&vault, &agent, &old))?;
    if reader.holds(&new)? || reader.index()?.contains(new.as_str()) {
        return fail(Code::Exists, format!("{new} exists already"));
    }
    let generations = writer.generations()?;
    let current = &found.record;
    let mut record = next_record(&new, current.credential.clone(), None, &generations, writer.now)?;
    record.replaces = Some(replaced(&found));
    record.details = current.details.clone();
    record.created = current.created;
    record.generation = record.generation.max(current.generation.saturating_add(1));
    let mut change = Change::default();
    let store = reader.store_of(&old).unwrap_or_default();
    change.rename(&old, record, store, current.generation);
    let followed = pinned_by_hand(&writer.agent, &old);
    let outcome = writer.commit(change)?;
    if let Err(error) = followed {
        context.warn(&format!("cooldowns and pins still name {old}: {}", error.what()));
    }
    drop(writer);
    open.committed(&outcome);
    for warning in sealed_besides(&outcome) {
        context.warn(&notices::sentence(&warning));
    }
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": agent.as_str(), "profileId": new.as_str(), "from": old.as_str(), "result": "renamed",
        }))?;
    } else {
        context.print(&format!("Renamed {old} to {new}."))?;
    }
    Ok(0)
}
