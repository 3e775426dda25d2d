//! `connect openclaw`: shows what changes in OpenClaw's files, writes it, and lets OpenClaw check it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::connect_client::{Arguments, Client, shown_diff};
use super::notices::joined;
use super::{Context, openclaw_setup};
use crate::client::audit::{self, Audit};
use crate::client::config::ClientConfig;
use crate::client::edit::ProfileStore;
use crate::client::places::Places;
use crate::client::program::Program;
use crate::client::stores::{Generation, Installation};
use crate::client::version::ClientVersion;
use crate::env::Env;
use crate::error::Result;
use crate::messages::connect as messages;
use crate::ops::connect::{self, Mirrored, Planned, ReadBack, Wanted};
use crate::ops::open::Open;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index;

/// Connect OpenClaw, so that it gets its credentials from this vault
///
/// Shows the change of its configuration and asks first. From then on, every change of profiles reaches OpenClaw's own
/// files too. `strongroom disconnect openclaw` undoes it.
#[derive(Debug, Args)]
pub struct Connect {
    #[command(flatten)]
    arguments: Arguments,
}

pub(super) fn run(context: &mut Context, args: &Connect) -> Result<u8> {
    let Arguments { client: Client::Openclaw, dry_run, yes } = args.arguments;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let found = Found::look(context)?;
    let wanted = found.wanted(context, &open)?;
    let planned = connect::plan(&open, &wanted)?;
    show(context, &planned)?;
    let is_done = planned.is_done() && found.is_applied(&planned);
    if dry_run {
        context.say(messages::DRY_RUN);
        return tell(context, &planned, &[], "dry-run", None);
    }
    if is_done {
        let audit = verify(context, found.program.as_ref());
        if !context.json() {
            context.print(&messages::connected_already(&planned.link.config))?;
        }
        return tell(context, &planned, &planned.mirrored, "unchanged", audit);
    }
    if planned.plan.is_some() && found.program.is_none() {
        return Err(messages::no_program());
    }
    context.confirm(yes, messages::CONNECT_PROMPT)?;
    openclaw_setup::place_resolver(context, &planned.link.resolver.command)?;
    let mirrored = connect::carry_out(&mut open, &planned)?;
    if let (Some(_), Some(program)) = (&planned.plan, &found.program) {
        connect::apply(&mut open, &planned, program)?;
    }
    warn_of_kept(context, &mirrored);
    for read in &planned.read_back {
        context.say(&messages::order_taken(&read.agent, &read.provider, &joined(&read.ids)));
    }
    if !context.json() {
        context.print(&messages::connected(planned.served.len()))?;
    }
    let audit = verify(context, found.program.as_ref());
    context.say(messages::RELOAD);
    tell(context, &planned, &mirrored, "connected", audit)
}

/// What is known of the client on this machine.
struct Found {
    config: PathBuf,
    installation: Installation,
    store: ProfileStore,
    program: Option<Program>,
}

impl Found {
    fn look(context: &Context) -> Result<Self> {
        let env = &context.env;
        let config = ClientConfig::of(env)?;
        let installation = Installation::of(env, config.as_ref());
        let program = Program::find(env);
        Ok(Self {
            config: Places::of(env).config.ok_or_else(messages::no_client)?,
            store: store_of(env, program.as_ref(), &installation)?,
            installation,
            program,
        })
    }

    /// Returns what connecting is to do: with the vault's agents that the client has.
    fn wanted(&self, context: &Context, open: &Open<'_>) -> Result<Wanted> {
        let mut agents = Vec::new();
        let mut own = Vec::new();
        for name in open.vault.agents()? {
            let has_some = open
                .vault
                .agent(&name)?
                .is_some_and(|agent| agent.index().is_ok_and(|index| !index.is_empty()));
            if !has_some {
                continue;
            }
            match self.installation.agent(&name) {
                Some(agent) => agents.push((name.clone(), agent.directory.join(index::FILE))),
                None => context.warn(&messages::not_an_agent(&name)),
            }
            own.push(name);
        }
        let wanted = Wanted {
            config: self.config.clone(),
            resolver: openclaw_setup::resolver(context, open.vault)?,
            store: self.store,
            agents,
        };
        connect::must_share_an_agent(&wanted, &own)?;
        Ok(wanted)
    }

    fn is_applied(&self, planned: &Planned) -> bool {
        self.store == ProfileStore::Json
            || planned.served.iter().all(|served| planned.link.applied.contains(&served.reference))
                && planned.served.len() == planned.link.applied.len()
    }
}

