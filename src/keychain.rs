//! The desktop's keychain as a command needs it: connected to when it is first asked, once; never
//! asking a person unless the command may. Items are told apart by vault and home.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use strongroom_backends::keychain::{self as platform, KeychainError};
pub use strongroom_backends::keychain::{Attributes, Bytes, Found, Item, KeychainState, Patience, Transport};
use strongroom_backends::shown;

use crate::env::Env;
use crate::error::{Code, Error, Result};

/// How long a command waits in all for a keychain that does not answer, unless told otherwise.
pub const LIMIT: Duration = Duration::from_secs(3);
/// How long a person has to answer the keychain's prompt.
pub const PROMPT_LIMIT: Duration = Duration::from_secs(60);

/// The attribute by which all of our items are found.
const APPLICATION: &str = "strongroom";
/// Where vault and home stand among the attributes.
const VAULT_AT: usize = 1;
const HOME_AT: usize = 2;

/// What surrounds the process, for the remedy of an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// A desktop, or nothing that is known.
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

/// The most bytes of a home's `vault.json` that are looked at.
const SETTINGS_MAX: u64 = 16 * 1024;

/// A home's path as items name it: as it is, so that it can be looked for again.
fn name_of(home: &Path) -> String {
    let escaped = || home.as_os_str().as_encoded_bytes().escape_ascii().to_string();
    home.to_str().map_or_else(escaped, str::to_owned)
}

/// Whether a vault's home is at a path, as far as can be told: then items that name it are its own.
#[must_use]
pub fn is_home_of(path: &Path, vault: &str) -> bool {
    let settings = path.join("vault.json");
    // The path comes from the keychain, where anybody may have put it: no pipe is waited for.
    let read = match settings.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() <= SETTINGS_MAX => std::fs::read(&settings),
        Ok(_) => Err(ErrorKind::InvalidData.into()),
        Err(error) => Err(error),
    };
    match read {
        Ok(settings) => memchr::memmem::find(&settings, vault.as_bytes()).is_some(),
        // A home without it, or one that cannot be looked into.
        Err(_) => {
            path.join("unlock").exists()
                || path.symlink_metadata().is_err_and(|e| e.kind() != ErrorKind::NotFound)
        }
    }
}

/// How a command may use the keychain.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where it is; none where there is to be none.
    surroundings: Option<(platform::Surroundings, Patience)>,
    announce: Option<fn(&str)>,
    place: Place,
}

impl Setup {
    /// The keychain of the surroundings, which may be silent for as long as there is `patience`.
    /// `announce` tells a person, who may be asked then, that the keychain is about to.
    #[must_use]
    pub fn of(env: &Env, patience: Patience, announce: Option<fn(&str)>) -> Self {
        let surroundings = platform::Surroundings {
            bus: env.var("DBUS_SESSION_BUS_ADDRESS").map(std::ffi::OsStr::to_owned),
            runtime_dir: env.path("XDG_RUNTIME_DIR"),
        };
        Self { surroundings: Some((surroundings, patience)), announce, place: Place::of(env) }
    }

    /// The same keychain, which asks no one.
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
    /// The place as items name it, computed when it is first needed.
    home: OnceLock<String>,
    opened: OnceLock<Result<platform::Keychain>>,
}

impl Keychain {
    /// The keychain for a home. Nothing is connected to yet.
    #[must_use]
    pub fn new(setup: &Setup, home: &Path) -> Self {
        Self { setup: setup.clone(), place: home.to_owned(), home: OnceLock::new(), opened: OnceLock::new() }
    }

