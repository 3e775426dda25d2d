//! `recipient`, `recovery-key` and `rekey`.

use clap::Args;

use super::Context;
use super::init::new_passphrase;
use crate::error::{Code, Error, Result, fail};
use crate::seal::unlock_file::Kind;
use crate::term::count::counted;
use crate::term::out;
use crate::unlock::MethodSecret;
use crate::unlock::seek::{self, Named};
use crate::vault::rekey;

/// Print to whom others should export: this vault's own age recipient.
#[derive(Debug, Args)]
pub struct Recipient {}

/// Print the recovery key: with it, stock age opens every record.
///
/// Keep it apart from this machine. Whoever has it reads everything.
#[derive(Debug, Args)]
pub struct RecoveryKey {
    /// Show it even on a terminal
    #[arg(long)]
    reveal: bool,
}

/// Make a new vault key and a new recovery key, and seal every record anew.
///
/// Needs the secret of every unlock method that is to stay. Copies of old records stay readable
/// with the old keys: secrets that may have leaked have to be revoked at their provider.
#[derive(Debug, Args)]
pub struct Rekey {
    /// Drop this unlock method instead of giving its secret; repeats
    #[arg(long, value_name = "METHOD")]
    drop: Vec<String>,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn recipient(context: &mut Context, _: &Recipient) -> Result<u8> {
    let vault = context.vault()?;
    let session = context.session(&vault)?;
    let recipient = session.unlocked.payload.transfer_identity()?.to_public().to_string();
    if context.json() {
        context.print_json(&serde_json::json!({ "recipient": recipient }))?;
    } else {
        context.print(&recipient)?;
    }
    Ok(0)
}

pub(super) fn recovery_key(context: &mut Context, args: &RecoveryKey) -> Result<u8> {
    if context.env.stdout_tty && !args.reveal {
        return fail(Code::NotRevealed, "the recovery key would be shown on a terminal");
    }
    let vault = context.vault()?;
    let session = context.session(&vault)?;
    let _ = out::write_secret(&session.unlocked.payload.recovery)?;
    context.say(
        "This opens every record of the vault, with stock age too. Keep it offline, apart from this machine.",
    );
    Ok(0)
}

pub(super) fn rekey(context: &mut Context, args: &Rekey) -> Result<u8> {
    let vault = context.vault()?;
    let mut session = context.session_by(&vault, &one_of(context.named()))?;
    let slots = vault.slots()?;
    for name in &args.drop {
        if !slots.iter().any(|slot| slot.method == *name) {
            return fail(Code::NotFound, "there is no such unlock method to drop")
                .map_err(|e: Error| e.with_remedy("run `strongroom unlock-method list`"));
        }
    }
    let mut methods = Vec::new();
    let mut without = Vec::new();
    for slot in slots.iter().filter(|slot| !args.drop.contains(&slot.method)) {
        let key = if slot.method == session.unlocked.payload.method {
            Some(session.unlocked.secret.method_key(None)?)
        } else {
            match &slot.kind {
                Ok((kind, cost)) => secret_of(context, *kind, vault.home.path())?
                    .map(|secret| -> Result<_> {
                        // It has to be the method's secret, not a new one.
                        slots_open(&slots, &slot.method, &secret, cost.clone())?;
                        secret.method_key(None)
                    })
                    .transpose()?,
                Err(_) => None,
            }
        };
        match key {
            Some(key) => methods.push((slot.method.clone(), key)),
            None => without.push(slot.method.clone()),
        }
    }
    if !without.is_empty() {
        return fail(
            Code::Locked,
            format!("the secret of these unlock methods is needed to keep them: {}", without.join(", ")),
        )
        .map_err(|e: Error| {
            e.with_remedy("give them all (--key-file, --passphrase-file), or drop those: --drop METHOD")
        });
    }
    context.confirm(args.yes || !context.may_ask(), "Make a new vault key and seal every record anew?")?;
    let done = rekey::rekey(&vault, &mut session, &methods, &context.waits("rekey"), &|| ())?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "records": done.records, "agents": done.agents, "resumed": done.resumed, "dropped": args.drop,
        }))?;
        return Ok(0);
    }
    let resumed = if done.resumed { " (finished one that was cut short)" } else { "" };
    context.print(&format!(
        "Sealed {} of {} under a new key{resumed}.",
        counted(done.records as u64, "record"),
        counted(done.agents as u64, "agent")
    ))?;
    context.say(
        "The recovery key is new too: keep the output of `strongroom recovery-key`, and destroy the old one.",
    );
    context.say(
        "Copies of old records still open with the old keys: revoke at the provider what may have leaked.",
    );
    Ok(0)
}

/// One source to unlock with, where several were named: the others are for their own methods.
fn one_of(named: Named) -> Named {
    match named.key_file {
        Some(_) => Named { key_file: named.key_file, ..Named::default() },
        None => named,
    }
}

/// The secret of a method other than the one that unlocked, from what was named besides.
fn secret_of(context: &Context, kind: Kind, home: &std::path::Path) -> Result<Option<MethodSecret>> {
    let named = context.named();
    match kind {
        Kind::Passphrase => {
            if named.passphrase_file.is_some() || named.passphrase_fd.is_some() {
                let only = Named { key_file: None, ..named };
                return new_passphrase(context, &only).map(Some);
            }
            if context.may_ask() {
                let asked = crate::term::secret_input::read_passphrase("Passphrase of the vault: ")?;
                return Ok(Some(MethodSecret::Passphrase(asked)));
            }
            Ok(None)
        }
        Kind::Key => {
            let path = seek::key_file_path(
                &Named { passphrase_file: None, passphrase_fd: None, ..named },
                &context.env,
            );
            match path.filter(|path| strongroom_backends::key_file::exists(path)) {
                Some(path) => {
                    seek::key_of_file(&path, home, strongroom_backends::key_file::Trust::Own).map(Some)
                }
                None => Ok(None),
            }
        }
    }
}

fn slots_open(
    slots: &[crate::unlock::slots::Slot],
    method: &str,
    secret: &MethodSecret,
    cost: Option<crate::seal::argon2id::Cost>,
) -> Result<()> {
    let key = secret.method_key(cost)?;
    let slot = slots.iter().find(|slot| slot.method == method);
    match slot.map(|slot| slot.opens_with(&key)).transpose()? {
        Some(true) => Ok(()),
        _ => fail(Code::WrongKey, format!("the secret given does not open the unlock method {method}"))
            .map_err(|e: Error| e.with_remedy(format!("give its secret, or drop it: --drop {method}"))),
    }
}
