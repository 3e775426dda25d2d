//! The desktop's own keychain: Secret Service on Linux, the login keychain on macOS, Credential
//! Manager on Windows.
//!
//! Every call ends: a separate thread talks to the keychain, and is abandoned if the keychain does not answer. The
//! limit on its silence applies to the whole command ([`Patience`]). Only [`Keychain::unlock`] shows a prompt.

#[cfg(all(feature = "keychain", target_os = "macos"))]
mod apple;
#[cfg(all(feature = "keychain", target_os = "linux"))]
mod bus_address;
#[cfg(any(all(feature = "keychain", any(target_os = "macos", windows)), test))]
mod entries;
mod error;
#[cfg(any(all(feature = "keychain", any(target_os = "macos", windows)), test))]
mod item_name;
#[cfg(any(all(feature = "keychain", any(target_os = "macos", windows)), test))]
mod keyring_error;
#[cfg(any(all(feature = "keychain", target_os = "macos"), test))]
mod os_status;
mod patience;
#[cfg(all(feature = "keychain", target_os = "linux"))]
mod secret_service;
#[cfg(all(feature = "keychain", target_os = "linux"))]
mod secret_service_error;
#[cfg(not(all(feature = "keychain", any(target_os = "linux", target_os = "macos", windows))))]
mod unsupported;
#[cfg(all(feature = "keychain", windows))]
mod windows;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use patience::{READ, WRITE};
use zeroize::Zeroizing;

use crate::stack;

pub use error::{KeychainError, Why};
pub use patience::Patience;

#[cfg(all(feature = "keychain", target_os = "linux"))]
use secret_service::Native;
#[cfg(not(all(feature = "keychain", any(target_os = "linux", target_os = "macos", windows))))]
use unsupported::Native;

#[cfg(all(feature = "keychain", target_os = "macos"))]
type Native = entries::Entries<apple::Apple>;
#[cfg(all(feature = "keychain", windows))]
type Native = entries::Entries<windows::Windows>;

/// The attributes by which an item is found, in order. A search may use some of them. They are not secret, because
/// keychains store attributes unencrypted.
pub type Attributes = Vec<(&'static str, String)>;

/// Where the session bus is, according to the environment.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `DBUS_SESSION_BUS_ADDRESS`.
    pub bus: Option<OsString>,
    /// `XDG_RUNTIME_DIR`, which contains the bus's socket by default.
    pub runtime_dir: Option<PathBuf>,
}

/// Whether a keychain can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeychainState {
    /// Items can be read and written without asking anyone.
    Ready,
    /// It is locked, and unlocking it asks a person.
    Locked,
    /// It has no default collection, so there is nowhere to put an item.
    NoCollection,
}

/// How bytes travel to the keychain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Unchanged, because they are encrypted already.
    Sealed,
    /// Encrypted on the way, if the keychain's protocol supports that.
    Private {
        /// The beginning of every such value. The protocol has nothing else that tells a value from the result of a
        /// failed key exchange.
        prefix: &'static str,
    },
}

/// An item to write.
#[derive(Clone, Debug)]
pub struct Item {
    /// What people see in the keychain's own program.
    pub label: String,
    /// All of its attributes.
    pub attributes: Attributes,
}

/// The bytes of an item, wiped when dropped.
pub type Bytes = Zeroizing<Vec<u8>>;

/// What a search found.
#[derive(Default)]
pub struct Found {
    /// The bytes of every item that can be read.
    pub bytes: Vec<Bytes>,
    /// How many more items are locked. A keychain can have several collections.
    pub locked: usize,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found {{ {} readable, {} locked }}", self.bytes.len(), self.locked)
    }
}

impl Found {
    fn readable(self) -> Result<Vec<Bytes>, KeychainError> {
        if self.bytes.is_empty() && self.locked > 0 { Err(KeychainError::Locked) } else { Ok(self.bytes) }
    }
}

type Job = Box<dyn FnOnce(&mut Native) + Send>;

/// An open connection to the keychain. After a call timed out, no further call is made on any connection that shares
/// its patience.
#[derive(Debug)]
pub struct Keychain {
    jobs: Mutex<Sender<Job>>,
    patience: Patience,
    provider: String,
}

impl Keychain {
    /// Connects to the keychain. `patience` limits all calls together.
    ///
    /// # Errors
    /// `Unavailable` without a keychain, `Timeout`.
    pub fn connect(surroundings: &Surroundings, patience: &Patience) -> Result<Self, KeychainError> {
        if patience.is_over() {
            return Err(patience.ended());
        }
        patience.begin();
        let heard = patience.clone();
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (connected, outcome) = mpsc::sync_channel(1);
        let surroundings = surroundings.clone();
        let spawned = stack::thread().name("keychain".to_owned()).spawn(move || {
            let mut native = match Native::connect(&surroundings, &heard) {
                Ok(native) => native,
                Err(error) => {
                    let _ = connected.send(Err(error));
                    return;
                }
            };
            // The caller may have given up; then the channel of jobs is closed too.
            let _ = connected.send(Ok(native.provider()));
            for job in inbox {
                job(&mut native);
            }
        });
        if spawned.is_err() {
            return Err(KeychainError::Failed("cannot start a thread".to_owned()));
        }
        let provider = patience.wait(&outcome, READ)??;
        Ok(Self { jobs: Mutex::new(jobs), patience: patience.clone(), provider })
    }

