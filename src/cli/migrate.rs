//! `migrate openclaw`: moves OpenClaw's plaintext into the vault, and no byte of it stays in its files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use strongroom_backends::shown;

use super::connect_client::Answers;
use super::openclaw_found::{Found, verify};
use super::{Context, notices, openclaw_setup};
use crate::client::audit::Audit;
use crate::error::Result;
use crate::messages::connect as of_connect;
use crate::messages::migrate as messages;
use crate::ops::connect::{self, Mirrored, Planned as Connection};
use crate::ops::migrate::{self, Cleared, Holdings, Left, Needles, Plain, Planned, Switch, Switched};
use crate::ops::open::Open;
use crate::term::escape::safe;

/// Move OpenClaw's plaintext into the vault, and remove it from its files
///
/// Stores the API keys and tokens of every agent, of .env and of openclaw.json, reads them back, connects OpenClaw, lets
/// its files refer to the vault, and removes what is left: in backups, archives and free pages of its databases. Then it
/// searches every file of OpenClaw's for every secret.
///
/// It can be stopped at any moment and run again. OAuth sign-ins stay where they are. The gateway has to be stopped first
/// if OpenClaw keeps its profiles in SQLite (from 2026.6.5 on).
#[derive(Debug, Args)]
pub struct Migrate {
    /// Client whose plaintext is moved
    #[arg(value_enum, value_name = "CLIENT")]
    client: Migrated,
    #[command(flatten)]
    answers: Answers,
}

/// A client whose plaintext can be moved.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Migrated {
    /// OpenClaw
    Openclaw,
}

/// What was done.
#[derive(Default)]
struct Done {
    stored: usize,
    switched: Switched,
    cleared: Cleared,
    config_changed: bool,
    audit: Option<Audit>,
}

pub(super) fn run(context: &mut Context, args: &Migrate) -> Result<u8> {
    let (Migrated::Openclaw, Answers { dry_run, yes }) = (args.client, args.answers);
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let found = Found::look(context)?;
    let client = migrate::Client::of(&context.env, found.store)?;
    let planned = migrate::plan(&open, &client)?;
    show(context, &planned)?;
    if dry_run {
        context.say(of_connect::DRY_RUN);
        return tell(context, &planned, &found.config, "dry-run", &Done::default(), &planned.survey.left);
    }
    context.confirm(yes, messages::PROMPT)?;
    for notice in migrate::store(&mut open, &planned)? {
        context.warn(&notices::sentence(&notice));
    }
    let mut done = Done { stored: planned.writes, ..Done::default() };
    if !context.json() {
        context.print(&messages::stored(done.stored))?;
    }
    let holdings = Holdings::read(&open)?;
    let switch = Switch::of(&client, &holdings)?;
    let (mirrored, mut connection) = connect(context, &mut open, &found, &switch)?;
    done.config_changed = !connection.diff.is_empty();
    done.switched = switch.carry_out(&open)?;
    done.switched.stores.extend(mirrored.into_iter().filter(|of| of.changes).map(|of| of.path));
    connection.leave_out_known(&found.installation)?;
    switch.add(&connection, open.now())?;
    connection.leave_out_known(&found.installation)?;
    connect::apply(&mut open, &connection, found.program.as_ref())?;
    done.cleared = migrate::clear(&client, &switch, &Needles::of(holdings.secrets()));
    let now = migrate::Client::of(&context.env, found.store)?;
    let left = left(&now.survey()?, &[&done.switched.left[..], &done.cleared.left].concat());
    tell_done(context, &connection, &done, &left)?;
    done.audit = verify(context, found.program.as_ref());
    context.say(of_connect::RELOAD);
    let searched = &done.cleared.searched;
    let open_ends = left.iter().filter(|left| !left.is_expected).count()
        + searched.hits.len()
        + searched.unread.len()
        + done.cleared.failed.len();
    let result = if open_ends == 0 { "migrated" } else { "left over" };
    tell(context, &planned, &found.config, result, &done, &left)?;
    if open_ends > 0 { Err(messages::left_over(open_ends)) } else { Ok(0) }
}

/// Connects the client, with references in the place of keys in its configuration.
fn connect(
    context: &mut Context,
    open: &mut Open<'_>,
    found: &Found,
    switch: &Switch<'_>,
) -> Result<(Vec<Mirrored>, Connection)> {
    let mut wanted = found.wanted(context, open)?;
    switch.in_config(&mut wanted)?;
    let planned = connect::plan(open, &wanted)?;
    if planned.changes_agent() {
        // As `settings set default-agent`: it says to which agent the next secret goes.
        open.session = context.session_afresh(open.vault)?;
    }
    openclaw_setup::place_resolver(context, &planned.link.resolver.command)?;
    Ok((connect::carry_out(open, &planned)?, planned))
}

