//! The unlock files of a home: `unlock/<method>.age`, one for each unlock method.

use sha2::{Digest, Sha256};
use strongroom_backends::fs::dir::Dir;

use super::payload::Payload;
use super::{MethodSecret, listing};
use crate::error::{Code, Error, Result};
use crate::messages;
use crate::seal::RECORD_MAX;
use crate::seal::argon2id::Cost;
use crate::seal::keys::hex;
use crate::seal::unlock_file::{self, Kind, MethodKey};

/// The directory of the unlock files in a home.
pub const DIR: &str = "unlock";
/// The most unlock methods a vault may have.
pub const SLOTS_MAX: usize = 16;
/// The name of the only method with a passphrase.
pub const PASSPHRASE: &str = "passphrase";
/// The name of the first key-file method.
pub const KEY_FILE: &str = "key-file";
/// The name of the method that uses the desktop's keychain.
pub const KEYCHAIN: &str = "keychain";
/// The file that says that no later process has read the keychain's key yet.
pub(super) const UNSEEN: &str = "keychain.unseen";
/// The name of the method that uses a systemd credential.
pub const SYSTEMD_CREDENTIAL: &str = "systemd-credential";

/// An unlock file that was read but not decrypted.
#[derive(Debug)]
pub struct Slot {
    /// The method's name.
    pub method: String,
    /// The kind of secret that decrypts it, or why it cannot be used.
    pub kind: Result<(Kind, Option<Cost>)>,
    bytes: Vec<u8>,
}

impl Slot {
    /// Returns the SHA-256 of the file as it was read.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// Returns whether a secret decrypts the file.
    ///
    /// # Errors
    /// `CORRUPT` and the like for a damaged file.
    pub fn opens_with(&self, key: &MethodKey) -> Result<bool> {
        Ok(unlock_file::open(key, &self.bytes, &shown(&self.method))?.is_some())
    }
}

/// Returns whether the unlock files were the same both times they were read.
#[must_use]
pub fn same(one: &[Slot], other: &[Slot]) -> bool {
    let seen = |slots: &[Slot]| -> Vec<(String, Vec<u8>)> {
        slots.iter().map(|slot| (slot.method.clone(), slot.bytes.clone())).collect()
    };
    seen(one) == seen(other)
}

/// A vault that was unlocked with a method: the payload, and how to unlock it again after a change of keys.
#[derive(Debug)]
pub struct Unlocked {
    /// The contents of the unlock file.
    pub payload: Payload,
    /// The secret that decrypted it.
    pub secret: MethodSecret,
    /// Where the secret came from, for messages: `the key file …`.
    pub from: String,
    /// The key file that it came from, if any.
    pub key_file: Option<std::path::PathBuf>,
    digest: [u8; 32],
}

/// Returns whether a text is a valid name of a method: `[a-z0-9][a-z0-9-]{0,31}`.
#[must_use]
pub fn is_method_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 32 && text.bytes().all(good) && !text.starts_with('-')
}

/// Returns whether Strongroom itself gives such a name to a file in the directory of unlock files.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    let aside = || name.split_once(".age.replaced-").is_some_and(|(method, _)| is_method_name(method));
    let method = name.strip_suffix(listing::NEW).unwrap_or(name).strip_suffix(".age");
    method.is_some_and(is_method_name) || aside() || name == UNSEEN
}

/// Returns the name of a method's unlock file.
#[must_use]
pub fn file_name(method: &str) -> String {
    format!("{method}.age")
}

fn shown(method: &str) -> String {
    format!("{DIR}/{method}.age")
}

/// Returns all unlock files of a home, sorted by method; none if the directory does not exist. If a method's new file
/// is committed but not yet moved into place, returns the new one.
///
/// # Errors
/// Those of reading the directory, and `TAMPERED` for more than [`SLOTS_MAX`].
pub fn list(home: &Dir) -> Result<Vec<Slot>> {
    let Some(dir) = home.dir_if_any(DIR)? else { return Ok(Vec::new()) };
    let listing = listing::unverified(home);
    let names = dir.names()?;
    let mut methods: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".age")).collect();
    methods.extend(listing.iter().flat_map(listing::Methods::keys).map(String::as_str));
    methods.retain(|name| is_method_name(name));
    methods.sort_unstable();
    methods.dedup();
    if methods.len() > SLOTS_MAX {
        return Err(messages::unlock::too_many_unlock_files(SLOTS_MAX));
    }
    let slot = |method: &str| slot_of(&dir, method, listing.as_ref());
    Ok(methods.into_iter().filter_map(slot).collect())
}

