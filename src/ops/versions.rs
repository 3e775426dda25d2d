//! The versions of a profile, earlier ones and the current one.

use std::collections::HashMap;

use serde::Serialize;

use super::ids::not_found;
use super::open::Open;
use crate::error::Result;
use crate::vault::history::{Imported, Version};
use crate::vault::id::ProfileId;
use crate::vault::log::{self, Event};
use crate::vault::reader::Reader;
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
    /// Whether a bundle brought it, with what it says of the change.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
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
    let ops = Changes::read(&reader)?.of(profile);
    let read = |record: &Record, current| Summary {
        generation: record.generation,
        at: record.updated,
        op: ops.get(&record.generation).cloned(),
        current,
        imported: false,
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
    let kept = |version: &Version| match &version.imported {
        None => read(&version.record, false),
        Some(Imported { op }) => Summary { op: op.clone(), imported: true, ..read(&version.record, false) },
    };
    let mut all: Vec<Summary> = versions.kept.iter().map(kept).collect();
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

/// The changes in an agent's log, by profile.
#[derive(Debug)]
pub(super) struct Changes(HashMap<String, Vec<(usize, Event)>>);

impl Changes {
    /// Reads the log. Damaged lines do not count.
    ///
    /// # Errors
    /// Those of reading it.
    pub(super) fn read(reader: &Reader<'_>) -> Result<Self> {
        let judged = log::judge(Some(reader.ring()), &reader.log().unwrap_or_default())?;
        let lines =
            judged.into_iter().filter(|judged| judged.fault.is_none()).filter_map(|judged| judged.line);
        let mut changes: HashMap<String, Vec<(usize, Event)>> = HashMap::new();
        // The newest first.
        for (at, event) in lines.rev().map(|line| line.event).enumerate() {
            let counts = !matches!(event.op.as_str(), "remove" | "forget");
            if let Some(profile) = event.profile.clone().filter(|_| counts) {
                changes.entry(profile).or_default().push((at, event));
            }
        }
        Ok(Self(changes))
    }

    /// Returns the changes of a profile, by the generation that each wrote.
    pub(super) fn of(&self, profile: &ProfileId) -> HashMap<u64, String> {
        let (mut ops, mut name, mut before) = (HashMap::new(), profile.as_str(), None);
        loop {
            let mut renamed = None;
            let events = self.0.get(name).into_iter().flatten();
            for (at, event) in events.filter(|(at, _)| before.is_none_or(|before| *at > before)) {
                if let Some(generation) = event.generation {
                    ops.insert(generation, event.op.clone());
                }
                // The lines before it have the old id.
                if let Some(from) = &event.from {
                    renamed = Some((from, *at));
                    break;
                }
            }
            let Some((from, at)) = renamed else { return ops };
            (name, before) = (from, Some(at));
        }
    }
}
