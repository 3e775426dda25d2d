//! The key of the unlock method that uses the desktop's keychain.
//!
//! The key counts as stored only when a later process has read it back. Until then a file next to the unlock file
//! says so, and people are told to keep another method.

use std::time::{Duration, SystemTime};

use strongroom_backends::fs::dir::Dir;
use zeroize::Zeroizing;

use super::unlock_files::{self, DIR, KEYCHAIN, Slot, UNSEEN, Unlocked};
use super::{MethodSecret, key_text};
use crate::error::{Code, Result};
use crate::keychain::{Keychain, Transport};
use crate::messages;
use crate::secret::{ExposeSecret, SecretBox};

/// How old the note must be before a reader counts as a later process. A keychain may keep its last changes in memory
/// only for some time (KWallet 5.103: about 5 s).
const SEEN_AFTER: Duration = Duration::from_secs(60);

/// A key is not an encrypted record, so it needs an encrypted session.
const PRIVATE: Transport = Transport::Private { prefix: key_text::PREFIX };

/// Unlocks the vault with the key in the keychain. `vault` is the vault's id, if it is known.
///
/// # Errors
/// Those of the keychain; `KEYCHAIN_LOST` if it has no key for this home, or a wrong one.
pub fn open(keychain: &Keychain, vault: Option<&str>, slots: &[Slot]) -> Result<Unlocked> {
    let ids = match vault {
        Some(id) => vec![id.to_owned()],
        None => keychain.values(&keychain.of_any_vault("unlock"), "vault")?,
    };
    let mut found = Vec::new();
    for id in &ids {
        found.extend(keychain.get(&keychain.unlock_key(id, KEYCHAIN).attributes, PRIVATE)?);
    }
    if found.is_empty() {
        let others = ids.first().map_or_else(|| Ok(Vec::new()), |id| keychain.homes(id))?;
        return Err(match others.iter().find(|home| *home != keychain.home()) {
            Some(home) => messages::keychain::key_of_another_home(home),
            None => messages::keychain::no_key(),
        });
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
        None if found.iter().all(|text| text.is_empty()) => Err(messages::keychain::empty_key()),
        None => Err(messages::keychain::wrong_key()),
    }
}

/// Stores a new key in the keychain, and reads it back over another connection.
///
/// # Errors
/// Those of the keychain. The item is removed again, if that is possible.
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

/// Stores the key again for a home that was moved, if the keychain has it under another path only. Returns whether
/// that was necessary.
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

/// Notes that the key was stored just now.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub fn note_unseen(home: &Dir) -> Result<()> {
    home.dir_or_create(DIR)?.scribble(UNSEEN, b"")?;
    Ok(())
}

/// Returns whether no later process has read the key yet.
#[must_use]
pub fn is_unseen(home: &Dir) -> bool {
    home.dir_if_any(DIR).ok().flatten().is_some_and(|dir| matches!(dir.kind(UNSEEN), Ok(Some(_))))
}

/// Notes that a later process than the one that stored the key has read it or, with `at_once`, that the recovery key
/// was exported. This is best effort: at worst people are told once more.
pub fn note_seen(home: &Dir, at_once: bool) {
    let Ok(Some(dir)) = home.dir_if_any(DIR) else { return };
    let Ok(file) = dir.open_for_reading(UNSEEN) else { return };
    let age = file.metadata().and_then(|meta| meta.modified()).ok();
    let age = age.and_then(|at| SystemTime::now().duration_since(at).ok());
    if at_once || age.is_some_and(|age| age >= SEEN_AFTER) {
        let _ = dir.remove_file(UNSEEN);
    }
}
