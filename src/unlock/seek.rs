//! The order in which the vault's key is sought.

use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use strongroom_backends::key_file::{self, Trust};
use strongroom_backends::{StoreError, deadline, inherited_fd, shown};

use super::slots::{self, Slot, Unlocked};
use super::{MethodSecret, Opened, cache, key_text, keychain_key};
use crate::env::Env;
use crate::error::{Code, Error, Result, fail};
use crate::keychain::Keychain;
use crate::seal::unlock_file::Kind;
use crate::secret::Buffer;

/// The largest passphrase, in bytes.
pub const PASSPHRASE_MAX: usize = 4096;
/// How long a descriptor may take to give its end.
const FD_LIMIT: Duration = Duration::from_secs(30);
/// The credential in `$CREDENTIALS_DIRECTORY` that holds a key.
pub const CREDENTIAL_KEY: &str = "strongroom-key";
/// The credential in `$CREDENTIALS_DIRECTORY` that holds a passphrase.
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
}

impl Named {
    /// Whether any source is named.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.count() > 0
    }

    fn count(&self) -> usize {
        usize::from(self.key_file.is_some())
            + usize::from(self.passphrase_file.is_some())
            + usize::from(self.passphrase_fd.is_some())
    }

    /// The same from the variables.
    fn of_variables(env: &Env) -> Self {
        Self {
            key_file: env.path("STRONGROOM_KEY_FILE"),
            passphrase_file: env.path("STRONGROOM_PASSPHRASE_FILE"),
            passphrase_fd: None,
        }
    }
}

/// The keychain in which the key of a vault may lie.
#[derive(Clone, Copy, Debug)]
pub struct InKeychain<'a> {
    /// The keychain.
    pub keychain: &'a Keychain,
    /// The vault's id, as `vault.json` says it.
    pub vault: Option<&'a str>,
}

/// Asks a person for a passphrase. Absent where nobody may be asked.
pub type Ask<'a> = Option<&'a dyn Fn(&str) -> Result<Buffer>>;

/// Where a key file lies by default: `${XDG_CONFIG_HOME:-~/.config}/strongroom/key`.
#[must_use]
pub fn default_key_file(env: &Env) -> Option<PathBuf> {
    env.xdg("XDG_CONFIG_HOME", ".config").map(|config| config.join("strongroom/key"))
}

/// The key file that is named by hand or by a variable, else the default one.
#[must_use]
pub fn key_file_path(named: &Named, env: &Env) -> Option<PathBuf> {
    named.key_file.clone().or_else(|| env.path("STRONGROOM_KEY_FILE")).or_else(|| default_key_file(env))
}

/// Obtains a secret and opens the vault with it.
///
/// # Errors
/// `LOCKED` when no source has a key, `WRONG_KEY` when one does not fit, and the errors of a
/// source that was named by hand.
pub fn unlock(
    slots: &[Slot],
    named: &Named,
    env: &Env,
    home: &Path,
    keychain: &InKeychain<'_>,
    ask: Ask<'_>,
) -> Result<Unlocked> {
    if slots.is_empty() {
        return fail(Code::Locked, "the vault has no unlock files").map_err(|e: Error| {
            e.with_remedy(
                "restore unlock/ from a backup, or rebuild it: strongroom recover --recovery-key FILE",
            )
        });
    }
    if let Some((secret, from)) = by_hand(named, env, home)? {
        return slots::open(slots, secret, &from);
    }
    let mut tried = Vec::new();
    for (secret, from) in by_place(env, home)? {
        match slots::open(slots, secret, &from) {
            Err(error) if error.code() == Code::WrongKey => tried.push(from),
            done => return done,
        }
    }
    let mut failure = None;
    if slots.iter().any(|slot| slot.method == slots::KEYCHAIN) {
        match keychain_key::open(keychain.keychain, keychain.vault, slots) {
            Err(error) => failure = Some(error),
            opened => return opened,
        }
    }
    let by_passphrase = slots.iter().any(|slot| matches!(slot.kind, Ok((Kind::Passphrase, _))));
    if let (Some(ask), true) = (ask, by_passphrase) {
        let passphrase = ask("Passphrase: ")?;
        return slots::open(slots, MethodSecret::Passphrase(passphrase), "the passphrase at the prompt");
    }
    // Why the keychain does not unlock it says more than that nothing does.
    Err(failure.unwrap_or_else(|| locked(slots, env, &tried, by_passphrase)))
}

