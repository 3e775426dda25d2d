//! `unlock-method list|add|remove`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use strongroom_backends::key_file;

use super::Context;
use super::deferred::Lazy;
use super::new_method::read_new_passphrase;
use crate::doctor::unlock::ONLY_KEYCHAIN;
use crate::error::{Code, Result};
use crate::messages::cli::keys::methods as messages;
use crate::seal::unlock_file::Kind;
use crate::term::out;
use crate::unlock::key_sources::{self, Named};
use crate::unlock::read::{self, Stream};
use crate::unlock::{MethodSecret, key_text, keychain_key, unlock_files};
use crate::vault::home::{Session, Vault};
use crate::vault::log::Event;
use crate::vault::vault_ledger::Edit;

/// List, add or remove ways to unlock the vault
#[derive(Debug, Args)]
pub struct UnlockMethod {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Args)]
struct List {}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the unlock methods
    List(Lazy<List>),
    /// Add an unlock method, or change the passphrase
    Add(Lazy<Add>),
    /// Remove an unlock method
    Remove(Lazy<Remove>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum New {
    /// A key file outside the home
    KeyFile,
    /// A passphrase
    Passphrase,
    /// A key for a systemd credential named strongroom-key
    SystemdCredential,
    /// A key in the desktop's keychain
    Keychain,
}

#[derive(Debug, Args)]
struct Add {
    /// Kind of unlock method to add
    #[arg(value_enum)]
    method: New,
    /// Name of the method, needed for a second one of its kind
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// New key file, which is created if it does not exist; - writes the key to standard output
    #[arg(long, value_name = "F")]
    new_key_file: Option<PathBuf>,
    /// Read the new passphrase from this file
    #[arg(long, value_name = "F")]
    new_passphrase_file: Option<PathBuf>,
    /// Read the new passphrase from this file descriptor
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    new_passphrase_fd: Option<i32>,
    /// Replace the method of that name
    #[arg(long)]
    replace: bool,
    /// Accept a passphrase of fewer than 12 bytes
    #[arg(long)]
    weak: bool,
}

#[derive(Debug, Args)]
struct Remove {
    /// Name of the unlock method
    #[arg(value_name = "METHOD")]
    method: String,
    /// Do not ask for confirmation
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(context: &mut Context, args: &UnlockMethod) -> Result<u8> {
    match &args.verb {
        Verb::List(_) => list(context),
        Verb::Add(args) => add(context, args),
        Verb::Remove(args) => remove(context, args),
    }
}

fn list(context: &mut Context) -> Result<u8> {
    let vault = context.vault()?;
    let slots = vault.slots()?;
    let describe = |slot: &unlock_files::Slot| match &slot.kind {
        Ok((Kind::Key, _)) => messages::BY_KEY.to_owned(),
        Ok((Kind::Passphrase, Some(cost))) => {
            messages::by_passphrase(cost.memory_kib / 1024, cost.passes, cost.lanes)
        }
        Ok((Kind::Passphrase, None)) => messages::BY_PASSPHRASE.to_owned(),
        Err(error) => messages::unusable(error.what()),
    };
    if context.json() {
        let methods: Vec<_> = slots
            .iter()
            .map(|slot| serde_json::json!({ "method": slot.method, "usable": slot.kind.is_ok(), "what": describe(slot) }))
            .collect();
        context.print_json(&serde_json::json!({ "methods": methods }))?;
        return Ok(0);
    }
    for slot in &slots {
        context.print(&format!("{}: {}", slot.method, describe(slot)))?;
    }
    Ok(0)
}

/// Returns the name of the method that is added.
fn name_of(args: &Add) -> Result<&str> {
    let default = match args.method {
        New::KeyFile => unlock_files::KEY_FILE,
        New::Passphrase => unlock_files::PASSPHRASE,
        New::SystemdCredential => unlock_files::SYSTEMD_CREDENTIAL,
        New::Keychain => unlock_files::KEYCHAIN,
    };
    let name = args.name.as_deref().unwrap_or(default);
    if !unlock_files::is_method_name(name)
        || (args.method == New::Passphrase) != (name == unlock_files::PASSPHRASE)
        || (args.method == New::Keychain) != (name == unlock_files::KEYCHAIN)
    {
        return Err(messages::bad_name());
    }
    Ok(name)
}

fn add(context: &mut Context, args: &Add) -> Result<u8> {
    let name = name_of(args)?;
    let vault = context.vault()?;
    let mut session = context.session_afresh(&vault)?;
    let exists = vault.slots()?.iter().any(|slot| slot.method == name);
    if exists && !args.replace {
        return Err(messages::exists(name));
    }
    if hands_over(args) {
        check_hand_over(context, args, name, &vault.slots()?)?;
    }
    let given = if args.method == New::Keychain {
        // Before the lock: the keychain may ask a person, and no other command should wait for the answer.
        vault.keychain().ready()?;
        None
    } else {
        let (secret, told) = new_secret(context, args, vault.home().path())?;
        Some((secret.method_key(None)?, told))
    };
    let waits = context.waits("unlock-method");
    let lock = vault.keys_alone(&mut session, &waits)?;
    let ring = session.keys().own()?;
    let own = vault.own(&ring, false)?;
    if vault.slots()?.iter().any(|slot| slot.method == name) != exists {
        return Err(messages::changed(name));
    }
    let mut payload = session.unlocked()?.payload.clone();
    name.clone_into(&mut payload.method);
    // Under the lock, because all commands write the same item.
    let (key, told) = if let Some(given) = given {
        given
    } else {
        let (secret, told) = in_keychain(&vault, &session)?;
        (secret.method_key(None)?, told)
    };
    if args.method == New::Keychain {
        keychain_key::note_unseen(vault.home())?;
    }
    let op = if exists { "unlock-method-replace" } else { "unlock-method-add" };
    let edit = Edit {
        methods: vec![(name.to_owned(), unlock_files::seal(&payload, &key)?)],
        events: vec![Event::of_method(op, name)],
        now: context.env.now(),
        ..Edit::default()
    };
    vault.commit_own(&ring, &own, &edit)?;
    drop(lock);
    if exists {
        context.forget_caches(&session.keys().vault);
    }
    let (result, line) = if exists {
        ("replaced", messages::replaced(name, &told))
    } else {
        ("added", messages::added(name, &told))
    };
    if hands_over(args) {
        context.say(&line);
        context.say(&messages::if_pipe_failed(name));
    } else {
        tell(context, name, result, &line)?;
    }
    if exists {
        revokes_nothing(context, messages::THE_OLD_SECRET);
    }
    Ok(0)
}

/// Returns whether the new key goes to standard output and to no file.
fn hands_over(args: &Add) -> bool {
    args.new_key_file.as_deref() == Some(Path::new("-"))
        && !matches!(args.method, New::Passphrase | New::Keychain)
}

/// Fails if standard output is a terminal or takes JSON, or if a command that loses the key would leave a vault that
/// nothing unlocks.
fn check_hand_over(context: &Context, args: &Add, name: &str, slots: &[unlock_files::Slot]) -> Result<()> {
    if context.json() {
        return Err(messages::key_and_json());
    }
    if context.env.stdout_tty {
        return Err(messages::key_on_terminal());
    }
    if args.replace && !slots.iter().any(|slot| slot.method != name && slot.kind.is_ok()) {
        return Err(messages::only_key_in_pipe(name));
    }
    Ok(())
}

/// Returns the key in the keychain if it is this vault's, otherwise makes a new one. The vault's own key is not
/// overwritten: if this command died before it wrote the unlock file, neither key would unlock the vault.
fn in_keychain(vault: &Vault, session: &Session) -> Result<(MethodSecret, String)> {
    let slots = vault.slots()?;
    let slot = slots.iter().find(|slot| slot.method == unlock_files::KEYCHAIN);
    if let Some(slot) = slot {
        match keychain_key::open(vault.keychain(), vault.claimed_id(), std::slice::from_ref(slot)) {
            Ok(unlocked) => {
                let told = messages::key_existing_in_keychain(vault.keychain().provider());
                return Ok((unlocked.secret, told));
            }
            // What the keychain holds does not unlock the vault, so it may be overwritten.
            Err(error) if error.code() == Code::KeychainLost => {}
            Err(error) => return Err(error),
        }
    }
    let key = keychain_key::create(vault.keychain(), session.keys().vault.as_str())?;
    Ok((MethodSecret::Key(key), messages::key_new_in_keychain(vault.keychain().provider())))
}

fn new_secret(context: &Context, args: &Add, home: &Path) -> Result<(MethodSecret, String)> {
    if args.method == New::Passphrase {
        let named = Named {
            passphrase_file: args.new_passphrase_file.clone(),
            passphrase_fd: args.new_passphrase_fd,
            ..Named::default()
        };
        if named.passphrase_file.is_none() && named.passphrase_fd.is_none() && !context.may_ask() {
            return Err(messages::no_passphrase("new-"));
        }
        let secret = read_new_passphrase(context, &named, None, args.weak)?;
        return Ok((secret, messages::A_PASSPHRASE.to_owned()));
    }
    if hands_over(args) {
        let key = key_text::generate()?;
        // Before anything is changed, so that a closed pipe leaves the vault as it is.
        out::write_bytes(&key_text::write(&key)).map_err(|error| messages::key_not_written(&error))?;
        return Ok((MethodSecret::Key(key), messages::KEY_IN_NO_FILE.to_owned()));
    }
    let path = match (&args.new_key_file, args.method) {
        (Some(path), _) => path.clone(),
        (None, New::KeyFile) => key_sources::default_key_file(&context.env)
            .ok_or_else(|| messages::no_key_place("--new-key-file"))?,
        (None, _) => return Err(messages::no_key_destination()),
    };
    if Stream::of(&path).is_some() {
        let secret = read::key_of_file(&path, home, key_file::Trust::Own).map_err(|error| {
            let is_output = error.code() == Code::NoInput;
            // A shell's `>(…)` looks the same.
            if is_output { error.with_remedy(messages::STREAM_IS_READ) } else { error }
        })?;
        return Ok((secret, messages::key_given_on(&read::named(&path))));
    }
    if key_file::exists(&path) {
        let secret = read::key_of_file(&path, home, key_file::Trust::Own)?;
        return Ok((secret, messages::key_existing_in(&path)));
    }
    read::refuse_unsafe_place(&path)?;
    read::refuse_inside(&path, home)?;
    let key = key_text::generate()?;
    key_file::create(&path, key_text::write(&key).expose())?;
    Ok((MethodSecret::Key(key), messages::key_new_in(&path)))
}

fn remove(context: &mut Context, args: &Remove) -> Result<u8> {
    let vault = context.vault()?;
    let mut session = context.session_afresh(&vault)?;
    let waits = context.waits("unlock-method");
    let name = args.method.clone();
    // A method whose file is gone may still be in the ledger, and has to be removed there.
    if !vault.slots()?.iter().any(|slot| slot.method == name)
        && !vault.own(&session.keys().own()?, false)?.methods.contains_key(&name)
    {
        return Err(messages::not_found());
    }
    context.confirm(args.yes, &messages::remove(&name))?;
    let lock = vault.keys_alone(&mut session, &waits)?;
    if !vault.slots()?.iter().any(|slot| slot.method != name && slot.kind.is_ok()) {
        return Err(messages::last(&name));
    }
    let ring = session.keys().own()?;
    let edit = Edit {
        removed: vec![name.clone()],
        events: vec![Event::of_method("unlock-method-remove", &name)],
        now: context.env.now(),
        ..Edit::default()
    };
    vault.commit_own(&ring, &vault.own(&ring, false)?, &edit)?;
    drop(lock);
    context.forget_caches(&session.keys().vault);
    if name == unlock_files::KEYCHAIN {
        let item = vault.keychain().unlock_key(session.keys().vault.as_str(), unlock_files::KEYCHAIN);
        if let Err(error) = vault.keychain().remove(&item) {
            context.warn(&messages::key_left_in_keychain(error.what()));
        }
    }
    tell(context, &name, "removed", &messages::removed(&name))?;
    if keychain_key::is_unseen(vault.home()) && vault.slots()?.len() == 1 {
        context.warn(&messages::keep_recovery_key(ONLY_KEYCHAIN));
    }
    revokes_nothing(context, messages::ITS_SECRET);
    Ok(0)
}

/// Reports what was done: `result` to programs, `line` to people.
fn tell(context: &mut Context, name: &str, result: &str, line: &str) -> Result<()> {
    if context.json() {
        return context.print_json(&serde_json::json!({ "method": name, "result": result }));
    }
    context.print(line)
}

fn revokes_nothing(context: &Context, secret: &str) {
    context.say(&messages::revokes_nothing(secret));
    context.say(messages::REKEY_IF_KNOWN);
}
