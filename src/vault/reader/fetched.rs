//! Fetches an agent's records from the keychain, all at once if many are needed.

use std::collections::HashMap;

use super::Reader;
use crate::error::Result;
use crate::keychain::{self, Transport};
use crate::seal::armor;
use crate::vault::id::ProfileId;
use crate::vault::keychain::store::{KeychainStore, sealed_in};
use crate::vault::record::Record;
use crate::vault::store::Store;

/// From this many records on, the keychain is asked for all records of an agent at once.
const ALL_AT_ONCE: usize = 8;

/// What the keychain has for an agent.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    by_profile: HashMap<ProfileId, Vec<Vec<u8>>>,
    /// Whether there are also items that are locked.
    some_locked: bool,
}

impl Reader<'_> {
    /// Returns the encrypted record in each keychain item of a profile, or why it holds none.
    pub(super) fn items_of(&self, profile: &ProfileId) -> Result<Vec<Result<Vec<u8>>>> {
        // A locked item may be the profile's; only a search for it tells.
        if let Some(all) = self.in_keychain.get()
            && (!all.some_locked || all.by_profile.contains_key(profile))
        {
            let texts = all.by_profile.get(profile).into_iter().flatten();
            return Ok(texts.map(|text| sealed_in(text, profile)).collect());
        }
        KeychainStore::new(self.keychain, &self.ring).items(profile)
    }

    /// Returns whether the keychain has an item of a profile that is newer than a generation.
    ///
    /// # Errors
    /// Those of the keychain.
    pub fn has_newer_item(&self, profile: &ProfileId, generation: u64) -> Result<bool> {
        let items = self.items_of(profile)?;
        let opened =
            items.into_iter().flatten().filter_map(|sealed| Record::open(&self.ring, profile, &sealed).ok());
        Ok(opened.into_iter().any(|record| record.generation > generation))
    }

    /// Fetches the records of many profiles from the keychain in few calls.
    ///
    /// # Errors
    /// Those of the keychain.
    pub fn fetch(&self, profiles: &[&ProfileId]) -> Result<()> {
        if self.kept.is_none() || self.in_keychain.get().is_some() {
            return Ok(());
        }
        let there: Vec<_> =
            profiles.iter().filter(|id| self.store_of(id) == Some(Store::Keychain)).copied().collect();
        if there.len() >= ALL_AT_ONCE { self.fetch_all(&there) } else { Ok(()) }
    }

    fn fetch_all(&self, wanted: &[&ProfileId]) -> Result<()> {
        let agent = self.agent.name.as_str();
        let all = self.keychain.records_of(self.ring.vault.as_str(), agent);
        let mut fetched = Fetched::default();
        self.sort_out(self.keychain.get_all(&all, Transport::Sealed)?, &mut fetched);
        // After a home was moved, some items may name its new path, and others the old one.
        if wanted.iter().any(|id| !fetched.by_profile.contains_key(*id)) {
            self.sort_out(self.keychain.get_all_of_gone(&all, Transport::Sealed)?, &mut fetched);
        }
        let _ = self.in_keychain.set(fetched);
        Ok(())
    }

    fn sort_out(&self, found: keychain::Found, fetched: &mut Fetched) {
        fetched.some_locked |= found.locked > 0;
        for text in found.bytes {
            // The encrypted record says which profile it is. Items that cannot be decrypted are ignored.
            let opened =
                armor::from_text(&text, "an item").and_then(|sealed| Record::open_any(&self.ring, &sealed));
            if let Ok(record) = opened {
                fetched.by_profile.entry(record.profile).or_default().push(text.to_vec());
            }
        }
    }
}
