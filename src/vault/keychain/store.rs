//! An agent's records in the desktop's keychain, as a store like the files are one.

use strongroom_backends::fs::dir::Dir;
use strongroom_backends::{Health, SecretStore};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result, fail};
use crate::keychain::{Cover, Item, Keychain, State};
use crate::seal::keys::Ring;
use crate::seal::{RECORD_MAX, armor};
use crate::vault::id::ProfileId;
use crate::vault::record::Record;
use crate::vault::store::Store;

/// The items of an agent, named as the files of records are.
#[derive(Clone, Copy, Debug)]
pub struct KeychainStore<'k> {
    keychain: &'k Keychain,
    ring: &'k Ring,
    vault: &'k str,
    agent: &'k str,
}

impl<'k> KeychainStore<'k> {
    /// The store of an agent.
    #[must_use]
    pub fn new(keychain: &'k Keychain, ring: &'k Ring) -> Self {
        Self { keychain, ring, vault: ring.vault.as_str(), agent: ring.scope.agent().unwrap_or_default() }
    }

    /// The item of a profile.
    #[must_use]
    pub fn item(&self, profile: &ProfileId) -> Item {
        self.keychain.record(self.vault, self.agent, profile.as_str())
    }

    /// The profiles that have an item, as the items say.
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

    /// The profile with an item whose record would have a file of that name. Only a long id has to be looked
    /// for.
    fn profile_of(&self, name: &str) -> Result<Option<ProfileId>> {
        if ProfileId::is_short_file_name(name) {
            return Ok(self.profiles()?.into_iter().find(|id| id.file_name() == name));
        }
        ProfileId::from_file_name(name).map(Some).ok_or_else(nameless)
    }

    /// What each item of a profile holds, or why that is no sealed record.
    ///
    /// # Errors
    /// Those of the keychain.
    pub fn items(&self, profile: &ProfileId) -> Result<Vec<Result<Vec<u8>>>> {
        let texts = self.keychain.get(&self.item(profile).attributes, Cover::Sealed)?;
        Ok(texts.iter().map(|text| sealed_in(text, profile)).collect())
    }
}

/// The sealed record in an item's text.
///
/// # Errors
/// `KEYCHAIN_LOST` where it is empty, `CORRUPT`, `TOO_LARGE`.
pub fn sealed_in(text: &[u8], profile: &ProfileId) -> Result<Vec<u8>> {
    let what = format!("the keychain's item of {profile}");
    if text.is_empty() {
        return fail(Code::KeychainLost, format!("{what} is empty: the keychain lost what was stored"));
    }
    armor::from_text(text, &what)
}

fn nameless() -> Error {
    Error::new(Code::Internal, "a record has no profile's name")
}

impl SecretStore for KeychainStore<'_> {
    type Error = Error;

    fn kind(&self) -> &'static str {
        Store::Keychain.as_str()
    }

    /// More than one where somebody planted another. None is left out but what is no sealed record
    /// beside one that is.
    fn copies(&self, name: &str, _max: usize) -> Result<Vec<Vec<u8>>> {
        let (mut copies, mut failure) = (Vec::new(), None);
        let Some(profile) = self.profile_of(name)? else { return Ok(copies) };
        for item in self.items(&profile)? {
            match item {
                Ok(sealed) => copies.push(sealed),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) if copies.is_empty() => Err(error),
            _ => Ok(copies),
        }
    }

    /// The staged copies stay, until a later process has seen the items.
    fn put_staged(&self, staged: &Dir, names: &[String]) -> Result<()> {
        let mut items = Vec::with_capacity(names.len());
        for name in names {
            let sealed = staged.read(name, RECORD_MAX)?;
            let whose = || Record::open_any(self.ring, &sealed).ok().map(|record| record.profile);
            let profile = ProfileId::of_file(name, whose).ok_or_else(nameless)?;
            items.push((self.item(&profile), Zeroizing::new(armor::to_text(&sealed)?)));
        }
        self.keychain.put(items, Cover::Sealed)?.into_iter().collect()
    }

    fn remove(&self, names: &[String]) -> Result<()> {
        for name in names {
            if let Some(profile) = self.profile_of(name)? {
                self.keychain.remove(&self.item(&profile))?;
            }
        }
        Ok(())
    }

    /// A keychain has no such call: that is what the staged copies are kept for.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = self.profiles()?.iter().map(ProfileId::file_name).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn health(&self) -> Health {
        match self.keychain.probe() {
            Ok((State::Ready, _)) => Health::Ready,
            _ => Health::Unavailable,
        }
    }
}
