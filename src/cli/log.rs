//! `log`: shows the log of changes.

use std::cell::OnceCell;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::Context;
use super::context::{document, not_a_secret};
use super::log_requests;
use crate::error::Result;
use crate::messages::cli::keys::checks as messages;
use crate::messages::env_files;
use crate::messages::serve;
use crate::ops::allowed_files::ENV_FILE;
use crate::ops::follow::Follower;
use crate::ops::history::{Checked, History, Wanted};
use crate::term::escape::safe;
use crate::term::out;
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
    /// Show the changes of keys, unlock methods and settings instead of an agent's profiles
    #[arg(long)]
    vault: bool,
    /// Show the requests that the proxy (`serve`) answered instead
    #[arg(long)]
    requests: bool,
    /// Go on with new changes as they are made, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
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

/// How often `--follow` looks for new lines.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(context: &mut Context, args: &Log) -> Result<u8> {
    let profile = args.profile.as_deref().map(|id| context.profile_id(id)).transpose()?;
    let since = args
        .since
        .as_deref()
        .map(|text| parse_duration("--since", text))
        .transpose()?
        .map(|ms| context.env.now() - ms);
    if args.requests {
        if profile.is_some() || args.op.is_some() || args.vault || args.follow {
            return Err(serve::requests_alone());
        }
        return log_requests::run(context, since, args.last);
    }
    let vault = context.vault_unasked()?;
    let agent = context.agent()?;
    if let Some(op) = &args.op {
        not_a_secret(op)?;
    }
    let wanted = Wanted { profile: profile.as_ref(), op: args.op.as_deref(), since, last: args.last };
    if args.follow {
        let session = context.session_unasked(&vault).ok();
        let follower = Follower::new(&vault, (!args.vault).then_some(&agent), session);
        return follow(context, follower, &wanted);
    }
    let session = OnceCell::new();
    let session = || session.get_or_init(|| context.session_unasked(&vault).ok()).as_ref();
    let mut history = if args.vault {
        History::of_vault(&vault, session())?
    } else {
        History::of_agent(&vault, &agent, session)?
    };
    let all = history.lines.len();
    history.keep(&wanted)?;
    let History { lines, damaged, verified, .. } = history;
    if context.json() {
        let agent = (!args.vault).then(|| agent.to_string());
        context.print_json(&Document { agent, lines, damaged, verified })?;
        return Ok(0);
    }
    let mut table = Table::new(["WHEN", "WHAT", "PROFILE", ""]);
    for line in &lines {
        let cells = cells(line);
        table.row(cells.each_ref().map(String::as_str));
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

/// Prints the wanted lines, and new ones as they are written, until the reader closes its end or a signal ends the
/// command.
fn follow(context: &mut Context, mut follower: Follower<'_>, wanted: &Wanted<'_>) -> Result<u8> {
    let mut lines = follower.begin(wanted)?;
    let later = Wanted { since: None, last: None, ..*wanted };
    loop {
        for line in &lines {
            let text = if context.json() {
                document(line, true)?
            } else {
                let [at, op, what, special] = cells(line);
                safe(format!("{at}  {op:<8}  {what:<24}  {special}").trim_end()).into_owned()
            };
            context.print(&text)?;
        }
        if context.is_closed() || out::closes_within(LOOK_EVERY) {
            return Ok(0);
        }
        lines = follower.later(&later)?;
    }
}

/// Returns a line for people: when, what, of which profile, and what is special about it.
fn cells(Checked { line, fault }: &Checked) -> [String; 4] {
    let event = &line.event;
    let named = [&event.profile, &event.access, &event.method, &event.setting];
    let what = named.into_iter().flatten().next().map_or("-", String::as_str);
    let special = fault.map_or_else(|| special(event), |fault| format!("DAMAGED: {fault}"));
    [local_to_second(line.at), safe(&event.op).into_owned(), safe(what).into_owned(), special]
}

/// Returns what is special about an event: another id before, a setting, or hosts and helpers.
fn special(event: &Event) -> String {
    let names = |list: &Option<Vec<String>>| list.as_deref().unwrap_or_default().join(", ");
    let said = match event {
        Event { from: Some(from), .. } => format!("was {from}"),
        Event { setting: Some(setting), old, new, .. } if setting == ENV_FILE => {
            env_files::changed(old.as_deref(), new.as_deref())
        }
        Event { setting: Some(_), old, new, .. } => messages::changed(old.as_deref(), new.as_deref()),
        Event { access: Some(_), after: Some(bound), .. } => bound.join(", "),
        Event { field: Some(field), before, after, .. } => {
            messages::field_changed(field, &names(before), &names(after))
        }
        _ => return String::new(),
    };
    safe(&said).into_owned()
}
