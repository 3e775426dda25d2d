//! The Secret Service of Linux desktops (freedesktop.org, Secret Service API 0.2), through zbus: GNOME Keyring,
//! KWallet, KeePassXC.
//!
//! Encrypted records are sent in a `plain` session. A key is sent in an encrypted one, through the `secret-service`
//! crate. All other calls are made directly, because that crate shows every prompt that is offered, and waits for it
//! forever.

use std::collections::{HashMap, HashSet};

use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use zbus::blocking::connection::{Builder, Connection};
use zbus::message::Body;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Value};
use zeroize::Zeroizing;

use super::bus_address::{escaped, own_bus};
use super::patience::{READ, WRITE};
use super::secret_service_error::{garbled, is_of_handshake, of_call, of_connecting, of_library};
use super::{
    Attributes, Bytes, Found, Item, KeychainError, KeychainState, Patience, Surroundings, Transport, Why,
};

const BUS: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// The API's path for "no object".
const NONE: &str = "/";
const CONTENT_TYPE: &str = "text/plain";

/// How many times an encrypted session is tried. The library sends one public key in 256 without its leading zeros, and
/// KWallet refuses it (secret-service 5.2.0 with KWallet 5.103).
const HANDSHAKES: usize = 4;
/// How many secrets are read in one call, because the size of a message and the duration of a call are limited.
const AT_ONCE: usize = 256;

/// A secret as the API passes it: session, parameters, value, content type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// A connection to the session bus, with a `plain` session.
#[derive(Debug)]
pub struct Native {
    address: String,
    connection: Connection,
    session: OwnedObjectPath,
    provider: String,
    patience: Patience,
}

impl Native {
    /// More than the largest record. The service itself accepts megabytes.
    pub const MAX: usize = 64 * 1024;

    pub fn connect(surroundings: &Surroundings, patience: &Patience) -> Result<Self, KeychainError> {
        let address = match (&surroundings.bus, &surroundings.runtime_dir) {
            (Some(bus), _) => bus.to_str().ok_or(KeychainError::Unavailable(Why::BadAddress))?.to_owned(),
            (None, Some(directory)) => format!("unix:path={}/bus", escaped(directory)),
            (None, None) => {
                format!("unix:path=/run/user/{}/bus", rustix::process::geteuid().as_raw())
            }
        };
        Self::to(&address, patience)
    }

    fn to(addresses: &str, patience: &Patience) -> Result<Self, KeychainError> {
        // An address may also name a program to run, or a host on the network.
        let mut sockets = addresses.split(';').filter(|address| address.starts_with("unix:"));
        let address = sockets.next().ok_or(KeychainError::Unavailable(Why::BadAddress))?.to_owned();
        let stream = own_bus(&address)?;
        let connection =
            Builder::async_io_unix_stream(stream).build().map_err(|error| of_connecting(&error))?;
        patience.answered(READ);
        // GNOME Keyring 42.1 to 50 can forget a client whose first call arrives together with other clients' calls, and
        // aborts if that call opens a session: twice in 8,000 connections; never in 57,000 that read first.
        call(&connection, patience, ROOT, SERVICE, "ReadAlias", &("default",))?;
        let body = call(&connection, patience, ROOT, SERVICE, "OpenSession", &("plain", Value::from("")))?;
        let (_, session): (OwnedValue, OwnedObjectPath) = read(&body)?;
        let provider = provider(&connection);
        Ok(Self { address, connection, session, provider, patience: patience.clone() })
    }

    pub fn provider(&self) -> String {
        self.provider.clone()
    }

    /// Connects again, as another process would.
    pub fn reconnect(&mut self) -> Result<(), KeychainError> {
        *self = Self::to(&self.address.clone(), &self.patience.clone())?;
        match self.state()? {
            KeychainState::Ready => Ok(()),
            KeychainState::Locked => Err(KeychainError::Locked),
            KeychainState::NoCollection => Err(KeychainError::NoCollection),
        }
    }