/// Opens the vault from the cache, where no source is named by hand; else as [`unlock`].
///
/// # Errors
/// As [`unlock`].
pub fn open(
    slots: &[Slot],
    named: &Named,
    env: &Env,
    home: &Path,
    keychain: &InKeychain<'_>,
    ask: Ask<'_>,
) -> Result<Opened> {
    let by_hand = named.count() > 0 || Named::of_variables(env).count() > 0;
    if !by_hand && let Some(cache) = cache::read(home, slots, env.now()) {
        return Ok(Opened::Cached(cache));
    }
    unlock(slots, named, env, home, keychain, ask).map(Opened::By).map_err(|error| {
        let asks = slots.iter().any(|slot| matches!(slot.kind, Ok((Kind::Passphrase, _))));
        if error.code() != Code::Locked || !asks || !cfg!(target_os = "linux") {
            return error;
        }
        let remedy = format!("{}; or run `strongroom unlock` before, for a time", error.remedy());
        error.with_remedy(remedy)
    })
}

/// The passphrase or key of a source that was named by a flag, else by a variable.
///
/// # Errors
/// `USAGE` when several are named at once, and the errors of reading the source.
pub fn by_hand(named: &Named, env: &Env, home: &Path) -> Result<Option<(MethodSecret, String)>> {
    for (named, who) in [
        (named, "--key-file, --passphrase-file and --passphrase-fd"),
        (&Named::of_variables(env), "STRONGROOM_KEY_FILE and STRONGROOM_PASSPHRASE_FILE"),
    ] {
        match named.count() {
            0 => {}
            1 => return read_named(named, home).map(Some),
            _ => return fail(Code::Usage, format!("{who} exclude each other")),
        }
    }
    Ok(None)
}

/// Every secret that can be had without asking anyone, but for a descriptor: that is read once.
#[must_use]
pub fn at_hand(named: &Named, env: &Env, home: &Path) -> Vec<MethodSecret> {
    let of_files = |named: &Named| Named { passphrase_fd: None, ..named.clone() };
    let mut found = Vec::new();
    for named in [of_files(named), Named::of_variables(env)] {
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
            MethodSecret::Passphrase(passphrase_of_file(path)?),
            format!("the passphrase file {}", shown(path)),
        ));
    }
    match &named.key_file {
        Some(path) => Ok((key_of_file(path, home, Trust::Own)?, format!("the key file {}", shown(path)))),
        None => fail(Code::Internal, "no source was named"),
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
            let secret = MethodSecret::Passphrase(read_passphrase_file(&passphrase, Trust::Credential)?);
            found.push((secret, format!("the systemd credential {CREDENTIAL_PASSPHRASE}")));
        }
    }
    Ok(found)
}

/// Reads a key file, which may not lie in the vault's home.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA`.
pub fn key_of_file(path: &Path, home: &Path, trust: Trust) -> Result<MethodSecret> {
    refuse_inside(path, home)?;
    let bytes = key_file::read(path, trust).map_err(|error| of_key_file(error, "key file"))?;
    Ok(MethodSecret::Key(key_text::parse(&bytes, &format!("the key file {}", shown(path)))?))
}

