//! The desktop's keychain as a command uses it: it connects once, on first use, and asks a person only if the command
//! may. Items are told apart by vault and home.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use strongroom_backends::keychain::{self as platform, KeychainError};
pub use strongroom_backends::keychain::{Attributes, Bytes, Found, Item, KeychainState, Patience, Transport};
use strongroom_backends::shown;

use crate::env::Env;
use crate::error::{Code, Error, Result};
use crate::messages;

/// The default for how long a command waits in all for a keychain that does not answer.
pub const LIMIT: Duration = Duration::from_secs(3);
/// How long a person has to answer the keychain's prompt.
pub const PROMPT_LIMIT: Duration = Duration::from_secs(60);

/// The value of the attribute that all our items have.
const APPLICATION: &str = "strongroom";
/// The positions of the vault and the home among the attributes.
const VAULT_AT: usize = 1;
const HOME_AT: usize = 2;

/// Where the process runs, for the remedy of an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// On a desktop, or somewhere unknown.
    #[default]
    Somewhere,
    /// An SSH login.
    Ssh,
    /// The Windows Subsystem for Linux.
    Wsl,
    /// A container.
    Container,
}

impl Place {
    fn of(env: &Env) -> Self {
        if env.var("WSL_DISTRO_NAME").is_some() {
            Self::Wsl
        } else if env.var("container").is_some()
            || ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists())
        {
            Self::Container
        } else if env.var("SSH_CONNECTION").is_some() || env.var("SSH_TTY").is_some() {
            Self::Ssh
        } else {
            Self::Somewhere
        }
    }
}

/// The largest `vault.json` that is looked at, in bytes.
const SETTINGS_MAX: u64 = 16 * 1024;

/// Returns a home's path as items name it: unchanged, so that it can be looked up again.
fn name_of(home: &Path) -> String {
    let escaped = || home.as_os_str().as_encoded_bytes().escape_ascii().to_string();
    home.to_str().map_or_else(escaped, str::to_owned)
}

/// Returns whether a vault's home is at a path, as far as can be told. Then items that name the path belong to it.
#[must_use]
pub fn is_home_of(path: &Path, vault: &str) -> bool {
    let settings = path.join("vault.json");
    // The path comes from the keychain, where anyone may have put it, so a pipe must not block this.
    let read = match settings.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() <= SETTINGS_MAX => std::fs::read(&settings),
        Ok(_) => Err(ErrorKind::InvalidData.into()),
        Err(error) => Err(error),
    };
    match read {
        Ok(settings) => memchr::memmem::find(&settings, vault.as_bytes()).is_some(),
        // It may be a home without the file, or one that cannot be read.
        Err(_) => {
            path.join("unlock").exists()
                || path.symlink_metadata().is_err_and(|e| e.kind() != ErrorKind::NotFound)
        }
    }
}

/// How a command may use the keychain.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// How to find it, and how long to wait for it. `None` for no keychain at all.
    surroundings: Option<(platform::Surroundings, Patience)>,
    announce: Option<fn(&str)>,
    place: Place,
}

impl Setup {
    /// Sets up the keychain of this environment, which may be silent for as long as `patience` allows.
    /// If `announce` is given, a person may be asked, and it tells that person that the keychain is about to ask.
    #[must_use]
    pub fn of(env: &Env, patience: Patience, announce: Option<fn(&str)>) -> Self {
        let surroundings = platform::Surroundings {
            bus: env.var("DBUS_SESSION_BUS_ADDRESS").map(std::ffi::OsStr::to_owned),
            runtime_dir: env.path("XDG_RUNTIME_DIR"),
        };
        Self { surroundings: Some((surroundings, patience)), announce, place: Place::of(env) }
    }

    /// Returns the same setup, with which the keychain asks no one.
    #[must_use]
    pub fn unasked(mut self) -> Self {
        self.announce = None;
        self
    }
}

/// A home's keychain.
#[derive(Debug)]
pub struct Keychain {
    setup: Setup,
    place: PathBuf,
    /// The path as items name it, computed on first use.
    home: OnceLock<String>,
    opened: OnceLock<Result<platform::Keychain>>,
}

impl Keychain {
    /// Makes the keychain of a home, without connecting to it.
    #[must_use]
    pub fn new(setup: &Setup, home: &Path) -> Self {
        Self { setup: setup.clone(), place: home.to_owned(), home: OnceLock::new(), opened: OnceLock::new() }
    }

