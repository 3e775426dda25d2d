//! The keys of a vault, and the keys derived from them.

use std::fmt;
use std::str::FromStr;

use age::x25519;
use age_core::primitives::hkdf;
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

pub use super::label;
use super::random;
pub use super::vault_key::{KeyId, VaultKey};
use crate::error::{Error, Result};
pub use crate::hex::{hex, unhex};
use crate::messages;

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $damaged:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// Generates a new one.
            ///
            /// # Errors
            /// `INTERNAL` if the system has no random bytes.
            pub fn generate() -> Result<Self> {
                Ok(Self(hex(&random::<16>()?)))
            }

            /// Returns its hex digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match unhex::<16>(text) {
                    Some(_) => Ok(Self(text.to_owned())),
                    None => Err($damaged()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

random_id!(
    /// The id of a vault: 32 random hex digits.
    VaultId,
    messages::seal::damaged_vault_id
);
random_id!(
    /// The id of the machine that writes: 32 random hex digits, generated with the vault or when a machine joins
    /// it. What one machine wrote does not verify as another's.
    MachineId,
    messages::seal::damaged_machine_id
);

/// Which keys of a vault a session has.
#[derive(Clone, Debug)]
enum Extent {
    /// The vault keys, the newest last.
    Vault(Vec<VaultKey>),
    /// The keys of one agent only, from a cache that was made for it.
    Agent(String, Vec<RingKey>),
}

/// The keys that reading and writing need. They do not include the recovery *identity*.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The vault.
    pub vault: VaultId,
    /// The machine that writes.
    pub machine: MachineId,
    extent: Extent,
    /// The index of the key that encrypts.
    current: usize,
    /// The ids of retired vault keys.
    retired: Vec<KeyId>,
    /// The recipient to which every record is encrypted as well.
    recovery: x25519::Recipient,
}

/// What [`Keys`] and [`Ring`] are made from.
#[derive(Debug)]
pub struct KeySet<K> {
    /// The vault.
    pub vault: VaultId,
    /// The machine that writes.
    pub machine: MachineId,
    /// All of them, the newest last.
    pub keys: Vec<K>,
    /// The id of the vault key that encrypts.
    pub current: KeyId,
    /// The ids of retired vault keys.
    pub retired: Vec<KeyId>,
    /// The recipient to which every record is encrypted as well.
    pub recovery: x25519::Recipient,
}

/// What a derived key is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The vault itself: its ledger, its log, its settings.
    Vault,
    /// An agent: its records, its ledger, its log.
    Agent(String),
}

impl Scope {
    /// Returns the agent's name, or `None` for the vault itself.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        match self {
            Self::Vault => None,
            Self::Agent(agent) => Some(agent),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault => f.write_str("the vault"),
            Self::Agent(agent) => write!(f, "agent {agent}"),
        }
    }
}

/// A key of one scope, with the id of the vault key that it is derived from.
pub struct RingKey {
    id: KeyId,
    secret: SecretBox<[u8; 32]>,
}

impl Clone for RingKey {
    fn clone(&self) -> Self {
        Self::from_bytes(self.id, self.expose())
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingKey({})", self.id)
    }
}

impl RingKey {
    /// Makes a key from its bytes.
    #[must_use]
    pub fn from_bytes(id: KeyId, bytes: &[u8; 32]) -> Self {
        Self { id, secret: SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes)) }
    }

    /// Returns the bytes, for a cache.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.secret.expose_secret()
    }

    /// Returns the id of the vault key that it is derived from.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Derives a key for one use with HKDF-SHA-256.
    #[must_use]
    pub fn derive(&self, salt: &[u8], label: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hkdf(salt, label, self.secret.expose_secret()))
    }
}

/// The keys of one scope, and what everything made with them states.
#[derive(Clone, Debug)]
pub struct Ring {
    /// The vault.
    pub vault: VaultId,
    /// The machine that writes.
    pub machine: MachineId,
    /// What the keys are for.
    pub scope: Scope,
    keys: Vec<RingKey>,
    current: usize,
    retired: Vec<KeyId>,
    recovery: x25519::Recipient,
}

impl Ring {
    /// Makes the ring of one agent.
    ///
    /// # Errors
    /// `CORRUPT` if `current` is not the id of exactly one of `keys`.
    pub fn of_agent(agent: String, set: KeySet<RingKey>) -> Result<Self> {
        let KeySet { vault, machine, keys, current, retired, recovery } = set;
        let scope = Scope::Agent(agent);
        let mut of_name = keys.iter().enumerate().filter(|(_, key)| key.id == current);
        match (of_name.next(), of_name.next()) {
            (Some((current, _)), None) => {
                Ok(Self { vault, machine, scope, keys, current, retired, recovery })
            }
            _ => Err(messages::seal::no_current_agent_key()),
        }
    }

