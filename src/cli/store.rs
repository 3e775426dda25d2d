//! `store move` and `store prune`: moves profiles between the stores, and clears up after removed homes.

use clap::{Args, Subcommand};

use super::Context;
use super::lazy::Lazy;
use super::prune::{self, Prune};
use super::storing::StoreArg;
use crate::error::{Code, Result, fail};
use crate::ops::ids::not_found;
use crate::ops::open::Open;
use crate::term::count::counted;
use crate::unlock::cache;
use crate::vault::generation::next_record;
use crate::vault::store::Store as Place;
use crate::vault::transaction::change::Change;

/// Move profiles between encrypted files and the desktop's keychain, or clear up in the keychain.
#[derive(Debug, Args)]
pub struct Store {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Move profiles to another store; without an id all of the agent, and new ones go there too
    Move(Lazy<Move>),
    /// Remove what homes that are gone left in the keychain
    Prune(Lazy<Prune>),
}

#[derive(Debug, Args)]
struct Move {
    /// The profiles [default: all of the agent]
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Where they are to rest
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    to: StoreArg,
}

pub(super) fn run(context: &mut Context, args: &Store) -> Result<u8> {
    match &args.verb {
        Verb::Move(args) => move_profiles(context, args),
        Verb::Prune(args) => prune::run(context, args),
    }
}

fn move_profiles(context: &mut Context, args: &Move) -> Result<u8> {
    let mut wanted = args.ids.iter().map(|id| context.profile_id(id)).collect::<Result<Vec<_>>>()?;
    wanted.sort_unstable();
    wanted.dedup();
    let to = Place::from(args.to);
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let agent = open.agent.clone();
    if vault.agent(&agent)?.is_none() {
        if let Some(id) = wanted.first() {
            return Err(not_found(&vault, &agent, id));
        }
        // A name that was mistyped changes nothing.
        if context.agent_by_hand()?.is_some() {
            return fail(Code::NotFound, format!("agent {agent} has no profiles"));
        }
        if to == Place::Keychain {
            vault.keychain.ready()?;
        }
        set_default(context, &mut open, to);
        return tell(context, &open, to, &Moved { all: true, ..Moved::default() });
    }
    if to == Place::Keychain {
        vault.keychain.ready()?;
    }
    let writer = open.writer("store move")?;
    let reader = writer.reader()?;
    let all = wanted.is_empty();
    if all {
        wanted = reader.record_ids()?;
    }
    reader.fetch(&wanted.iter().collect::<Vec<_>>())?;
    let generations = writer.generations()?;
    let mut change = Change::default();
    let (mut moved, mut lost, mut there) = (Vec::new(), Vec::new(), 0);
    for id in &wanted {
        let found = match reader.found(id) {
            // One that is lost keeps no other from being moved.
            Err(error) if all && error.code() == Code::KeychainLost => {
                context.warn(&format!("not moved: {}", error.what()));
                lost.push(id.to_string());
                continue;
            }
            found => found?.ok_or_else(|| not_found(&vault, &agent, id))?,
        };
        if reader.store_of(id).unwrap_or(found.store) == to {
            there += 1;
            continue;
        }
        let mut record =
            next_record(id, found.record.credential.clone(), Some(&found), &generations, writer.now)?;
        record.updated = found.record.updated;
        change.put("move", record, to);
        moved.push(id.to_string());
    }
    if !moved.is_empty() {
        let outcome = writer.commit(change)?;
        open.committed(&outcome);
    }
    drop(writer);
    if all {
        set_default(context, &mut open, to);
    }
    tell(context, &open, to, &Moved { all, moved, lost, there })
}

/// Which profiles were moved.
#[derive(Default)]
struct Moved {
    /// Whether all of the agent were meant.
    all: bool,
    moved: Vec<String>,
    /// Those that the keychain lost.
    lost: Vec<String>,
    /// How many rested there before.
    there: u64,
}

/// New profiles go where all profiles are moved to. The move is done, so what fails of this is a warning.
fn set_default(context: &Context, open: &mut Open<'_>, to: Place) {
    let vault = open.vault;
    let before = vault.default_store(&open.session);
    let waits = open.waits("store move");
    match vault.set_default_store(&mut open.session, to, &waits) {
        Ok(false) => {}
        Ok(true) => {
            // What is cached for one agent alone remembers the old one.
            if let Err(error) = cache::forget_agents(&open.session.keys.vault, vault.home.path())
                && error.code() != Code::KeyringUnavailable
            {
                context.warn(&format!(
                    "sessions that `strongroom unlock --agent` opened still store new profiles in the {before} store ({})",
                    error.what()
                ));
            }
        }
        Err(error) => context.warn(&format!(
            "new profiles still go to the {before} store ({}); run the same command again to change that",
            error.what()
        )),
    }
}

fn tell(context: &mut Context, open: &Open<'_>, to: Place, done: &Moved) -> Result<u8> {
    let exit = if done.lost.is_empty() { 0 } else { Code::KeychainLost.exit() };
    let default = open.vault.default_store(&open.session);
    if context.json() {
        context.print_json(&serde_json::json!({
            "agent": context.agent()?.as_str(), "store": to.as_str(), "moved": done.moved,
            "unchanged": done.there, "lost": done.lost, "defaultStore": default.as_str(),
        }))?;
        return Ok(exit);
    }
    let place = match to {
        Place::File => "encrypted files".to_owned(),
        Place::Keychain => format!("the keychain ({})", open.vault.keychain.provider()),
    };
    let there = done.there;
    let rest =
        if there > 0 { format!("; {} there already", counted(there, "profile")) } else { String::new() };
    if done.moved.is_empty() {
        context.print(&format!("Nothing was moved{rest}."))?;
    } else {
        context.print(&format!("Moved {} to {place}{rest}.", counted(done.moved.len() as u64, "profile")))?;
    }
    if done.all && default == to {
        context.say(&format!("New profiles go to {place}, unless --store says otherwise."));
    }
    Ok(exit)
}