/// Returns what stays: what the survey still finds, for the reason that is known.
fn left(survey: &migrate::Survey, known: &[Left]) -> Vec<Left> {
    let of_plain = |plain: &Plain| Left {
        what: plain.what.clone(),
        place: plain.place.clone(),
        why: messages::NOT_STORED,
        is_expected: false,
    };
    let is_known = |left: &Left| {
        known.iter().chain(&survey.left).any(|one| (&one.what, &one.place) == (&left.what, &left.place))
    };
    let unknown = survey.plain.iter().map(of_plain).filter(|left| !is_known(left));
    survey.left.iter().cloned().chain(unknown).chain(known.iter().cloned()).collect()
}

/// Shows what would be done.
fn show(context: &mut Context, planned: &Planned) -> Result<()> {
    if context.json() {
        return Ok(());
    }
    let mut lines = Vec::new();
    if planned.survey.plain.is_empty() {
        lines.push(messages::NOTHING.to_owned());
    } else {
        lines.push(messages::in_plain_text(planned.survey.plain.len()));
        lines.extend(planned.survey.plain.iter().map(|plain| messages::one_of(&plain.what, &plain.place)));
    }
    if !planned.lines.is_empty() {
        lines.push(messages::to_store(planned.writes));
        lines.extend(planned.lines.iter().map(|line| format!("  {}", safe(line))));
    }
    let is_done = planned.survey.plain.is_empty();
    lines.push(if is_done { messages::STEPS_AGAIN } else { messages::STEPS }.to_owned());
    context.print(&lines.join("\n"))
}

/// Prints what was done to each file, and what stays.
fn tell_done(context: &mut Context, connection: &Connection, done: &Done, left: &[Left]) -> Result<()> {
    if !context.json() {
        let config = done.config_changed.then_some(&connection.link.config);
        let changed: BTreeSet<&PathBuf> =
            done.switched.stores.iter().chain(&done.switched.dotenv).chain(config).collect();
        let gone = |path: &Path| !path.exists();
        let mut lines: Vec<String> = changed
            .into_iter()
            .map(|path| if gone(path) { messages::removed(path) } else { messages::changed(path) })
            .collect();
        lines.extend(done.cleared.removed.iter().map(|path| messages::removed(path)));
        lines.extend(done.cleared.rewritten.iter().map(|path| messages::cleared(path)));
        lines.push(of_connect::connected(connection.served.len()));
        if done.cleared.searched.hits.is_empty() && done.cleared.searched.unread.is_empty() {
            lines.push(messages::nothing_found(done.cleared.searched.files));
        }
        context.print(&lines.join("\n"))?;
    }
    for hit in &done.cleared.searched.hits {
        let profiles: Vec<_> = hit.profiles.iter().map(String::as_str).collect();
        context.warn(&messages::found(&hit.path, &profiles.join(", ")));
    }
    for error in done.cleared.failed.iter().chain(&done.cleared.searched.unread) {
        context.warn(&format!("{}; {}", error.what(), error.remedy()));
    }
    for left in left {
        context.warn(&messages::stays(&left.what, &left.place, left.why));
    }
    Ok(())
}

/// Prints the receipt for programs.
fn tell(
    context: &mut Context,
    planned: &Planned,
    config: &Path,
    result: &str,
    done: &Done,
    left: &[Left],
) -> Result<u8> {
    if context.json() {
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| shown(path)).collect::<Vec<_>>();
        let plain: Vec<_> = planned
            .survey
            .plain
            .iter()
            .map(|one| serde_json::json!({ "what": one.what, "place": one.place, "agent": one.agent.as_str() }))
            .collect();
        let left: Vec<_> = left
            .iter()
            .map(|one| serde_json::json!({ "what": one.what, "place": one.place, "why": one.why }))
            .collect();
        let hits: Vec<_> = done
            .cleared
            .searched
            .hits
            .iter()
            .map(|hit| serde_json::json!({ "path": shown(&hit.path), "profiles": hit.profiles }))
            .collect();
        let errors = done.cleared.failed.iter().chain(&done.cleared.searched.unread);
        context.print_json(&serde_json::json!({
            "client": "openclaw",
            "result": result,
            "config": shown(config),
            "plaintext": plain,
            "stored": done.stored,
            "stores": paths(&done.switched.stores),
            "dotenv": paths(&done.switched.dotenv),
            "removed": paths(&done.cleared.removed),
            "cleared": paths(&done.cleared.rewritten),
            "left": left,
            "searched": done.cleared.searched.files,
            "found": hits,
            "errors": errors.map(|error| error.what().to_owned()).collect::<Vec<_>>(),
            "audit": done.audit.as_ref().map(|audit| serde_json::json!({
                "plaintext": audit.plaintext, "unresolved": audit.unresolved,
            })),
        }))?;
    }
    Ok(0)
}
