//! `env allow|list|forget`: which .env files may have secrets without being named on the command line each time.

use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_backends::is_hidden;

use crate::cli::Context;
use crate::cli::secrets_flags::read_file;
use crate::error::Result;
use crate::looks::looks_secret;
use crate::messages::env_files as messages;
use crate::ops::allowed_files::{self, Planned};
use crate::ops::env_file::place_of;
use crate::term::stream::Stream;
use crate::term::table::Table;
use crate::time::local;
use crate::vault::allowed_files::AllowedFile;

/// Allow a .env file to have the profiles that it names
///
/// Shows them and asks first, and needs an unlock method. From then on, `run --env-file` hands them over to this file at
/// this path, until it changes by a byte. The file of a stranger should get nothing, so look at what it names.
#[derive(Debug, Args)]
pub struct Allow {
    /// The file
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

#[derive(Debug, Args)]
pub struct List {}

#[derive(Debug, Args)]
pub struct Forget {
    /// The file, which need not exist
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

pub(super) fn allow(context: &mut Context, args: &Allow) -> Result<u8> {
    place(&args.path)?;
    let file = read_file(&args.path)?;
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, true)?;
    let planned = allowed_files::plan(&mut open, &file)?;
    if !planned.is_done {
        show(context, &planned)?;
        context.confirm(args.yes, messages::PROMPT)?;
        allowed_files::allow(&mut open, &planned.file)?;
    }
    if context.json() {
        let variables: Vec<_> = planned
            .variables
            .iter()
            .map(|(name, profile)| serde_json::json!({ "name": name, "profileId": profile.as_str() }))
            .collect();
        let mut document = told(&planned.file);
        document["result"] = if planned.is_done { "unchanged" } else { "allowed" }.into();
        document["variables"] = variables.into();
        context.print_json(&document)?;
    } else if planned.is_done {
        context.print(&messages::allowed_already(&planned.file.path))?;
    } else {
        context.print(&messages::allowed(&planned.file.path))?;
    }
    Ok(0)
}

/// Shows what the file would get.
fn show(context: &mut Context, planned: &Planned) -> Result<()> {
    if context.json() {
        return Ok(());
    }
    let mut table = Table::default();
    for (name, profile) in &planned.variables {
        table.row([&format!("  {name}"), profile.as_str()]);
    }
    let title = messages::would_get(&planned.file.path, &planned.file.agent, planned.before.is_some());
    context.print(&format!("{title}\n{table}"))
}

pub(super) fn list(context: &mut Context) -> Result<u8> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let files = allowed_files::list(&mut open)?;
    if context.json() {
        let files: Vec<_> = files.iter().map(told).collect();
        context.print_json(&serde_json::json!({ "files": files }))?;
        return Ok(0);
    }
    if files.is_empty() {
        context.say(messages::NONE);
        return Ok(0);
    }
    let mut table = Table::new(["FILE", "AGENT", "PROFILES", "ALLOWED"]);
    for file in &files {
        let ids: Vec<_> = file.profiles.iter().map(|profile| profile.id.as_str()).collect();
        table.row([&file.path, file.agent.as_str(), &ids.join(", "), &local(file.at)]);
    }
    context.print(&table.to_string())?;
    Ok(0)
}

pub(super) fn forget(context: &mut Context, args: &Forget) -> Result<u8> {
    let path = place(&args.path)?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    allowed_files::forget(&mut open, &path)?;
    if context.json() {
        let agent = open.agent.as_str();
        context.print_json(&serde_json::json!({ "path": path, "agent": agent, "result": "forgotten" }))?;
    } else {
        context.print(&messages::forgotten(&path))?;
    }
    Ok(0)
}

/// Returns the path by which a file is allowed. The settings keep it unencrypted, so it must not be a secret.
fn place(path: &Path) -> Result<String> {
    let place =
        Stream::of(path).is_none().then(|| place_of(path)).flatten().ok_or_else(messages::no_place)?;
    if is_hidden(path) || looks_secret(&place) { Err(messages::path_withheld()) } else { Ok(place) }
}

fn told(file: &AllowedFile) -> serde_json::Value {
    let ids: Vec<_> = file.profiles.iter().map(|profile| profile.id.as_str()).collect();
    serde_json::json!({
        "path": file.path, "agent": file.agent.as_str(), "sha256": file.sha256, "profiles": ids, "allowed": file.at,
    })
}