    /// Returns all keys, the newest last.
    #[must_use]
    pub fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    /// Returns the ids of retired vault keys.
    #[must_use]
    pub fn retired(&self) -> &[KeyId] {
        &self.retired
    }

    /// Returns the key that encrypts.
    #[must_use]
    pub fn current(&self) -> &RingKey {
        &self.keys[self.current]
    }

    /// Returns the key with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&RingKey> {
        let id = id.parse().ok()?;
        self.keys.iter().find(|key| key.id == id)
    }

    /// Returns whether the vault key with this id was retired.
    #[must_use]
    pub fn is_retired(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id| self.retired.contains(&id))
    }

    /// Returns the recovery recipient. It is kept as private as an identity: none of our files shows it, so that
    /// the secrecy of old ciphertext does not depend on X25519 alone.
    #[must_use]
    pub fn recovery(&self) -> &x25519::Recipient {
        &self.recovery
    }

    /// Returns the salt for files that only this machine writes.
    #[must_use]
    pub fn machine_salt(&self) -> String {
        format!("machine:{}", self.machine)
    }
}

impl Keys {
    /// Makes the keys of a vault.
    ///
    /// # Errors
    /// `CORRUPT` if `current` is not the id of any of `keys`.
    pub fn new(set: KeySet<VaultKey>) -> Result<Self> {
        let KeySet { vault, machine, keys, current, retired, recovery } = set;
        match keys.iter().position(|key| key.id() == current) {
            Some(current) => {
                Ok(Self { vault, machine, extent: Extent::Vault(keys), current, retired, recovery })
            }
            None => Err(messages::seal::no_current_key()),
        }
    }

    /// Makes keys that are those of one agent only.
    #[must_use]
    pub fn of_agent(ring: Ring) -> Self {
        let Ring { vault, machine, scope, keys, current, retired, recovery } = ring;
        let agent = scope.agent().unwrap_or_default().to_owned();
        Self { vault, machine, extent: Extent::Agent(agent, keys), current, retired, recovery }
    }

    /// Returns the id of the vault key that encrypts.
    #[must_use]
    pub fn current_id(&self) -> KeyId {
        match &self.extent {
            Extent::Vault(keys) => keys[self.current].id(),
            Extent::Agent(_, keys) => keys[self.current].id,
        }
    }

    /// Returns the agent, if the keys are those of one agent only.
    #[must_use]
    pub fn only_agent(&self) -> Option<&str> {
        match &self.extent {
            Extent::Vault(_) => None,
            Extent::Agent(agent, _) => Some(agent),
        }
    }

    /// Returns the keys of an agent.
    ///
    /// # Errors
    /// `LOCKED` if only another agent's keys are available.
    pub fn agent(&self, agent: &str) -> Result<Ring> {
        let keys = match &self.extent {
            Extent::Vault(keys) => {
                let salt = format!("agent:{agent}");
                let of = |key: &VaultKey| {
                    RingKey::from_bytes(key.id(), &key.derive(salt.as_bytes(), label::AGENT))
                };
                keys.iter().map(of).collect()
            }
            Extent::Agent(only, keys) if only == agent => keys.clone(),
            Extent::Agent(only, _) => return Err(messages::seal::unlocked_for_one_agent(only)),
        };
        Ok(self.ring(Scope::Agent(agent.to_owned()), keys))
    }

    /// Returns the keys of the vault itself.
    ///
    /// # Errors
    /// `LOCKED` if only an agent's keys are available.
    pub fn own(&self) -> Result<Ring> {
        match &self.extent {
            Extent::Vault(keys) => {
                let keys = keys.iter().map(|key| RingKey::from_bytes(key.id(), key.expose())).collect();
                Ok(self.ring(Scope::Vault, keys))
            }
            Extent::Agent(only, _) => Err(messages::seal::unlocked_for_one_agent(only)),
        }
    }

    fn ring(&self, scope: Scope, keys: Vec<RingKey>) -> Ring {
        Ring {
            vault: self.vault.clone(),
            machine: self.machine.clone(),
            scope,
            keys,
            current: self.current,
            retired: self.retired.clone(),
            recovery: self.recovery.clone(),
        }
    }

    /// Returns the recovery recipient, as [`Ring::recovery`] does.
    #[must_use]
    pub fn recovery(&self) -> &x25519::Recipient {
        &self.recovery
    }
}

#[cfg(test)]
impl Keys {
    /// Makes up keys for a test, each of one repeated byte. The last one encrypts.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let keys: Vec<_> = bytes.iter().map(|byte| VaultKey::from_bytes(&[*byte; 32])).collect();
        let current = keys[keys.len() - 1].id();
        let vault = "00112233445566778899aabbccddeeff".parse().unwrap();
        let machine = "ffeeddccbbaa99887766554433221100".parse().unwrap();
        let recovery = x25519::Identity::generate().to_public();
        Self::new(KeySet { vault, machine, keys, current, retired: Vec::new(), recovery }).unwrap()
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
