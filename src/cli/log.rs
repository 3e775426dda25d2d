//! `log`: shows and filters the change log.

use clap::Args;
use serde::Serialize;

use super::Context;
use crate::error::Result;
use crate::term::escape::safe;
use crate::term::table::Table;
use crate::vault::log::{self, Line};
use crate::when::{parse_duration, rfc3339};

/// Show what was changed, and when. `strongroom verify` checks that the log is whole.
#[derive(Debug, Args)]
pub struct Log {
    /// Show one profile only
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// Show one kind of change only, for example paste or remove
    #[arg(long, value_name = "OP")]
    op: Option<String>,
    /// Show the changes since then: 24h, 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show at most this many, the latest
    #[arg(long, short = 'n', value_name = "N")]
    last: Option<usize>,
    /// Show the changes of keys and unlock methods instead of an agent's
    #[arg(long)]
    vault: bool,
}

#[derive(Serialize)]
struct Document {
    agent: Option<String>,
    lines: Vec<Line>,
    /// Lines that are no lines of a log.
    damaged: usize,
}

pub(super) fn run(context: &mut Context, args: &Log) -> Result<u8> {
    let profile = args.profile.as_deref().map(|id| context.profile_id(id)).transpose()?;
    let since = args.since.as_deref().map(parse_duration).transpose()?.map(|ms| context.env.now() - ms);
    let vault = context.vault()?;
    let agent = context.agent()?;
    let bytes = if args.vault {
        vault.home.read_if_any(log::FILE, log::MAX)?
    } else {
        match vault.agent(&agent)? {
            Some(found) => found.dir.read_if_any(log::FILE, log::MAX)?,
            None => None,
        }
    }
    .unwrap_or_default();
    let mut damaged = 0;
    let mut lines: Vec<Line> = Vec::new();
    for raw in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<Line>(raw) {
            Ok(line) => lines.push(line),
            Err(_) => damaged += 1,
        }
    }
    lines.retain(|line| {
        profile.as_ref().is_none_or(|id| {
            [&line.event.profile, &line.event.from]
                .into_iter()
                .any(|text| text.as_deref() == Some(id.as_str()))
        }) && args.op.as_ref().is_none_or(|op| line.event.op == *op)
            && since.is_none_or(|since| line.at >= since)
    });
    if let Some(last) = args.last {
        lines.drain(..lines.len().saturating_sub(last));
    }
    if context.json() {
        let agent = (!args.vault).then(|| agent.to_string());
        context.print_json(&Document { agent, lines, damaged })?;
        return Ok(0);
    }
    let mut table = Table::new(["WHEN", "WHAT", "PROFILE", ""]);
    for line in &lines {
        let event = &line.event;
        let what = event.profile.as_deref().or(event.method.as_deref()).unwrap_or("-");
        let from = event.from.as_ref().map_or_else(String::new, |from| format!("was {from}"));
        let at = rfc3339(line.at);
        table.row([&at, &safe(&event.op), what, &from]);
    }
    if !table.is_empty() {
        context.print(&table.to_string())?;
    }
    if damaged > 0 {
        context.warn(&format!("damaged lines in the log: {damaged}; run `strongroom verify`"));
    }
    Ok(0)
}
