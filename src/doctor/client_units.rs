//! Services that start OpenClaw without a key for the vault: at boot no one types a passphrase, and the desktop's keychain
//! is unlocked only in a session. A gateway up to 2026.6.1 does not start then; a later one starts without its secrets.

use super::Finding;
use super::client::{CHECK, Client};
use crate::client::secret_providers::SecretProvider;
use crate::client::services::Service;
use crate::messages::doctor::client as messages;
use crate::seal::unlock_file::Kind;
use crate::unlock::key_sources::default_key_file;
use crate::unlock::unlock_files::{KEYCHAIN, Slot};

/// The variable that names the directory of a service's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const KEY_FILE: &str = "STRONGROOM_KEY_FILE";
const PASSPHRASE_FILE: &str = "STRONGROOM_PASSPHRASE_FILE";

/// Judges each unit that starts the client as this user.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    // That unlock files cannot be read is reported by another check.
    let Some(slots) = client.vault.and_then(|vault| vault.slots().ok()).filter(|slots| !slots.is_empty())
    else {
        return Vec::new();
    };
    let methods = Methods::of(&slots);
    let services = client.units.services();
    let judged = services.iter().filter_map(|service| {
        let problem = match key_of(client, &methods, service) {
            Key::Given => return None,
            Key::None => messages::no_key_at_boot(&service.path, &methods.names.join(", "), methods.has_key),
            Key::NotPassedOn(variable) => messages::key_not_passed_on(&service.path, variable),
        };
        let judge = if client.is_connected() { Finding::wrong } else { Finding::advice };
        Some(judge(CHECK, problem))
    });
    judged.collect()
}

/// How the vault can be unlocked.
struct Methods<'s> {
    names: Vec<&'s str>,
    has_key: bool,
    has_passphrase: bool,
    has_keychain: bool,
}

impl<'s> Methods<'s> {
    fn of(slots: &'s [Slot]) -> Self {
        let is = |slot: &Slot, kind| matches!(&slot.kind, Ok((own, _)) if *own == kind);
        Self {
            names: slots.iter().map(|slot| slot.method.as_str()).collect(),
            has_key: slots.iter().any(|slot| is(slot, Kind::Key) && slot.method != KEYCHAIN),
            has_passphrase: slots.iter().any(|slot| is(slot, Kind::Passphrase)),
            has_keychain: slots.iter().any(|slot| slot.method == KEYCHAIN),
        }
    }
}

/// Whether a service gets a key.
enum Key {
    /// It gets one.
    Given,
    /// It gets nothing.
    None,
    /// The unit has one, but the client does not pass on the variable that leads to it.
    NotPassedOn(&'static str),
}

fn key_of(client: &Client<'_>, methods: &Methods<'_>, service: &Service) -> Key {
    let ours: Vec<&SecretProvider> = client.config.iter().flat_map(|config| config.secrets.ours()).collect();
    let is_file = |of: fn(&SecretProvider) -> Option<&std::path::PathBuf>| {
        ours.iter().filter_map(|provider| of(provider)).any(|path| path.exists())
    };
    let has_key_file = || {
        is_file(|provider| provider.key_file.as_ref())
            || default_key_file(client.env).is_some_and(|path| path.exists())
    };
    if (methods.has_key && has_key_file())
        || (methods.has_passphrase && is_file(|provider| provider.passphrase_file.as_ref()))
        || (methods.has_keychain && !service.is_without_session)
    {
        return Key::Given;
    }
    let by_unit = [
        (methods.has_key && service.has_key, CREDENTIALS),
        (methods.has_passphrase && service.has_passphrase, CREDENTIALS),
        (methods.has_key && service.variables.contains(KEY_FILE), KEY_FILE),
        (methods.has_passphrase && service.variables.contains(PASSPHRASE_FILE), PASSPHRASE_FILE),
    ];
    let passes = |variable: &str| {
        ours.is_empty() || ours.iter().any(|provider| provider.pass_env.iter().any(|name| name == variable))
    };
    let given: Vec<_> =
        by_unit.into_iter().filter(|(given, _)| *given).map(|(_, variable)| variable).collect();
    match given.first() {
        None => Key::None,
        Some(_) if given.iter().any(|variable| passes(variable)) => Key::Given,
        Some(variable) => Key::NotPassedOn(variable),
    }
}