fn slot_of(dir: &Dir, method: &str, listing: Option<&listing::Methods>) -> Option<Slot> {
    let due = listing.and_then(|methods| methods.get(method));
    let is_due = |bytes: &[u8]| due.is_some_and(|due| hex(&Sha256::digest(bytes)) == *due);
    let in_place = || dir.read_if_any(&file_name(method), RECORD_MAX).map_err(Error::from);
    let mut read = in_place();
    if due.is_some() && !read.as_ref().is_ok_and(|bytes| bytes.as_deref().is_some_and(is_due)) {
        match dir.read_if_any(&format!("{}{}", file_name(method), listing::NEW), RECORD_MAX) {
            Ok(Some(staged)) if is_due(&staged) => read = Ok(Some(staged)),
            // It may just have been moved into place.
            _ => read = in_place(),
        }
    }
    let (kind, bytes) = match read {
        Ok(bytes) => {
            let bytes = bytes?;
            (inspect(&bytes, method), bytes)
        }
        Err(error) => (Err(error), Vec::new()),
    };
    Some(Slot { method: method.to_owned(), kind, bytes })
}

/// Returns the kind of secret that decrypts an unlock file. Only the method named [`PASSPHRASE`] may have a passphrase,
/// because each further file would cost one more derivation.
fn inspect(bytes: &[u8], method: &str) -> Result<(Kind, Option<Cost>)> {
    match unlock_file::inspect(bytes, &shown(method)) {
        Ok((Kind::Passphrase, _)) if method != PASSPHRASE => {
            Err(messages::unlock::unexpected_passphrase(&shown(method), PASSPHRASE))
        }
        done => done,
    }
    .map_err(|error| with_restore(error, method))
}

/// Adds the remedy for a damaged unlock file to its error.
fn with_restore(error: Error, method: &str) -> Error {
    match error.code() {
        Code::Corrupt | Code::Tampered | Code::TooLarge => {
            error.with_remedy(messages::unlock::restore_unlock_file(&shown(method)))
        }
        _ => error,
    }
}

/// Unlocks the vault with a secret, which may fit any unlock file of its kind.
///
/// # Errors
/// `WRONG_KEY` if it fits none; the error of a damaged file, if there is one.
pub fn open(slots: &[Slot], secret: MethodSecret, from: &str) -> Result<Unlocked> {
    let mut failure = None;
    let mut of_kind = 0;
    for slot in slots {
        let cost = match &slot.kind {
            Ok((kind, cost)) if *kind == secret.kind() => cost.clone(),
            Ok(_) => continue,
            Err(error) => {
                failure = Some(error.clone());
                continue;
            }
        };
        of_kind += 1;
        let key = secret.method_key(cost)?;
        match unlock_file::open(&key, &slot.bytes, &shown(&slot.method)) {
            Ok(Some(payload)) => {
                let payload = Payload::parse(payload.expose())?;
                if payload.method != slot.method {
                    let error =
                        messages::unlock::file_of_another_method(&shown(&slot.method), &payload.method);
                    // Go on: a copy of an unlock file must not keep anyone from using the original.
                    failure = Some(with_restore(error, &slot.method));
                    continue;
                }
                let digest = Sha256::digest(&slot.bytes).into();
                let from = from.to_owned();
                return Ok(Unlocked { payload, secret, from, key_file: None, digest });
            }
            Ok(None) => {}
            Err(error) => failure = Some(with_restore(error, &slot.method)),
        }
    }
    match (failure, secret.kind()) {
        (Some(error), _) => Err(error),
        (None, Kind::Passphrase) if of_kind == 0 => Err(messages::unlock::no_passphrase_method(from)),
        (None, Kind::Key) if of_kind == 0 => Err(messages::unlock::no_key_file_method(from)),
        (None, Kind::Passphrase) => Err(messages::unlock::wrong_passphrase(from)),
        (None, Kind::Key) => Err(messages::unlock::wrong_key(from)),
    }
}

impl Unlocked {
    /// Returns whether the unlock file is still, byte for byte, the one that was decrypted.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn is_current(&self, home: &Dir) -> Result<bool> {
        is_current(home, &self.payload.method, &self.digest)
    }

    /// Returns the SHA-256 of the unlock file that was decrypted.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

/// Returns whether a method's unlock file still has this SHA-256.
///
/// # Errors
/// Those of reading it.
pub fn is_current(home: &Dir, method: &str, digest: &[u8; 32]) -> Result<bool> {
    let Some(dir) = home.dir_if_any(DIR)? else { return Ok(false) };
    let slot = slot_of(&dir, method, listing::unverified(home).as_ref());
    Ok(slot.is_some_and(|slot| slot.digest() == *digest))
}

/// Encrypts a method's unlock file.
///
/// # Errors
/// `TOO_LARGE`, `INTERNAL`.
pub fn seal(payload: &Payload, key: &MethodKey) -> Result<Vec<u8>> {
    unlock_file::seal(key, payload.to_bytes()?.expose())
}

/// Moves a method's unlock file aside: it is kept, but no longer used.
///
/// # Errors
/// `IO`.
pub fn set_aside(home: &Dir, method: &str, now: i64) -> Result<()> {
    let dir = home.dir(DIR)?;
    dir.rename(&file_name(method), &dir, &format!("{method}.age.replaced-{now}"))?;
    dir.sync()?;
    Ok(())
}
