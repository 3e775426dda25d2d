//! The order in which the sources of the vault's key are tried.

use std::borrow::Cow;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use strongroom_backends::key_file::{self, Trust};
use strongroom_backends::{StoreError, shown};

use super::cache::{self, Asked};
use super::read::{Stream, key_of_file, not_read, passphrase_of_fd, passphrase_of_file, told};
use super::unlock_files::{self, Slot, Unlocked};
use super::{MethodSecret, Opened, key_change, keychain_key};
use crate::env::{Env, refuse_unexpanded};
use crate::error::{Code, Error, Result};
use crate::keychain::Keychain;
use crate::looks::refuse_as_path;
use crate::messages;
use crate::seal::unlock_file::Kind;
use crate::secret::Buffer;
use crate::term::secret_input;

/// How many times to look again because keys are being changed.
pub const LOOKS: u32 = 32;
/// The credential in `$CREDENTIALS_DIRECTORY` that contains a key.
pub const CREDENTIAL_KEY: &str = "strongroom-key";
/// The credential in `$CREDENTIALS_DIRECTORY` that contains a passphrase.
pub const CREDENTIAL_PASSPHRASE: &str = "strongroom-passphrase";

/// Sources named by hand.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// `--key-file`.
    pub key_file: Option<PathBuf>,
    /// `--passphrase-file`.
    pub passphrase_file: Option<PathBuf>,
    /// `--passphrase-fd`.
    pub passphrase_fd: Option<RawFd>,
    /// The agent that was named. A cache for this agent only is enough.
    pub agent: Option<String>,
}

impl Named {
    /// Returns whether any source is named.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.count() > 0
    }

    fn count(&self) -> usize {
        usize::from(self.key_file.is_some())
            + usize::from(self.passphrase_file.is_some())
            + usize::from(self.passphrase_fd.is_some())
    }

    /// Returns the sources that variables name.
    fn of_variables(env: &Env) -> Self {
        Self {
            key_file: env.path("STRONGROOM_KEY_FILE"),
            passphrase_file: env.path("STRONGROOM_PASSPHRASE_FILE"),
            passphrase_fd: None,
            agent: None,
        }
    }
}

/// Asks a person for a passphrase. `None` if no one may be asked.
pub type Ask<'a> = Option<&'a dyn Fn(&str) -> Result<Buffer>>;

/// The sources of a vault's key.
#[derive(Clone, Copy)]
pub struct KeySources<'a> {
    /// The sources that are named by flags.
    pub named: &'a Named,
    /// The variables that name others, and the default places.
    pub env: &'a Env,
    /// The home.
    pub home: &'a Path,
    /// The keychain.
    pub keychain: &'a Keychain,
    /// The vault's id, as `vault.json` states it.
    pub vault: Option<&'a str>,
    /// Asks for a passphrase, if everything else fails.
    pub ask: Ask<'a>,
}

/// Returns the default path of a key file: `${XDG_CONFIG_HOME:-~/.config}/strongroom/key`.
#[must_use]
pub fn default_key_file(env: &Env) -> Option<PathBuf> {
    env.xdg("XDG_CONFIG_HOME", ".config").map(|config| config.join("strongroom/key"))
}

/// Returns the key file that a flag or a variable names, otherwise the default one.
#[must_use]
pub fn key_file_path(named: &Named, env: &Env) -> Option<PathBuf> {
    named.key_file.clone().or_else(|| env.path("STRONGROOM_KEY_FILE")).or_else(|| default_key_file(env))
}

