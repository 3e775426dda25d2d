//! The unlock files of a home: `unlock/<method>.age`, one for each method.

use sha2::{Digest, Sha256};
use strongroom_backends::fs::dir::Dir;

use super::payload::Payload;
use super::{MethodSecret, listing};
use crate::error::{Code, Error, Result, fail};
use crate::seal::RECORD_MAX;
use crate::seal::argon2id::Cost;
use crate::seal::keys::hex;
use crate::seal::unlock_file::{self, Kind, MethodKey};

/// The directory of the unlock files in a home.
pub const DIR: &str = "unlock";
/// The most unlock methods a vault may have.
pub const SLOTS_MAX: usize = 16;
/// The name of the one passphrase method.
pub const PASSPHRASE: &str = "passphrase";
/// The name of the first key-file method.
pub const KEY_FILE: &str = "key-file";
/// The name of the method by the desktop's keychain.
pub const KEYCHAIN: &str = "keychain";
/// The file that says that no later process has seen the keychain's key yet.
pub(super) const UNSEEN: &str = "keychain.unseen";
/// The name of the method by a systemd credential.
pub const SYSTEMD_CREDENTIAL: &str = "systemd-credential";

/// An unlock file that was looked at, not opened.
#[derive(Debug)]
pub struct Slot {
    /// The method's name.
    pub method: String,
    /// What opens it, or why it cannot be used.
    pub kind: Result<(Kind, Option<Cost>)>,
    bytes: Vec<u8>,
}

impl Slot {
    /// The SHA-256 of the file, as it was looked at.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// Whether a secret opens the file.
    ///
    /// # Errors
    /// `CORRUPT` and the like for a damaged file.
    pub fn opens_with(&self, key: &MethodKey) -> Result<bool> {
        Ok(unlock_file::open(key, &self.bytes, &shown(&self.method))?.is_some())
    }
}

/// Whether two looks at the unlock files saw the same.
#[must_use]
pub fn same(one: &[Slot], other: &[Slot]) -> bool {
    let seen = |slots: &[Slot]| -> Vec<(String, Vec<u8>)> {
        slots.iter().map(|slot| (slot.method.clone(), slot.bytes.clone())).collect()
    };
    seen(one) == seen(other)
}

/// A vault that was unlocked: the payload, and how to unlock it again after a change of keys.
#[derive(Debug)]
pub struct Unlocked {
    /// The opened payload.
    pub payload: Payload,
    /// The secret that opened it.
    pub secret: MethodSecret,
    /// Where the secret came from, for people: `the key file …`.
    pub from: String,
    /// The key file that it came from, if it was one.
    pub key_file: Option<std::path::PathBuf>,
    digest: [u8; 32],
}

/// Whether a text can name a method: `[a-z0-9][a-z0-9-]{0,31}`.
#[must_use]
pub fn is_method_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 32 && text.bytes().all(good) && !text.starts_with('-')
}

/// Whether a name in the directory of unlock files is one that Strongroom gives.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    let aside = || name.split_once(".age.replaced-").is_some_and(|(method, _)| is_method_name(method));
    let method = name.strip_suffix(listing::NEW).unwrap_or(name).strip_suffix(".age");
    method.is_some_and(is_method_name) || aside() || name == UNSEEN
}

/// The name of a method's unlock file.
#[must_use]
pub fn file_name(method: &str) -> String {
    format!("{method}.age")
}

fn shown(method: &str) -> String {
    format!("{DIR}/{method}.age")
}

/// All unlock files of a home, by name. An absent directory holds none. Of a method whose new file is
/// committed and not yet in its place, that one.
///
/// # Errors
/// Those of reading the directory, and `TAMPERED` if there are more than [`SLOTS_MAX`].
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
        return fail(Code::Tampered, format!("there are more than {SLOTS_MAX} unlock files"));
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
            // It may just have been moved into its place.
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

/// What opens an unlock file. Only the method named [`PASSPHRASE`] is by a passphrase: each file
/// offered would cost a derivation more.
fn inspect(bytes: &[u8], method: &str) -> Result<(Kind, Option<Cost>)> {
    match unlock_file::inspect(bytes, &shown(method)) {
        Ok((Kind::Passphrase, _)) if method != PASSPHRASE => fail(
            Code::Tampered,
            format!("{} asks for a passphrase, which no method of that name does", shown(method)),
        ),
        done => done,
    }
    .map_err(|error| mended(error, method))
}

/// The same error with what can be done about an unlock file.
fn mended(error: Error, method: &str) -> Error {
    match error.code() {
        Code::Corrupt | Code::Tampered | Code::TooLarge => error.with_remedy(format!(
            "restore {} from a backup, unlock by another method, or run `strongroom recover`",
            shown(method)
        )),
        _ => error,
    }
}

/// Opens the vault with a secret: by any of its unlock files of the secret's kind.
///
/// # Errors
/// `WRONG_KEY` when none opens; the reason of a damaged file when it is the only one of the kind.
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
                    let what =
                        format!("{} is the file of another method, {}", shown(&slot.method), payload.method);
                    // A copy beside the file itself keeps nobody out.
                    failure = Some(mended(Error::new(Code::Tampered, what), &slot.method));
                    continue;
                }
                let digest = Sha256::digest(&slot.bytes).into();
                let from = from.to_owned();
                return Ok(Unlocked { payload, secret, from, key_file: None, digest });
            }
            Ok(None) => {}
            Err(error) => failure = Some(mended(error, &slot.method)),
        }
    }
    match (failure, secret.kind()) {
        (Some(error), _) => Err(error),
        (None, Kind::Passphrase) if of_kind == 0 => {
            fail(Code::WrongKey, format!("{from} cannot be used: this vault has no passphrase method"))
        }
        (None, Kind::Key) if of_kind == 0 => {
            fail(Code::WrongKey, format!("{from} cannot be used: this vault has no key-file method"))
        }
        (None, Kind::Passphrase) => {
            fail(Code::WrongKey, format!("wrong passphrase: {from} does not open this vault"))
        }
        (None, Kind::Key) => fail(Code::WrongKey, format!("{from} does not open this vault")),
    }
}

impl Unlocked {
    /// Whether the unlock file is still, byte for byte, the one that was opened.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn is_current(&self, home: &Dir) -> Result<bool> {
        is_current(home, &self.payload.method, &self.digest)
    }

    /// The SHA-256 of the unlock file that was opened.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

/// Whether a method's unlock file is still, byte for byte, the one of that SHA-256.
///
/// # Errors
/// Those of reading it.
pub fn is_current(home: &Dir, method: &str, digest: &[u8; 32]) -> Result<bool> {
    let Some(dir) = home.dir_if_any(DIR)? else { return Ok(false) };
    let slot = slot_of(&dir, method, listing::unverified(home).as_ref());
    Ok(slot.is_some_and(|slot| slot.digest() == *digest))
}

/// A method's unlock file, sealed.
///
/// # Errors
/// `TOO_LARGE`, `INTERNAL`.
pub fn seal(payload: &Payload, key: &MethodKey) -> Result<Vec<u8>> {
    unlock_file::seal(key, payload.to_bytes()?.expose())
}

/// Moves a method's unlock file aside, where it is kept and no longer sought.
///
/// # Errors
/// `IO`.
pub fn set_aside(home: &Dir, method: &str, now: i64) -> Result<()> {
    let dir = home.dir(DIR)?;
    dir.rename(&file_name(method), &dir, &format!("{method}.age.replaced-{now}"))?;
    dir.sync()?;
    Ok(())
}