/// Returns where the client keeps its profiles: as its version does or, if that is not known, as the stores say that it has
/// made. A file of one kind would stop a client of the other.
///
/// # Errors
/// `NOT_FOUND` if neither tells.
fn store_of(env: &Env, program: Option<&Program>, installation: &Installation) -> Result<ProfileStore> {
    let asked = || program.and_then(|program| program.version().ok().flatten());
    if let Some(version) = ClientVersion::installed(env).or_else(asked) {
        return Ok(if version.is_sqlite() { ProfileStore::Sqlite } else { ProfileStore::Json });
    }
    match installation.generation() {
        Generation::None => Err(messages::unknown_version()),
        Generation::Json => Ok(ProfileStore::Json),
        Generation::Sqlite | Generation::Both => Ok(ProfileStore::Sqlite),
    }
}

/// Shows what changes.
fn show(context: &mut Context, planned: &Planned) -> Result<()> {
    if context.json() {
        return Ok(());
    }
    let mut lines = Vec::new();
    if !planned.diff.is_empty() {
        lines.push(messages::config_changes(&planned.link.config));
        lines.extend(shown_diff(&planned.diff));
    }
    for mirrored in planned.mirrored.iter().filter(|mirrored| mirrored.changes) {
        let of = |agent: &AgentName| planned.served.iter().filter(|served| served.agent == *agent).count();
        lines.push(messages::mirror_changes(&mirrored.path, of(&mirrored.agent)));
        if !mirrored.kept.replaced.is_empty() {
            lines.push(messages::would_replace(&mirrored.kept.replaced.join(", ")));
        }
    }
    for read in &planned.read_back {
        lines.push(messages::takes_order(&read.agent, &read.provider, &joined(&read.ids)));
    }
    if planned.plan.is_some() {
        lines.push(messages::plan_changes(planned.served.len()));
    }
    if planned.is_done() && planned.plan.is_none() { Ok(()) } else { context.print(&lines.join("\n")) }
}

fn warn_of_kept(context: &Context, mirrored: &[Mirrored]) {
    for of in mirrored {
        if !of.kept.replaced.is_empty() {
            context.say(&messages::replaced(&of.kept.replaced.join(", ")));
        }
        if !of.kept.plaintext.is_empty() {
            context.warn(&messages::plaintext(&of.kept.plaintext.join(", ")));
        }
        if !of.kept.others.is_empty() {
            context.warn(&messages::others_kept(&of.kept.others.join(", ")));
        }
    }
}

/// Lets the client check its references. That it cannot is told, and is no error: the connection is made.
fn verify(context: &Context, program: Option<&Program>) -> Option<Audit> {
    let Some(program) = program else {
        context.say(&messages::not_verified(messages::NOT_ON_PATH));
        return None;
    };
    match audit::run(program) {
        Ok(audit) if audit == Audit::default() => {
            context.say(messages::VERIFIED);
            Some(audit)
        }
        Ok(audit) => {
            context.warn(&messages::left_over(audit.plaintext, audit.unresolved));
            Some(audit)
        }
        Err(error) => {
            context.say(&messages::not_verified(error.what()));
            None
        }
    }
}

fn tell(
    context: &mut Context,
    planned: &Planned,
    mirrored: &[Mirrored],
    result: &str,
    audit: Option<Audit>,
) -> Result<u8> {
    if context.json() {
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        let served: Vec<_> = planned.served.iter().map(|served| &served.reference).collect();
        let order = |read: &ReadBack| {
            let ids: Vec<_> = read.ids.iter().map(ProfileId::as_str).collect();
            serde_json::json!({ "agent": read.agent.as_str(), "provider": read.provider.as_str(), "ids": ids })
        };
        let orders: Vec<_> = planned.read_back.iter().map(order).collect();
        let plaintext: Vec<_> = mirrored.iter().flat_map(|of| &of.kept.plaintext).collect();
        context.print_json(&serde_json::json!({
            "client": "openclaw",
            "result": result,
            "config": shown(&planned.link.config),
            "diff": planned.diff,
            "resolver": shown(&planned.link.resolver.command),
            "agents": planned.link.agents.keys().collect::<Vec<_>>(),
            "served": served,
            "orders": orders,
            "plaintext": plaintext,
            "audit": audit.map(|audit| serde_json::json!({
                "plaintext": audit.plaintext, "unresolved": audit.unresolved,
            })),
        }))?;
    }
    Ok(0)
}