    /// Returns the keychain's name for people: `GNOME Keyring`, `KWallet`, …
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the size of the largest item, in bytes.
    #[must_use]
    pub const fn max() -> usize {
        Native::MAX
    }

    /// Returns whether it can be used now, without asking anyone. What can be unlocked without asking is unlocked.
    ///
    /// # Errors
    /// `Unavailable`, `Timeout`, `Failed`.
    pub fn state(&self) -> Result<KeychainState, KeychainError> {
        self.call(READ, Native::state)
    }

    /// Unlocks it, which may ask a person, for at most `limit`.
    ///
    /// # Errors
    /// `Dismissed` if the person said no, `Timeout` if no one answered, and those of [`Self::state`].
    pub fn unlock(&self, limit: Duration) -> Result<(), KeychainError> {
        let answer = self.send(Native::unlock)?;
        answer.recv_timeout(limit).map_err(|_| self.patience.end(limit))?
    }

    /// Writes items, each in place of the one with the same attributes, and reads them back over another connection.
    /// Returns the result for each. A call that times out ends it.
    pub fn put(&self, items: Vec<(Item, Bytes)>, cover: Transport) -> Vec<Result<(), KeychainError>> {
        let mut done = Vec::with_capacity(items.len());
        let mut written = Vec::new();
        for (item, bytes) in items {
            if bytes.len() > Self::max() {
                done.push(Err(KeychainError::TooLarge { max: Self::max() }));
                continue;
            }
            let attributes = item.attributes.clone();
            let expected = bytes.clone();
            let put = self.call(WRITE, move |native| native.put(&item, &bytes, cover));
            if put.is_ok() {
                written.push((done.len(), attributes, expected));
            }
            done.push(put);
        }
        if let Err(error) = self.reconnect_for(&written) {
            for (n, ..) in written {
                done[n] = Err(error.clone());
            }
            return done;
        }
        for (n, attributes, expected) in written {
            let read = self.call(READ, move |native| native.get(&attributes, cover)?.readable());
            done[n] = match read {
                Ok(found) if found.contains(&expected) => Ok(()),
                Ok(_) => Err(KeychainError::Mismatch),
                Err(error) => Err(error),
            };
        }
        done
    }

    fn reconnect_for<T>(&self, written: &[T]) -> Result<(), KeychainError> {
        if written.is_empty() { Ok(()) } else { self.call(READ, Native::reconnect) }
    }

    /// Returns the bytes of every item with these attributes.
    ///
    /// # Errors
    /// `Locked` if there are some and all of them are locked, and those of [`Self::state`].
    pub fn get(&self, attributes: &Attributes, cover: Transport) -> Result<Vec<Bytes>, KeychainError> {
        self.get_all(attributes, cover)?.readable()
    }

    /// Returns the bytes of every item with these attributes, and how many more are locked.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn get_all(&self, attributes: &Attributes, cover: Transport) -> Result<Found, KeychainError> {
        let attributes = attributes.clone();
        self.call(READ, move |native| native.get(&attributes, cover))
    }

    /// Returns all attributes of every item with these attributes, including locked items.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn find(&self, attributes: &Attributes) -> Result<Vec<HashMap<String, String>>, KeychainError> {
        let attributes = attributes.clone();
        self.call(READ, move |native| native.find(&attributes))
    }

    /// Returns the distinct values of one attribute among the items with these attributes, sorted, including those of
    /// locked items if they can be read. Makes a few calls for each value, however many items have it.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn values(&self, attributes: &Attributes, name: &'static str) -> Result<Vec<String>, KeychainError> {
        let attributes = attributes.clone();
        self.call(READ, move |native| native.values(&attributes, name))
    }

    /// Removes every item with these attributes, and returns how many there were.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn remove(&self, attributes: &Attributes) -> Result<usize, KeychainError> {
        let attributes = attributes.clone();
        self.call(WRITE, move |native| native.remove(&attributes))
    }

    fn call<T: Send + 'static>(
        &self,
        free: Duration,
        call: impl FnOnce(&mut Native) -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<T, KeychainError> {
        let answer = self.send(call)?;
        self.patience.wait(&answer, free)?
    }

    fn send<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Native) -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<Receiver<Result<T, KeychainError>>, KeychainError> {
        if self.patience.is_over() {
            return Err(self.patience.ended());
        }
        let (sender, answer) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |native| {
            // Wiped first, because the caller may end the process as soon as it has the answer.
            let answer = stack::wiped(|| call(native));
            // After the deadline no one waits for it.
            let _ = sender.send(answer);
        });
        self.patience.begin();
        let sent = match self.jobs.lock() {
            Ok(jobs) => jobs.send(job).is_ok(),
            Err(_) => false,
        };
        if sent { Ok(answer) } else { Err(KeychainError::Failed("the connection was closed".to_owned())) }
    }
}
