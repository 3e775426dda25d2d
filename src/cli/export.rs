//! `export`: encrypts profiles for another machine. Never writes plain text.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::home::dangling;
use strongroom_backends::key_file;

use super::Context;
use super::filter_flags::Filter;
use crate::error::{Error, Result};
use crate::messages::cli::bundles;
use crate::messages::ops;
use crate::ops::export::{self, Selection};
use crate::seal::armor;
use crate::seal::bundle::{self as sealed_bundle, Receiver};
use crate::secret::Buffer;
use crate::term::{out, secret_input};
use crate::transfer::bundle::{self, Outgoing};
use crate::unlock::{new_passphrase, read};
use crate::vault::credential::CredentialType;

/// Export profiles to another machine, as one encrypted age file
///
/// The receiver gives you the output of `strongroom recipient`. Standard age can decrypt the file
/// too.
// Each `bool` is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
pub struct Export {
    /// Profile ids [default: every profile of the agent]
    #[arg(value_name = "ID", conflicts_with = "all_agents")]
    ids: Vec<String>,
    /// Export every profile of every agent
    #[arg(long)]
    all_agents: bool,
    #[command(flatten)]
    filter: Filter,
    /// Also export the earlier versions of each profile, which `undo` could bring back
    #[arg(long)]
    with_history: bool,
    /// Encrypt to this age1… recipient; can be repeated
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "passphrase")]
    to: Vec<String>,
    #[command(flatten)]
    by: ByPassphrase,
    /// Write ASCII text instead of binary, for mail and other channels that carry only text
    #[arg(long)]
    armor: bool,
    /// Skip what cannot be decrypted, and export the rest
    #[arg(long)]
    skip_unreadable: bool,
    /// File to write; it must not exist yet [default: standard output]
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
}

/// The passphrase that a bundle is encrypted with.
#[derive(Debug, Args)]
struct ByPassphrase {
    /// Encrypt with a passphrase, from a prompt or from --bundle-passphrase-file
    #[arg(long)]
    passphrase: bool,
    /// File that holds the bundle's passphrase
    #[arg(long, value_name = "F", requires = "passphrase")]
    bundle_passphrase_file: Option<PathBuf>,
    /// Allow a passphrase shorter than 12 bytes
    #[arg(long, requires = "passphrase")]
    weak: bool,
}

pub(super) fn run(context: &mut Context, args: &Export) -> Result<u8> {
    if args.to.is_empty() && !args.by.passphrase {
        return Err(bundles::no_recipient());
    }
    let ids = args.ids.iter().map(|id| context.profile_id(id)).collect::<Result<Vec<_>>>()?;
    let recipients =
        args.to.iter().map(|text| sealed_bundle::parse_recipient(text)).collect::<Result<Vec<_>>>()?;
    // `-` means standard output.
    let out = args.out.as_deref().filter(|path| *path != Path::new("-"));
    if out.is_none() && context.env.stdout_tty {
        return Err(bundles::bundle_to_terminal());
    }
    if out.is_none() {
        out::refuse_closed()?;
    }
    if let Some(path) = out.filter(|path| key_file::exists(path)) {
        return Err(bundles::out_exists(path));
    }
    let wanted = args.filter.read()?;
    let vault = context.vault()?;
    let open = context.open_for(&vault, true)?;
    let receiver = if args.by.passphrase {
        Receiver::Passphrase(passphrase(context, args)?)
    } else {
        Receiver::Recipients(recipients)
    };

    let agents = if args.all_agents { vault.agents()? } else { vec![open.agent.clone()] };
    let left_out = |error: &Error| context.warn(&bundles::skipped(error.what()));
    let skip: Option<&dyn Fn(&Error)> = if args.skip_unreadable { Some(&left_out) } else { None };
    let selection = Selection { agents: &agents, ids: &ids, with_history: args.with_history };
    let mut all = export::collect(&vault, &open.session, &selection, skip)?;
    all.retain(|outgoing| wanted.has_record(&outgoing.record));
    if all.is_empty() {
        return Err(ops::nothing_to_export());
    }
    let plaintext = bundle::write(&all, context.env.now())?;
    let sealed = sealed_bundle::seal(&receiver, plaintext.expose())?;
    drop(plaintext);
    // The digest is taken before the armor, because the receiver's import takes it after removing the armor.
    let digest = sealed_bundle::digest(&sealed);
    let sealed = if args.armor { armor::to_text(&sealed)? } else { sealed };
    if all.iter().any(has_oauth) {
        context.warn(bundles::OAUTH_IN_TWO_PLACES);
    }
    if let Some(path) = out {
        write_file(path, &sealed)?;
        return tell(context, path, &all, args.with_history, &digest);
    }
    out::write_bytes(&Buffer::from_vec(sealed))?;
    context.say(&bundles::exported(all.len(), versions_of(&all), None, &digest));
    Ok(0)
}