/// Refuses a key file that lies in the home: whoever copies the home would have both.
///
/// # Errors
/// `UNSAFE_KEY_FILE`.
pub fn refuse_inside(path: &Path, home: &Path) -> Result<()> {
    let real = |path: &Path| {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        // A parent that is yet to be made has no links in it.
        parent.canonicalize().unwrap_or_else(|_| parent.to_owned())
    };
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    if real(path).starts_with(&home) {
        return fail(
            Code::UnsafeKeyFile,
            format!("the key file {} lies inside the vault's home", shown(path)),
        );
    }
    Ok(())
}

/// Reads a passphrase: the bytes as they are, less one final line break.
///
/// # Errors
/// `NO_INPUT`, `UNSAFE_KEY_FILE`, `BAD_DATA` when it is empty.
pub fn passphrase_of_file(path: &Path) -> Result<Buffer> {
    if let Some(number) = fd_of(path) {
        return passphrase_of_fd(number);
    }
    read_passphrase_file(path, Trust::Own)
}

fn read_passphrase_file(path: &Path, trust: Trust) -> Result<Buffer> {
    let bytes = key_file::read(path, trust).map_err(|error| of_key_file(error, "passphrase file"))?;
    let mut passphrase = Buffer::with_capacity(bytes.len());
    passphrase.extend(&bytes);
    trim_passphrase(passphrase, &format!("the passphrase file {}", shown(path)))
}

/// `/dev/fd/N`, as a shell's `<(…)` spells it: the process is not dumpable, so that it may not
/// open the path itself.
fn fd_of(path: &Path) -> Option<RawFd> {
    let text = path.to_str()?;
    text.strip_prefix("/dev/fd/").or_else(|| text.strip_prefix("/proc/self/fd/"))?.parse().ok()
}

/// Reads a passphrase from an inherited descriptor.
///
/// # Errors
/// `NO_INPUT` when it is not open, `BAD_DATA` when it is empty, `TOO_LARGE`.
pub fn passphrase_of_fd(number: RawFd) -> Result<Buffer> {
    let passphrase = read_fd(number, PASSPHRASE_MAX + 2)?;
    trim_passphrase(passphrase, &format!("file descriptor {number}"))
}

/// Reads an inherited descriptor to its end, at most `max` bytes.
///
/// # Errors
/// `NO_INPUT` when it is not open, `TIMEOUT` when it gives no end, `TOO_LARGE`.
pub fn read_fd(number: RawFd, max: usize) -> Result<Buffer> {
    let from = format!("file descriptor {number}");
    let file = inherited_fd::take(number)
        .ok_or_else(|| Error::new(Code::NoInput, format!("{from} was not opened for this command")))?;
    // Whoever opened it may hold the other end open for ever.
    let read = deadline::within(FD_LIMIT, move || read_to_end(file, max));
    match read {
        Some(Some(bytes)) if bytes.len() > max => {
            fail(Code::TooLarge, format!("{from} gives more than {max} bytes"))
        }
        Some(Some(bytes)) => Ok(bytes),
        Some(None) => fail(Code::NoInput, format!("{from} cannot be read")),
        None => fail(Code::Timeout, format!("{from} gave no end within {} s", FD_LIMIT.as_secs()))
            .map_err(|e: Error| e.with_remedy("close the other end after writing")),
    }
}

