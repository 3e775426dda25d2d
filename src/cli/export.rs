//! `export`: seals profiles for another machine. Never writes plain text.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::home::dangling;
use strongroom_backends::{key_file, shown};

use super::Context;
use crate::error::{Code, Error, Result, fail};
use crate::ops::export;
use crate::seal::armor;
use crate::seal::bundle::{self as sealed_bundle, Receiver};
use crate::secret::Buffer;
use crate::term::count::counted;
use crate::term::{out, secret_input};
use crate::transfer::bundle;
use crate::unlock::{new_passphrase, read};
use crate::vault::credential::CredentialType;
use crate::vault::id::AgentName;
use crate::vault::record::Record;

/// Seal profiles for another machine, into one age file.
///
/// The receiver gives you the output of `strongroom recipient`. Stock age opens the file too.
// Each is a flag of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
pub struct Export {
    /// The profiles [default: all of the agent]
    #[arg(value_name = "ID", conflicts_with = "all_agents")]
    ids: Vec<String>,
    /// Take every profile of every agent
    #[arg(long)]
    all_agents: bool,
    /// Seal to this age1… recipient; repeats
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "passphrase")]
    to: Vec<String>,
    #[command(flatten)]
    by: ByPassphrase,
    /// Write text instead of bytes, for a mail or anything else that changes bytes
    #[arg(long)]
    armor: bool,
    /// Export the others where a record does not open
    #[arg(long)]
    skip_unreadable: bool,
    /// The file to write; it must not exist [default: standard output]
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
}

/// The passphrase of a bundle that is sealed to one.
#[derive(Debug, Args)]
struct ByPassphrase {
    /// Seal to a passphrase, which is asked for or read from --bundle-passphrase-file
    #[arg(long)]
    passphrase: bool,
    /// The file that holds the bundle's passphrase
    #[arg(long, value_name = "F", requires = "passphrase")]
    bundle_passphrase_file: Option<PathBuf>,
    /// Take a passphrase of under 12 bytes too
    #[arg(long, requires = "passphrase")]
    weak: bool,
}

pub(super) fn run(context: &mut Context, args: &Export) -> Result<u8> {
    if args.to.is_empty() && !args.by.passphrase {
        return Err(Error::new(
            Code::Usage,
            "for whom the bundle is was not said; it is never written in plain text",
        )
        .with_remedy("add --to with the receiver's `strongroom recipient`, or --passphrase"));
    }
    let ids = args.ids.iter().map(|id| context.profile_id(id)).collect::<Result<Vec<_>>>()?;
    let recipients =
        args.to.iter().map(|text| sealed_bundle::parse_recipient(text)).collect::<Result<Vec<_>>>()?;
    // `-` is standard output here.
    let out = args.out.as_deref().filter(|path| *path != Path::new("-"));
    if out.is_none() && context.env.stdout_tty {
        return Err(Error::new(Code::Usage, "the bundle would go to the terminal")
            .with_remedy("name a file with --out, or send the output to a pipe"));
    }
    if out.is_none() {
        out::refuse_closed()?;
    }
    if let Some(path) = out.filter(|path| key_file::exists(path)) {
        return fail(Code::Exists, format!("{} exists already", shown(path)));
    }
    let vault = context.vault()?;
    let session = context.session_afresh(&vault)?;
    let receiver = if args.by.passphrase {
        Receiver::Passphrase(passphrase(context, args)?)
    } else {
        Receiver::Recipients(recipients)
    };

    let agents = if args.all_agents { vault.agents()? } else { vec![context.agent()?] };
    let left_out = |error: &Error| context.warn(&format!("left out: {}", error.what()));
    let skip: Option<&dyn Fn(&Error)> = if args.skip_unreadable { Some(&left_out) } else { None };
    let records = export::collect(&vault, &session, &agents, &ids, skip)?;
    let plaintext = bundle::write(&records, context.env.now())?;
    let sealed = sealed_bundle::seal(&receiver, plaintext.expose())?;
    drop(plaintext);
    // Of what the receiver's import takes out of the armor.
    let digest = sealed_bundle::digest(&sealed);
    let sealed = if args.armor { armor::to_text(&sealed)? } else { sealed };
    if records.iter().any(|(_, record)| record.credential.kind == CredentialType::OAuth) {
        context.warn(
            "OAuth sign-ins are among these: a refresh token that is used in two places logs one of them out",
        );
    }
    if let Some(path) = out {
        write_file(path, &sealed)?;
        return tell(context, path, &records, &digest);
    }
    out::write_bytes(&Buffer::from_vec(sealed))?;
    context.say(&format!("Sealed {}. SHA-256: {digest}", counted(records.len() as u64, "profile")));
    Ok(0)
}

fn passphrase(context: &Context, args: &Export) -> Result<crate::secret::SecretString> {
    let text = if let Some(path) = &args.by.bundle_passphrase_file {
        let passphrase = read::passphrase_of_file(path, key_file::Trust::Own)?;
        new_passphrase::check(&passphrase, Some(&read::named(path)), args.by.weak)?;
        passphrase
    } else if context.may_ask() {
        let check = |typed: &Buffer| new_passphrase::check(typed, None, args.by.weak);
        secret_input::new_passphrase("Passphrase for the bundle: ", check)?
    } else {
        return Err(Error::new(Code::NoInput, "no passphrase was given, and nobody can be asked")
            .with_remedy("give it by --bundle-passphrase-file"));
    };
    text.to_secret().ok_or_else(|| {
        Error::new(Code::BadData, "the bundle's passphrase is not UTF-8")
            .with_remedy("stock age takes text only")
    })
}

/// Writes the whole file or none of it, mode 0600.
fn write_file(path: &Path, sealed: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| match dangling(path) {
        Some(error) => error.into(),
        None if error.kind() == std::io::ErrorKind::NotFound => {
            Error::new(Code::Io, format!("{} cannot be written: its directory is not there", shown(path)))
                .with_remedy("make the directory, or name another file with --out")
        }
        None => Error::new(Code::Io, format!("{} cannot be written: {}", shown(path), error.kind())),
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::new(Code::Usage, format!("{} is no name for a file", shown(path))))?;
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

fn tell(context: &mut Context, path: &Path, records: &[(AgentName, Record)], digest: &str) -> Result<u8> {
    if context.json() {
        let profiles: Vec<_> = records
            .iter()
            .map(|(agent, record)| serde_json::json!({ "agent": agent.as_str(), "profileId": record.profile.as_str() }))
            .collect();
        context.print_json(&serde_json::json!({
            "out": path.to_string_lossy(), "sha256": digest, "profiles": profiles,
        }))?;
        return Ok(0);
    }
    for (agent, record) in records {
        context.print(&format!("  {agent}  {}  {}", record.profile, record.credential.kind))?;
    }
    let many = counted(records.len() as u64, "profile");
    context.print(&format!("Sealed {many} into {}.\nSHA-256: {digest}", shown(path)))?;
    context.say("Tell the receiver the digest by another way: the bundle alone does not prove who made it.");
    Ok(0)
}
