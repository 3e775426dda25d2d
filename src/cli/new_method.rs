//! Makes or reads the secret of a new unlock method: a key in a file, or a passphrase.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use strongroom_backends::{StoreError, key_file};

use super::Context;
use crate::error::{Error, Result};
use crate::looks;
use crate::messages::cli::keys::methods as messages;
use crate::secret::Buffer;
use crate::term::secret_input;
use crate::unlock::key_sources::{self, Named};
use crate::unlock::read::{self, Stream};
use crate::unlock::{MethodSecret, key_text, new_passphrase, unlock_files};

/// What unlocks the vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Unlock {
    /// The keychain if profiles are stored there, otherwise a key file
    #[default]
    Auto,
    /// A key file outside the home
    KeyFile,
    /// A passphrase
    Passphrase,
    /// A key in the desktop's keychain
    Keychain,
}

/// A new unlock method.
pub struct NewMethod {
    /// The method's name.
    pub name: &'static str,
    /// Its secret.
    pub secret: MethodSecret,
    /// What unlocks the vault now, for people.
    pub told: String,
    /// A new key, which has to be written before it is used.
    pub new_key: Option<NewKey>,
}

/// A new key and the file that is to hold it, which does not exist yet.
pub struct NewKey {
    path: PathBuf,
    text: Buffer,
}

impl NewKey {
    /// Writes it, durably. Returns false if another process created the file first: then no file holds this key.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub(super) fn write(&self) -> Result<bool> {
        match key_file::create(&self.path, self.text.expose()) {
            Err(StoreError::Exists(_)) => Ok(false),
            Err(error @ (StoreError::Denied { .. } | StoreError::ReadOnly(_))) => {
                Err(messages::key_file_denied(Error::from(error)))
            }
            written => Ok(written.map(|()| true)?),
        }
    }
}

/// Makes the secret of a first method. A new key is not in a file until [`NewKey::write`].
pub(super) fn new_method(context: &Context, unlock: Unlock, home: &Path, weak: bool) -> Result<NewMethod> {
    match unlock {
        Unlock::KeyFile => new_key_file(context, home),
        Unlock::Passphrase => {
            let variable = context.env.path("STRONGROOM_PASSPHRASE_FILE");
            let secret = read_new_passphrase(context, &context.named(), variable, weak)?;
            Ok(NewMethod {
                name: unlock_files::PASSPHRASE,
                secret,
                told: messages::PASSPHRASE.to_owned(),
                new_key: None,
            })
        }
        Unlock::Keychain | Unlock::Auto => Err(messages::keychain_not_first()),
    }
}

fn new_key_file(context: &Context, home: &Path) -> Result<NewMethod> {
    let named = context.named();
    if named.passphrase_file.is_some() || named.passphrase_fd.is_some() {
        return Err(messages::passphrase_for_key_file());
    }
    let path = key_sources::key_file_path(&named, &context.env)
        .ok_or_else(|| messages::no_key_place("--key-file"))?;
    let by_variable = named.key_file.is_none();
    looks::refuse_as_path(&path, if by_variable { "STRONGROOM_KEY_FILE" } else { "--key-file" })?;
    let is_stream = Stream::of(&path).is_some();
    let (secret, told, new_key) = if is_stream || key_file::exists(&path) {
        let secret = read::key_of_file(&path, home, key_file::Trust::Own)?;
        let told = if is_stream {
            messages::vault_key_given(&read::named(&path))
        } else {
            messages::vault_key_in_file(&messages::key_existing_in(&path))
        };
        (secret, told, None)
    } else {
        read::refuse_inside(&path, home)?;
        read::refuse_unsafe_place(&path)?;
        let key = key_text::generate()?;
        let new = NewKey { path: path.clone(), text: key_text::write(&key) };
        (MethodSecret::Key(key), messages::vault_key_in_file(&messages::key_new_in(&path)), Some(new))
    };
    Ok(NewMethod { name: unlock_files::KEY_FILE, secret, told, new_key })
}

/// Reads a new passphrase from a descriptor or a file, or asks for it twice.
///
/// # Errors
/// `NO_INPUT` if no one can be asked; `BAD_DATA` for a passphrase that cannot be typed at a prompt, and for a short
/// one unless `weak`; those of reading.
pub(super) fn read_new_passphrase(
    context: &Context,
    named: &Named,
    otherwise: Option<PathBuf>,
    weak: bool,
) -> Result<MethodSecret> {
    let passphrase = if let Some(number) = named.passphrase_fd {
        let passphrase = read::passphrase_of_fd(number)?;
        new_passphrase::check(&passphrase, Some(&format!("file descriptor {number}")), weak)?;
        passphrase
    } else if let Some(path) = named.passphrase_file.clone().or(otherwise) {
        let passphrase = read::passphrase_of_file(&path, key_file::Trust::Own)?;
        new_passphrase::check(&passphrase, Some(&read::named(&path)), weak)?;
        passphrase
    } else if context.may_ask() {
        secret_input::new_passphrase("New passphrase: ", |typed| new_passphrase::check(typed, None, weak))?
    } else {
        return Err(messages::no_passphrase(""));
    };
    Ok(MethodSecret::Passphrase(passphrase))
}
