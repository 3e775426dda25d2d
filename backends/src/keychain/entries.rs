//! Keychains with named entries instead of items with attributes: those of macOS and Windows, through `keyring-core`.
//! [`Platform`] is what differs between the two.

use std::collections::HashMap;

use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::keyring_error::PlatformError;
use super::{
    Attributes, Found, Item, KeychainError, KeychainState, Patience, Surroundings, Transport, item_name,
    keyring_error,
};

/// The service of all our entries.
pub const SERVICE: &str = "strongroom";

/// The platform's part of a keychain.
pub trait Platform: Sized {
    /// The largest item, in bytes.
    const MAX: usize;

    /// Returns the keychain's name for people.
    fn provider(&self) -> &'static str;

    /// Opens the user's own keychain, without asking anyone.
    fn open() -> Result<Self, KeychainError>;

    /// Returns the entry with a name, whether it exists or not.
    fn entry(&self, name: &str) -> keyring::Result<Entry>;

    /// Returns the names of all our entries.
    fn names(&self) -> keyring::Result<Vec<String>>;

    /// Returns whether it can be used now, without asking anyone.
    fn state(&mut self) -> Result<KeychainState, KeychainError>;

    /// Unlocks it, which may ask a person.
    fn unlock(&mut self) -> Result<(), KeychainError>;

    /// Gives an entry that was just written a label for people, if the platform can.
    fn label(entry: &Entry, label: &str) -> keyring::Result<()>;

    /// Converts the platform's own error, without its text.
    fn of_platform(error: &PlatformError) -> KeychainError;

    /// Converts an error of keyring-core.
    fn of(error: Error) -> KeychainError {
        keyring_error::of(error, Self::of_platform)
    }
}

/// A keychain of named entries.
#[derive(Debug)]
pub struct Entries<P> {
    platform: P,
}

impl<P: Platform> Entries<P> {
    pub const MAX: usize = P::MAX;

    pub fn connect(_: &Surroundings, _: &Patience) -> Result<Self, KeychainError> {
        let opened = Self { platform: P::open()? };
        // A keychain that lets no one in says so here, like a bus without a keychain.
        match opened.platform.names().map_err(P::of) {
            Err(error @ KeychainError::Unavailable(_)) => Err(error),
            _ => Ok(opened),
        }
    }

    pub fn provider(&self) -> String {
        self.platform.provider().to_owned()
    }

    /// Only checks whether it can still be used, because there is no connection to begin again.
    pub fn reconnect(&mut self) -> Result<(), KeychainError> {
        match self.state()? {
            KeychainState::Ready => Ok(()),
            KeychainState::Locked => Err(KeychainError::Locked),
            KeychainState::NoCollection => Err(KeychainError::NoCollection),
        }
    }

    pub fn state(&mut self) -> Result<KeychainState, KeychainError> {
        self.platform.state()
    }

    pub fn unlock(&mut self) -> Result<(), KeychainError> {
        self.platform.unlock()
    }

    /// Writes an item, and overwrites one with the same attributes. The transport does not matter, because the bytes
    /// are passed to the system by a call, not over a connection.
    pub fn put(&mut self, item: &Item, bytes: &[u8], _: Transport) -> Result<(), KeychainError> {
        let entry = self.entry(&item_name::of(&item.attributes))?;
        entry.set_secret(bytes).and_then(|()| P::label(&entry, &item.label)).map_err(P::of)
    }

    pub fn get(&mut self, attributes: &Attributes, _: Transport) -> Result<Found, KeychainError> {
        let mut found = Found::default();
        for name in self.names(attributes)? {
            match self.entry(&name)?.get_secret().map(Zeroizing::new) {
                Ok(bytes) => found.bytes.push(bytes),
                // Removed since the search.
                Err(Error::NoEntry) => {}
                Err(error) => match P::of(error) {
                    KeychainError::Locked => found.locked += 1,
                    error => return Err(error),
                },
            }
        }
        Ok(found)
    }

    pub fn find(&mut self, attributes: &Attributes) -> Result<Vec<HashMap<String, String>>, KeychainError> {
        Ok(self.names(attributes)?.iter().filter_map(|name| item_name::parse(name)).collect())
    }

