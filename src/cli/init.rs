//! `init`: makes a vault, and says what was chosen and why.

use std::path::Path;

use clap::{Args, ValueEnum};
use strongroom_backends::{key_file, shown};

use super::Context;
use crate::error::{Code, Error, Result, fail};
use crate::term::secret_input;
use crate::unlock::seek::{self, Named};
use crate::unlock::{MethodSecret, key_text, slots};
use crate::vault::home::Vault;
use crate::vault::init;

/// Where records rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Store {
    /// Sealed files in the home
    #[default]
    File,
    /// The desktop's keychain
    #[value(hide = true)]
    Keychain,
}

/// What unlocks the vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Unlock {
    /// A key file outside the home
    #[default]
    KeyFile,
    /// A passphrase
    Passphrase,
    /// The desktop's keychain
    #[value(hide = true)]
    Keychain,
}

/// Make a vault.
///
/// Records rest in sealed files. They are unlocked by a key file that lies outside the home (the
/// default: works without a terminal), or by a passphrase.
#[derive(Debug, Args)]
pub struct Init {
    /// Where records rest
    #[arg(long, value_enum, default_value_t)]
    store: Store,
    /// What unlocks the vault
    #[arg(long, value_enum, default_value_t)]
    unlock: Unlock,
}

/// A new way to unlock: the method's name, its secret, and what to tell about it.
pub struct NewMethod {
    /// The method's name.
    pub name: &'static str,
    /// Its secret.
    pub secret: MethodSecret,
    /// What was done, for people.
    pub told: String,
}

pub(super) fn run(context: &mut Context, args: &Init) -> Result<u8> {
    if args.store == Store::Keychain || args.unlock == Unlock::Keychain {
        return fail(Code::Usage, "this version does not use the desktop's keychain")
            .map_err(|e: Error| e.with_remedy("use --store file with --unlock key-file or passphrase"));
    }
    let home = context.home()?;
    // Before a key is made: what would be refused leaves nothing behind.
    match Vault::open_damaged(&home) {
        Ok((vault, _)) => init::refuse_existing(&vault)?,
        Err(error) if error.code() == Code::NoVault => {}
        Err(error) if error.code() == Code::NewerFormat => {
            let what = format!("there is a vault in {} already, made by a newer strongroom", shown(&home));
            return fail(Code::Exists, what)
                .map_err(|e: Error| e.with_remedy("name another home with --home"));
        }
        Err(error) => return Err(error),
    }
    let method = new_method(context, args.unlock, &home)?;
    let payload = init::init(&home, "file", method.name, &method.secret, &context.waits("init"))?;
    if context.json() {
        context.print_json(&serde_json::json!({
            "home": home.to_string_lossy(),
            "vaultId": payload.vault.as_str(),
            "store": "file",
            "unlock": method.name,
        }))?;
        return Ok(0);
    }
    context.print(&format!(
        "Made a vault in {}.\n  Store:  sealed files (no keychain or service is needed to read them)\n  Unlock: {}",
        shown(&home),
        method.told
    ))?;
    context.say("Next: store a credential with `strongroom paste-token --provider anthropic`,");
    context.say("and keep the output of `strongroom recovery-key` somewhere safe: it opens everything if the key is lost.");
    Ok(0)
}

/// Makes the secret of a first method.
pub(super) fn new_method(context: &Context, unlock: Unlock, home: &Path) -> Result<NewMethod> {
    match unlock {
        Unlock::KeyFile => new_key_file(context, home),
        Unlock::Passphrase => {
            let secret = new_passphrase(context, &context.named())?;
            Ok(NewMethod {
                name: slots::PASSPHRASE,
                secret,
                told: "a passphrase (Argon2id, 64 MiB; nothing recovers it but the recovery key)".to_owned(),
            })
        }
        Unlock::Keychain => fail(Code::Usage, "this version does not use the desktop's keychain"),
    }
}

fn new_key_file(context: &Context, home: &Path) -> Result<NewMethod> {
    let named = context.named();
    if named.passphrase_file.is_some() || named.passphrase_fd.is_some() {
        return fail(Code::Usage, "a passphrase was given for a vault that is unlocked by a key file")
            .map_err(|e: Error| e.with_remedy("add --unlock passphrase, or leave the passphrase out"));
    }
    let path = seek::key_file_path(&named, &context.env).ok_or_else(|| {
        Error::new(Code::Config, "no place for the key file is known").with_remedy("name one with --key-file")
    })?;
    seek::refuse_inside(&path, home)?;
    let (secret, how) = if key_file::exists(&path) {
        (seek::key_of_file(&path, home, key_file::Trust::Own)?, "the key that was already in")
    } else {
        let key = key_text::generate()?;
        key_file::create(&path, key_text::write(&key).expose())?;
        (MethodSecret::Key(key), "a new key in")
    };
    Ok(NewMethod {
        name: slots::KEY_FILE,
        secret,
        told: format!("{how} {} (works without a terminal; back it up apart from the vault)", shown(&path)),
    })
}

/// A new passphrase, from a file, a descriptor, or asked for twice.
pub(super) fn new_passphrase(context: &Context, named: &Named) -> Result<MethodSecret> {
    let passphrase = if let Some(number) = named.passphrase_fd {
        seek::passphrase_of_fd(number)?
    } else if let Some(path) =
        named.passphrase_file.clone().or_else(|| context.env.path("STRONGROOM_PASSPHRASE_FILE"))
    {
        seek::passphrase_of_file(&path)?
    } else if context.may_ask() {
        let first = secret_input::read_passphrase("New passphrase: ")?;
        let again = secret_input::read_passphrase("Again: ")?;
        if first.is_empty() {
            return fail(Code::BadData, "the passphrase is empty")
                .map_err(|e: Error| e.with_remedy("choose a longer one"));
        }
        if first.expose() != again.expose() {
            return fail(Code::BadData, "the two passphrases differ")
                .map_err(|e: Error| e.with_remedy("type it again"));
        }
        first
    } else {
        return fail(Code::NoInput, "no passphrase was given, and nobody can be asked")
            .map_err(|e: Error| e.with_remedy("give it by --passphrase-file or --passphrase-fd"));
    };
    Ok(MethodSecret::Passphrase(passphrase))
}
