//! `recipient`, `recovery-key` and `rekey`.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use strongroom_backends::as_data;
use strongroom_backends::key_file::Trust;

use super::Context;
use super::key_file::{self, KeyFile};
use crate::error::Result;
use crate::messages::cli::keys as messages;
use crate::seal::unlock_file::{Kind, MethodKey};
use crate::term::out;
use crate::unlock::MethodSecret;
use crate::unlock::key_sources::{self, Named};
use crate::unlock::keychain_key;
use crate::unlock::read::{self, Stream};
use crate::unlock::unlock_files::{self, Slot};
use crate::vault::home::{Session, Vault};
use crate::vault::keychain::sync;
use crate::vault::keys::rekey::{self, Rekeyed};

/// Print this vault's recipient, for others to export to
#[derive(Debug, Args)]
pub struct Recipient {}

/// Print the recovery key, which decrypts every profile, also with stock age
///
/// Keep it away from this machine. Anyone who has it can read everything.
#[derive(Debug, Args)]
pub struct RecoveryKey {
    /// Show it even on a terminal
    #[arg(long)]
    reveal: bool,
}

/// Make a new vault key, recovery key and key file, and encrypt every profile again
///
/// The key file is replaced if it is your own file; the old one is kept as KEY.former until another command has
/// unlocked the vault with the new one. Needs the secret of every unlock method that you keep. The old keys still
/// decrypt old copies: revoke any secret that may have leaked at its provider.
#[derive(Debug, Args)]
pub struct Rekey {
    /// Drop this unlock method instead of giving its secret (repeatable)
    #[arg(long, value_name = "METHOD")]
    drop: Vec<String>,
    #[command(flatten)]
    key_file: key_file::Wish,
    /// Read the secret of another unlock method from this file (repeatable)
    #[arg(long, value_name = "METHOD=FILE")]
    with: Vec<String>,
    /// Remove the earlier versions of every profile for good, because the old key leaked
    #[arg(long)]
    drop_history: bool,
    /// Do not ask for confirmation
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn recipient(context: &mut Context, _: &Recipient) -> Result<u8> {
    let vault = context.vault()?;
    let session = context.session_afresh(&vault)?;
    let identities = session.unlocked()?.payload.transfer_identities(context.env.now())?;
    let recipient = identities[0].to_public().to_string();
    if context.json() {
        context.print_json(&serde_json::json!({ "recipient": recipient }))?;
    } else {
        context.print(&recipient)?;
    }
    Ok(0)
}

pub(super) fn recovery_key(context: &mut Context, args: &RecoveryKey) -> Result<u8> {
    if context.env.stdout_tty && !args.reveal {
        return Err(messages::recovery_key_on_terminal());
    }
    out::refuse_closed()?;
    let vault = context.vault()?;
    let session = context.session_afresh(&vault)?;
    keychain_key::note_seen(vault.home(), true);
    if context.json() {
        let mut document = crate::secret::Buffer::with_capacity(256);
        document.extend(b"{\"recoveryKey\":\"");
        document.extend(
            crate::secret::ExposeSecret::expose_secret(&session.unlocked()?.payload.recovery).as_bytes(),
        );
        document.extend(b"\"}\n");
        out::write_bytes(&document)?;
        return Ok(0);
    }
    out::write_secret(&session.unlocked()?.payload.recovery)?;
    context.say(messages::RECOVERY_KEY);
    Ok(0)
}

pub(super) fn rekey(context: &mut Context, args: &Rekey) -> Result<u8> {
    let vault = context.vault()?;
    let mut session = context.session_afresh_by(&vault, &one_of(context.named()))?;
    let slots = vault.slots()?;
    for name in &args.drop {
        if !slots.iter().any(|slot| slot.method == *name) {
            return Err(messages::no_method_for("--drop"));
        }
    }
    let mut change = KeyFile::of(context, &args.key_file, &session)?;
    let mut methods = methods_of(context, args, &slots, &vault, &session)?;
    context.confirm(args.yes || !context.may_ask(), messages::REKEY)?;
    let waits = context.waits("rekey");
    let lock = vault.keys_alone(&mut session, &waits)?;
    rekey::check_same(&vault, &slots)?;
    let by = session.unlocked()?.payload.method.clone();
    if let Some(key) = methods.iter_mut().find(|(method, _)| *method == by).map(|(_, key)| key)
        && let Some(secret) = change.prepare(&vault, &session)?
    {
        *key = secret;
    }
    let done = rekey::rekey(&vault, &mut session, &lock, &methods, args.drop_history, &waits);
    let done = match done {
        Err(error) => {
            change.give_up(&vault);
            return Err(error);
        }
        Ok(done) => done,
    };
    let told = change.finish()?;
    drop(lock);
    context.forget_caches(&session.keys().vault);
    tell(context, args, &done, &told)
}

/// Reports a rekey, to programs or to people.
fn tell(context: &mut Context, args: &Rekey, done: &Rekeyed, told: &key_file::Told) -> Result<u8> {
    if context.json() {
        context.print_json(&serde_json::json!({
            "records": done.records, "agents": done.agents, "resumed": done.resumed, "dropped": args.drop,
            "keyFile": told.path.as_deref().map(as_data),
        }))?;
        return Ok(0);
    }
    if let Some(error) = &done.keychain {
        context.warn(&sync::told(error));
    }
    context.print(&messages::rekeyed(done.records, done.agents, done.resumed))?;
    told.what.iter().for_each(|line| context.say(line));
    context.say(messages::NEW_RECOVERY_KEY);
    context.say(messages::OLD_COPIES);
    Ok(0)
}

/// Returns the unlock methods that stay, and the key of each.
fn methods_of(
    context: &Context,
    args: &Rekey,
    slots: &[Slot],
    vault: &Vault,
    session: &Session,
) -> Result<Vec<(String, MethodKey)>> {
    let files = files_of(args, slots)?;
    let (mut methods, mut without) = (Vec::new(), Vec::new());
    for slot in slots.iter().filter(|slot| !args.drop.contains(&slot.method)) {
        match key_of(context, files.get(slot.method.as_str()).copied(), slot, vault, session)? {
            Some(key) => methods.push((slot.method.clone(), key)),
            None => without.push(slot.method.clone()),
        }
    }
    if !without.is_empty() {
        return Err(messages::secrets_needed(&without));
    }
    Ok(methods)
}

/// Returns the file that `--with` gives for each method. A file that no method would read is an error, because it
/// would be ignored silently.
fn files_of<'a>(args: &'a Rekey, slots: &[Slot]) -> Result<BTreeMap<&'a str, &'a Path>> {
    let mut files = BTreeMap::new();
    for with in &args.with {
        let Some((method, file)) = with.split_once('=').filter(|(_, file)| !file.is_empty()) else {
            return Err(messages::with_needs_file());
        };
        if !slots.iter().any(|slot| slot.method == method) {
            return Err(messages::no_method_for("--with"));
        }
        if args.drop.iter().any(|dropped| dropped == method) {
            return Err(messages::with_and_drop(method));
        }
        if method == unlock_files::KEYCHAIN {
            return Err(messages::with_keychain());
        }
        if files.insert(method, Path::new(file)).is_some() {
            return Err(messages::with_twice(method));
        }
    }
    Ok(files)
}