    /// The same keychain, not connected yet, for a second look at the home.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            setup: self.setup.clone(),
            place: self.place.clone(),
            home: self.home.clone(),
            opened: OnceLock::new(),
        }
    }

    /// The home's path, as items name it.
    #[must_use]
    pub fn home(&self) -> &str {
        self.home.get_or_init(|| name_of(&self.place.canonicalize().unwrap_or_else(|_| self.place.clone())))
    }

    /// Makes sure that the keychain can be read and written; asks a person where that is allowed.
    ///
    /// # Errors
    /// `KEYCHAIN_UNAVAILABLE`, `KEYCHAIN_NO_COLLECTION`, `KEYCHAIN_LOCKED`, `KEYCHAIN_TIMEOUT`,
    /// `KEYCHAIN_FAILED`.
    pub fn ready(&self) -> Result<()> {
        self.open().map(|_| ())
    }

    /// The keychain's name for people, where it is ready.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.open().map_or("keychain", |keychain| keychain.provider())
    }

    /// The state of the keychain and its name, asking nobody. Does not spoil a later use.
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

    /// The item of a profile's record.
    #[must_use]
    pub fn record(&self, vault: &str, agent: &str, profile: &str) -> Item {
        let mut attributes = self.records_of(vault, agent);
        attributes.push(("profile", profile.to_owned()));
        Item { label: format!("Strongroom: {profile} (agent {agent})"), attributes }
    }

    /// What the items of all records of an agent have in common.
    #[must_use]
    pub fn records_of(&self, vault: &str, agent: &str) -> Attributes {
        let mut attributes = self.all_records_of(vault);
        attributes.push(("agent", agent.to_owned()));
        attributes
    }

    /// What the items of all records of a vault in this home have in common.
    #[must_use]
    pub fn all_records_of(&self, vault: &str) -> Attributes {
        let mut attributes = self.of_home(vault);
        attributes.push(("kind", "record".to_owned()));
        attributes
    }

    /// What all items of a kind have in common that name this home, whichever vault's they are.
    #[must_use]
    pub fn of_any_vault(&self, kind: &str) -> Attributes {
        vec![
            ("application", APPLICATION.to_owned()),
            ("home", self.home().to_owned()),
            ("kind", kind.to_owned()),
        ]
    }

    /// The item of an unlock method's key.
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

    /// The bytes of every item with these attributes. Where this home has none, those of a home
    /// that is there no more: this one may be it, moved.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get(&self, attributes: &Attributes, cover: Transport) -> Result<Vec<Bytes>> {
        let found = self.get_here(attributes, cover)?;
        if found.is_empty() { self.get_of_gone(attributes, cover) } else { Ok(found) }
    }

    /// The bytes of every item of this very home with these attributes.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get_here(&self, attributes: &Attributes, cover: Transport) -> Result<Vec<Bytes>> {
        self.open()?.get(attributes, cover).map_err(|error| self.item_error(&error))
    }

    /// The bytes of every item with just these attributes, and how many are locked besides.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn get_all(&self, attributes: &Attributes, cover: Transport) -> Result<Found> {
        self.open()?.get_all(attributes, cover).map_err(|error| self.error(&error))
    }

    /// The bytes of every item with these attributes of homes that are there no more.
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

    /// The bytes of every item with these attributes of homes that are there no more, and how many
    /// are locked besides.
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

    /// The homes of a vault that have items.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn homes(&self, vault: &str) -> Result<Vec<String>> {
        self.values(&Self::of_vault(vault), "home")
    }

    /// The values of one attribute among the items with these attributes, each once.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn values(&self, attributes: &Attributes, name: &'static str) -> Result<Vec<String>> {
        self.open()?.values(attributes, name).map_err(|error| self.error(&error))
    }

    /// The attributes of all of Strongroom's items, whichever vault and home they belong to.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn all(&self) -> Result<Vec<std::collections::HashMap<String, String>>> {
        self.find(&vec![("application", APPLICATION.to_owned())])
    }

    /// The attributes of every item that has these among them.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn find(&self, attributes: &Attributes) -> Result<Vec<std::collections::HashMap<String, String>>> {
        self.open()?.find(attributes).map_err(|error| self.error(&error))
    }

    /// Writes items and reads them back over another connection.
    ///
    /// # Errors
    /// As [`Keychain::ready`]; each item has an outcome of its own.
    pub fn put(&self, items: Vec<(Item, Bytes)>, cover: Transport) -> Result<Vec<Result<()>>> {
        let done = self.open()?.put(items, cover);
        Ok(done.into_iter().map(|done| done.map_err(|error| self.error(&error))).collect())
    }

    /// Removes every item with these attributes, all of which it has to have.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn remove(&self, item: &Item) -> Result<usize> {
        self.open()?.remove(&item.attributes).map_err(|error| self.error(&error))
    }

    /// Removes every item of a vault in a home, which need not be this one, and gives how many there were.
    ///
    /// # Errors
    /// As [`Keychain::ready`].
    pub fn remove_of(&self, vault: &str, home: &str) -> Result<usize> {
        let mut attributes = Self::of_vault(vault);
        attributes.push(("home", home.to_owned()));
        self.open()?.remove(&attributes).map_err(|error| self.error(&error))
    }

    /// An error of reading items: the keychain itself is ready then.
    fn item_error(&self, error: &KeychainError) -> Error {
        if *error == KeychainError::Locked { self.locked_items() } else { self.error(error) }
    }

    /// That items are locked while the keychain is not: they lie in another collection of it.
    #[must_use]
    pub fn locked_items(&self) -> Error {
        Error::new(
            Code::KeychainLocked,
            "what this home has in the keychain lies in a collection that is locked",
        )
        .with_remedy(
            "unlock that collection in the keychain's own program (Seahorse, KWalletManager), and try again",
        )
    }

    /// An error of the keychain, with what to do about it here.
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
        match (error, self.setup.place) {
            (KeychainError::TooLarge { .. }, _) => made.with_remedy(
                "keep this profile in a sealed file: --store file; the keychain can unlock it all the same: strongroom unlock-method add keychain",
            ),
            (KeychainError::Unavailable(_), Place::Ssh) => made.with_remedy(
                "an SSH login has no desktop session: keep records in sealed files (--store file), unlocked by a key file or a passphrase",
            ),
            (KeychainError::Unavailable(_) | KeychainError::NoCollection, Place::Wsl) => made.with_remedy(
                "WSL has no keychain of its own: keep records in sealed files (--store file), or set up GNOME Keyring with a default keyring",
            ),
            (KeychainError::Unavailable(_), Place::Container) => made.with_remedy(
                "a container has no keychain: keep records in sealed files (--store file), unlocked by a key file or a credential",
            ),
            (KeychainError::Locked, Place::Ssh) => made.with_remedy(
                "the desktop's keychain stays locked over SSH: unlock it on the desktop, or unlock the vault by another method",
            ),
            _ => made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_named_so_that_it_is_found_again() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("Jürgen's home");
        std::fs::create_dir_all(home.join("unlock")).unwrap();
        let keychain = Keychain::new(&Setup::default(), &home);
        assert!(is_home_of(Path::new(keychain.home()), "one"));
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_no_text_are_told_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let name = |byte: &[u8]| name_of(Path::new(OsStr::from_bytes(byte)));
        assert_ne!(name(b"/a\xff"), name(b"/a\xfe"));
        assert_eq!(name("/ü b".as_bytes()), "/ü b");
    }
}
