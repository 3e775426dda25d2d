//! What `connect` and `disconnect` say about clients other than OpenClaw. `client` is a client's name on the command line, and
//! `called` its name for people.

use std::path::Path;

use strongroom_backends::shown;

use crate::term::escape::safe;

use crate::error::{Code, Error};

/// A client in the help.
pub const OPENCLAW: &str = "OpenClaw's models, by exec references";

/// A client in the help.
pub fn about(client: &str) -> &'static str {
    match client {
        "claude-code" => "Claude Code's API key, by apiKeyHelper",
        "claude-mcp" => "MCP servers of Claude Code, by headersHelper",
        "codex" => "Codex, by a model provider of its own",
        "git" => "git over HTTPS, by a credential helper for each host",
        "aws" => "The AWS CLI and SDKs, by credential_process",
        "docker" => "Docker, Podman, skopeo: a credential helper for each registry",
        "kubectl" => "kubectl, by an exec plugin",
        "hermes" => "Hermes, by secrets.command",
        "env-file" => "An environment file for providers' libraries, with --proxy",
        _ => "cargo, by a credential provider for each registry",
    }
}

/// Flags that OpenClaw's connection has no use for.
pub fn not_for_openclaw() -> Error {
    Error::new(Code::Usage, "--profile, --host and --name are for other clients than OpenClaw")
        .with_remedy("run `strongroom connect openclaw`: OpenClaw gets every profile of its agents")
}

/// The line above a change.
pub fn changes(config: &Path, real: Option<&Path>) -> String {
    match real {
        Some(real) => format!("{} (a link to {}):", shown(config), shown(real)),
        None => format!("{}:", shown(config)),
    }
}

/// The profile may be given out by the helper.
pub fn adds_helper(id: &str, helper: &str) -> String {
    format!("{id} may then be given out by the helper {helper}.")
}

/// This program gets another name.
pub fn launcher(path: &Path) -> String {
    format!("This program is also to be found as {}.", shown(path))
}

/// The directory of the program's other name is not on `PATH`.
pub fn not_on_path(called: &str, directory: &Path) -> String {
    format!("{called} finds its helper on PATH, and {} is not there: add it", shown(directory))
}

/// Everything is as it would be.
pub fn connected_already(called: &str, config: &Path) -> String {
    format!("{called} is connected: {} is up to date.", shown(config))
}

/// The client is connected, for hosts or its own names, joined.
pub fn connected(called: &str, of: &str) -> String {
    if of.is_empty() { format!("Connected {called}.") } else { format!("Connected {called}: {}.", safe(of)) }
}

/// A connected client asks for a profile by an id that it no longer has.
pub fn names_old_id(client: &str, old: impl std::fmt::Display, command: &str) -> String {
    format!("{client} still asks for {old}, and gets nothing; run `{command}`")
}

/// The question before the end of a connection.
pub fn disconnect_prompt(called: &str) -> String {
    format!("Disconnect {called}?")
}

/// The configuration is what it was, or lacks what connecting wrote.
pub fn disconnected(called: &str, config: &Path, identical: bool, all: bool) -> String {
    if !all {
        format!(
            "Disconnected {called}: {} was changed since, and not everything that connecting had written was removed.",
            shown(config)
        )
    } else if identical {
        format!("Disconnected {called}: {} is as it was before connecting.", shown(config))
    } else {
        format!(
            "Disconnected {called}: {} was changed since, so only what connecting had written was removed.",
            shown(config)
        )
    }
}

/// The configuration was made by connecting, and is removed.
pub fn disconnected_and_removed(called: &str, config: &Path) -> String {
    format!("Disconnected {called}: {} did not exist before connecting, and is removed.", shown(config))
}

/// What stays in the configuration.
pub fn left(what: &str) -> String {
    format!("this was changed since, and stays: {what}")
}
