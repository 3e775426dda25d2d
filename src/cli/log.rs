//! `log`: shows and filters the change log.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::context::not_a_secret;
use crate::error::{Code, Error, Result};
use crate::seal::keys::Ring;
use crate::term::count::counted;
use crate::term::escape::safe;
use crate::term::table::Table;
use crate::time::{parse_duration, rfc3339};
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::log::{self, Head, Line, OPS_OF_AGENT, OPS_OF_VAULT};
use crate::vault::vault_ledger::VaultLedger;

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
    lines: Vec<Shown>,
    /// How many lines are not as this vault wrote them, or are missing.
    damaged: usize,
    /// Whether the lines were checked by their MACs: that takes a key.
    verified: bool,
}

/// A line, and what is wrong with it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    line: Line,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'static str>,
}

/// A log as far as it can be checked.
struct Read {
    lines: Vec<Shown>,
    damaged: usize,
    verified: bool,
}

impl Read {
    /// The lines of files; with the keys of their scope they are checked against these and the head.
    fn of(files: &[Vec<u8>], checked: Option<(&Ring, &Head)>) -> Result<Self> {
        let judged = log::judge(checked.map(|(ring, _)| ring), files)?;
        let mut damaged = judged.iter().filter(|judged| judged.fault.is_some()).count();
        let last = judged.iter().rev().filter(|judged| judged.fault.is_none()).find_map(|j| j.line.as_ref());
        if let Some((_, head)) = checked
            && !last.map_or_else(|| head.is_at(0, ""), |line| head.is_at(line.seq, &line.mac))
        {
            damaged += 1;
        }
        let shown = |judged: log::Judged| Some(Shown { line: judged.line?, fault: judged.fault });
        let lines = judged.into_iter().filter_map(shown).collect();
        Ok(Self { lines, damaged, verified: checked.is_some() })
    }

    fn of_vault(context: &Context, vault: &Vault) -> Result<Self> {
        if let Ok(session) = context.session_unasked(vault)
            && let Ok(ring) = session.keys().own()
            && let Ok(Some(own)) = VaultLedger::read(vault.home(), &ring)
        {
            return Self::of(&own.log_files(vault.home())?, Some((&ring, &own.log)));
        }
        Self::of(&log::read(vault.home())?, None)
    }

    fn of_agent(context: &Context, vault: &Vault, agent: &AgentName) -> Result<Self> {
        let Some(found) = vault.agent(agent)? else { return Self::of(&[], None) };
        let ring =
            context.session_unasked(vault).ok().and_then(|session| session.keys().agent(agent.as_str()).ok());
        let Some(ring) = ring else { return Self::of(&log::read(found.dir())?, None) };
        // If a change is unfinished, the file lacks its lines.
        let reader = found.reader(ring, vault.keychain())?;
        let head = reader.book().ok().map(|book| &book.ledger.log);
        Self::of(&reader.log()?, head.map(|head| (reader.ring(), head)))
    }
}

/// Whose log is shown, for people.
fn whose(of_vault: bool, agent: &AgentName) -> String {
    if of_vault { "the vault".to_owned() } else { format!("agent {agent}") }
}

/// Refuses a kind of change that no line can be, so that a slip of the finger is not read as "nothing happened".
fn check_op(op: &str, of_vault: bool, lines: &[Shown]) -> Result<()> {
    not_a_secret(op)?;
    let (known, others) = if of_vault { (OPS_OF_VAULT, OPS_OF_AGENT) } else { (OPS_OF_AGENT, OPS_OF_VAULT) };
    // A later version may write others.
    if known.contains(&op) || lines.iter().any(|shown| shown.line.event.op == op) {
        return Ok(());
    }
    let error = if others.contains(&op) {
        let (log, remedy) = if of_vault {
            ("the logs of agents, not in the vault's", "leave out --vault")
        } else {
            ("the vault's log, not in an agent's", "add --vault")
        };
        Error::new(Code::Usage, format!("{op} is recorded in {log}")).with_remedy(remedy)
    } else {
        Error::new(Code::Usage, "--op is not a kind of change")
            .with_remedy(format!("use one of: {}", known.join(", ")))
    };
    Err(error)
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
    let Read { mut lines, damaged, verified } =
        if args.vault { Read::of_vault(context, &vault)? } else { Read::of_agent(context, &vault, &agent)? };
    if let Some(op) = &args.op {
        check_op(op, args.vault, &lines)?;
    }
    let all = lines.len();
    lines.retain(|Shown { line, .. }| {
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
        context.print_json(&Document { agent, lines, damaged, verified })?;
        return Ok(0);
    }
    let mut table = Table::new(["WHEN", "WHAT", "PROFILE", ""]);
    for Shown { line, fault } in &lines {
        let event = &line.event;
        let what = event.profile.as_deref().or(event.method.as_deref()).unwrap_or("-");
        let from = match (fault, &event.from) {
            (Some(fault), _) => format!("DAMAGED: {fault}"),
            (None, Some(from)) => format!("was {}", safe(from)),
            (None, None) => String::new(),
        };
        let at = rfc3339(line.at);
        table.row([&at, &safe(&event.op), &safe(what), &from]);
    }
    if !table.is_empty() {
        context.print(&table.to_string())?;
    } else if all > 0 {
        context.say(&format!("No change in the log matches ({}).", counted(all as u64, "line")));
    } else {
        context.say(&format!("The log of {} is empty.", whose(args.vault, &agent)));
    }
    if damaged > 0 {
        context.warn(&format!("damaged lines in the log: {damaged}; run `strongroom verify`"));
    }
    Ok(0)
}