impl KeySources<'_> {
    /// Obtains a secret and unlocks the vault with it.
    ///
    /// # Errors
    /// `LOCKED` if no source has a key, `WRONG_KEY` if one does not fit, and the errors of a source that was named
    /// by hand.
    pub fn unlock(&self, slots: &[Slot]) -> Result<Unlocked> {
        let Self { named, env, home, keychain, vault, ask } = *self;
        if slots.is_empty() {
            return Err(messages::unlock::no_unlock_files());
        }
        if let Some((secret, from)) = by_hand(named, env, home)? {
            return open_by(slots, secret, &from, named_key_file(named, env).as_deref(), home);
        }
        let mut tried = Vec::new();
        let default = default_key_file(env).filter(|path| key_file::exists(path));
        for (n, (secret, from)) in by_place(env, home)?.into_iter().enumerate() {
            // The default key file comes first, if it exists.
            let path = default.as_deref().filter(|_| n == 0);
            match open_by(slots, secret, &from, path, home) {
                Err(error) if error.code() == Code::WrongKey => tried.push(from),
                done => return done,
            }
        }
        let mut failure = None;
        if slots.iter().any(|slot| slot.method == unlock_files::KEYCHAIN) {
            match keychain_key::open(keychain, vault, slots) {
                Err(error) => failure = Some(error),
                opened => return opened,
            }
        }
        let by_passphrase = slots.iter().any(|slot| matches!(slot.kind, Ok((Kind::Passphrase, _))));
        if let (Some(ask), true) = (ask, by_passphrase) {
            return by_prompt(slots, ask);
        }
        // The keychain's own error says more than that nothing unlocks the vault.
        Err(failure.unwrap_or_else(|| locked(slots, env, &tried, by_passphrase)))
    }

    /// Unlocks the vault from the cache if no source is named by hand, otherwise as [`KeySources::unlock`] does.
    ///
    /// # Errors
    /// As [`KeySources::unlock`].
    pub fn open(&self, slots: &[Slot]) -> Result<Opened> {
        let Self { named, env, home, vault, .. } = *self;
        let by_hand = named.count() > 0 || Named::of_variables(env).count() > 0;
        let asked = Asked { home, vault, agent: named.agent.as_deref() };
        if !by_hand && let Some(cache) = cache::read(&asked, slots, env.now()) {
            return Ok(Opened::Cached(cache));
        }
        self.unlock(slots).map(Opened::By).map_err(|error| {
            let asks = slots.iter().any(|slot| matches!(slot.kind, Ok((Kind::Passphrase, _))));
            if error.code() != Code::Locked || !asks || !cfg!(target_os = "linux") {
                return error;
            }
            let only = cache::agents(&asked, slots, env.now());
            if !by_hand && !only.is_empty() {
                let wanted = named.agent.as_deref().filter(|agent| !agent.is_empty());
                return messages::unlock::unlocked_for_agents_only(&only, wanted);
            }
            let remedy = messages::unlock::or_keep_unlocked(error.remedy());
            error.with_remedy(remedy)
        })
    }
}

/// Unlocks the vault with a passphrase from the prompt. Asks again if it is wrong or empty.
fn by_prompt(slots: &[Slot], ask: &dyn Fn(&str) -> Result<Buffer>) -> Result<Unlocked> {
    let again = |error: &Error| match error.code() {
        Code::WrongKey => Some(Cow::Borrowed(messages::unlock::wrong_passphrase_again())),
        code => secret_input::empty(code),
    };
    secret_input::until("Passphrase: ", again, |prompt| {
        unlock_files::open(slots, MethodSecret::Passphrase(ask(prompt)?), "the passphrase at the prompt")
    })
}

/// Unlocks the vault with a secret. If a key file does not fit, tries the next key beside it, which an interrupted
/// change of keys may have left.
fn open_by(
    slots: &[Slot],
    secret: MethodSecret,
    from: &str,
    path: Option<&Path>,
    home: &Path,
) -> Result<Unlocked> {
    let (opened, path) = match (unlock_files::open(slots, secret, from), path.and_then(key_change::next_of)) {
        (Err(error), Some(next)) if error.code() == Code::WrongKey => {
            let Ok(secret) = key_of_file(&next, home, Trust::Own) else { return Err(error) };
            let from = format!("the key file {}", shown(&next));
            (unlock_files::open(slots, secret, &from).map_err(|_| error), Some(next))
        }
        (opened, _) => (opened, path.map(Path::to_owned)),
    };
    opened.map(|mut unlocked| {
        unlocked.key_file = path;
        unlocked
    })
}

