//! The versions of a profile, earlier ones and the current one.

use std::collections::HashMap;

use serde::Serialize;

use super::ids::not_found;
use super::open::Open;
use crate::error::Result;
use crate::vault::credential::CredentialType;
use crate::vault::id::ProfileId;
use crate::vault::log;
use crate::vault::record::Record;

/// A version of a profile.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its generation.
    pub generation: u64,
    /// When it was written, in Unix milliseconds.
    pub at: i64,
    /// The change that wrote it, if the log still has that.
    pub op: Option<String>,
    /// Whether it is the current one.
    pub current: bool,
    /// Its type; `None` if it cannot be decrypted.
    pub r#type: Option<String>,
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
pub fn of(open: &Open<'_>, profile: &ProfileId) -> Result<Vec<Line>> {
    let missing = || not_found(open.vault, &open.agent, profile);
    let reader = open.reader()?.ok_or_else(missing)?;
    let ops = ops_of(&reader.log().unwrap_or_default(), reader.ring(), profile)?;
    let line = |record: &Record, current| Line {
        generation: record.generation,
        at: record.updated,
        op: ops.get(&record.generation).cloned(),
        current,
        r#type: Some(CredentialType::as_str(record.credential.kind).to_owned()),
        expires: record.credential.expires,
        restores: record.details.restores,
        revoked: record.details.revoked == Some(true),
        problem: None,
    };
    let unread = |generation, current, problem: &str| Line {
        generation,
        at: i64::try_from(generation).unwrap_or(i64::MAX),
        op: ops.get(&generation).cloned(),
        current,
        r#type: None,
        expires: None,
        restores: None,
        revoked: false,
        problem: Some(problem.to_owned()),
    };
    let versions = reader.versions(profile)?;
    let mut lines: Vec<Line> = versions.kept.iter().map(|version| line(&version.record, false)).collect();
    lines.extend(versions.damaged.iter().map(|(generation, error)| unread(*generation, false, error.what())));
    match (reader.found(profile), reader.entry(profile)?) {
        (Ok(Some(found)), _) => lines.push(line(&found.record, true)),
        (Err(error), Some(entry)) => lines.push(unread(entry.generation, true, error.what())),
        _ => {}
    }
    if lines.is_empty() {
        return Err(missing());
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.generation));
    Ok(lines)
}

/// Returns the changes of a profile in the log, by the generation that each wrote. Damaged lines do not count.
fn ops_of(
    files: &[Vec<u8>],
    ring: &crate::seal::keys::Ring,
    profile: &ProfileId,
) -> Result<HashMap<u64, String>> {
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
