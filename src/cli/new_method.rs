//! The secret of a new unlock method: a key in a file, or a passphrase.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use strongroom_backends::{StoreError, key_file, shown};

use super::Context;
use crate::error::{Code, Error, Result};
use crate::looks;
use crate::secret::Buffer;
use crate::term::secret_input;
use crate::unlock::key_sources::{self, Named};
use crate::unlock::read::{self, Stream};
use crate::unlock::{MethodSecret, key_text, new_passphrase, unlock_files};

/// What unlocks the vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Unlock {
    /// The keychain where records rest in it, else a key file
    #[default]
    Auto,
    /// A key file outside the home
    KeyFile,
    /// A passphrase
    Passphrase,
    /// A key in the desktop's keychain
    Keychain,
}

/// A new way to unlock: the method's name, its secret, and what to tell about it.
pub struct NewMethod {
    /// The method's name.
    pub name: &'static str,
    /// Its secret.
    pub secret: MethodSecret,
    /// What was done, for people.
    pub told: String,
    /// A new key, which has to be written before it is used.
    pub new_key: Option<NewKey>,
}

/// A new key and the file that is to hold it, which is not there yet.
pub struct NewKey {
    path: PathBuf,
    text: Buffer,
}

impl NewKey {
    /// Writes it, durably. False where someone else made that file meanwhile: then this key is in none.
    ///
    /// # Errors
    /// `NO_SPACE`, `IO`.
    pub(super) fn write(&self) -> Result<bool> {
        match key_file::create(&self.path, self.text.expose()) {
            Err(StoreError::Exists(_)) => Ok(false),
            Err(error @ (StoreError::Denied { .. } | StoreError::ReadOnly(_))) => {
                let error = Error::from(error);
                let remedy =
                    format!("name another place for the key file with --key-file; or {}", error.remedy());
                Err(error.with_remedy(remedy))
            }
            written => Ok(written.map(|()| true)?),
        }
    }
}

/// Makes the secret of a first method. A new key is in no file yet: [`NewKey::write`] does that.
pub(super) fn new_method(context: &Context, unlock: Unlock, home: &Path, weak: bool) -> Result<NewMethod> {
    match unlock {
        Unlock::KeyFile => new_key_file(context, home),
        Unlock::Passphrase => {
            let variable = context.env.path("STRONGROOM_PASSPHRASE_FILE");
            let secret = read_new_passphrase(context, &context.named(), variable, weak)?;
            Ok(NewMethod {
                name: unlock_files::PASSPHRASE,
                secret,
                told: "a passphrase (Argon2id, 64 MiB; nothing recovers it but the recovery key)".to_owned(),
                new_key: None,
            })
        }
        Unlock::Keychain | Unlock::Auto => {
            Err(Error::new(Code::Usage, "this has to be unlocked by a key file or a passphrase first")
                .with_remedy(
                    "use --unlock key-file or passphrase; then: strongroom unlock-method add keychain",
                ))
        }
    }
}

fn new_key_file(context: &Context, home: &Path) -> Result<NewMethod> {
    let named = context.named();
    if named.passphrase_file.is_some() || named.passphrase_fd.is_some() {
        return Err(Error::new(
            Code::Usage,
            "a passphrase was given for a vault that is unlocked by a key file",
        )
        .with_remedy("add --unlock passphrase, or leave the passphrase out"));
    }
    let path = key_sources::key_file_path(&named, &context.env).ok_or_else(|| {
        Error::new(Code::Config, "no place for the key file is known").with_remedy("name one with --key-file")
    })?;
    let by_variable = named.key_file.is_none();
    looks::refuse_as_path(&path, if by_variable { "STRONGROOM_KEY_FILE" } else { "--key-file" })?;
    let is_stream = Stream::of(&path).is_some();
    let (secret, how, new_key) = if is_stream || key_file::exists(&path) {
        (read::key_of_file(&path, home, key_file::Trust::Own)?, "the key that was already in", None)
    } else {
        read::refuse_inside(&path, home)?;
        read::refuse_unsafe_place(&path)?;
        let key = key_text::generate()?;
        let new = NewKey { path: path.clone(), text: key_text::write(&key) };
        (MethodSecret::Key(key), "a new key in", Some(new))
    };
    Ok(NewMethod {
        name: unlock_files::KEY_FILE,
        secret,
        told: if is_stream {
            format!("the key that was given on {} (works without a terminal)", read::named(&path))
        } else {
            format!("{how} {} (works without a terminal; back it up apart from the vault)", shown(&path))
        },
        new_key,
    })
}

/// A new passphrase, from a file, a descriptor, or asked for twice.
///
/// # Errors
/// `BAD_DATA` for one that no prompt could match, and for a short one unless `weak`; those of reading.
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
        return Err(Error::new(Code::NoInput, "no passphrase was given, and nobody can be asked")
            .with_remedy("give it by --passphrase-file or --passphrase-fd"));
    };
    Ok(MethodSecret::Passphrase(passphrase))
}