    /// Returns the same keychain, not connected yet, to look at the home again.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            setup: self.setup.clone(),
            place: self.place.clone(),
            home: self.home.clone(),
            opened: OnceLock::new(),
        }
    }

    /// Returns the home's path as items name it.
    #[must_use]
    pub fn home(&self) -> &str {
        self.home.get_or_init(|| name_of(&self.place.canonicalize().unwrap_or_else(|_| self.place.clone())))
    }

    /// Makes sure that the keychain can be read and written. Asks a person, if that is allowed.
    ///
    /// # Errors
    /// `KEYCHAIN_UNAVAILABLE`, `KEYCHAIN_NO_COLLECTION`, `KEYCHAIN_LOCKED`, `KEYCHAIN_TIMEOUT`,
    /// `KEYCHAIN_FAILED`.
    pub fn ready(&self) -> Result<()> {
        self.open().map(|_| ())
    }

    /// Returns the keychain's name for people, or `keychain` if it is not ready.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.open().map_or("keychain", |keychain| keychain.provider())
    }

    /// Returns the state of the keychain and its name, without asking anyone. It can still be used later.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn probe(&self) -> Result<(KeychainState, String)> {
        let keychain = self.connect()?;
        let state = keychain.state().map_err(|error| self.error(&error))?;
        Ok((state, keychain.provider().to_owned()))
    }

    fn connect(&self) -> Result<platform::Keychain> {
        let Some((surroundings, patience)) = &self.setup.surroundings else {
            return Err(self.error(&KeychainError::Unavailable(platform::Why::Platform)));
        };
        platform::Keychain::connect(surroundings, patience).map_err(|error| self.error(&error))
    }

    fn open(&self) -> Result<&platform::Keychain> {
        let opened = self.opened.get_or_init(|| {
            let keychain = self.connect()?;
            match keychain.state().map_err(|error| self.error(&error))? {
                KeychainState::Ready => Ok(keychain),
                KeychainState::NoCollection => Err(self.error(&KeychainError::NoCollection)),
                KeychainState::Locked => {
                    let announce = self.setup.announce.ok_or_else(|| self.error(&KeychainError::Locked))?;
                    announce(keychain.provider());
                    keychain.unlock(PROMPT_LIMIT).map_err(|error| self.error(&error))?;
                    Ok(keychain)
                }
            }
        });
        opened.as_ref().map_err(Clone::clone)
    }

    /// Returns the item of a profile's record.
    #[must_use]
    pub fn record(&self, vault: &str, agent: &str, profile: &str) -> Item {
        let mut attributes = self.records_of(vault, agent);
        attributes.push(("profile", profile.to_owned()));
        Item { label: format!("Strongroom: {profile} (agent {agent})"), attributes }
    }

    /// Returns the attributes that the items of all records of an agent have in common.
    #[must_use]
    pub fn records_of(&self, vault: &str, agent: &str) -> Attributes {
        let mut attributes = self.all_records_of(vault);
        attributes.push(("agent", agent.to_owned()));
        attributes
    }

    /// Returns the attributes that the items of all records of a vault in this home have in common.
    #[must_use]
    pub fn all_records_of(&self, vault: &str) -> Attributes {
        let mut attributes = self.of_home(vault);
        attributes.push(("kind", "record".to_owned()));
        attributes
    }

    /// Returns the attributes that all items of a kind that name this home have in common, for any vault.
    #[must_use]
    pub fn of_any_vault(&self, kind: &str) -> Attributes {
        vec![
            ("application", APPLICATION.to_owned()),
            ("home", self.home().to_owned()),
            ("kind", kind.to_owned()),
        ]
    }

    /// Returns the item of an unlock method's key.
    #[must_use]
    pub fn unlock_key(&self, vault: &str, method: &str) -> Item {
        let mut attributes = self.of_home(vault);
        attributes.extend([("kind", "unlock".to_owned()), ("method", method.to_owned())]);
        Item { label: format!("Strongroom: unlock key ({})", shown(Path::new(self.home()))), attributes }
    }

    fn of_home(&self, vault: &str) -> Attributes {
        let mut attributes = Self::of_vault(vault);
        attributes.push(("home", self.home().to_owned()));
        attributes
    }

    fn of_vault(vault: &str) -> Attributes {
        vec![("application", APPLICATION.to_owned()), ("vault", vault.to_owned())]
    }

    /// Returns the bytes of every item with these attributes. If this home has none, returns those of homes that no
    /// longer exist, because this one may have been moved.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get(&self, attributes: &Attributes, cover: Transport) -> Result<Vec<Bytes>> {
        let found = self.get_here(attributes, cover)?;
        if found.is_empty() { self.get_of_gone(attributes, cover) } else { Ok(found) }
    }

    /// Returns the bytes of every item of this home with these attributes.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get_here(&self, attributes: &Attributes, cover: Transport) -> Result<Vec<Bytes>> {
        self.open()?.get(attributes, cover).map_err(|error| self.item_error(&error))
    }

    /// Returns the bytes of every item with exactly these attributes, and how many more are locked.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get_all(&self, attributes: &Attributes, cover: Transport) -> Result<Found> {
        self.open()?.get_all(attributes, cover).map_err(|error| self.error(&error))
    }

    /// Returns the bytes of every item with these attributes that belongs to a home that no longer exists.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get_of_gone(&self, attributes: &Attributes, cover: Transport) -> Result<Vec<Bytes>> {
        let found = self.get_all_of_gone(attributes, cover)?;
        if found.bytes.is_empty() && found.locked > 0 {
            return Err(self.locked_items());
        }
        Ok(found.bytes)
    }

    /// Returns the bytes of every item with these attributes that belongs to a home that no longer exists, and how
    /// many more are locked.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get_all_of_gone(&self, attributes: &Attributes, cover: Transport) -> Result<Found> {
        let mut elsewhere = Found::default();
        for home in self.homes(&attributes[VAULT_AT].1)? {
            if home != self.home() && !is_home_of(Path::new(&home), &attributes[VAULT_AT].1) {
                let mut attributes = attributes.clone();
                attributes[HOME_AT].1 = home;
                let found = self.get_all(&attributes, cover)?;
                elsewhere.bytes.extend(found.bytes);
                elsewhere.locked += found.locked;
            }
        }
        Ok(elsewhere)
    }

    /// Returns the homes of a vault that have items.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn homes(&self, vault: &str) -> Result<Vec<String>> {
        self.values(&Self::of_vault(vault), "home")
    }

    /// Returns the distinct values of one attribute among the items with these attributes.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn values(&self, attributes: &Attributes, name: &'static str) -> Result<Vec<String>> {
        self.open()?.values(attributes, name).map_err(|error| self.error(&error))
    }

    /// Returns the attributes of all of Strongroom's items, for any vault and home.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn all(&self) -> Result<Vec<std::collections::HashMap<String, String>>> {
        self.find(&vec![("application", APPLICATION.to_owned())])
    }

    /// Returns all attributes of every item that has these.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn find(&self, attributes: &Attributes) -> Result<Vec<std::collections::HashMap<String, String>>> {
        self.open()?.find(attributes).map_err(|error| self.error(&error))
    }

    /// Writes items and reads them back over another connection.
    ///
    /// # Errors
    /// As [`Keychain::ready`]. Each item has a result of its own.
    pub fn put(&self, items: Vec<(Item, Bytes)>, cover: Transport) -> Result<Vec<Result<()>>> {
        let done = self.open()?.put(items, cover);
        Ok(done.into_iter().map(|done| done.map_err(|error| self.error(&error))).collect())
    }

    /// Removes every item that has all attributes of `item`, and returns how many there were.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn remove(&self, item: &Item) -> Result<usize> {
        self.open()?.remove(&item.attributes).map_err(|error| self.error(&error))
    }

    /// Removes every item of a vault in a home, which need not be this one, and returns how many there were.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn remove_of(&self, vault: &str, home: &str) -> Result<usize> {
        let mut attributes = Self::of_vault(vault);
        attributes.push(("home", home.to_owned()));
        self.open()?.remove(&attributes).map_err(|error| self.error(&error))
    }

    /// Returns the error of reading items. The keychain itself is ready by then.
    fn item_error(&self, error: &KeychainError) -> Error {
        if *error == KeychainError::Locked { self.locked_items() } else { self.error(error) }
    }

    /// Returns the error for items that are locked although the keychain is not: they are in another collection.
    #[must_use]
    pub fn locked_items(&self) -> Error {
        messages::keychain::locked_items()
    }

    /// Returns the error of the keychain, with a remedy for where the process runs.
    fn error(&self, error: &KeychainError) -> Error {
        let code = match error {
            KeychainError::Unavailable(_) => Code::KeychainUnavailable,
            KeychainError::ForeignBus { .. } => Code::KeychainForeign,
            KeychainError::NoCollection => Code::KeychainNoCollection,
            KeychainError::Locked | KeychainError::Dismissed => Code::KeychainLocked,
            KeychainError::Timeout(_) => Code::KeychainTimeout,
            KeychainError::TooLarge { .. } => Code::TooLarge,
            KeychainError::Mismatch | KeychainError::Failed(_) => Code::KeychainFailed,
        };
        let made = Error::new(code, error.to_string());
        let remedy = match (error, self.setup.place) {
            (KeychainError::TooLarge { .. }, _) => messages::keychain::too_large_for_keychain(),
            (KeychainError::Unavailable(_), Place::Ssh) => messages::keychain::no_keychain_over_ssh(),
            (KeychainError::Unavailable(_) | KeychainError::NoCollection, Place::Wsl) => {
                messages::keychain::no_keychain_in_wsl()
            }
            (KeychainError::Unavailable(_), Place::Container) => {
                messages::keychain::no_keychain_in_container()
            }
            (KeychainError::Locked, Place::Ssh) => messages::keychain::locked_over_ssh(),
            _ => return made,
        };
        made.with_remedy(remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_found_again_by_its_name() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("Jürgen's home");
        std::fs::create_dir_all(home.join("unlock")).unwrap();
        let keychain = Keychain::new(&Setup::default(), &home);
        assert!(is_home_of(Path::new(keychain.home()), "one"));
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_not_utf8_are_told_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let name = |byte: &[u8]| name_of(Path::new(OsStr::from_bytes(byte)));
        assert_ne!(name(b"/a\xff"), name(b"/a\xfe"));
        assert_eq!(name("/ü b".as_bytes()), "/ü b");
    }
}