/// Unlocks the vault again with the secret that unlocked it before. Reads a key file again if its key no longer fits,
/// because a change of keys may have replaced it.
///
/// # Errors
/// `WRONG_KEY`, those of reading.
pub fn again(slots: &dyn Fn() -> Result<Vec<Slot>>, before: &mut Unlocked, home: &Path) -> Result<Unlocked> {
    let secret = std::mem::replace(&mut before.secret, MethodSecret::Passphrase(Buffer::default()));
    let from = before.from.clone();
    let mut opened = unlock_files::open(&slots()?, secret, &from);
    let path =
        before.key_file.as_deref().map(|path| key_change::target_of(path).unwrap_or_else(|| path.into()));
    let Some(path) = path else { return opened };
    for _ in 0..LOOKS {
        match opened {
            Err(error) if error.code() == Code::WrongKey => {
                let from = format!("the key file {}", shown(&path));
                let secret = key_of_file(&path, home, Trust::Own)?;
                opened = open_by(&slots()?, secret, &from, Some(&path), home);
            }
            done => {
                return done.map(|mut unlocked| {
                    unlocked.key_file.get_or_insert(path);
                    unlocked
                });
            }
        }
    }
    opened
}

/// Returns the files from which a key or a passphrase would be read, and what each is: those that flags name, otherwise
/// those that variables name, otherwise the default one.
#[must_use]
pub fn files(named: &Named, env: &Env) -> Vec<(&'static str, PathBuf)> {
    let by_variables = Named::of_variables(env);
    let named = if named.count() > 0 { named } else { &by_variables };
    let default = || default_key_file(env).filter(|_| named.count() == 0);
    let key = named.key_file.clone().or_else(default).map(|path| ("key file", path));
    let passphrase = named.passphrase_file.clone().map(|path| ("passphrase file", path));
    key.into_iter().chain(passphrase).filter(|(_, path)| Stream::of(path).is_none()).collect()
}

/// Tells a file from another at the same path.
type Stamp = (u64, i64, i64);

/// Returns which key file is at its path, and whether a next one is beside it. Two equal results mean that the key file
/// was not replaced between them.
#[must_use]
pub fn key_file_stamp(named: &Named, env: &Env) -> Option<(Stamp, bool)> {
    let path = key_file_path(named, env)?;
    let next = key_change::next_of(&path).is_some();
    key_file::stamp(&path).map(|stamp| (stamp, next))
}

/// Returns the key file that a flag names, otherwise the one that its variable names.
fn named_key_file(named: &Named, env: &Env) -> Option<PathBuf> {
    let file = if named.count() > 0 { named.key_file.clone() } else { Named::of_variables(env).key_file };
    // A stream can be read only once and is never replaced.
    file.filter(|path| Stream::of(path).is_none())
}

/// Reads the passphrase or key from the source that a flag names, otherwise from the one that a variable names.
///
/// # Errors
/// `USAGE` if several are named at once, and the errors of reading the source.
pub fn by_hand(named: &Named, env: &Env, home: &Path) -> Result<Option<(MethodSecret, String)>> {
    for (named, who, key_file, passphrase_file) in [
        (named, "--key-file, --passphrase-file and --passphrase-fd", "--key-file", "--passphrase-file"),
        (
            &Named::of_variables(env),
            "STRONGROOM_KEY_FILE and STRONGROOM_PASSPHRASE_FILE",
            "STRONGROOM_KEY_FILE",
            "STRONGROOM_PASSPHRASE_FILE",
        ),
    ] {
        for (path, place) in [(&named.key_file, key_file), (&named.passphrase_file, passphrase_file)] {
            if let Some(path) = path {
                refuse_as_path(path, place)?;
            }
        }
        for (path, flag) in [(&named.key_file, "--key-file"), (&named.passphrase_file, "--passphrase-file")] {
            path.as_deref().map_or(Ok(()), |path| refuse_unexpanded(path, flag))?;
        }
        match named.count() {
            0 => {}
            1 => return read_named(named, home).map(Some),
            _ => return Err(messages::unlock::several_sources(who)),
        }
    }
    Ok(None)
}

