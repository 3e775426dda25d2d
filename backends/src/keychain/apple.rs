//! The login keychain of macOS, through `apple-native-keyring-store`.
//!
//! An item is overwritten in place, so that it keeps its list of programs that may read it. That list names a program
//! by its code signature: a binary that is built again without a fixed identity is another program, and the keychain
//! asks before it returns the item. Asking is forbidden in the whole process except in [`Platform::unlock`]. If the
//! keychain would ask, it returns "interaction not allowed", which is `Locked` here.

use std::collections::HashMap;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring::api::CredentialStoreApi;
use keyring::{Entry, Error};
use security_framework::base::Error as Status;
use security_framework::os::macos::keychain::{
    KeychainUserInteractionLock, SecKeychain, SecPreferencesDomain,
};
use zeroize::Zeroizing;

use super::entries::{Platform, SERVICE};
use super::keyring_error::PlatformError;
use super::{KeychainError, KeychainState, os_status};

/// The user's default keychain, which is the login keychain unless the user chose another.
pub struct Apple {
    store: Arc<Store>,
    keychain: SecKeychain,
    /// No call asks a person while this is held.
    quiet: Option<KeychainUserInteractionLock>,
}

impl Platform for Apple {
    /// More than the largest record.
    const MAX: usize = 64 * 1024;

    fn provider(&self) -> &'static str {
        "macOS Keychain"
    }

    fn open() -> Result<Self, KeychainError> {
        let quiet = Some(quiet()?);
        let keychain = SecKeychain::default_for_domain(SecPreferencesDomain::User).map_err(of_status)?;
        let store = Store::new().map_err(Self::of)?;
        Ok(Self { store, keychain, quiet })
    }

    fn entry(&self, name: &str) -> keyring::Result<Entry> {
        self.store.build(SERVICE, name, None)
    }

    fn names(&self) -> keyring::Result<Vec<String>> {
        let ours = self.store.search(&HashMap::from([("service", SERVICE)]))?;
        Ok(ours.iter().filter_map(Entry::get_specifiers).map(|(_, account)| account).collect())
    }

    /// Returns `Ready` if the keychain is unlocked and the first of our items, if any, can be read. An item that cannot
    /// be read does not have this binary on its list.
    fn state(&mut self) -> Result<KeychainState, KeychainError> {
        let outcome = self.keychain.unlock(None).map_err(of_status).and_then(|()| self.read(1));
        match outcome {
            Ok(()) => Ok(KeychainState::Ready),
            Err(KeychainError::Locked) => Ok(KeychainState::Locked),
            Err(KeychainError::NoCollection) => Ok(KeychainState::NoCollection),
            Err(error) => Err(error),
        }
    }

    /// Asks for the keychain's password if it is locked, and for permission to read if this binary is not on an item's
    /// list.
    fn unlock(&mut self) -> Result<(), KeychainError> {
        self.quiet = None;
        let outcome = match self.keychain.unlock(None) {
            // A person gave a wrong password.
            Err(status) if status.code() == os_status::AUTH_FAILED => Err(KeychainError::Dismissed),
            other => other.map_err(of_status),
        };
        let outcome = outcome.and_then(|()| self.read(usize::MAX));
        self.quiet = Some(quiet()?);
        outcome
    }

    /// Does nothing: the keychain shows an item by its service and account, and the store sets no other label.
    fn label(_: &Entry, _: &str) -> keyring::Result<()> {
        Ok(())
    }

    fn of_platform(error: &PlatformError) -> KeychainError {
        match error.downcast_ref::<Status>() {
            Some(status) => of_status(*status),
            None => KeychainError::Failed("an error without a code".to_owned()),
        }
    }
}

impl Apple {
    /// Reads our first items and discards their contents.
    fn read(&self, count: usize) -> Result<(), KeychainError> {
        let mut names = self.names().map_err(Self::of)?;
        names.sort_unstable();
        for name in names.iter().take(count) {
            match self.entry(name).and_then(|entry| entry.get_secret().map(Zeroizing::new)) {
                Ok(_) | Err(Error::NoEntry) => {}
                Err(error) => return Err(Self::of(error)),
            }
        }
        Ok(())
    }
}

fn quiet() -> Result<KeychainUserInteractionLock, KeychainError> {
    SecKeychain::disable_user_interaction().map_err(of_status)
}

fn of_status(status: Status) -> KeychainError {
    os_status::error(status.code())
}
