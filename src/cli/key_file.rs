//! What becomes of the key file with a change of keys.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use strongroom_backends::fs::lock::{self, Mode};
use strongroom_backends::{key_file, shown};

use super::Context;
use crate::error::{Code, Error, Result};
use crate::seal::unlock_file::MethodKey;
use crate::unlock::payload::Pending;
use crate::unlock::read::Stream;
use crate::unlock::unlock_files::KEYCHAIN;
use crate::unlock::{MethodSecret, key_change, key_text, read, unlock_files};
use crate::vault::home::{LockWait, Session, Vault};

/// What the arguments say about the key file.
#[derive(Debug, Args)]
pub(super) struct Wish {
    /// Where to put the new key of the unlock method key-file, instead of where the old one is
    #[arg(long, value_name = "F", conflicts_with = "keep_key_file")]
    new_key_file: Option<PathBuf>,
    /// Keep the key file as it is: only the vault's keys are new
    #[arg(long)]
    keep_key_file: bool,
}

/// What is to be done about the key file by which the vault was opened.
pub(super) enum KeyFile {
    /// Nothing: it was opened another way, or the file is to stay, for this reason.
    Stays(Option<String>),
    /// A new key takes its place.
    Replaced(PathBuf),
    /// A new key, which a change of keys that was cut short has made, takes its place.
    Resumed(PathBuf),
    /// A new key goes to another file.
    OtherAgents(PathBuf),
}

/// What was done, for people.
#[derive(Default)]
pub(super) struct Told {
    /// The file that holds the new key.
    pub path: Option<PathBuf>,
    /// Lines.
    pub what: Vec<String>,
}

impl KeyFile {
    /// What is to be done for these arguments.
    ///
    /// # Errors
    /// `USAGE`, `EXISTS`.
    pub(super) fn of(context: &Context, wish: &Wish, session: &Session) -> Result<Self> {
        let unlocked = session.unlocked()?;
        let Some(path) = unlocked.key_file.clone().filter(|_| unlocked.payload.method != KEYCHAIN) else {
            if wish.new_key_file.is_some() {
                return Err(Error::new(
                    Code::Usage,
                    "--new-key-file is for a vault that is opened by its key file",
                )
                .with_remedy("name the old one with --key-file"));
            }
            return Ok(Self::Stays(None));
        };
        let path = match key_change::target_of(&path) {
            Some(target) if unlocked.payload.pending == Some(Pending::Rekey) => {
                return Ok(Self::Resumed(target));
            }
            Some(target) => target,
            None => path,
        };
        if wish.keep_key_file {
            return Ok(Self::Stays(None));
        }
        if let Some(new) = &wish.new_key_file {
            if Stream::of(new).is_some() {
                return Err(Error::new(
                    Code::Usage,
                    "--new-key-file names a stream, and a new key needs a file",
                )
                .with_remedy("name a file that is not there yet"));
            }
            let new = std::path::absolute(new)
                .map_err(|_| Error::new(Code::Usage, "the path of the new key file is not valid"))?;
            read::refuse_inside(&new, &context.home()?)?;
            if key_file::exists(&new) {
                return Err(Error::new(Code::Exists, format!("{} is there already", shown(&new)))
                    .with_remedy("name a file that is not there yet"));
            }
            read::refuse_unsafe_place(&new)?;
            return Ok(Self::OtherAgents(new));
        }
        if key_change::is_ours(&path) {
            return Ok(Self::Replaced(path));
        }
        let why = format!(
            "The key file {} cannot be replaced here and stays as it is. If its key may be known to others, add another method and drop this one.",
            shown(&path)
        );
        Ok(Self::Stays(Some(why)))
    }

    /// Makes the new key, if there is to be one, after finishing the change of a key file that was cut short
    /// behind a change of the vault's keys. The caller holds the vault's lock alone: two keys that are made at
    /// once would take each other's place.
    ///
    /// # Errors
    /// Those of writing it.
    pub(super) fn prepare(&mut self, vault: &Vault, session: &Session) -> Result<Option<MethodKey>> {
        let home = vault.home().path();
        if !matches!(self, Self::Resumed(_))
            && let Some(target) = session.unlocked()?.key_file.as_deref().and_then(key_change::target_of)
            && next_opens(vault, &target)
        {
            key_change::finish(&target)?;
        }
        let secret = match self {
            Self::Stays(_) | Self::Resumed(_) => return Ok(None),
            Self::Replaced(path) => key_change::prepare(path)?,
            Self::OtherAgents(path) => {
                read::refuse_inside(path, home)?;
                let key = key_text::generate()?;
                key_file::create(path, key_text::write(&key).expose())?;
                MethodSecret::Key(key)
            }
        };
        secret.method_key(None).map(Some)
    }

    /// After a change of keys that failed: a new key that opens nothing goes again.
    pub(super) fn give_up(&self, vault: &Vault) {
        match self {
            Self::Replaced(path) if !next_opens(vault, path) => {
                key_change::drop_next(path);
            }
            Self::OtherAgents(path) if !opens(vault, path) => drop(key_file::remove(path)),
            _ => {}
        }
    }

    /// Puts the new key into its place.
    ///
    /// # Errors
    /// Those of renaming: the vault opens by the key beside the file then.
    pub(super) fn finish(self) -> Result<Told> {
        Ok(match self {
            Self::Stays(why) => Told { path: None, what: why.into_iter().collect() },
            Self::Replaced(path) | Self::Resumed(path) => {
                key_change::finish(&path)?;
                let shown = shown(&path);
                let what = format!(
                    "The key file {shown} holds a new key; the old one is kept as {shown}.former until another command has opened the vault. Copy the new one to wherever you keep the key."
                );
                Told { path: Some(path), what: vec![what] }
            }
            Self::OtherAgents(path) => {
                let what =
                    format!("The new key is in {}; the old key file opens nothing any more.", shown(&path));
                Told { path: Some(path), what: vec![what] }
            }
        })
    }
}

/// After a vault was opened: finishes a change of its key file that was cut short, if nobody is at work, or
/// removes the former key, as another process than the one that changed it. Best effort: the next command
/// does it then.
pub(super) fn opened_with(vault: &Vault, path: &Path, waits: &LockWait) {
    let Some(target) = key_change::target_of(path) else { return key_change::drop_former(path) };
    // A key that is being made has the same name: only under the lock is it certain that it opens the vault.
    let now = LockWait { limit: Duration::ZERO, ..waits.clone() };
    if !lock::is_held(vault.home()).unwrap_or(true)
        && let Ok(_lock) = vault.lock(Mode::Exclusive, &now)
        && next_opens(vault, &target)
    {
        let _ = key_change::finish(&target);
    }
}

fn opens(vault: &Vault, path: &Path) -> bool {
    let secret = read::key_of_file(path, vault.home().path(), key_file::Trust::Own);
    let slots = vault.slots().unwrap_or_default();
    secret.is_ok_and(|secret| unlock_files::open(&slots, secret, "the new key").is_ok())
}

fn next_opens(vault: &Vault, target: &Path) -> bool {
    key_change::next_of(target).is_some_and(|next| opens(vault, &next))
}