/// Returns the key that encrypts a method's new unlock file, or none if its secret is not available.
fn key_of(
    context: &Context,
    file: Option<&Path>,
    slot: &Slot,
    vault: &Vault,
    session: &Session,
) -> Result<Option<MethodKey>> {
    let unlocked = session.unlocked()?;
    if slot.method == unlocked.payload.method {
        return unlocked.secret.method_key(None).map(Some);
    }
    let Ok((kind, cost)) = &slot.kind else { return Ok(None) };
    match secret_of(context, file, slot, *kind, vault)? {
        // The new unlock file must not take a secret that the old one did not.
        Some(secret) if slot.opens_with(&secret.method_key(cost.clone())?)? => {
            secret.method_key(None).map(Some)
        }
        Some(_) if file.is_some() => Err(messages::with_wrong_secret(&slot.method)),
        _ => Ok(None),
    }
}

/// Returns the one source to unlock with, if several were named: the others are for their own methods.
fn one_of(named: Named) -> Named {
    match named.key_file {
        Some(_) => Named { key_file: named.key_file, ..Named::default() },
        None => named,
    }
}

/// Returns the secret of a method other than the one that unlocked: from the file given for it, from a prompt, or
/// from the key file in the default place.
fn secret_of(
    context: &Context,
    file: Option<&Path>,
    slot: &Slot,
    kind: Kind,
    vault: &Vault,
) -> Result<Option<MethodSecret>> {
    let (method, home) = (slot.method.as_str(), vault.home().path());
    if method == unlock_files::KEYCHAIN {
        let unlocked = keychain_key::open(vault.keychain(), vault.claimed_id(), std::slice::from_ref(slot))?;
        return Ok(Some(unlocked.secret));
    }
    let file = file.map(Path::to_owned).or_else(|| match kind {
        Kind::Passphrase => context.named().passphrase_file,
        Kind::Key => None,
    });
    match (kind, file) {
        (Kind::Passphrase, Some(file)) => {
            Ok(Some(MethodSecret::Passphrase(read::passphrase_of_file(&file, Trust::Own)?)))
        }
        (Kind::Passphrase, None) if context.may_ask() => {
            let asked = crate::term::secret_input::read_passphrase(messages::PASSPHRASE_PROMPT)?;
            Ok(Some(MethodSecret::Passphrase(asked)))
        }
        (Kind::Passphrase, None) => Ok(None),
        (Kind::Key, Some(file)) => read::key_of_file(&file, home, Trust::Own).map(Some),
        (Kind::Key, None) => {
            let at_hand = key_sources::key_file_path(&context.named(), &context.env);
            let at_hand = at_hand.filter(|path| Stream::of(path).is_none());
            Ok(at_hand.and_then(|path| read::key_of_file(&path, home, Trust::Own).ok()))
        }
    }
}