    pub fn state(&mut self) -> Result<KeychainState, KeychainError> {
        let Some(collection) = self.collection()? else { return Ok(KeychainState::NoCollection) };
        if !self.is_locked(&collection)? {
            return Ok(KeychainState::Ready);
        }
        // KWallet says so to every new connection. While its wallet is open, its prompt asks no one.
        if self.provider == KWALLET && self.wallet_is_open(&collection) {
            self.unlock()?;
            return Ok(KeychainState::Ready);
        }
        // Others may unlock without a prompt. If they offer one, it is not shown.
        let body = self.call(ROOT, SERVICE, "Unlock", &(vec![&collection],))?;
        let (unlocked, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = read(&body)?;
        if prompt.as_str() == NONE && unlocked.contains(&collection) {
            return Ok(KeychainState::Ready);
        }
        self.dismiss(&prompt);
        Ok(KeychainState::Locked)
    }

    pub fn unlock(&mut self) -> Result<(), KeychainError> {
        let collection = self.collection()?.ok_or(KeychainError::NoCollection)?;
        let service = SecretService::connect_with_existing(EncryptionType::Plain, self.connection.clone());
        service
            .and_then(|service| service.get_collection_by_path(collection)?.unlock())
            .map_err(|error| of_library(&error))
    }

    /// Returns whether KWallet has the wallet of a collection open, according to its own interface.
    fn wallet_is_open(&self, collection: &OwnedObjectPath) -> bool {
        let wallet = collection.as_str().rsplit('/').next().unwrap_or_default();
        [("org.kde.kwalletd6", "/modules/kwalletd6"), ("org.kde.kwalletd5", "/modules/kwalletd5")]
            .into_iter()
            .any(|(bus, path)| {
                let asked = self.connection.call_method(
                    Some(bus),
                    path,
                    Some("org.kde.KWallet"),
                    "isOpen",
                    &(wallet,),
                );
                asked.is_ok_and(|answer| answer.body().deserialize().unwrap_or(false))
            })
    }

    fn collection(&self) -> Result<Option<OwnedObjectPath>, KeychainError> {
        let body = self.call(ROOT, SERVICE, "ReadAlias", &("default",))?;
        let path: OwnedObjectPath = read(&body)?;
        Ok((path.as_str() != NONE).then_some(path))
    }

    fn is_locked(&self, collection: &OwnedObjectPath) -> Result<bool, KeychainError> {
        let body = self.call(collection.as_str(), PROPERTIES, "Get", &(COLLECTION, "Locked"))?;
        let locked: OwnedValue = read(&body)?;
        bool::try_from(locked).map_err(|_| garbled())
    }

    pub fn put(&mut self, item: &Item, bytes: &[u8], cover: Transport) -> Result<(), KeychainError> {
        let collection = self.collection()?.ok_or(KeychainError::NoCollection)?;
        if matches!(cover, Transport::Private { .. }) {
            return self.put_private(&collection, item, bytes);
        }
        let attributes: HashMap<&str, &str> = borrowed(&item.attributes);
        let label = format!("{ITEM}.Label");
        let of = format!("{ITEM}.Attributes");
        let properties = HashMap::from([
            (label.as_str(), Value::from(&item.label)),
            (of.as_str(), Value::from(attributes)),
        ]);
        let secret = (&self.session, Vec::<u8>::new(), bytes, CONTENT_TYPE);
        let body = self.call(collection.as_str(), COLLECTION, "CreateItem", &(properties, secret, true))?;
        let (created, prompt): (OwnedObjectPath, OwnedObjectPath) = read(&body)?;
        if created.as_str() == NONE {
            self.dismiss(&prompt);
            return Err(KeychainError::Locked);
        }
        Ok(())
    }

    fn put_private(
        &self,
        collection: &OwnedObjectPath,
        item: &Item,
        bytes: &[u8],
    ) -> Result<(), KeychainError> {
        // The library would show a prompt.
        if self.is_locked(collection)? {
            return Err(KeychainError::Locked);
        }
        self.privately(|service| {
            let collection = service.get_collection_by_path(collection.clone())?;
            collection.create_item(&item.label, borrowed(&item.attributes), bytes, true, CONTENT_TYPE)?;
            Ok(())
        })
    }

    /// Makes a call in an encrypted session, and again in another one if the session fails.
    fn privately<T>(
        &self,
        call: impl Fn(&SecretService<'_>) -> Result<T, secret_service::Error>,
    ) -> Result<T, KeychainError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let service = SecretService::connect_with_existing(EncryptionType::Dh, self.connection.clone());
            let outcome = match service {
                Ok(service) => call(&service),
                Err(error) => Err(error),
            };
            // It was one handshake and one call.
            self.patience.answered(WRITE);
            match outcome {
                Ok(done) => return Ok(done),
                Err(error) if tries >= HANDSHAKES || !is_of_handshake(&error) => {
                    return Err(of_library(&error));
                }
                Err(_) => {}
            }
        }
    }

