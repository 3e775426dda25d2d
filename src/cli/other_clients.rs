//! `connect` and `disconnect` for clients other than OpenClaw.

use std::path::{Path, PathBuf};

use super::Context;
use super::connect::Parts;
use super::connect_client::{Answers, shown_diff};
use super::details_flags::hosts;
use super::openclaw_setup;
use crate::client::connectable::{Client, Program};
use crate::error::Result;
use crate::messages::cli::clients as messages;
use crate::messages::client::connectable::no_home;
use crate::messages::connect::{CONNECT_PROMPT, DRY_RUN};
use crate::messages::other_clients::no_parts;
use crate::messages::proxied;
use crate::ops::open::Open;
use crate::ops::other_clients::{self, Asked, Disconnecting, Launcher, Planned};
use crate::vault::home::Vault;
use crate::vault::id::ProfileId;

/// The directory of the user's own programs, in the home.
const PROGRAMS: &str = ".local/bin";
/// What Docker puts before the name of a helper.
const DOCKER: &str = "docker-credential-strongroom";

pub(super) fn connect(context: &mut Context, answers: Answers, parts: &Parts, client: Client) -> Result<u8> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let planned = plan(context, &open, parts, client)?;
    carry_out(context, &vault, &mut open, answers, &planned)
}

/// Shows what was planned, asks, and does it.
pub(super) fn carry_out(
    context: &mut Context,
    vault: &Vault,
    open: &mut Open<'_>,
    answers: Answers,
    planned: &Planned,
) -> Result<u8> {
    let client = planned.client;
    show(context, planned)?;
    if answers.dry_run {
        context.say(DRY_RUN);
        return tell(context, planned, "dry-run");
    }
    if planned.is_done() {
        if !context.json() {
            context.print(&messages::connected_already(client.called(), &planned.kept.config))?;
        }
        return tell(context, planned, "unchanged");
    }
    context.confirm(answers.yes, CONNECT_PROMPT)?;
    if planned.needs_method() {
        // As `edit --helper` and `access add`: it lets the secret be used in more places.
        open.session = context.session_afresh(vault)?;
    }
    other_clients::connect(open, planned)?;
    if !context.json() {
        context.print(&messages::connected(client.called(), &planned.connected.join(", ")))?;
    }
    tell(context, planned, "connected")
}

fn plan(context: &Context, open: &Open<'_>, parts: &Parts, client: Client) -> Result<Planned> {
    let asked = Asked {
        profile: parts
            .profile
            .as_deref()
            .map(|id| context.profile_id(id))
            .transpose()?
            .map(|id| id.to_string()),
        hosts: hosts("--host", &parts.host)?,
        name: parts.name.clone(),
    };
    if asked.name.is_some() && !client.takes_name() {
        return Err(no_parts(client.as_str()));
    }
    let (program, has_flags) = program(context, open.vault)?;
    let launcher = launcher(context, client, &program, has_flags)?;
    other_clients::plan(open, client, &program, launcher, &asked)
}

/// Returns how a client runs this program, and whether it needs flags for that.
fn program(context: &Context, vault: &Vault) -> Result<(Program, bool)> {
    let provider = openclaw_setup::of(context, vault)?;
    let has_flags =
        provider.home.is_some() || provider.key_file.is_some() || context.agent_by_hand()?.is_some();
    let mut words = vec![provider.command.into_os_string(), "--agent".into(), provider.agent.into()];
    for (flag, path) in [("--home", provider.home), ("--key-file", provider.key_file)] {
        words.extend(path.into_iter().flat_map(|path| [flag.into(), path.into_os_string()]));
    }
    Ok((Program::new(words)?, has_flags))
}

fn launcher(
    context: &Context,
    client: Client,
    program: &Program,
    has_flags: bool,
) -> Result<Option<Launcher>> {
    if client != Client::Docker {
        return Ok(None);
    }
    let home = context.env.path("HOME").ok_or_else(|| no_home(client.called()))?;
    let path = home.join(PROGRAMS).join(DOCKER);
    Ok(Some(Launcher::of(path, program, client.helper(), has_flags)))
}

