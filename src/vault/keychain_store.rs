//! An agent's records in the desktop's keychain, as a store like the files are one.

use strongroom_backends::fs::dir::Dir;
use strongroom_backends::{Health, SecretStore};
use zeroize::Zeroizing;

use super::id::ProfileId;
use super::store::Store;
use crate::error::{Code, Error, Result, fail};
use crate::keychain::{Cover, Item, Keychain, State};
use crate::seal::keys::Ring;
use crate::seal::{RECORD_MAX, armor};

/// The items of an agent, named as the files of records are.
#[derive(Clone, Copy, Debug)]
pub struct KeychainStore<'k> {
    keychain: &'k Keychain,
    vault: &'k str,
    agent: &'k str,
}

impl<'k> KeychainStore<'k> {
    /// The store of an agent.
    #[must_use]
    pub fn new(keychain: &'k Keychain, ring: &'k Ring) -> Self {
        Self { keychain, vault: ring.vault.as_str(), agent: ring.scope.agent().unwrap_or_default() }
    }

    /// The item of a profile.
    #[must_use]
    pub fn item(&self, profile: &ProfileId) -> Item {
        self.keychain.record(self.vault, self.agent, profile.as_str())
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

fn profile_of(name: &str) -> Result<ProfileId> {
    ProfileId::from_file_name(name)
        .ok_or_else(|| Error::new(Code::Internal, "a record has no profile's name"))
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
        for item in self.items(&profile_of(name)?)? {
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
            let text = armor::to_text(&staged.read(name, RECORD_MAX)?)?;
            items.push((self.item(&profile_of(name)?), Zeroizing::new(text)));
        }
        self.keychain.put(items, Cover::Sealed)?.into_iter().collect()
    }

    fn remove(&self, names: &[String]) -> Result<()> {
        for name in names {
            self.keychain.remove(&self.item(&profile_of(name)?))?;
        }
        Ok(())
    }

    /// A keychain has no such call: that is what the staged copies are kept for.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let found = self.keychain.find(&self.keychain.records_of(self.vault, self.agent))?;
        let profiles = found.iter().filter_map(|item| item.get("profile")?.parse::<ProfileId>().ok());
        let mut names: Vec<String> = profiles.map(|profile| profile.file_name()).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn health(&self) -> Health {
        match self.keychain.probe() {
            Ok((State::Ready, _)) => Health::Ready,
            _ => Health::Unavailable,
        }
    }
}
