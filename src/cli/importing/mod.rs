//! Taking over OpenClaw's files, `.env` files and bundles: a plan first, then one transaction an agent.

mod opened;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use opened::{Source, read};

use super::Context;
use super::notices;
use super::storing::StoreArg;
use crate::error::{Code, Error, Result};
use crate::ops::import;
use crate::ops::open::Open;
use crate::term::count::counted;
use crate::term::escape::safe;
use crate::transfer::{self, Action, Format, OnConflict, Parsed, Plan};

/// Take over auth-profiles.json, .env files and bundles.
///
/// Nothing is imported when anything is wrong; all that is wrong is named at once. The source is
/// left as it is: remove it yourself once the import is verified.
// Each is a flag of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default, Args)]
pub struct Import {
    /// The file, or - for standard input; left out with --from env, the client's own places are looked through
    #[arg(value_name = "PATH", required_unless_present = "from")]
    path: Option<PathBuf>,
    /// The format, where it is not to be told by the contents
    #[arg(long, value_name = "FORMAT", value_enum)]
    from: Option<From>,
    /// Where new records are to rest [default: the vault's store]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// What to do where an id exists with other contents [default: fail, naming each]
    #[arg(long, value_name = "skip|replace|rename", value_enum, hide_possible_values = true)]
    on_conflict: Option<Policy>,
    /// Import the good entries where others are not usable
    #[arg(long)]
    skip_invalid: bool,
    /// Import the entry OLD under the profile id NEW; several times
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Take OAuth sign-ins too; their refresh tokens work in one place only
    #[arg(long)]
    include_oauth: bool,
    /// The age identity that opens the bundle
    #[arg(long, value_name = "F")]
    bundle_identity: Option<PathBuf>,
    /// The file that holds the bundle's passphrase
    #[arg(long, value_name = "F")]
    bundle_passphrase_file: Option<PathBuf>,
    /// Do not ask before a bundle is written
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
    /// Keep what is there
    Skip,
    /// Replace what is there
    Replace,
    /// Add under another name
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

/// Takes in what the arguments name.
///
/// # Errors
/// Those of reading, of planning and of writing.
pub(super) fn from_arguments(context: &mut Context, args: &Import) -> Result<u8> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let source = read(context, args, &vault, &open.session)?;
    carry_out(context, args, &mut open, &source)
}

/// Takes in what was found beside the vault, and keeps what is there.
///
/// # Errors
/// Those of an import.
pub(super) fn take(context: &mut Context, open: &mut Open<'_>, parsed: Parsed) -> Result<u8> {
    let args = Import { on_conflict: Some(Policy::Skip), skip_invalid: true, ..Import::default() };
    let source = Source { parsed, format: Format::Dotenv, digest: None };
    carry_out(context, &args, open, &source)
}

fn carry_out(context: &mut Context, args: &Import, open: &mut Open<'_>, source: &Source) -> Result<u8> {
    let import = import::Import {
        parsed: &source.parsed,
        default_agent: open.agent.clone(),
        only_agent: context.agent_by_hand()?,
        on_conflict: Policy::of(args.on_conflict),
        skip_invalid: args.skip_invalid,
        store: args.store.map(Into::into),
    };
    // What it refuses leaves no trace, and what it shows can be thought over.
    let first = import.plan(open.vault, open.session.keys())?;
    if let Some(digest) = &source.digest {
        context.say(&format!("Bundle SHA-256: {digest}"));
        context.say("Compare it with what the sender saw: a bundle does not prove who made it.");
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
        context.say("Dry run: nothing was changed.");
        return Ok(0);
    }
    if first.writes() == 0 {
        return finish(context, &first, source, is_shown);
    }
    if source.format == Format::Bundle && context.may_ask() {
        context.confirm(args.yes, "Import these?")?;
    }
    let (plan, notices) = import.carry_out(open, first)?;
    for notice in &notices {
        context.warn(&notices::sentence(notice));
    }
    finish(context, &plan, source, is_shown)
}

/// Refuses a file of which nothing is taken: it is not the one that was meant, or it is to be kept. Without a file the client's places
/// were looked through, and may be empty.
fn holds_something(args: &Import, plan: &Plan<'_>) -> Result<()> {
    if args.path.is_some() && plan.entries.is_empty() && !plan.skipped.is_empty() {
        return Err(Error::new(Code::NoInput, "nothing was imported: every entry was passed by")
            .with_remedy("keep the source: the lines above say why"));
    }
    if args.path.is_some() && plan.entries.is_empty() {
        return Err(Error::new(Code::NoInput, "there is no credential to import")
            .with_remedy("check that it is the right file; its format can be named with --from"));
    }
    Ok(())
}

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
            "Nothing was changed: the vault holds all of it already.".to_owned()
        }
        0 => "Nothing was changed.".to_owned(),
        n => format!("Imported {}.", counted(n as u64, "profile")),
    })?;
    if writes > 0 && source.format != Format::Bundle {
        let left = plan.invalid.len() + plan.skipped.len();
        context.say(if left == 0 {
            "The source still holds the secrets in plain text: remove it once `strongroom list` shows what you expect."
        } else {
            "The source still holds the secrets in plain text, and what was not imported: keep that before you remove it."
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
