//! Replaces the key file with a change of keys.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use strongroom_backends::fs::lock::{self, Mode};
use strongroom_backends::key_file;

use super::Context;
use crate::error::Result;
use crate::messages::cli::keys as messages;
use crate::seal::unlock_file::MethodKey;
use crate::unlock::payload::Pending;
use crate::unlock::read::Stream;
use crate::unlock::unlock_files::KEYCHAIN;
use crate::unlock::{MethodSecret, key_change, key_text, read, unlock_files};
use crate::vault::home::{LockWait, Session, Vault};

/// Flags about the key file.
#[derive(Debug, Args)]
pub(super) struct Wish {
    /// Write the new key to this file instead of replacing the old key file
    #[arg(long, value_name = "F", conflicts_with = "keep_key_file")]
    new_key_file: Option<PathBuf>,
    /// Keep the key file as it is; only the vault's keys change
    #[arg(long)]
    keep_key_file: bool,
}

/// What happens to the key file that unlocked the vault.
pub(super) enum KeyFile {
    /// Nothing, because another method unlocked the vault or the file is to stay. A line says why, if people need it.
    Stays(Option<String>),
    /// A new key replaces it.
    Replaced(PathBuf),
    /// The new key of an interrupted change of keys replaces it.
    Resumed(PathBuf),
    /// A new key is written to another file.
    NewFile(PathBuf),
}

/// What was done with the key file.
#[derive(Default)]
pub(super) struct Told {
    /// The file that holds the new key.
    pub path: Option<PathBuf>,
    /// Lines for people.
    pub what: Vec<String>,
}

impl KeyFile {
    /// Decides what happens to the key file, from the flags and from how the vault was unlocked.
    ///
    /// # Errors
    /// `USAGE`, `EXISTS`.
    pub(super) fn of(context: &Context, wish: &Wish, session: &Session) -> Result<Self> {
        let unlocked = session.unlocked()?;
        let Some(path) = unlocked.key_file.clone().filter(|_| unlocked.payload.method != KEYCHAIN) else {
            if wish.new_key_file.is_some() {
                return Err(messages::not_by_key_file());
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
                return Err(messages::new_key_in_stream());
            }
            let new = std::path::absolute(new).map_err(|_| messages::bad_key_path())?;
            read::refuse_inside(&new, &context.home()?)?;
            if key_file::exists(&new) {
                return Err(messages::key_file_exists(&new));
            }
            read::refuse_unsafe_place(&new)?;
            return Ok(Self::NewFile(new));
        }
        if key_change::is_ours(&path) {
            return Ok(Self::Replaced(path));
        }
        Ok(Self::Stays(Some(messages::key_file_kept(&path))))
    }

    /// Makes the new key, if there is to be one. First finishes a replacement of the key file that was interrupted
    /// after the vault's keys had changed. The caller holds the vault's exclusive lock, because two keys that are
    /// made at once would overwrite each other.
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
            Self::NewFile(path) => {
                read::refuse_inside(path, home)?;
                let key = key_text::generate()?;
                key_file::create(path, key_text::write(&key).expose())?;
                MethodSecret::Key(key)
            }
        };
        secret.method_key(None).map(Some)
    }

    /// Removes the new key after a change of keys that failed, unless it unlocks the vault.
    pub(super) fn give_up(&self, vault: &Vault) {
        match self {
            Self::Replaced(path) if !next_opens(vault, path) => {
                key_change::drop_next(path);
            }
            Self::NewFile(path) if !opens(vault, path) => drop(key_file::remove(path)),
            _ => {}
        }
    }

    /// Renames the new key over the old one, and returns what was done.
    ///
    /// # Errors
    /// Those of renaming. The key next to the file unlocks the vault then.
    pub(super) fn finish(self) -> Result<Told> {
        Ok(match self {
            Self::Stays(why) => Told { path: None, what: why.into_iter().collect() },
            Self::Replaced(path) | Self::Resumed(path) => {
                key_change::finish(&path)?;
                let what = messages::key_file_replaced(&path);
                Told { path: Some(path), what: vec![what] }
            }
            Self::NewFile(path) => {
                let what = messages::key_file_moved(&path);
                Told { path: Some(path), what: vec![what] }
            }
        })
    }
}

/// Finishes what an earlier change left after a vault was unlocked: an interrupted replacement of its key file, if no
/// other process is working, or the removal of the former key. Failures are ignored, because the next command tries
/// again.
pub(super) fn opened_with(vault: &Vault, path: &Path, waits: &LockWait) {
    let Some(target) = key_change::target_of(path) else { return key_change::drop_former(path) };
    // A key that is just being made has the same name. Only under the lock is it certain that it unlocks the vault.
    let now = LockWait { limit: Duration::ZERO, ..waits.clone() };
    if !lock::is_held(vault.home()).unwrap_or(true)
        && let Ok(_lock) = vault.lock(Mode::Exclusive, &now)
        && next_opens(vault, &target)
    {
        let _ = key_change::finish(&target);
    }
}

/// Returns whether the key in a file unlocks the vault.
fn opens(vault: &Vault, path: &Path) -> bool {
    let secret = read::key_of_file(path, vault.home().path(), key_file::Trust::Own);
    let slots = vault.slots().unwrap_or_default();
    secret.is_ok_and(|secret| unlock_files::open(&slots, secret, "the new key").is_ok())
}

/// Returns whether the key that is to replace the one in `target` unlocks the vault.
fn next_opens(vault: &Vault, target: &Path) -> bool {
    key_change::next_of(target).is_some_and(|next| opens(vault, &next))
}
