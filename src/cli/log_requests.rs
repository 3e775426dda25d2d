//! `log --requests`: shows what the proxy answered.

use serde::Serialize;

use super::Context;
use crate::error::Result;
use crate::messages::serve as messages;
use crate::ops::serving;
use crate::term::escape::safe;
use crate::term::table::Table;
use crate::time::local_to_second;
use crate::vault::requests::{Entry, Read, Standing};

#[derive(Serialize)]
struct Document {
    agent: String,
    requests: Vec<Line>,
    /// The number of lines that were altered, or whose lines before are missing.
    damaged: usize,
}

#[derive(Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(flatten)]
    entry: Option<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'static str>,
}

/// Shows the requests since a time, in Unix milliseconds, or the last ones.
pub(super) fn run(context: &mut Context, since: Option<i64>, last: Option<usize>) -> Result<u8> {
    let vault = context.vault()?;
    let open = context.open(&vault)?;
    let mut lines = serving::requests(&open)?;
    let agent = open.agent.to_string();
    drop(open);
    let damaged =
        lines.iter().filter(|line| matches!(line.standing, Standing::Altered | Standing::AfterGap)).count();
    if let Some(since) = since {
        lines.retain(|line| line.entry.as_ref().is_none_or(|(_, entry)| entry.at >= since));
    }
    if let Some(last) = last {
        lines.drain(..lines.len().saturating_sub(last));
    }
    if context.json() {
        let requests = lines.into_iter().map(Line::of).collect();
        context.print_json(&Document { agent, requests, damaged })?;
        return Ok(0);
    }
    let mut table = Table::new(["WHEN", "CLIENT", "PROFILE", "STATUS", "TIME", ""]);
    for line in &lines {
        let cells = cells(line);
        table.row(cells.each_ref().map(String::as_str));
    }
    if table.is_empty() {
        context.say(&messages::no_requests(&agent));
    } else {
        context.print(&table.to_string())?;
    }
    if damaged > 0 {
        context.warn(&messages::damaged_requests(damaged));
    }
    Ok(0)
}

impl Line {
    fn of(read: Read) -> Self {
        let (seq, entry) = read.entry.unzip();
        Self { seq, entry, fault: fault(read.standing) }
    }
}

fn fault(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Good => None,
        Standing::AfterGap => Some(messages::AFTER_GAP),
        Standing::EarlierKey => Some(messages::EARLIER_KEY),
        Standing::Altered => Some(messages::ALTERED),
    }
}

/// Returns a line for people: when, who asked, which profile, the status, how long, and what is special about it.
fn cells(read: &Read) -> [String; 6] {
    let fault = fault(read.standing).unwrap_or_default().to_owned();
    let Some((_, entry)) = &read.entry else {
        let none = String::new;
        return [none(), none(), none(), none(), none(), fault];
    };
    let name = |name: &Option<String>| safe(name.as_deref().unwrap_or("-")).into_owned();
    let mut special: Vec<String> =
        entry.refusal.iter().map(|code| messages::refused_with(&safe(code))).collect();
    if entry.sent > 1 {
        special.push(messages::sent_often(entry.sent));
    }
    if entry.not_kept {
        special.push(messages::NOT_KEPT.to_owned());
    }
    if entry.incomplete {
        special.push(messages::INCOMPLETE.to_owned());
    }
    if entry.lost > 0 {
        special.push(messages::lost_lines(entry.lost));
    }
    if entry.strangers > 0 {
        special.push(messages::strangers(entry.strangers));
    }
    special.extend((!fault.is_empty()).then_some(fault));
    [
        local_to_second(entry.at),
        name(&entry.access),
        name(&entry.profile),
        entry.status.to_string(),
        messages::milliseconds(entry.until_end),
        special.join("; "),
    ]
}
