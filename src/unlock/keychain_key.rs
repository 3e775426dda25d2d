//! The key of an unlock method that lies in the desktop's keychain.
//!
//! It counts as kept only once a later process has read it back. Until then a file beside the unlock
//! file says so, and people are told to keep another way in.

use std::time::{Duration, SystemTime};

use strongroom_backends::fs::dir::Dir;
use zeroize::Zeroizing;

use super::unlock_files::{self, DIR, KEYCHAIN, Slot, UNSEEN, Unlocked};
use super::{MethodSecret, key_text};
use crate::error::{Code, Error, Result};
use crate::keychain::{Keychain, Transport};
use crate::secret::{ExposeSecret, SecretBox};

/// A keychain may keep its last seconds in memory only (KWallet 5.103: about 5 s).
const SEEN_AFTER: Duration = Duration::from_secs(60);

/// A key is not sealed: it travels encrypted.
const PRIVATE: Transport = Transport::Private { prefix: key_text::PREFIX };

/// Opens the vault with the key that the keychain holds. `vault` is the vault's id, where it is known.
///
/// # Errors
/// Those of the keychain; `KEYCHAIN_LOST` when it holds no key for this home, or another one.
pub fn open(keychain: &Keychain, vault: Option<&str>, slots: &[Slot]) -> Result<Unlocked> {
    let ids = match vault {
        Some(id) => vec![id.to_owned()],
        None => keychain.values(&keychain.of_any_vault("unlock"), "vault")?,
    };
    let mut found = Vec::new();
    for id in &ids {
        found.extend(keychain.get(&keychain.unlock_key(id, KEYCHAIN).attributes, PRIVATE)?);
    }
    let lost = |what: &str| {
        Err(Error::new(Code::KeychainLost, what).with_remedy("unlock by another method, or rebuild the vault: strongroom recover --recovery-key FILE; then add the keychain again"))
    };
    if found.is_empty() {
        let others = ids.first().map_or_else(|| Ok(Vec::new()), |id| keychain.homes(id))?;
        return match others.iter().find(|home| *home != keychain.home()) {
            Some(home) => lost(&format!(
                "the vault is locked: the keychain holds its key for the home in {home}, of which this one is a copy"
            )),
            None => lost("the vault is locked: the keychain holds no key for this vault"),
        };
    }
    let from = format!("the key in the keychain ({})", keychain.provider());
    let mut failure = None;
    for text in &found {
        let Ok(key) = key_text::parse(text, "the keychain's item") else { continue };
        match unlock_files::open(slots, MethodSecret::Key(key), &from) {
            Ok(unlocked) => return Ok(unlocked),
            Err(error) if error.code() == Code::WrongKey => {}
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) => Err(error),
        None if found.iter().all(|text| text.is_empty()) => {
            lost("the vault is locked: the keychain gives an empty item for its key; it lost what was stored")
        }
        None => lost("the vault is locked: what the keychain holds for this vault is not its key"),
    }
}

/// Puts a new key into the keychain, and reads it back over another connection.
///
/// # Errors
/// Those of the keychain; then no item is left behind, as far as that can be had.
pub fn create(keychain: &Keychain, vault: &str) -> Result<SecretBox<[u8; 32]>> {
    let key = key_text::generate()?;
    let item = keychain.unlock_key(vault, KEYCHAIN);
    let line = Zeroizing::new(key_text::line(key.expose_secret()).into_bytes());
    let put = keychain.put(vec![(item.clone(), line)], PRIVATE)?;
    if let Some(Err(error)) = put.into_iter().find(Result::is_err) {
        let _ = keychain.remove(&item);
        return Err(error);
    }
    Ok(key)
}

/// Writes the key anew for a home that was moved, where the keychain has it under another path only.
/// Whether it had to.
///
/// # Errors
/// Those of the keychain.
pub fn take_over(keychain: &Keychain, vault: &str, slot: &Slot) -> Result<bool> {
    let item = keychain.unlock_key(vault, KEYCHAIN);
    if !keychain.find(&item.attributes)?.is_empty() {
        return Ok(false);
    }
    for text in keychain.get(&item.attributes, PRIVATE)? {
        let Ok(key) = key_text::parse(&text, "the keychain's item") else { continue };
        if slot.opens_with(&MethodSecret::Key(key).method_key(None)?)? {
            keychain.put(vec![(item, text)], PRIVATE)?.into_iter().collect::<Result<Vec<()>>>()?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes that the key was written just now.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn note_unseen(home: &Dir) -> Result<()> {
    home.dir_or_create(DIR)?.scribble(UNSEEN, b"")?;
    Ok(())
}

/// Whether no later process has seen the key yet.
#[must_use]
pub fn is_unseen(home: &Dir) -> bool {
    home.dir_if_any(DIR).ok().flatten().is_some_and(|dir| matches!(dir.kind(UNSEEN), Ok(Some(_))))
}

/// Notes that another process than the one that wrote the key has read it; or, `at_once`, that the
/// recovery key was taken out. Best effort: at worst it is said once more.
pub fn note_seen(home: &Dir, at_once: bool) {
    let Ok(Some(dir)) = home.dir_if_any(DIR) else { return };
    let Ok(file) = dir.open_for_reading(UNSEEN) else { return };
    let age = file.metadata().and_then(|meta| meta.modified()).ok();
    let age = age.and_then(|at| SystemTime::now().duration_since(at).ok());
    if at_once || age.is_some_and(|age| age >= SEEN_AFTER) {
        let _ = dir.remove_file(UNSEEN);
    }
}
