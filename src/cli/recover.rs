//! `recover`: a vault whose unlock files are lost, rebuilt with the recovery key.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strongroom_backends::key_file::Trust;

use super::Context;
use super::new_method::{self, NewKey, new_method};
use crate::error::{Code, Error, Result};
use crate::seal::recovery;
use crate::term::count::counted;
use crate::unlock::{key_sources, read};
use crate::vault::home::Vault;
use crate::vault::keychain::sync;
use crate::vault::keys::recover;

/// What unlocks a rebuilt vault. A keychain can be added then.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Unlock {
    /// A key file outside the home
    #[default]
    KeyFile,
    /// A passphrase
    Passphrase,
}

/// Rebuild a vault whose unlock files are lost, with the recovery key.
///
/// Every record that the key opens is sealed anew under a new vault key. Who made the records
/// cannot be told: look over `strongroom list`, and revoke what you do not know.
#[derive(Debug, Args)]
pub struct Recover {
    /// The file that holds the recovery key (AGE-SECRET-KEY-1…)
    #[arg(long, value_name = "F")]
    recovery_key: PathBuf,
    /// What unlocks the vault from now on
    #[arg(long, value_enum, default_value_t)]
    unlock: Unlock,
    /// Set unlock files aside that are still there and that nobody can open
    #[arg(long)]
    discard_unlock_files: bool,
    /// Go on where some records open neither with the recovery key nor otherwise; their files stay
    #[arg(long)]
    leave_unreadable: bool,
    /// Take a new passphrase of under 12 bytes too
    #[arg(long)]
    weak: bool,
}

pub(super) fn run(context: &mut Context, args: &Recover) -> Result<u8> {
    let home = context.home()?;
    let (vault, _) = Vault::open_damaged(&home, &context.setup(), context.lock_limit())?;
    let bytes = read::bytes_of(&args.recovery_key, "recovery key's file", Trust::Own)?;
    let identity = recovery::parse(bytes.expose(), "the recovery key's file")?;
    let by = match args.unlock {
        Unlock::KeyFile => new_method::Unlock::KeyFile,
        Unlock::Passphrase => new_method::Unlock::Passphrase,
    };
    let method = new_method(context, by, &home, args.weak)?;
    let done = recover::recover(
        &vault,
        recover::Plan {
            identity: &identity,
            method: method.name,
            secret: method.secret,
            keep: &|| match method.new_key.as_ref().map(NewKey::write).transpose()? {
                Some(false) => Err(Error::new(Code::Changed, "somebody else made the key file meanwhile")
                    .with_remedy("nothing was changed: run it again")),
                _ => Ok(()),
            },
            others: key_sources::at_hand(&context.named(), &context.env, &home),
            discard: args.discard_unlock_files,
            leave_unreadable: args.leave_unreadable,
        },
        &context.waits("recover"),
    )?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "records": done.records, "failed": done.failed, "resumed": done.resumed, "originVouchedFor": false,
        }))?;
    } else {
        let resumed = if done.resumed { " (finished one that was cut short)" } else { "" };
        let many = counted(done.records as u64, "record");
        context.print(&format!("Recovered {many}{resumed}.\n  Unlock: {}", method.told))?;
        for failed in &done.failed {
            context.warn(&format!("{failed}; its file stays"));
        }
        if let Some(error) = &done.keychain {
            context.warn(&sync::told(error));
        }
        context.warn("the origin of these records cannot be vouched for: whoever knew the old recovery recipient could have made them");
        context.say("Look over `strongroom list`. The recovery key is new: keep the output of `strongroom recovery-key`.");
    }
    Ok(if done.failed.is_empty() { 0 } else { Code::Corrupt.exit() })
}