    pub fn values(
        &mut self,
        attributes: &Attributes,
        name: &'static str,
    ) -> Result<Vec<String>, KeychainError> {
        let mut values: Vec<_> =
            self.find(attributes)?.into_iter().filter_map(|mut item| item.remove(name)).collect();
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    pub fn remove(&mut self, attributes: &Attributes) -> Result<usize, KeychainError> {
        let mut removed = 0;
        for name in self.names(attributes)? {
            match self.entry(&name)?.delete_credential() {
                Ok(()) => removed += 1,
                Err(Error::NoEntry) => {}
                Err(error) => return Err(P::of(error)),
            }
        }
        Ok(removed)
    }

    fn entry(&self, name: &str) -> Result<Entry, KeychainError> {
        self.platform.entry(name).map_err(P::of)
    }

    /// Returns the names of the items with these attributes, sorted.
    fn names(&self, attributes: &Attributes) -> Result<Vec<String>, KeychainError> {
        let mut names = self.platform.names().map_err(P::of)?;
        names.retain(|name| item_name::has(name, attributes));
        names.sort_unstable();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyring::api::CredentialStoreApi;
    use keyring::mock::{Cred, Store};

    use super::*;

    const SECRET: &str = "EXAMPLE-not-a-secret";

    /// keyring-core's in-memory store, whose entries fail on demand.
    struct Mock {
        store: Arc<Store>,
        state: KeychainState,
    }

    impl Platform for Mock {
        const MAX: usize = 100;

        fn open() -> Result<Self, KeychainError> {
            Store::new().map(|store| Self { store, state: KeychainState::Locked }).map_err(Self::of)
        }

        fn provider(&self) -> &'static str {
            "memory"
        }

        fn entry(&self, name: &str) -> keyring::Result<Entry> {
            self.store.build(SERVICE, name, None)
        }

        fn names(&self) -> keyring::Result<Vec<String>> {
            let all = self.store.search(&HashMap::from([("service", SERVICE)]))?;
            // The mock also lists removed entries.
            let full = |entry: &Entry| {
                let cred = entry.as_any().downcast_ref::<Cred>().unwrap();
                cred.inner.lock().unwrap().borrow().secret.is_some()
            };
            Ok(all
                .iter()
                .filter(|entry| full(entry))
                .map(|entry| entry.get_specifiers().unwrap().1)
                .collect())
        }

        fn state(&mut self) -> Result<KeychainState, KeychainError> {
            Ok(self.state)
        }

        fn unlock(&mut self) -> Result<(), KeychainError> {
            self.state = KeychainState::Ready;
            Ok(())
        }

        fn label(_: &Entry, _: &str) -> keyring::Result<()> {
            Ok(())
        }

        fn of_platform(_: &PlatformError) -> KeychainError {
            KeychainError::Locked
        }
    }

    fn list(agent: &str, profile: Option<&str>) -> Attributes {
        let profile = profile.map(|profile| ("profile", profile.to_owned()));
        [("agent", agent.to_owned())].into_iter().chain(profile).collect()
    }

    fn opened(profiles: &[&str]) -> Entries<Mock> {
        let mut keychain =
            Entries::<Mock>::connect(&Surroundings::default(), &Patience::new(std::time::Duration::ZERO))
                .unwrap();
        for profile in profiles {
            let item = Item { label: (*profile).to_owned(), attributes: list("main", Some(profile)) };
            keychain.put(&item, SECRET.as_bytes(), Transport::Sealed).unwrap();
        }
        keychain
    }

    fn fail_next(keychain: &Entries<Mock>, profile: &str, error: Error) {
        let entry = keychain.entry(&item_name::of(&list("main", Some(profile)))).unwrap();
        entry.as_any().downcast_ref::<Cred>().unwrap().set_error(error);
    }

    #[test]
    fn reading_back_needs_a_keychain_that_is_ready() {
        let mut keychain = opened(&[]);
        assert_eq!((keychain.provider().as_str(), Entries::<Mock>::MAX), ("memory", 100));
        assert_eq!(keychain.state(), Ok(KeychainState::Locked));
        assert_eq!(keychain.reconnect(), Err(KeychainError::Locked));
        keychain.unlock().unwrap();
        assert_eq!(keychain.reconnect(), Ok(()));
        keychain.platform.state = KeychainState::NoCollection;
        assert_eq!(keychain.reconnect(), Err(KeychainError::NoCollection));
    }

    #[test]
    fn items_are_found_by_some_of_their_attributes() {
        let mut keychain = opened(&["a:x", "a:xy", "A:x"]);
        assert_eq!(keychain.find(&list("main", None)).unwrap().len(), 3);
        assert_eq!(keychain.find(&list("mai", None)).unwrap(), []);
        assert_eq!(keychain.values(&list("main", None), "profile").unwrap(), ["A:x", "a:x", "a:xy"]);
        assert_eq!(keychain.values(&Attributes::new(), "agent").unwrap(), ["main"]);
        assert_eq!(keychain.values(&Attributes::new(), "none").unwrap(), [""; 0]);
        let last = vec![("profile", "a:xy".to_owned())];
        assert_eq!(keychain.get(&last, Transport::Sealed).unwrap().bytes.len(), 1);
        let found = keychain.find(&list("main", Some("a:x"))).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["profile"], "a:x");
        assert_eq!(keychain.get(&list("main", Some("a:x")), Transport::Sealed).unwrap().bytes.len(), 1);
        assert_eq!(keychain.remove(&list("main", Some("a:x"))).unwrap(), 1);
        assert_eq!(keychain.remove(&list("main", Some("a:x"))).unwrap(), 0);
        assert_eq!(keychain.remove(&Attributes::new()).unwrap(), 2);
    }