fn read_to_end(file: std::fs::File, max: usize) -> Option<Buffer> {
    use std::io::Read;
    let mut bytes = Buffer::with_capacity(max + 1);
    let mut chunk = zeroize::Zeroizing::new([0; 512]);
    let mut file = file.take(max as u64 + 1);
    loop {
        match file.read(chunk.as_mut_slice()) {
            Ok(0) => return Some(bytes),
            Ok(n) => bytes.extend(&chunk[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

fn trim_passphrase(mut passphrase: Buffer, from: &str) -> Result<Buffer> {
    if passphrase.expose().ends_with(b"\n") {
        let without = passphrase.len() - 1;
        passphrase.truncate(without);
        if passphrase.expose().ends_with(b"\r") {
            passphrase.truncate(without - 1);
        }
    }
    if passphrase.is_empty() {
        return fail(Code::BadData, format!("{from} holds an empty passphrase"))
            .map_err(|e: Error| e.with_remedy("give a passphrase on one line; its line break is left out"));
    }
    if passphrase.len() > PASSPHRASE_MAX {
        return fail(
            Code::TooLarge,
            format!("the passphrase of {from} is longer than {PASSPHRASE_MAX} bytes"),
        );
    }
    Ok(passphrase)
}

fn of_key_file(error: StoreError, what: &str) -> Error {
    match error {
        StoreError::NotFound(path) => {
            Error::new(Code::NoInput, format!("the {what} {} is not there", shown(&path)))
        }
        StoreError::Unsafe { path, why } => {
            Error::new(Code::UnsafeKeyFile, format!("the {what} {} {why}", shown(&path)))
                .with_remedy(format!("chmod 600 the {what}, as a regular file of your own"))
        }
        other => other.into(),
    }
}

fn locked(slots: &[Slot], env: &Env, tried: &[String], by_passphrase: bool) -> Error {
    let mut what = String::from("the vault is locked: ");
    if tried.is_empty() {
        what.push_str("no key was found");
        if let Some(path) = default_key_file(env) {
            what.push_str(&format!(" (looked for {})", shown(&path)));
        }
    } else {
        what.push_str(&format!("{} does not open it", tried.join(" and ")));
    }
    let methods: Vec<_> = slots.iter().map(|slot| slot.method.as_str()).collect();
    what.push_str(&format!("; its unlock methods: {}", methods.join(", ")));
    // Where it may be there and cannot be read, it is not.
    let is_lost = tried.is_empty() && default_key_file(env).is_some_and(|path| is_missing(&path));
    let remedy = if by_passphrase {
        "give the passphrase by --passphrase-file or --passphrase-fd, or run on a terminal; in a service, put it into a credential named strongroom-passphrase"
    } else if is_lost {
        "name the key file with --key-file or STRONGROOM_KEY_FILE; in a service, put it into a credential named strongroom-key; if the key is lost for good, `strongroom recover --recovery-key FILE` rebuilds the vault with the recovery key"
    } else {
        "name the key file with --key-file or STRONGROOM_KEY_FILE; in a service, put it into a credential named strongroom-key"
    };
    Error::new(Code::Locked, what).with_remedy(remedy)
}

fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &[u8]) -> Result<Buffer> {
        let mut buffer = Buffer::default();
        buffer.extend(text);
        trim_passphrase(buffer, "it")
    }

    #[test]
    fn a_passphrase_loses_one_line_break_and_nothing_else() {
        for (read, kept) in
            [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("ä\u{301}", "ä\u{301}")]
        {
            assert_eq!(bytes(read.as_bytes()).unwrap().expose(), kept.as_bytes(), "{read:?}");
        }
        for empty in ["", "\n", "\r\n"] {
            assert_eq!(bytes(empty.as_bytes()).unwrap_err().code(), Code::BadData);
        }
    }

    #[test]
    fn sources_named_together_exclude_each_other() {
        let named = Named { key_file: Some("/a".into()), passphrase_fd: Some(3), ..Named::default() };
        assert_eq!(by_hand(&named, &Env::default(), Path::new("/h")).unwrap_err().code(), Code::Usage);
    }

    #[test]
    fn a_key_file_inside_the_home_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("h");
        std::fs::create_dir_all(home.join("sub")).unwrap();
        for path in [home.join("key"), home.join("sub/key"), home.join("sub/../key")] {
            assert_eq!(refuse_inside(&path, &home).unwrap_err().code(), Code::UnsafeKeyFile);
        }
        assert!(refuse_inside(&temp.path().join("key"), &home).is_ok());
        assert!(refuse_inside(&temp.path().join("home-beside/key"), &home).is_ok());
    }
}
