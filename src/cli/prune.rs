//! `store prune`: removes what deleted homes left in the keychain.

use clap::Args;
use strongroom_backends::shown;

use super::Context;
use crate::doctor::leftovers::{KeptFor, kept_for};
use crate::error::{Code, Error, Result};
use crate::keychain::Keychain;
use crate::messages::cli::arguments;
use crate::messages::cli::keys::profiles as messages;
use crate::secret_format::looks_secret;
use crate::term::count::counted;
use crate::vault::home::Vault;
use crate::vault::id::quoted;
use crate::vault::keychain::leftovers::{self, Leftover};

/// The most profiles of a home that are named one by one.
const NAMED_MAX: usize = 8;

/// Remove what deleted homes left in the keychain
///
/// Lists the items of vaults whose directory no longer exists, asks, and removes them. This cannot be undone. Works
/// without a vault.
#[derive(Debug, Args)]
pub(super) struct Prune {
    /// Vaults by id, or their homes by path [default: all whose home no longer exists]
    #[arg(value_name = "VAULT|HOME")]
    which: Vec<String>,
    /// Show what would be removed, without removing it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    yes: bool,
}

pub(super) fn run(context: &mut Context, args: &Prune) -> Result<u8> {
    let home = context.home()?;
    let keychain = Keychain::new(&context.keychain(), &home);
    keychain.ready()?;
    let setup = context.setup();
    let mut all = leftovers::look(&keychain, &setup.anchors)?;
    if !args.which.is_empty() {
        for which in &args.which {
            if !all.iter().any(|left| is_of(left, which)) {
                return Err(messages::no_leftovers_of(keychain.provider(), &quoted(which)));
            }
        }
        all.retain(|left| args.which.iter().any(|which| is_of(left, which)));
    }
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for left in all {
        let open = || {
            let vault = context.vault()?;
            let session = context.session(&vault)?;
            Ok((vault, session))
        };
        match kept_for(&left, &home, open)? {
            None => gone.push(left),
            Some(kept_for) => kept.push((left, why_kept(&kept_for))),
        }
    }
    let provider = keychain.provider().to_owned();
    if !context.json() {
        tell(context, &provider, &gone, &kept)?;
    }
    let mut removed = 0;
    if !args.dry_run && !gone.is_empty() {
        let items: usize = gone.iter().map(|left| left.items).sum();
        context.confirm(args.yes, &messages::remove_items(items, &provider))?;
        for left in &gone {
            removed += leftovers::remove(&keychain, left)?;
        }
    }
    if context.json() {
        let kept: Vec<_> = kept.iter().map(|(left, why)| json(left, Some(why))).collect();
        let gone: Vec<_> = gone.iter().map(|left| json(left, None)).collect();
        context.print_json(&serde_json::json!({
            "keychain": provider, "dryRun": args.dry_run, "removed": removed, "leftovers": gone, "kept": kept,
        }))?;
    } else if args.dry_run {
        context.print(messages::DRY_RUN)?;
    } else if !gone.is_empty() {
        context.print(&messages::removed_items(removed, &provider))?;
    }
    Ok(0)
}

fn is_of(left: &Leftover, which: &str) -> bool {
    left.vault == which || left.home == which
}

fn why_kept(kept: &KeptFor) -> String {
    match kept {
        KeptFor::Home(home) => messages::kept_for_home(home),
        KeptFor::CutShort(verb) => messages::kept_for_interrupted(verb),
        KeptFor::Moved(home) => messages::kept_for_moved(home),
    }
}

fn tell(context: &mut Context, provider: &str, gone: &[Leftover], kept: &[(Leftover, String)]) -> Result<()> {
    if gone.is_empty() {
        context.print(&messages::no_leftovers(provider))?;
    } else {
        context.print(&messages::leftovers(provider))?;
    }
    for left in gone {
        let hint = if left.without_parent { messages::NO_PARENT } else { "" };
        context.print(&format!("  {}{hint}", line(left)))?;
    }
    for (left, why) in kept {
        context.say(&messages::kept(&line(left), why));
    }
    Ok(())
}

/// Returns a text of an item, safe to show. Any program on the bus may have written it.
fn plain(text: &str) -> String {
    if looks_secret(text) { "…".to_owned() } else { shown(text.as_ref()) }
}

fn line(left: &Leftover) -> String {
    let mut parts = Vec::new();
    if !left.profiles.is_empty() {
        let mut names: Vec<_> = left.profiles.iter().take(NAMED_MAX).map(|name| plain(name)).collect();
        if left.profiles.len() > NAMED_MAX {
            names.push(format!("{} more", left.profiles.len() - NAMED_MAX));
        }
        parts.push(format!("{} ({})", counted(left.profiles.len() as u64, "profile"), names.join(", ")));
    }
    if left.keys > 0 {
        parts.push(counted(left.keys as u64, "unlock key"));
    }
    if parts.is_empty() {
        parts.push(counted(left.items as u64, "item"));
    }
    format!("{} (vault {}): {}", plain(&left.home), plain(&left.vault), parts.join(", "))
}

fn json(left: &Leftover, why: Option<&String>) -> serde_json::Value {
    let profiles: Vec<_> = left.profiles.iter().map(|name| plain(name)).collect();
    let mut document = serde_json::json!({
        "vault": plain(&left.vault), "home": plain(&left.home), "profiles": profiles,
        "unlockKeys": left.keys, "items": left.items,
    });
    if let (Some(why), Some(members)) = (why, document.as_object_mut()) {
        members.insert("why".to_owned(), why.clone().into());
    }
    document
}

/// Returns what a command that finds no vault can suggest, if the keychain holds items of removed homes. Asks no one,
/// and is silent if the keychain cannot be read.
pub(super) fn hint(context: &Context) -> Option<String> {
    let keychain = Keychain::new(&context.keychain().unasked(), &context.home().ok()?);
    let left = leftovers::look(&keychain, &context.setup().anchors).ok()?;
    let gone = left.iter().filter(|left| left.readers.is_empty());
    let items: usize = gone.map(|left| left.items).sum();
    (items > 0).then(|| messages::prune_hint(keychain.provider(), items))
}

/// Adds [`hint`] to the error for a home without a vault.
pub(super) fn no_vault(
    context: &Context,
    opened: Result<(Vault, Option<Error>)>,
) -> Result<(Vault, Option<Error>)> {
    opened.map_err(|error| match hint(context) {
        Some(hint) if error.code() == Code::NoVault => arguments::also(error, &hint),
        _ => error,
    })
}