    /// Returns the items' bytes, in the order of their paths.
    pub fn get(&mut self, attributes: &Attributes, cover: Transport) -> Result<Found, KeychainError> {
        let (mut paths, locked) = self.search(attributes)?;
        paths.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        let mut found = Found { bytes: Vec::with_capacity(paths.len()), locked: locked.len() };
        if let Transport::Private { prefix } = cover {
            found.bytes =
                paths.iter().map(|path| self.get_private(path, prefix)).collect::<Result<_, _>>()?;
            return Ok(found);
        }
        let mut left_out = Vec::new();
        for paths in paths.chunks(AT_ONCE) {
            let body = self.call(ROOT, SERVICE, "GetSecrets", &(paths, &self.session))?;
            let mut secrets: HashMap<OwnedObjectPath, Secret> = read(&body)?;
            for path in paths {
                match secrets.remove(path) {
                    Some((_, _, value, _)) => found.bytes.push(Zeroizing::new(value)),
                    None => left_out.push(path),
                }
            }
        }
        // The answer does not include items that were locked or removed after the search.
        if !left_out.is_empty() {
            let (readable, locked) = self.search(attributes)?;
            let is_there = |path: &&&OwnedObjectPath| readable.contains(path) || locked.contains(path);
            found.locked += left_out.iter().filter(is_there).count();
        }
        Ok(found)
    }

    /// Reads an item's value in an encrypted session, and again in another session if it does not begin with `prefix`.
    ///
    /// KWallet drops the leading zeros of one shared key in 256, and what the wrong key decrypts to has valid padding
    /// once in 256 times, so that there is not always an error.
    fn get_private(&self, path: &OwnedObjectPath, prefix: &str) -> Result<Bytes, KeychainError> {
        let mut read = || {
            let secret = self.privately(|service| service.get_item_by_path(path.clone())?.get_secret())?;
            Ok(Zeroizing::new(secret))
        };
        begins_with(prefix, &mut read)
    }

    pub fn find(&mut self, attributes: &Attributes) -> Result<Vec<HashMap<String, String>>, KeychainError> {
        let (unlocked, locked) = self.search(attributes)?;
        unlocked.iter().chain(&locked).map(|path| self.attributes_of(path)).collect()
    }

