//! `unlock-method list|add|remove`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use strongroom_backends::{key_file, shown};

use super::Context;
use super::deferred::Lazy;
use super::new_method::read_new_passphrase;
use crate::doctor::unlock::ONLY_KEYCHAIN;
use crate::error::{Code, Error, Result, fail};
use crate::seal::unlock_file::Kind;
use crate::term::out;
use crate::unlock::key_sources::{self, Named};
use crate::unlock::read::{self, Stream};
use crate::unlock::{MethodSecret, key_text, keychain_key, unlock_files};
use crate::vault::home::{Session, Vault};
use crate::vault::log::Event;
use crate::vault::vault_ledger::Edit;

/// Show, add or remove ways to unlock the vault.
#[derive(Debug, Args)]
pub struct UnlockMethod {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Args)]
struct List {}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the ways to unlock the vault
    List(Lazy<List>),
    /// Add a way to unlock the vault, or change a passphrase
    Add(Lazy<Add>),
    /// Remove a way to unlock the vault
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
    /// What is to unlock the vault besides
    #[arg(value_enum)]
    method: New,
    /// A name for it, where there are several of a kind
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The new key file, which is made if it is missing; - sends the key to standard output
    #[arg(long, value_name = "F")]
    new_key_file: Option<PathBuf>,
    /// The file that holds the new passphrase
    #[arg(long, value_name = "F")]
    new_passphrase_file: Option<PathBuf>,
    /// The file descriptor that gives the new passphrase
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    new_passphrase_fd: Option<i32>,
    /// Replace the method of that name
    #[arg(long)]
    replace: bool,
    /// Take a passphrase of under 12 bytes too
    #[arg(long)]
    weak: bool,
}

#[derive(Debug, Args)]
struct Remove {
    /// The method's name
    #[arg(value_name = "METHOD")]
    method: String,
    /// Do not ask
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
        Ok((Kind::Key, _)) => "opened by a 32-byte key".to_owned(),
        Ok((Kind::Passphrase, Some(cost))) => format!(
            "opened by a passphrase (Argon2id {} MiB, t={}, p={})",
            cost.memory_kib / 1024,
            cost.passes,
            cost.lanes
        ),
        Ok((Kind::Passphrase, None)) => "opened by a passphrase".to_owned(),
        Err(error) => format!("unusable: {}", error.what()),
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

/// The name of the method that is added.
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
        return Err(Error::new(Code::Usage, "that name cannot be used for this method").with_remedy(
                "use lower-case letters, digits and -; the one passphrase method is named passphrase, and the one in the keychain keychain",
            ));
    }
    Ok(name)
}

fn add(context: &mut Context, args: &Add) -> Result<u8> {
    let name = name_of(args)?;
    let vault = context.vault()?;
    let mut session = context.session_afresh(&vault)?;
    let exists = vault.slots()?.iter().any(|slot| slot.method == name);
    if exists && !args.replace {
        return Err(Error::new(Code::Exists, format!("there is an unlock method {name} already"))
            .with_remedy("add --replace to change it, or give the new one a --name"));
    }
    if hands_over(args) {
        check_hand_over(context, args, name, &vault.slots()?)?;
    }
    let given = if args.method == New::Keychain {
        // It may ask a person, and nobody else should wait for that.
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
        return fail(
            Code::Changed,
            format!("the unlock method {name} was changed while this command waited"),
        );
    }
    let mut payload = session.unlocked()?.payload.clone();
    name.clone_into(&mut payload.method);
    // There is one item, so only whoever holds the lock may write it.
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
    let done = if exists { "replaced" } else { "added" };
    if hands_over(args) {
        context.say(&format!("Unlock method {name} {done}: {told}."));
        context.say(&format!(
            "If the command that takes the key failed: strongroom unlock-method remove {name} --yes"
        ));
    } else {
        tell(context, name, done, &told)?;
    }
    if exists {
        revokes_nothing(context, "The old secret");
    }
    Ok(0)
}

/// Whether the new key goes to standard output and is in no file.
fn hands_over(args: &Add) -> bool {
    args.new_key_file.as_deref() == Some(Path::new("-"))
        && !matches!(args.method, New::Passphrase | New::Keychain)
}

/// Refuses to hand a key over to a terminal, or if a command that fails with it would leave nothing that opens the vault.
fn check_hand_over(context: &Context, args: &Add, name: &str, slots: &[unlock_files::Slot]) -> Result<()> {
    let seal = "strongroom unlock-method add systemd-credential --new-key-file - | systemd-creds encrypt --name=strongroom-key - FILE";
    if context.json() {
        return Err(Error::new(
            Code::Usage,
            "--json cannot be combined with --new-key-file -, because both use standard output",
        )
        .with_remedy("leave out --json"));
    }
    if context.env.stdout_tty {
        return Err(Error::new(Code::NotRevealed, "the new key would be shown on a terminal")
            .with_remedy(format!("send it to a pipe: {seal}")));
    }
    if args.replace && !slots.iter().any(|slot| slot.method != name && slot.kind.is_ok()) {
        return Err(Error::new(
            Code::Config,
            format!("{name} is the only unlock method, and a pipe may lose its new key"),
        )
        .with_remedy("name a file with --new-key-file"));
    }
    Ok(())
}

