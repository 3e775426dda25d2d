//! `log`: shows the log of changes.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::context::not_a_secret;
use crate::error::Result;
use crate::messages::cli::keys::checks as messages;
use crate::ops::history::{Checked, History, Wanted};
use crate::term::escape::safe;
use crate::term::table::Table;
use crate::time::{local_to_second, parse_duration};
use crate::vault::log::Event;

/// Show what changed, and when
///
/// `strongroom verify` checks that the log is complete.
#[derive(Debug, Args)]
pub struct Log {
    /// Show only the changes of this profile
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// Show only this kind of change, such as paste or remove
    #[arg(long, value_name = "OP")]
    op: Option<String>,
    /// Show only changes made within this time, such as 24h or 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show only the last N changes
    #[arg(long, short = 'n', value_name = "N")]
    last: Option<usize>,
    /// Show the changes of keys and unlock methods instead of an agent's profiles
    #[arg(long)]
    vault: bool,
}

#[derive(Serialize)]
struct Document {
    agent: Option<String>,
    lines: Vec<Checked>,
    /// The number of lines that are missing, or are not as this vault wrote them.
    damaged: usize,
    /// Whether the MACs of the lines were checked, which needs a key.
    verified: bool,
}

/// Returns what an event says about hosts or helpers.
fn changed(event: &Event) -> String {
    let names = |list: &Option<Vec<String>>| list.clone().unwrap_or_default().join(", ");
    match &event.field {
        Some(field) => {
            safe(&messages::field_changed(field, &names(&event.before), &names(&event.after))).into_owned()
        }
        None => String::new(),
    }
}

pub(super) fn run(context: &mut Context, args: &Log) -> Result<u8> {
    let profile = args.profile.as_deref().map(|id| context.profile_id(id)).transpose()?;
    let since = args
        .since
        .as_deref()
        .map(|text| parse_duration("--since", text))
        .transpose()?
        .map(|ms| context.env.now() - ms);
    let vault = context.vault_unasked()?;
    let agent = context.agent()?;
    let session = || context.session_unasked(&vault).ok();
    let mut history = if args.vault {
        History::of_vault(&vault, session().as_ref())?
    } else {
        History::of_agent(&vault, &agent, session)?
    };
    if let Some(op) = &args.op {
        not_a_secret(op)?;
    }
    let all = history.lines.len();
    history.keep(&Wanted { profile: profile.as_ref(), op: args.op.as_deref(), since, last: args.last })?;
    let History { lines, damaged, verified, .. } = history;
    if context.json() {
        let agent = (!args.vault).then(|| agent.to_string());
        context.print_json(&Document { agent, lines, damaged, verified })?;
        return Ok(0);
    }
    let mut table = Table::new(["WHEN", "WHAT", "PROFILE", ""]);
    for Checked { line, fault } in &lines {
        let event = &line.event;
        let what = event.profile.as_deref().or(event.method.as_deref()).unwrap_or("-");
        let from = match (fault, &event.from) {
            (Some(fault), _) => format!("DAMAGED: {fault}"),
            (None, Some(from)) => format!("was {}", safe(from)),
            (None, None) => changed(event),
        };
        let at = local_to_second(line.at);
        table.row([&at, &safe(&event.op), &safe(what), &from]);
    }
    if !table.is_empty() {
        context.print(&table.to_string())?;
    } else if all > 0 {
        context.say(&messages::no_change_matches(all));
    } else {
        context.say(&messages::log_is_empty((!args.vault).then_some(agent.as_str())));
    }
    if damaged > 0 {
        context.warn(&messages::damaged_lines(damaged));
    }
    Ok(0)
}
