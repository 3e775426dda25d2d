//! `store move` and `store prune`: moves profiles between stores, and removes what deleted homes left.

use clap::{Args, Subcommand};

use super::Context;
use super::deferred::Lazy;
use super::prune::{self, Prune};
use super::storing::StoreArg;
use crate::error::{Code, Result};
use crate::messages::cli::keys::profiles as messages;
use crate::ops::ids::not_found;
use crate::ops::move_profiles::{self as moving, Moved};
use crate::ops::open::Open;
use crate::vault::store::Store as Place;

/// Move profiles between encrypted files and the desktop's keychain, or clean up the keychain
#[derive(Debug, Args)]
pub struct Store {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Move profiles to another store; without an id, all of the agent's, and new ones too
    Move(Lazy<Move>),
    /// Remove what deleted homes left in the keychain
    Prune(Lazy<Prune>),
}

#[derive(Debug, Args)]
struct Move {
    /// Profiles to move [default: all of the agent]
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Store to move them to
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
        // A mistyped agent must not change the default store.
        if context.agent_by_hand()?.is_some() {
            return Err(messages::no_profiles(agent.as_str()));
        }
        let done = moving::move_none(&mut open, to)?;
        return tell(context, &open, to, &done);
    }
    let done = moving::move_to(&mut open, wanted, to)?;
    tell(context, &open, to, &done)
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
        Place::File => messages::FILES.to_owned(),
        Place::Keychain => messages::keychain(open.vault.keychain().provider()),
    };
    context.print(&messages::moved(done.moved.len(), done.there, &place))?;
    if done.all && default == to {
        context.say(&messages::new_go_to(&place));
    }
    Ok(exit)
}