/// The key in the keychain: the one that is there where it is the vault's, for to overwrite it before
/// the unlock file is written could leave neither of use; else a new one.
fn in_keychain(vault: &Vault, session: &Session) -> Result<(MethodSecret, String)> {
    let told = |what: &str| format!("{what} in the keychain ({})", vault.keychain().provider());
    let slots = vault.slots()?;
    let slot = slots.iter().find(|slot| slot.method == unlock_files::KEYCHAIN);
    if let Some(slot) = slot {
        match keychain_key::open(vault.keychain(), vault.claimed_id(), std::slice::from_ref(slot)) {
            Ok(unlocked) => return Ok((unlocked.secret, told("the key that was already"))),
            // Whatever is there opens nothing.
            Err(error) if error.code() == Code::KeychainLost => {}
            Err(error) => return Err(error),
        }
    }
    let key = keychain_key::create(vault.keychain(), session.keys().vault.as_str())?;
    Ok((MethodSecret::Key(key), told("a new key")))
}

fn new_secret(context: &Context, args: &Add, home: &Path) -> Result<(MethodSecret, String)> {
    if args.method == New::Passphrase {
        let named = Named {
            passphrase_file: args.new_passphrase_file.clone(),
            passphrase_fd: args.new_passphrase_fd,
            ..Named::default()
        };
        if named.passphrase_file.is_none() && named.passphrase_fd.is_none() && !context.may_ask() {
            return Err(Error::new(Code::NoInput, "no new passphrase was given, and nobody can be asked")
                .with_remedy("give it by --new-passphrase-file or --new-passphrase-fd"));
        }
        let secret = read_new_passphrase(context, &named, None, args.weak)?;
        return Ok((secret, "a passphrase".to_owned()));
    }
    if hands_over(args) {
        let key = key_text::generate()?;
        // Before anything is changed: a pipe that is closed leaves the vault as it is.
        out::write_bytes(&key_text::write(&key)).map_err(|error| {
            let what = format!("the new key could not be handed over: {}", error.what());
            Error::new(error.code(), what)
                .with_remedy("send it to a command that reads it; nothing was changed")
        })?;
        return Ok((MethodSecret::Key(key), "a new key, which is in no file".to_owned()));
    }
    let path = match (&args.new_key_file, args.method) {
        (Some(path), _) => path.clone(),
        (None, New::KeyFile) => key_sources::default_key_file(&context.env).ok_or_else(|| {
            Error::new(Code::Config, "no place for the key file is known")
                .with_remedy("name one with --new-key-file")
        })?,
        (None, _) => {
            return Err(Error::new(Code::Usage, "the file for the new key is not named").with_remedy("send it to what seals it: strongroom unlock-method add systemd-credential --new-key-file - | systemd-creds encrypt --name=strongroom-key - FILE"));
        }
    };
    if Stream::of(&path).is_some() {
        let secret = read::key_of_file(&path, home, key_file::Trust::Own).map_err(|error| {
            let is_output = error.code() == Code::NoInput;
            // A shell's `>(…)` looks the same.
            if is_output {
                error.with_remedy(
                    "a key is read from there; to send a new one to a command: --new-key-file - | COMMAND",
                )
            } else {
                error
            }
        })?;
        return Ok((secret, format!("the key that was given on {}", read::named(&path))));
    }
    if key_file::exists(&path) {
        let secret = read::key_of_file(&path, home, key_file::Trust::Own)?;
        return Ok((secret, format!("the key that was already in {}", shown(&path))));
    }
    read::refuse_unsafe_place(&path)?;
    read::refuse_inside(&path, home)?;
    let key = key_text::generate()?;
    key_file::create(&path, key_text::write(&key).expose())?;
    Ok((MethodSecret::Key(key), format!("a new key in {}", shown(&path))))
}

fn remove(context: &mut Context, args: &Remove) -> Result<u8> {
    let vault = context.vault()?;
    let mut session = context.session_afresh(&vault)?;
    let waits = context.waits("unlock-method");
    let name = args.method.clone();
    // One whose file is gone is in the ledger still.
    if !vault.slots()?.iter().any(|slot| slot.method == name)
        && !vault.own(&session.keys().own()?, false)?.methods.contains_key(&name)
    {
        return Err(Error::new(Code::NotFound, "there is no unlock method of that name")
            .with_remedy("run `strongroom unlock-method list`"));
    }
    context.confirm(args.yes, &format!("Remove the unlock method {name}?"))?;
    let lock = vault.keys_alone(&mut session, &waits)?;
    if !vault.slots()?.iter().any(|slot| slot.method != name && slot.kind.is_ok()) {
        return Err(Error::new(
            Code::Config,
            format!("{name} is the last unlock method; without it nothing opens the vault"),
        )
        .with_remedy("add another one first: strongroom unlock-method add …"));
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
            context.warn(&format!(
                "its key is still in the keychain, where it opens nothing of this vault ({})",
                error.what()
            ));
        }
    }
    tell(context, &name, "removed", "")?;
    if keychain_key::is_unseen(vault.home()) && vault.slots()?.len() == 1 {
        context.warn(&format!("{ONLY_KEYCHAIN}; keep the output of `strongroom recovery-key`"));
    }
    revokes_nothing(context, "Its secret");
    Ok(0)
}

fn tell(context: &mut Context, name: &str, done: &str, told: &str) -> Result<()> {
    if context.json() {
        return context.print_json(&serde_json::json!({ "method": name, "result": done }));
    }
    let told = if told.is_empty() { String::new() } else { format!(": {told}") };
    context.print(&format!("Unlock method {name} {done}{told}."))
}

fn revokes_nothing(context: &Context, what: &str) {
    context.say(&format!(
        "{what} still opens old copies of the unlock file, and the vault key is the same: this revokes nothing."
    ));
    context.say("If it may be known to somebody, run `strongroom rekey`.");
}
