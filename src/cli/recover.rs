//! `recover`: rebuilds a vault whose unlock files are lost, with the recovery key.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strongroom_backends::key_file::Trust;

use super::Context;
use super::new_method::{self, NewKey, new_method};
use crate::error::{Code, Result};
use crate::messages::cli::keys::vaults as messages;
use crate::seal::recovery;
use crate::unlock::{key_sources, read};
use crate::vault::home::Vault;
use crate::vault::keychain::sync;
use crate::vault::keys::recover;

/// What unlocks a rebuilt vault. A keychain can be added afterwards.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Unlock {
    /// A key file outside the home
    #[default]
    KeyFile,
    /// A passphrase
    Passphrase,
}

/// Rebuild a vault whose unlock files are lost, with the recovery key
///
/// Every profile that the recovery key decrypts is encrypted again with a new vault key. Nothing proves who created
/// the profiles: check `strongroom list`, and revoke what you do not recognise.
#[derive(Debug, Args)]
pub struct Recover {
    /// Read the recovery key (AGE-SECRET-KEY-1…) from this file
    #[arg(long, value_name = "F")]
    recovery_key: PathBuf,
    /// How to unlock the vault from now on
    #[arg(long, value_enum, default_value_t)]
    unlock: Unlock,
    /// Set aside the remaining unlock files, which no one can decrypt
    #[arg(long)]
    discard_unlock_files: bool,
    /// Continue if some profiles cannot be decrypted; their files are kept
    #[arg(long)]
    leave_unreadable: bool,
    /// Accept a new passphrase of fewer than 12 bytes
    #[arg(long)]
    weak: bool,
}

pub(super) fn run(context: &mut Context, args: &Recover) -> Result<u8> {
    let home = context.home()?;
    let (vault, _) = Vault::open_damaged(&home, &context.setup(), context.lock_limit())?;
    let bytes = read::bytes_of(&args.recovery_key, "recovery key file", Trust::Own)?;
    let identity = recovery::parse(bytes.expose(), "the recovery key file")?;
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
                Some(false) => Err(messages::key_file_taken()),
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
        context.print(&messages::recovered(done.records, done.resumed, &method.told))?;
        for failed in &done.failed {
            context.warn(&messages::not_recovered(failed));
        }
        if let Some(error) = &done.keychain {
            context.warn(&sync::told(error));
        }
        context.warn(messages::UNKNOWN_ORIGIN);
        context.say(messages::AFTER_RECOVERY);
    }
    Ok(if done.failed.is_empty() { 0 } else { Code::Corrupt.exit() })
}