    #[test]
    fn locked_items_are_counted_and_an_error_only_where_all_are_locked() {
        let mut keychain = opened(&["a:x", "a:y"]);
        let locked = || Error::NoStorageAccess(Box::new(std::io::Error::other("locked")));
        fail_next(&keychain, "a:x", locked());
        let found = keychain.get(&list("main", None), Transport::Sealed).unwrap();
        assert_eq!((found.bytes.len(), found.locked), (1, 1));
        assert_eq!(found.readable().unwrap().len(), 1);
        fail_next(&keychain, "a:x", locked());
        fail_next(&keychain, "a:y", locked());
        let found = keychain.get(&list("main", None), Transport::Sealed).unwrap();
        assert_eq!((found.bytes.len(), found.locked), (0, 2));
        assert_eq!(found.readable(), Err(KeychainError::Locked));
    }

    #[test]
    fn an_item_that_was_removed_meanwhile_is_skipped() {
        let mut keychain = opened(&["a:x", "a:y"]);
        fail_next(&keychain, "a:x", Error::NoEntry);
        let found = keychain.get(&list("main", None), Transport::Sealed).unwrap();
        assert_eq!((found.bytes.len(), found.locked), (1, 0));
        fail_next(&keychain, "a:x", Error::NoEntry);
        assert_eq!(keychain.remove(&list("main", None)).unwrap(), 1);
    }

    #[test]
    fn a_failing_call_shows_nothing_of_the_secret() {
        let mut keychain = opened(&["a:x"]);
        let canary = || Error::BadEncoding(SECRET.as_bytes().to_vec());
        let numbers = format!("{:?}", SECRET.as_bytes());
        let all = list("main", None);
        let item = Item { label: String::new(), attributes: list("main", Some("a:x")) };
        fail_next(&keychain, "a:x", canary());
        let read = keychain.get(&all, Transport::Sealed).unwrap_err();
        fail_next(&keychain, "a:x", canary());
        let written = keychain.put(&item, b"other", Transport::Sealed).unwrap_err();
        fail_next(&keychain, "a:x", canary());
        let removed = keychain.remove(&all).unwrap_err();
        for error in [read, written, removed] {
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("the item is damaged"), "{shown}");
            assert!(!shown.contains(SECRET) && !shown.contains(numbers.trim_matches(['[', ']'])), "{shown}");
        }
    }
}
