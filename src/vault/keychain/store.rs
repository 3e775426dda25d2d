//! An agent's records in the desktop's keychain.

use strongroom_backends::fs::dir::Dir;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::keychain::{Item, Keychain, Transport};
use crate::messages::vault::keychain as messages;
use crate::seal::keys::Ring;
use crate::seal::{RECORD_MAX, armor};
use crate::vault::id::ProfileId;
use crate::vault::record::Record;

/// The keychain items of an agent.
#[derive(Clone, Copy, Debug)]
pub struct KeychainStore<'k> {
    keychain: &'k Keychain,
    ring: &'k Ring,
    vault: &'k str,
    agent: &'k str,
}

impl<'k> KeychainStore<'k> {
    /// Returns the store of the agent whose keys these are.
    #[must_use]
    pub fn new(keychain: &'k Keychain, ring: &'k Ring) -> Self {
        Self { keychain, ring, vault: ring.vault.as_str(), agent: ring.scope.agent().unwrap_or_default() }
    }

    /// Returns the item of a profile.
    #[must_use]
    pub fn item(&self, profile: &ProfileId) -> Item {
        self.keychain.record(self.vault, self.agent, profile.as_str())
    }

    /// Returns the profiles that have an item, sorted. Their ids are taken from the items' attributes.
    ///
    /// # Errors
    /// Those of the keychain.
    pub fn profiles(&self) -> Result<Vec<ProfileId>> {
        let found = self.keychain.find(&self.keychain.records_of(self.vault, self.agent))?;
        let mut profiles: Vec<ProfileId> =
            found.iter().filter_map(|item| item.get("profile")?.parse().ok()).collect();
        profiles.sort_unstable();
        profiles.dedup();
        Ok(profiles)
    }

    /// Returns the encrypted record in each item of a profile, or why it holds none.
    ///
    /// # Errors
    /// Those of the keychain.
    pub fn items(&self, profile: &ProfileId) -> Result<Vec<Result<Vec<u8>>>> {
        let texts = self.keychain.get(&self.item(profile).attributes, Transport::Sealed)?;
        Ok(texts.iter().map(|text| sealed_in(text, profile)).collect())
    }

    /// Writes the staged records with these file names to the keychain. The staged copies stay until a later process
    /// has seen the items.
    ///
    /// # Errors
    /// Those of the keychain, and of reading the staged files.
    pub fn put_staged(&self, staged: &Dir, names: &[String]) -> Result<()> {
        let mut items = Vec::with_capacity(names.len());
        for name in names {
            let sealed = staged.read(name, RECORD_MAX)?;
            let whose = || Record::open_any(self.ring, &sealed).ok().map(|record| record.profile);
            let profile = ProfileId::of_file(name, whose).ok_or_else(messages::nameless_record)?;
            items.push((self.item(&profile), Zeroizing::new(armor::to_text(&sealed)?)));
        }
        self.keychain.put(items, Transport::Sealed)?.into_iter().collect()
    }
}

/// Returns the encrypted record in the text of an item.
///
/// # Errors
/// `KEYCHAIN_LOST` if it is empty, `CORRUPT`, `TOO_LARGE`.
pub fn sealed_in(text: &[u8], profile: &ProfileId) -> Result<Vec<u8>> {
    if text.is_empty() {
        return Err(messages::item_is_empty(profile));
    }
    armor::from_text(text, &messages::item_of(profile))
}