fn has_oauth(outgoing: &Outgoing) -> bool {
    let versions = outgoing.versions.iter().map(|version| &version.record);
    versions.chain([&outgoing.record]).any(|record| record.credential.kind == CredentialType::OAuth)
}

fn versions_of(all: &[Outgoing]) -> usize {
    all.iter().map(|outgoing| outgoing.versions.len()).sum()
}

fn passphrase(context: &Context, args: &Export) -> Result<crate::secret::SecretString> {
    let text = if let Some(path) = &args.by.bundle_passphrase_file {
        let passphrase = read::passphrase_of_file(path, key_file::Trust::Own)?;
        new_passphrase::check(&passphrase, Some(&read::named(path)), args.by.weak)?;
        passphrase
    } else if context.may_ask() {
        let check = |typed: &Buffer| new_passphrase::check(typed, None, args.by.weak);
        secret_input::new_passphrase(bundles::NEW_PASSPHRASE_PROMPT, check)?
    } else {
        return Err(bundles::no_passphrase(context.env.stdin_tty));
    };
    text.to_secret().ok_or_else(bundles::passphrase_not_utf8)
}

/// Writes the whole file with mode 0600, or leaves no file if that fails.
fn write_file(path: &Path, sealed: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| match dangling(path) {
        Some(error) => error.into(),
        None if error.kind() == std::io::ErrorKind::NotFound => bundles::no_directory(path),
        None => bundles::not_written(path, error.kind()),
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name =
        path.file_name().and_then(|name| name.to_str()).ok_or_else(|| bundles::not_a_file_name(path))?;
    let parent = parent.canonicalize().map_err(failed)?;
    let dir = Dir::open(&parent)?;
    let mut file = dir.write_new(name, &[])?;
    let written =
        file.write_all(sealed).map_err(|error| dir.io(name, error)).and_then(|()| dir.sync_file(&file, name));
    if let Err(error) = written {
        let _ = dir.remove_file(name);
        return Err(error.into());
    }
    Ok(dir.sync()?)
}

/// Prints what was exported to a file.
fn tell(
    context: &mut Context,
    path: &Path,
    all: &[Outgoing],
    with_history: bool,
    digest: &str,
) -> Result<u8> {
    if context.json() {
        let profiles: Vec<_> = all
            .iter()
            .map(|Outgoing { agent, record, versions }| {
                let mut profile =
                    serde_json::json!({ "agent": agent.as_str(), "profileId": record.profile.as_str() });
                if with_history {
                    profile["versions"] = versions.len().into();
                }
                profile
            })
            .collect();
        let mut document = serde_json::json!({
            "out": path.to_string_lossy(), "sha256": digest, "profiles": profiles,
        });
        if with_history {
            document["versions"] = versions_of(all).into();
        }
        context.print_json(&document)?;
        return Ok(0);
    }
    for Outgoing { agent, record, versions } in all {
        let with = bundles::with_earlier(versions.len());
        context.print(&format!("  {agent}  {}  {}{with}", record.profile, record.credential.kind))?;
    }
    context.print(&bundles::exported(all.len(), versions_of(all), Some(path), digest))?;
    context.say(bundles::SEND_DIGEST);
    Ok(0)
}
