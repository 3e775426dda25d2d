//! What the keychain holds for an agent, asked for at once where many records are wanted.

use std::collections::HashMap;

use super::Reader;
use crate::error::{Code, Result};
use crate::keychain::{self, Cover};
use crate::seal::armor;
use crate::vault::id::ProfileId;
use crate::vault::keychain_store::{KeychainStore, sealed_in};
use crate::vault::log;
use crate::vault::record::Record;
use crate::vault::store::Store;

/// From this many on, the keychain is asked for all records of an agent at once.
const ALL_AT_ONCE: usize = 8;

/// What the keychain holds for an agent.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    by_profile: HashMap<ProfileId, Vec<Vec<u8>>>,
    /// Whether there are items besides that are locked.
    some_locked: bool,
}

impl Reader<'_> {
    /// What the items hold that the keychain has for a profile.
    pub(super) fn items_of(&self, profile: &ProfileId) -> Result<Vec<Result<Vec<u8>>>> {
        // Which one a locked item is of, only a search for it tells.
        if let Some(all) = self.in_keychain.get()
            && (!all.some_locked || all.by_profile.contains_key(profile))
        {
            let texts = all.by_profile.get(profile).into_iter().flatten();
            return Ok(texts.map(|text| sealed_in(text, profile)).collect());
        }
        KeychainStore::new(self.keychain, self.keys, &self.agent.name).items(profile)
    }

    /// Fetches the records of many profiles from the keychain in few calls.
    ///
    /// # Errors
    /// Those of the keychain.
    pub fn fetch(&self, profiles: &[&ProfileId]) -> Result<()> {
        if self.kept.is_none() || self.in_keychain.get().is_some() {
            return Ok(());
        }
        let there = |id: &&&ProfileId| self.store_of(id) == Some(Store::Keychain);
        if profiles.iter().filter(there).count() >= ALL_AT_ONCE { self.fetch_all() } else { Ok(()) }
    }

    fn fetch_all(&self) -> Result<()> {
        if self.in_keychain.get().is_some() {
            return Ok(());
        }
        let all = self.keychain.records_of(self.keys.vault.as_str(), self.agent.name.as_str());
        let mut fetched = Fetched::default();
        self.sort_out(self.keychain.get_all(&all, Cover::Sealed)?, &mut fetched);
        // Of a home that was moved, some may be written for where it is now, and others not.
        if self.expected()?.iter().any(|id| !fetched.by_profile.contains_key(id)) {
            self.sort_out(self.keychain.get_all_of_gone(&all, Cover::Sealed)?, &mut fetched);
        }
        let _ = self.in_keychain.set(fetched);
        Ok(())
    }

    /// The ids of the records that are in the keychain, or should be.
    pub(super) fn ids_in_keychain(&self) -> Result<Vec<ProfileId>> {
        self.fetch_all()?;
        let Some(all) = self.in_keychain.get() else { return Ok(Vec::new()) };
        let known = self.log().map(|log| log::all_last_known(&log)).unwrap_or_default();
        let gone = |id: &ProfileId| known.get(id.as_str()).is_some_and(|known| known.removed);
        let mut ids = self.listed_in_keychain();
        let there = all.by_profile.keys();
        ids.extend(there.filter(|id| self.store_of(id) == Some(Store::Keychain) || !gone(id)).cloned());
        if all.some_locked {
            let is_locked = |id: &ProfileId| {
                self.store_of(id).is_none()
                    && self.items_of(id).is_err_and(|error| error.code() == Code::KeychainLocked)
            };
            ids.extend(self.expected()?.into_iter().filter(is_locked));
        }
        Ok(ids)
    }

    fn sort_out(&self, found: keychain::Found, fetched: &mut Fetched) {
        fetched.some_locked |= found.locked > 0;
        for text in found.bytes {
            // Which one it is, the sealed record says; what does not open is nobody's.
            let opened = armor::from_text(&text, "an item")
                .and_then(|sealed| Record::open_any(self.keys, &self.agent.name, &sealed));
            if let Ok(record) = opened {
                fetched.by_profile.entry(record.profile).or_default().push(text.to_vec());
            }
        }
    }

    /// The ids of the records that only the keychain can have: those that the index says are there,
    /// and those that the log knows and nothing else does.
    fn expected(&self) -> Result<Vec<ProfileId>> {
        let local = self.local_ids()?;
        let index = self.index().unwrap_or_default();
        let known = self.log().map(|log| log::all_last_known(&log)).unwrap_or_default();
        let unlisted = known.into_iter().filter(|(id, known)| !known.removed && !index.contains(id));
        let mut expected = self.listed_in_keychain();
        expected.extend(unlisted.filter_map(|(id, _)| id.parse().ok()));
        expected.retain(|id| local.binary_search(id).is_err());
        Ok(expected)
    }

    /// The ids of the records that the index says are in the keychain.
    fn listed_in_keychain(&self) -> Vec<ProfileId> {
        let in_keychain = self.all_marks().iter().filter(|(_, mark)| mark.is_in(Store::Keychain));
        in_keychain.filter_map(|(id, _)| id.parse().ok()).collect()
    }
}
