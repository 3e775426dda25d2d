//! `settings list|get|set|unset`: a person's choices, which the vault signs.

use clap::{Args, Subcommand};

use super::Context;
use super::context::not_a_secret;
use super::deferred::Lazy;
use super::global::agent_name;
use crate::error::Result;
use crate::messages::cli::settings as messages;
use crate::ops::open::Open;
use crate::ops::settings::{self, Read, Unverified};
use crate::term::escape::safe;
use crate::term::table::Table;
use crate::vault::settings::Key;

/// Show or change the settings of the vault: default store and agent, history, time zone, colour
#[derive(Debug, Args)]
pub struct Settings {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the settings, and where each value comes from
    List(Lazy<List>),
    /// Print the value of a setting
    Get(Lazy<Of>),
    /// Change a setting
    Set(Lazy<Set>),
    /// Return a setting to its default
    Unset(Lazy<Of>),
}

#[derive(Debug, Args)]
struct List {}

#[derive(Debug, Args)]
struct Of {
    /// Setting: default-store, default-agent, history-days, time-zone or color
    #[arg(value_name = "KEY")]
    key: String,
}

#[derive(Debug, Args)]
struct Set {
    #[command(flatten)]
    of: Of,
    /// New value
    #[arg(value_name = "VALUE")]
    value: String,
}

pub(super) fn run(context: &mut Context, args: &Settings) -> Result<u8> {
    match &args.verb {
        Verb::List(_) => list(context),
        Verb::Get(of) => get(context, of.key()?),
        Verb::Set(set) => change(context, set.of.key()?, Some(&set.value)),
        Verb::Unset(of) => change(context, of.key()?, None),
    }
}

impl Of {
    fn key(&self) -> Result<Key> {
        not_a_secret(&self.key)?;
        self.key.parse()
    }
}

/// Reads the settings without asking anyone, and warns if they are not verified.
fn read(context: &Context) -> Result<Read> {
    // The agent is part of what is shown, and it may be a secret given by mistake.
    context.agent()?;
    let vault = context.vault_unasked()?;
    let read = settings::read(&vault, context.session_unasked(&vault), context.claimed());
    match &read.unverified {
        None => {}
        Some(Unverified::Locked(error)) => context.warn(&messages::not_verified(error.what())),
        Some(Unverified::Refused(error)) => context.warn(&messages::refused(error.what(), error.remedy())),
    }
    Ok(read)
}

fn list(context: &mut Context) -> Result<u8> {
    let read = read(context)?;
    let applied = Key::ALL.map(|key| (key, context.applied(key, &read.settings)));
    if context.json() {
        let settings: Vec<_> = applied
            .iter()
            .map(|(key, applied)| {
                serde_json::json!({ "key": key.as_str(), "value": applied.value, "source": applied.source })
            })
            .collect();
        let verified = read.unverified.is_none();
        context.print_json(&serde_json::json!({ "verified": verified, "settings": settings }))?;
        return Ok(0);
    }
    let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
    for (key, applied) in &applied {
        table.row([key.as_str(), &applied.value, &applied.source]);
    }
    context.print(&table.to_string())?;
    Ok(0)
}

fn get(context: &mut Context, key: Key) -> Result<u8> {
    let read = read(context)?;
    let applied = context.applied(key, &read.settings);
    if context.json() {
        context.print_json(&serde_json::json!({
            "key": key.as_str(), "value": applied.value, "source": applied.source,
            "verified": read.unverified.is_none(),
        }))?;
        return Ok(0);
    }
    context.print(&safe(&applied.value))?;
    Ok(0)
}

fn change(context: &mut Context, key: Key, value: Option<&str>) -> Result<u8> {
    if let Some(value) = value {
        not_a_secret(value)?;
        if key == Key::DefaultAgent {
            agent_name(value)?;
        }
    }
    let vault = context.vault()?;
    let redirects_or_deletes = matches!(key, Key::DefaultAgent | Key::HistoryDays);
    let mut open = context.open_for(&vault, redirects_or_deletes)?;
    let before = settings::set(&mut open, key, value)?;
    let (default, _) = context.claimed().default_of(key);
    let now = value.unwrap_or(&default);
    let was = before.as_ref().map(|before| before.value(key).unwrap_or_else(|| default.clone()));
    warn_of_new_agent(context, &open, key, now)?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "key": key.as_str(), "value": now, "previous": was.as_deref().unwrap_or(now),
            "changed": before.is_some(),
        }))?;
        return Ok(0);
    }
    context.print(&match (&was, value) {
        (None, _) => messages::unchanged(key.as_str(), now),
        (Some(was), Some(_)) => messages::set(key.as_str(), now, was),
        (Some(was), None) => messages::unset(key.as_str(), now, was),
    })?;
    if let Some(outside) = context.from_outside(key) {
        context.say(&messages::still_from(key.as_str(), &outside.source));
    }
    Ok(0)
}

/// Warns if the default agent has no profiles, because its name may be mistyped.
fn warn_of_new_agent(context: &Context, open: &Open<'_>, key: Key, agent: &str) -> Result<()> {
    if key == Key::DefaultAgent && agent != Key::DefaultAgent.default_value() {
        let agent = agent_name(agent)?;
        if open.vault.agent(&agent)?.is_none() {
            context.warn(&messages::agent_without_profiles(agent.as_str()));
        }
    }
    Ok(())
}
