//! `connect openclaw`: shows what changes in OpenClaw's files, writes it, and lets OpenClaw check it. Other clients are
//! connected by [`other_clients`].

use std::path::{Path, PathBuf};

use clap::Args;

use super::connect_client::{Answers, Arguments, Client, shown_diff};
use super::notices::joined;
use super::openclaw_found::{Found, verify, warn_of_kept};
use super::{Context, connect_proxy, openclaw_setup, other_clients};
use crate::client::audit::Audit;
use crate::error::Result;
use crate::messages::cli::clients;
use crate::messages::{connect as messages, proxied};
use crate::ops::connect::{self, Mirrored, Planned, ReadBack};
use crate::vault::id::{AgentName, ProfileId};

/// Connect OpenClaw, git, Claude Code, …: it gets its credentials from this vault
///
/// Shows the change of its configuration and asks first. With OpenClaw, every change of profiles reaches OpenClaw's own
/// files too from then on. A client that has a login keeps it. `strongroom disconnect CLIENT` undoes it.
#[derive(Debug, Args)]
pub struct Connect {
    #[command(flatten)]
    arguments: Arguments,
    #[command(flatten)]
    parts: Parts,
}

/// What a client other than OpenClaw is to get.
#[derive(Debug, Args)]
pub(super) struct Parts {
    /// Give it this profile [default: those that serve it]
    #[arg(long, value_name = "ID")]
    pub profile: Option<String>,
    /// Only for this host of a profile; can be repeated [default: every host]
    #[arg(long, value_name = "HOST")]
    pub host: Vec<String>,
    /// Part of its configuration: an AWS profile, a registry, an MCP server, a model provider
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Give it a token for the proxy (`serve`) instead of secrets
    #[arg(long)]
    pub proxy: bool,
    /// With --proxy: the address of the proxy [default: that of the server that runs]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// With --proxy: let it use this provider; can be repeated [default: the client's own]
    #[arg(long = "provider", value_name = "P")]
    pub providers: Vec<String>,
    /// With --proxy: write the token to this new file of yours, outside any git work tree
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,
}

impl Parts {
    fn is_empty(&self) -> bool {
        self.profile.is_none() && self.host.is_empty() && self.name.is_none()
    }

    fn names_proxy(&self) -> bool {
        self.url.is_some() || !self.providers.is_empty() || self.file.is_some()
    }
}

pub(super) fn run(context: &mut Context, args: &Connect) -> Result<u8> {
    let Arguments { client, answers } = args.arguments;
    if args.parts.proxy {
        return connect_proxy::connect(context, answers, &args.parts, client.by_proxy());
    }
    if args.parts.names_proxy() {
        return Err(proxied::only_with_proxy());
    }
    if let Client::Other(client) = client {
        return other_clients::connect(context, answers, &args.parts, client);
    }
    if !args.parts.is_empty() {
        return Err(clients::not_for_openclaw());
    }
    let Answers { dry_run, yes } = answers;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    connect_proxy::refuse_openclaw(&open)?;
    let found = Found::look(context)?;
    let wanted = found.wanted(context, &open)?;
    let mut planned = connect::plan(&open, &wanted)?;
    planned.leave_out_known(&found.installation)?;
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
    if planned.lacks() > 0 && found.program.is_none() {
        return Err(messages::no_program());
    }
    context.confirm(yes, messages::CONNECT_PROMPT)?;
    if planned.changes_agent() {
        // As `settings set default-agent`: it says to which agent the next secret goes.
        open.session = context.session_afresh(&vault)?;
    }
    openclaw_setup::place_resolver(context, &planned.link.resolver.command)?;
    let mirrored = connect::carry_out(&mut open, &planned)?;
    connect::apply(&mut open, &planned, found.program.as_ref())?;
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
    if planned.lacks() > 0 {
        lines.push(messages::plan_changes(planned.lacks()));
    }
    match &planned.new_agent {
        Some(agent) => lines.push(messages::agent_becomes(agent)),
        None if planned.changes_agent() => lines.push(messages::AGENT_OF_SETTING.to_owned()),
        None => {}
    }
    if lines.is_empty() { Ok(()) } else { context.print(&lines.join("\n")) }
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
            "defaultAgent": planned.link.default_agent,
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
