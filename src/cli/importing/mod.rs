//! Imports OpenClaw's files, `.env` files and bundles: first a plan, then one transaction per agent.

mod opened;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use opened::{Source, read};

use super::Context;
use super::notices;
use super::storing::StoreArg;
use crate::error::Result;
use crate::messages::cli::bundles;
use crate::ops::import;
use crate::ops::open::Open;
use crate::term::escape::safe;
use crate::transfer::{self, Action, Format, OnConflict, Parsed, Plan};
use crate::unlock::Opened;

/// Import credentials from OpenClaw's files, .env files and bundles
///
/// A directory is a whole installation of OpenClaw, such as ~/.openclaw: the stores of every agent, its .env and its
/// configuration.
///
/// If any entry is wrong, nothing is imported, and every problem is listed. The source is not
/// changed: remove it yourself once you have checked the import.
// Each `bool` is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default, Args)]
pub struct Import {
    /// File or directory to import, or - for standard input; optional with --from env, which then reads the client's own places
    #[arg(value_name = "PATH", required_unless_present = "from")]
    path: Option<PathBuf>,
    /// Format of the source [default: detected from its contents]
    #[arg(long, value_name = "FORMAT", value_enum)]
    from: Option<From>,
    /// Store to use for new profiles [default: the vault's default]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
    /// Show what would be imported, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// What to do if an id exists with other contents [default: fail, and list each]
    #[arg(long, value_name = "skip|replace|rename", value_enum, hide_possible_values = true)]
    on_conflict: Option<Policy>,
    /// Import the valid entries even if others are invalid
    #[arg(long)]
    skip_invalid: bool,
    /// Import the entry OLD under the profile id NEW; can be repeated
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Import OAuth sign-ins too; their refresh tokens work in one place only
    #[arg(long)]
    include_oauth: bool,
    /// File that holds the age identity that decrypts the bundle
    #[arg(long, value_name = "F")]
    bundle_identity: Option<PathBuf>,
    /// File that holds the bundle's passphrase
    #[arg(long, value_name = "F")]
    bundle_passphrase_file: Option<PathBuf>,
    /// Do not ask before a bundle is imported
    #[arg(long, short = 'y')]
    yes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum From {
    /// auth-profiles.json and its older forms
    Openclaw,
    /// A file of NAME=value lines
    Env,
    /// A bundle made by `strongroom export`
    Bundle,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Policy {
    /// Keep the existing profile
    Skip,
    /// Replace the existing profile
    Replace,
    /// Import under another name
    Rename,
}

impl Policy {
    fn of(policy: Option<Self>) -> OnConflict {
        match policy {
            None => OnConflict::Fail,
            Some(Self::Skip) => OnConflict::Skip,
            Some(Self::Replace) => OnConflict::Replace,
            Some(Self::Rename) => OnConflict::Rename,
        }
    }
}

/// Imports what the arguments name.
///
/// # Errors
/// Those of reading, of planning and of writing.
pub(super) fn from_arguments(context: &mut Context, args: &Import) -> Result<u8> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let source = read(context, args, &vault, &open.session)?;
    // A file in the directory of one of the client's agents is that agent's.
    let of_path = args.path.as_deref().filter(|path| !path.is_dir()).and_then(opened::agent_of);
    if let Some(agent) = of_path
        && source.format == Format::OpenClaw
        && context.agent_by_hand()?.is_none()
        && agent != open.agent
    {
        context.say(&bundles::to_agent_of_path(&agent));
        open.agent = agent;
    }
    carry_out(context, args, &mut open, &source)
}

/// Imports keys that were found outside the vault, and keeps existing profiles. `is_in_use` tells whether some are in
/// OpenClaw's own stores.
///
/// # Errors
/// Those of an import.
pub(super) fn take(
    context: &mut Context,
    open: &mut Open<'_>,
    parsed: Parsed,
    is_in_use: bool,
) -> Result<u8> {
    let args = Import { on_conflict: Some(Policy::Skip), skip_invalid: true, ..Import::default() };
    let source = Source { is_in_use, ..Source::of(parsed, Format::Dotenv) };
    carry_out(context, &args, open, &source)
}

/// Plans the import, shows the plan, and carries it out.
fn carry_out(context: &mut Context, args: &Import, open: &mut Open<'_>, source: &Source) -> Result<u8> {
    let import = import::Import {
        parsed: &source.parsed,
        default_agent: open.agent.clone(),
        only_agent: context.agent_by_hand()?,
        on_conflict: Policy::of(args.on_conflict),
        skip_invalid: args.skip_invalid,
        store: args.store.map(Into::into),
    };
    // This plan takes no lock: a refusal leaves no trace, and a person may take time to read the plan.
    let first = import.plan(open.vault, open.session.keys(), open.now())?;
    if let Some(digest) = &source.digest {
        context.say(&bundles::bundle_digest(digest));
        context.say(bundles::COMPARE_DIGEST);
    }
    let checked = first.check(args.skip_invalid).and_then(|()| holds_something(args, &first));
    let is_shown = args.dry_run || checked.is_err() || source.format == Format::Bundle;
    if context.json() {
        if args.dry_run || checked.is_err() {
            tell_json(context, &first, source, args.dry_run, false)?;
            return checked.map(|()| 0);
        }
    } else if is_shown {
        let text: Vec<_> = first.lines().iter().map(|line| safe(line).into_owned()).collect();
        if checked.is_err() {
            context.say(&text.join("\n"));
        } else {
            context.print(&text.join("\n"))?;
        }
    }
    checked?;
    if args.dry_run {
        context.say(bundles::DRY_RUN);
        return Ok(0);
    }
    if first.writes() == 0 {
        return finish(context, &first, source, is_shown);
    }
    if source.format == Format::Bundle && context.may_ask() {
        context.confirm(args.yes, bundles::IMPORT_PROMPT)?;
    }
    // A profile keeps its hosts and helpers when its secret is rotated.
    if first.widens() && matches!(open.session.opened(), Opened::Cached(_)) {
        open.session = context.session_afresh(open.vault)?;
    }
    let (plan, notices) = import.carry_out(open, first)?;
    for notice in &notices {
        context.warn(&notices::sentence(notice));
    }
    finish(context, &plan, source, is_shown)
}

/// Refuses a file from which nothing can be imported. The client's own places may be empty.
///
/// # Errors
/// `NO_INPUT`.
fn holds_something(args: &Import, plan: &Plan<'_>) -> Result<()> {
    if args.path.is_some() && plan.entries.is_empty() && !plan.skipped.is_empty() {
        return Err(bundles::all_skipped());
    }
    if args.path.is_some() && plan.entries.is_empty() {
        return Err(bundles::nothing_to_import());
    }
    Ok(())
}

/// Prints what was imported, and what to do with the source.
fn finish(context: &mut Context, plan: &Plan<'_>, source: &Source, told: bool) -> Result<u8> {
    if context.json() {
        tell_json(context, plan, source, false, true)?;
        return Ok(0);
    }
    if !told {
        let text: Vec<_> = plan.lines().iter().map(|line| safe(line).into_owned()).collect();
        context.print(&text.join("\n"))?;
    }
    let writes = plan.writes();
    let held = plan.entries.iter().all(|entry| matches!(entry.action, Action::Unchanged));
    context.print(&match writes {
        0 if held && plan.invalid.is_empty() && !plan.entries.is_empty() => {
            bundles::ALREADY_STORED.to_owned()
        }
        0 => bundles::UNCHANGED.to_owned(),
        profiles => bundles::imported(profiles, plan.versions()),
    })?;
    if writes > 0 && source.format != Format::Bundle {
        let left = plan.invalid.len() + plan.skipped.len();
        context.say(match left {
            _ if source.is_in_use => bundles::SOURCE_IN_USE,
            0 => bundles::REMOVE_SOURCE,
            _ => bundles::KEEP_REST_OF_SOURCE,
        });
    }
    Ok(0)
}

fn tell_json(
    context: &mut Context,
    plan: &Plan<'_>,
    source: &Source,
    dry_run: bool,
    imported: bool,
) -> Result<()> {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        format: &'a str,
        dry_run: bool,
        imported: bool,
        sha256: Option<&'a str>,
        #[serde(flatten)]
        plan: transfer::Summary,
    }
    context.print_json(&Document {
        format: source.format.name(),
        dry_run,
        imported,
        sha256: source.digest.as_deref(),
        plan: plan.summary(),
    })
}
