//! The versions of a profile, earlier ones and the current one.

use std::collections::HashMap;

use serde::Serialize;

use super::ids::not_found;
use super::open::Open;
use crate::error::Result;
use crate::seal::keys::Ring;
use crate::vault::id::ProfileId;
use crate::vault::log;
use crate::vault::record::Record;

/// What can be said of a version without its secret.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Its generation.
    pub generation: u64,
    /// When it was written, in Unix milliseconds.
    pub at: i64,
    /// The change that wrote it, if the log still has that.
    pub op: Option<String>,
    /// Whether it is the current one.
    pub current: bool,
    /// Its type; `None` if it cannot be decrypted.
    pub r#type: Option<&'static str>,
    /// When it expires, in Unix milliseconds.
    pub expires: Option<i64>,
    /// The generation that it restored.
    pub restores: Option<u64>,
    /// Whether the secret before it was revoked.
    pub revoked: bool,
    /// Why it cannot be decrypted, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Returns the versions of a profile, the newest first.
///
/// # Errors
/// `NOT_FOUND` if there are no versions; those of reading.
pub fn of(open: &Open<'_>, profile: &ProfileId) -> Result<Vec<Summary>> {
    let missing = || not_found(open.vault, &open.agent, profile);
    let reader = open.reader()?.ok_or_else(missing)?;
    let ops = ops_of(&reader.log().unwrap_or_default(), reader.ring(), profile)?;
    let read = |record: &Record, current| Summary {
        generation: record.generation,
        at: record.updated,
        op: ops.get(&record.generation).cloned(),
        current,
        r#type: Some(record.credential.kind.as_str()),
        expires: record.credential.expires,
        restores: record.details.restores,
        revoked: record.details.revoked == Some(true),
        problem: None,
    };
    let unread = |generation, current, problem: &str| Summary {
        generation,
        // A generation is at least the time of its writing.
        at: i64::try_from(generation).unwrap_or(i64::MAX),
        op: ops.get(&generation).cloned(),
        current,
        problem: Some(problem.to_owned()),
        ..Summary::default()
    };
    let versions = reader.versions(profile)?;
    let mut all: Vec<Summary> = versions.kept.iter().map(|version| read(&version.record, false)).collect();
    all.extend(versions.damaged.iter().map(|(generation, error)| unread(*generation, false, error.what())));
    match (reader.found(profile), reader.entry(profile)?) {
        (Ok(Some(found)), _) => all.push(read(&found.record, true)),
        (Err(error), Some(entry)) => all.push(unread(entry.generation, true, error.what())),
        _ => {}
    }
    if all.is_empty() {
        return Err(missing());
    }
    all.sort_by_key(|version| std::cmp::Reverse(version.generation));
    Ok(all)
}

/// Returns the changes of a profile in the log, by the generation that each wrote. Damaged lines do not count.
fn ops_of(files: &[Vec<u8>], ring: &Ring, profile: &ProfileId) -> Result<HashMap<u64, String>> {
    let judged = log::judge(Some(ring), files)?;
    let lines = judged.into_iter().filter(|judged| judged.fault.is_none()).filter_map(|judged| judged.line);
    let (mut ops, mut name) = (HashMap::new(), profile.to_string());
    for event in lines.rev().map(|line| line.event) {
        if event.profile.as_deref() != Some(name.as_str()) || matches!(event.op.as_str(), "remove" | "forget")
        {
            continue;
        }
        if let Some(generation) = event.generation {
            ops.insert(generation, event.op);
        }
        // The lines before it have the old id.
        if let Some(from) = event.from {
            name = from;
        }
    }
    Ok(ops)
}
