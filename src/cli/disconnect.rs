//! `disconnect openclaw`: takes out of OpenClaw's files what `connect` put in. Other clients are disconnected by
//! [`other_clients`].

use clap::Args;

use super::connect_client::{Answers, Arguments, Client, shown_diff};
use super::{Context, connect_proxy, other_clients};
use crate::client::edit::{WhyLeft, shown as shown_path};
use crate::error::Result;
use crate::messages::cli::clients;
use crate::messages::connect as messages;
use crate::ops::connect::{ClientReference, Disconnecting, disconnect};

/// The client's name for people.
const CALLED: &str = "OpenClaw";

/// Take out of a client's files what `connect` put in
///
/// The configuration becomes what it was, byte for byte, if nothing else has changed it since. Otherwise only what
/// `connect` wrote is removed. No secret is put back.
#[derive(Debug, Args)]
pub struct Disconnect {
    #[command(flatten)]
    arguments: Arguments,
}

pub(super) fn run(context: &mut Context, args: &Disconnect) -> Result<u8> {
    let Arguments { client, answers } = args.arguments;
    if let Client::Other(client) = client {
        return other_clients::disconnect(context, answers, client);
    }
    let Answers { dry_run, yes } = answers;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    if connect_proxy::has_openclaw(&open)? {
        drop(open);
        let status = other_clients::disconnect(context, answers, client.by_proxy())?;
        if !answers.dry_run {
            context.say(messages::RELOAD);
        }
        return Ok(status);
    }
    let planned = Disconnecting::plan(&open)?;
    if !context.json() && !planned.diff.is_empty() {
        let mut lines = vec![messages::config_changes(&planned.link.config)];
        lines.extend(shown_diff(&planned.diff));
        context.print(&lines.join("\n"))?;
    }
    if dry_run {
        context.say(messages::DRY_RUN);
    } else {
        context.confirm(yes, messages::DISCONNECT_PROMPT)?;
        disconnect(&mut open, &planned)?;
        if !context.json() {
            let config = &planned.link.config;
            context.print(&if planned.identical && planned.link.migrated && !planned.removes_file() {
                messages::disconnected_after_migration(config)
            } else if planned.removes_file() {
                clients::disconnected_and_removed(CALLED, config)
            } else {
                clients::disconnected(CALLED, config, planned.identical, true)
            })?;
        }
    }
    for left in &planned.left {
        context.warn(&messages::left_in_config(&shown_path(&left.path), left.why == WhyLeft::HeldSecret));
    }
    tell_references(context, &planned, dry_run);
    if context.json() {
        context.print_json(&serde_json::json!({
            "client": "openclaw",
            "result": if dry_run { "dry-run" } else { "disconnected" },
            "config": planned.link.config.to_string_lossy(),
            "diff": planned.diff,
            "identical": planned.identical,
            "left": planned.left.iter().map(|left| shown_path(&left.path)).collect::<Vec<_>>(),
            "references": planned.references.iter().map(as_json).collect::<Vec<_>>(),
        }))?;
    } else if !dry_run {
        if let Some(agent) = &planned.new_agent {
            context.say(&messages::agent_is_again(agent));
        }
        context.say(messages::STILL_IN_VAULT);
        context.say(messages::RELOAD);
    }
    Ok(0)
}

/// Names the references that only the client can remove.
fn tell_references(context: &Context, planned: &Disconnecting, dry_run: bool) {
    if planned.references.is_empty() {
        return;
    }
    context.say(if dry_run { messages::REFERENCES_WOULD_STAY } else { messages::REFERENCES_STAY });
    for reference in &planned.references {
        context.say(&format!("  {}", reference.removal()));
    }
}

fn as_json(reference: &ClientReference) -> serde_json::Value {
    serde_json::json!({
        "agent": reference.agent.as_str(), "id": reference.profile.as_str(), "command": reference.removal(),
    })
}