/// Shows what changes.
fn show(context: &mut Context, planned: &Planned) -> Result<()> {
    let client = planned.client;
    if !context.json() {
        let mut lines = Vec::new();
        if !planned.diff.is_empty() {
            let config = &planned.kept.config;
            lines.push(messages::changes(config, linked(config).as_deref()));
            lines.extend(shown_diff(&planned.diff));
        }
        lines.extend(planned.adds.iter().map(|id| messages::adds_helper(id.as_str(), client.helper())));
        if let Some(proxy) = planned.kept.proxy.as_ref().filter(|_| planned.needs_method()) {
            lines.push(proxied::token_goes(&proxy.token_file.path));
        }
        let launcher = planned.kept.launcher.iter().filter(|launcher| !launcher.is_there());
        lines.extend(launcher.map(|launcher| messages::launcher(&launcher.path)));
        if !lines.is_empty() {
            context.print(&lines.join("\n"))?;
        }
    }
    for told in &planned.told {
        context.say(told);
    }
    let on_path = |directory: &Path| {
        let path = context.env.var("PATH").unwrap_or_default();
        std::env::split_paths(path).any(|own| own == directory)
    };
    let directory = planned.kept.launcher.as_ref().and_then(|launcher| launcher.path.parent());
    if let Some(directory) = directory.filter(|directory| !on_path(directory)) {
        context.warn(&messages::not_on_path(client.called(), directory));
    }
    Ok(())
}

/// Returns where a file is, if a link leads there.
fn linked(path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().or_else(|error| {
        let (directory, name) = (path.parent().unwrap_or(path), path.file_name().unwrap_or_default());
        directory.canonicalize().map(|directory| directory.join(name)).map_err(|_| error)
    });
    real.ok().filter(|real| real != path)
}

fn tell(context: &mut Context, planned: &Planned, result: &str) -> Result<u8> {
    if context.json() {
        context.print_json(&serde_json::json!({
            "client": planned.client.as_str(),
            "result": result,
            "config": planned.kept.config.to_string_lossy(),
            "diff": planned.diff,
            "connected": planned.connected,
            "helperAddedTo": planned.adds.as_ref().map(ProfileId::as_str),
            "program": planned.kept.launcher.as_ref().map(|launcher| launcher.path.to_string_lossy()),
            "left": planned.told,
            "tokenFile": planned.kept.proxy.as_ref().map(|proxy| proxy.token_file.path.to_string_lossy()),
        }))?;
    }
    Ok(0)
}

pub(super) fn disconnect(context: &mut Context, answers: Answers, client: Client) -> Result<u8> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let planned = Disconnecting::plan(&open, client)?;
    let (called, config) = (client.called(), &planned.kept.config);
    if !context.json() && !planned.diff.is_empty() {
        let mut lines = vec![messages::changes(config, linked(config).as_deref())];
        lines.extend(shown_diff(&planned.diff));
        context.print(&lines.join("\n"))?;
    }
    if answers.dry_run {
        context.say(DRY_RUN);
    } else {
        context.confirm(answers.yes, &messages::disconnect_prompt(called))?;
        other_clients::disconnect(&mut open, &planned)?;
        if !context.json() {
            context.print(&if planned.removes_file {
                messages::disconnected_and_removed(called, config)
            } else {
                messages::disconnected(called, config, planned.identical, planned.left.is_empty())
            })?;
        }
    }
    for left in &planned.left {
        context.warn(&messages::left(left));
    }
    if context.json() {
        context.print_json(&serde_json::json!({
            "client": client.as_str(),
            "result": if answers.dry_run { "dry-run" } else { "disconnected" },
            "config": config.to_string_lossy(),
            "diff": planned.diff,
            "identical": planned.identical,
            "left": planned.left,
        }))?;
    }
    Ok(0)
}