/// Returns every secret that is available without asking anyone, except from streams and descriptors, which can be
/// read only once.
#[must_use]
pub fn at_hand(named: &Named, env: &Env, home: &Path) -> Vec<MethodSecret> {
    let file = |path: &Option<PathBuf>| path.clone().filter(|path| Stream::of(path).is_none());
    let of_files = |named: &Named| Named {
        key_file: file(&named.key_file),
        passphrase_file: file(&named.passphrase_file),
        ..Named::default()
    };
    let mut found = Vec::new();
    for named in [of_files(named), of_files(&Named::of_variables(env))] {
        let each =
            [Named { passphrase_file: None, ..named.clone() }, Named { key_file: None, ..named.clone() }];
        found.extend(each.iter().filter(|one| one.count() == 1).filter_map(|one| read_named(one, home).ok()));
    }
    found.extend(by_place(env, home).unwrap_or_default());
    found.into_iter().map(|(secret, _)| secret).collect()
}

fn read_named(named: &Named, home: &Path) -> Result<(MethodSecret, String)> {
    if let Some(number) = named.passphrase_fd {
        let from = format!("file descriptor {number}");
        return Ok((MethodSecret::Passphrase(passphrase_of_fd(number)?), from));
    }
    if let Some(path) = &named.passphrase_file {
        return Ok((
            MethodSecret::Passphrase(passphrase_of_file(path, Trust::Own)?),
            told("passphrase file", path),
        ));
    }
    match &named.key_file {
        Some(path) => Ok((key_of_file(path, home, Trust::Own)?, told("key file", path))),
        None => Err(messages::unlock::no_source_named()),
    }
}

fn by_place(env: &Env, home: &Path) -> Result<Vec<(MethodSecret, String)>> {
    let mut found = Vec::new();
    if let Some(path) = default_key_file(env).filter(|path| key_file::exists(path)) {
        found.push((key_of_file(&path, home, Trust::Own)?, format!("the key file {}", shown(&path))));
    }
    if let Some(directory) = env.path("CREDENTIALS_DIRECTORY") {
        let key = directory.join(CREDENTIAL_KEY);
        if key_file::exists(&key) {
            let secret = key_of_file(&key, home, Trust::Credential)?;
            found.push((secret, format!("the systemd credential {CREDENTIAL_KEY}")));
        }
        let passphrase = directory.join(CREDENTIAL_PASSPHRASE);
        if key_file::exists(&passphrase) {
            let secret = MethodSecret::Passphrase(passphrase_of_file(&passphrase, Trust::Credential)?);
            found.push((secret, format!("the systemd credential {CREDENTIAL_PASSPHRASE}")));
        }
    }
    Ok(found)
}

fn locked(slots: &[Slot], env: &Env, tried: &[String], by_passphrase: bool) -> Error {
    let default = default_key_file(env);
    if let (true, Some(path)) = (tried.is_empty(), &default)
        // A directory above it may be another user's.
        && let Err(error @ StoreError::Denied { .. }) = key_file::read(path, Trust::Own)
    {
        return messages::unlock::key_file_denied(path, &not_read(error, "key file"));
    }
    let why = if tried.is_empty() {
        messages::unlock::no_key_found(default.as_deref())
    } else {
        messages::unlock::wrong_keys(tried)
    };
    let methods: Vec<_> = slots.iter().map(|slot| slot.method.as_str()).collect();
    // A file that may exist but cannot be looked at is not missing.
    let is_lost = tried.is_empty() && default.is_some_and(|path| is_missing(&path));
    let remedy = if by_passphrase {
        messages::unlock::GIVE_PASSPHRASE
    } else if is_lost {
        messages::unlock::NAME_KEY_FILE_OR_RECOVER
    } else {
        messages::unlock::NAME_KEY_FILE
    };
    messages::unlock::locked(&why, &methods.join(", ")).with_remedy(remedy)
}

fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_named_together_exclude_each_other() {
        let named = Named { key_file: Some("/a".into()), passphrase_fd: Some(3), ..Named::default() };
        assert_eq!(by_hand(&named, &Env::default(), Path::new("/h")).unwrap_err().code(), Code::Usage);
    }
}
