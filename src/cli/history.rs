//! `history`, `undo` and `forget`: the earlier versions of a profile.

use clap::Args;
use strongroom_backends::shown;

use super::{Context, notices};
use crate::error::Result;
use crate::messages::cli::keys::history as messages;
use crate::ops::forget;
use crate::ops::undo::{self, Choice};
use crate::ops::versions::{self, Summary};
use crate::term::escape::safe;
use crate::term::table::Table;
use crate::time;
use crate::vault::record::Record;

/// Show the versions of a profile: when each was written, and by which command
///
/// What a command replaces or removes is kept for 30 days at least, and `strongroom undo` brings it back.
#[derive(Debug, Args)]
pub struct History {
    /// Profile id
    #[arg(value_name = "ID")]
    id: String,
}

/// Bring back the version of a profile before the current one, or a removed profile
///
/// A second undo brings back what the first one replaced. Asks for the unlock method again.
#[derive(Debug, Args)]
pub struct Undo {
    /// Profile id
    #[arg(value_name = "ID")]
    id: String,
    /// Bring back this version instead; `strongroom history` lists them
    #[arg(long, value_name = "GENERATION")]
    to: Option<u64>,
    /// Do not ask for confirmation
    #[arg(long, short = 'y')]
    yes: bool,
}

/// Remove the earlier versions of a profile for good
///
/// The current version stays. Asks for the unlock method again.
#[derive(Debug, Args)]
pub struct Forget {
    /// Profile id
    #[arg(value_name = "ID")]
    id: String,
    /// Remove only this version; `strongroom history` lists them
    #[arg(long, value_name = "G")]
    generation: Option<u64>,
    /// Do not ask for confirmation
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(context: &mut Context, args: &History) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let vault = context.vault()?;
    let open = context.open(&vault)?;
    let all = versions::of(&open, &profile)?;
    if context.json() {
        context.print_json(&all)?;
        return Ok(0);
    }
    let mut table = Table::new(messages::HEADS);
    for version in &all {
        table.row([
            &version.generation.to_string(),
            &time::local(version.at),
            version.op.as_deref().unwrap_or("-"),
            &version.expires.map(time::day).unwrap_or_default(),
            &remarks(version),
        ]);
    }
    context.print(&table.to_string())?;
    Ok(0)
}

fn remarks(version: &Summary) -> String {
    let restores = version.restores.map(messages::restores);
    let current = version.current.then(|| messages::CURRENT.to_owned());
    let revoked = version.revoked.then(|| messages::REVOKED.to_owned());
    [current, restores, revoked, version.problem.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

pub(super) fn undo(context: &mut Context, args: &Undo) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, true)?;
    let choice = undo::choose(&open, &profile, args.to)?;
    let at = choice.version.record.updated;
    context.confirm(args.yes, &messages::undo(profile.as_str(), at, &differences(&choice)))?;
    let place = undo::place_of(&open, &choice)?;
    let restored = undo::undo(&mut open, &choice, place)?;
    let warnings: Vec<String> = restored.notices.iter().map(notices::sentence).collect();
    for warning in &warnings {
        context.warn(warning);
    }
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": open.agent.as_str(), "profileId": profile.as_str(), "result": "restored",
            "generation": restored.record.generation, "restores": restored.record.details.restores,
            "warnings": warnings,
        }))?;
    } else {
        context.print(&messages::undone(profile.as_str(), at))?;
    }
    Ok(0)
}

/// Returns a field of a record, if it has that.
type Field = fn(&Record) -> Option<&str>;

/// Returns what an undo changes, without any secret.
fn differences(choice: &Choice) -> Vec<String> {
    let Some(current) = choice.current.as_ref().map(|found| &found.record) else {
        return vec![messages::REMOVED.to_owned()];
    };
    let version = &choice.version.record;
    let (old, new) = (&current.credential, &version.credential);
    let day = |at: Option<i64>| at.map(time::day);
    let fields: [(&str, Field); 4] = [
        ("the address", |record| record.credential.email.as_deref()),
        ("the display name", |record| record.credential.display_name.as_deref()),
        ("the user name", |record| record.details.username.as_deref()),
        ("the note", |record| record.details.note.as_deref()),
    ];
    let mut differences = Vec::new();
    if !old.same_secret_as(new) {
        differences.push(messages::SECRET.to_owned());
    }
    if old.kind != new.kind {
        differences.push(messages::field("the type", Some(old.kind.as_str()), Some(new.kind.as_str())));
    }
    if old.expires != new.expires {
        let (was, is) = (day(old.expires), day(new.expires));
        differences.push(messages::field("the expiry", was.as_deref(), is.as_deref()));
    }
    for (name, of) in fields {
        let (was, is) = (of(current), of(version));
        if was != is {
            differences.push(messages::field(name, was.map(safe).as_deref(), is.map(safe).as_deref()));
        }
    }
    differences
}

pub(super) fn forget(context: &mut Context, args: &Forget) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, true)?;
    let question = match args.generation {
        Some(generation) => messages::forget_one(profile.as_str(), generation),
        None => messages::forget(profile.as_str()),
    };
    context.confirm(args.yes, &question)?;
    let forgotten = forget::forget(&mut open, &profile, args.generation)?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": open.agent.as_str(), "profileId": profile.as_str(), "result": "forgotten",
            "versions": forgotten.versions, "setAside": forgotten.aside,
        }))?;
        return Ok(0);
    }
    context.print(&messages::forgotten(profile.as_str(), forgotten.versions))?;
    if !forgotten.aside.is_empty() {
        let directory = vault.home().path().join("agents").join(open.agent.as_str());
        context.warn(&messages::set_aside(&forgotten.aside, shown(&directory)));
    }
    context.say(messages::OUT_OF_REACH);
    Ok(0)
}