    /// Reads the value of one item, and skips all items with the same value.
    pub fn values(
        &mut self,
        attributes: &Attributes,
        name: &'static str,
    ) -> Result<Vec<String>, KeychainError> {
        let (mut left, locked) = self.search(attributes)?;
        left.extend(locked);
        let mut values = Vec::new();
        while let Some(path) = left.pop() {
            let Some(value) = self.attributes_of(&path)?.remove(name) else { continue };
            if !left.is_empty() {
                let mut same = attributes.clone();
                same.push((name, value.clone()));
                let (unlocked, locked) = self.search(&same)?;
                let same: HashSet<_> = unlocked.into_iter().chain(locked).collect();
                left.retain(|path| !same.contains(path));
            }
            values.push(value);
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    fn attributes_of(&self, path: &OwnedObjectPath) -> Result<HashMap<String, String>, KeychainError> {
        let body = self.call(path.as_str(), PROPERTIES, "Get", &(ITEM, "Attributes"))?;
        let value: OwnedValue = read(&body)?;
        HashMap::try_from(value).map_err(|_| garbled())
    }

    pub fn remove(&mut self, attributes: &Attributes) -> Result<usize, KeychainError> {
        let (paths, locked) = self.search(attributes)?;
        for path in &paths {
            let body = self.call(path.as_str(), ITEM, "Delete", &())?;
            let prompt: OwnedObjectPath = read(&body)?;
            if prompt.as_str() != NONE {
                self.dismiss(&prompt);
                return Err(KeychainError::Locked);
            }
        }
        // A copy in a locked collection was not removed, so removing it has to be tried again.
        if locked.is_empty() { Ok(paths.len()) } else { Err(KeychainError::Locked) }
    }

    /// Returns the items that can be read, and those that are locked.
    fn search(
        &self,
        attributes: &Attributes,
    ) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>), KeychainError> {
        let body = self.call(ROOT, SERVICE, "SearchItems", &(borrowed(attributes),))?;
        read(&body)
    }

    /// Dismisses a prompt that was offered but not shown.
    fn dismiss(&self, prompt: &OwnedObjectPath) {
        let _ = self.call(prompt.as_str(), PROMPT, "Dismiss", &());
    }

    fn call<B: serde::ser::Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Body, KeychainError> {
        call(&self.connection, &self.patience, path, interface, method, body)
    }
}

/// Reads a value up to [`HANDSHAKES`] times, until it begins with `prefix`. An empty value means that the keychain lost
/// it, and is not read again.
fn begins_with(
    prefix: &str,
    read: &mut dyn FnMut() -> Result<Bytes, KeychainError>,
) -> Result<Bytes, KeychainError> {
    let mut value = read()?;
    for _ in 1..HANDSHAKES {
        if value.is_empty() || value.starts_with(prefix.as_bytes()) {
            break;
        }
        value = read()?;
    }
    Ok(value)
}

fn call<B: serde::ser::Serialize + DynamicType>(
    connection: &Connection,
    patience: &Patience,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Result<Body, KeychainError> {
    let answer = connection.call_method(Some(BUS), path, Some(interface), method, body);
    patience.answered(if matches!(method, "CreateItem" | "Delete") { WRITE } else { READ });
    answer.map(|message| message.body()).map_err(|error| of_call(&error))
}

fn read<'b, T>(body: &'b Body) -> Result<T, KeychainError>
where
    T: zbus::zvariant::DynamicDeserialize<'b>,
{
    body.deserialize().map_err(|_| garbled())
}

fn borrowed(attributes: &Attributes) -> HashMap<&str, &str> {
    attributes.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

const KWALLET: &str = "KWallet";

/// Returns the name of the program that provides the service, from the name of its process.
fn provider(connection: &Connection) -> String {
    let asked = connection.call_method(
        Some("org.freedesktop.DBus"),
        "/org/freedesktop/DBus",
        Some("org.freedesktop.DBus"),
        "GetConnectionUnixProcessID",
        &(BUS,),
    );
    let pid: Option<u32> = asked.ok().and_then(|message| message.body().deserialize().ok());
    let name = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    match name.as_deref().map(str::trim_end) {
        Some(name) if name.starts_with("gnome-keyring") => "GNOME Keyring".to_owned(),
        Some(name) if name.starts_with("kwalletd") || name.starts_with("ksecretd") => KWALLET.to_owned(),
        Some("keepassxc") => "KeePassXC".to_owned(),
        Some("oo7-daemon") => "oo7".to_owned(),
        _ => "a Secret Service".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_garbled_by_its_session_is_read_again_a_few_times() {
        let reads = |values: &[&str]| {
            let mut left = values.iter();
            let value = begins_with("key:", &mut || {
                Ok(Zeroizing::new(left.next().copied().unwrap_or("no more reads").as_bytes().to_vec()))
            });
            (String::from_utf8(value.unwrap().to_vec()).unwrap(), values.len() - left.len())
        };
        assert_eq!(reads(&["key:1", "x"]), ("key:1".to_owned(), 1));
        assert_eq!(reads(&["garbled", "x", "key:1", "x"]), ("key:1".to_owned(), 3));
        assert_eq!(reads(&["", "x"]), (String::new(), 1));
        assert_eq!(reads(&["a", "b", "c", "d", "e"]), ("d".to_owned(), HANDSHAKES));
    }

    #[test]
    fn an_address_that_is_no_socket_is_refused() {
        for bus in
            ["", "garbage", "unixexec:path=/bin/true", "tcp:host=localhost,port=1", "autolaunch:", ";;"]
        {
            let surroundings = Surroundings { bus: Some(bus.into()), runtime_dir: None };
            assert_eq!(
                Native::connect(&surroundings, &Patience::new(std::time::Duration::ZERO)).unwrap_err(),
                KeychainError::Unavailable(Why::BadAddress),
                "{bus}"
            );
        }
    }
}
