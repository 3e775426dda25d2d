//! The keys of a vault, and what is derived from them.

use std::fmt;
use std::str::FromStr;

use age::x25519;
use age_core::primitives::hkdf;
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

pub use super::label;
use super::random;
pub use super::vault_key::{KeyId, VaultKey};
use crate::error::{Code, Error, Result, fail};
pub use crate::hex::{hex, unhex};

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $damaged:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// A new one.
            ///
            /// # Errors
            /// `INTERNAL` if the system has no random bytes.
            pub fn generate() -> Result<Self> {
                Ok(Self(hex(&random::<16>()?)))
            }

            /// The digits.
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
                    None => fail(Code::Corrupt, $damaged),
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
    /// A vault's own name: 32 hex digits, random.
    VaultId,
    "the vault's id is damaged"
);
random_id!(
    /// The name of the machine that writes: 32 hex digits, random, made with the vault or when a
    /// machine joins it. What one machine wrote does not verify as another's.
    MachineId,
    "the machine's id is damaged"
);

/// How much of a vault's keys a session has.
#[derive(Clone, Debug)]
enum Extent {
    /// The vault keys, the newest last.
    Vault(Vec<VaultKey>),
    /// The keys of one agent alone: from a cache that was made for it.
    Agent(String, Vec<RingKey>),
}

/// What writing and reading need. The recovery *identity* is not among it.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The vault.
    pub vault: VaultId,
    /// The machine that writes.
    pub machine: MachineId,
    extent: Extent,
    /// The one that seals.
    current: usize,
    /// The vault keys that were given up.
    retired: Vec<KeyId>,
    /// To whom every record is sealed besides.
    recovery: x25519::Recipient,
}

/// Keys that are put together, and what is kept beside them.
#[derive(Debug)]
pub struct KeySet<K> {
    /// The vault.
    pub vault: VaultId,
    /// The machine that writes.
    pub machine: MachineId,
    /// All of them, the newest last.
    pub keys: Vec<K>,
    /// The id of the vault key that seals.
    pub current: KeyId,
    /// The vault keys that were given up.
    pub retired: Vec<KeyId>,
    /// The recipient to whom every record is sealed as well.
    pub recovery: x25519::Recipient,
}

/// The places that the keys of a vault belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The vault itself: its ledger, its log, its settings.
    Vault,
    /// An agent: its records, its ledger, its log.
    Agent(String),
}

impl Scope {
    /// The agent's name, unless it is the vault itself.
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

/// A key of one scope, under the id of the vault key that it comes from.
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
    /// The key of these bytes.
    #[must_use]
    pub fn from_bytes(id: KeyId, bytes: &[u8; 32]) -> Self {
        Self { id, secret: SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes)) }
    }

    /// The bytes, to be kept in a cache.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.secret.expose_secret()
    }

    /// The id of the vault key that it comes from.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// HKDF-SHA-256 of the key for one use.
    #[must_use]
    pub fn derive(&self, salt: &[u8], label: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hkdf(salt, label, self.secret.expose_secret()))
    }
}

/// The keys of one scope, and what goes into everything that is made under them.
#[derive(Clone, Debug)]
pub struct Ring {
    /// The vault.
    pub vault: VaultId,
    /// The machine that writes.
    pub machine: MachineId,
    /// Whose keys they are.
    pub scope: Scope,
    keys: Vec<RingKey>,
    current: usize,
    retired: Vec<KeyId>,
    recovery: x25519::Recipient,
}

impl Ring {
    /// The keys of one agent alone.
    ///
    /// # Errors
    /// `CORRUPT` if `current` names none of `keys`, or two have one name.
    pub fn of_agent(agent: String, set: KeySet<RingKey>) -> Result<Self> {
        let KeySet { vault, machine, keys, current, retired, recovery } = set;
        let scope = Scope::Agent(agent);
        let mut of_name = keys.iter().enumerate().filter(|(_, key)| key.id == current);
        match (of_name.next(), of_name.next()) {
            (Some((current, _)), None) => {
                Ok(Self { vault, machine, scope, keys, current, retired, recovery })
            }
            _ => fail(Code::Corrupt, "the keys of an agent do not hold the one that seals"),
        }
    }

    /// All keys, the newest last.
    #[must_use]
    pub fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    /// The ids of the vault keys that were given up.
    #[must_use]
    pub fn retired(&self) -> &[KeyId] {
        &self.retired
    }

    /// The key that seals.
    #[must_use]
    pub fn current(&self) -> &RingKey {
        &self.keys[self.current]
    }

    /// The key of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&RingKey> {
        let id = id.parse().ok()?;
        self.keys.iter().find(|key| key.id == id)
    }

    /// Whether the vault key of that name was given up.
    #[must_use]
    pub fn is_retired(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id| self.retired.contains(&id))
    }

    /// The recovery recipient. It is kept as private as an identity: no file of ours shows it, so
    /// that old ciphertext does not hang on X25519 alone.
    #[must_use]
    pub fn recovery(&self) -> &x25519::Recipient {
        &self.recovery
    }

    /// The salt of what only this machine writes.
    #[must_use]
    pub fn machine_salt(&self) -> String {
        format!("machine:{}", self.machine)
    }
}

impl Keys {
    /// The keys of a vault.
    ///
    /// # Errors
    /// `CORRUPT` if `current` names none of `keys`.
    pub fn new(set: KeySet<VaultKey>) -> Result<Self> {
        let KeySet { vault, machine, keys, current, retired, recovery } = set;
        match keys.iter().position(|key| key.id() == current) {
            Some(current) => {
                Ok(Self { vault, machine, extent: Extent::Vault(keys), current, retired, recovery })
            }
            None => fail(Code::Corrupt, "the unlock file names a key that it does not hold"),
        }
    }

    /// The keys of one agent alone.
    #[must_use]
    pub fn of_agent(ring: Ring) -> Self {
        let Ring { vault, machine, scope, keys, current, retired, recovery } = ring;
        let agent = scope.agent().unwrap_or_default().to_owned();
        Self { vault, machine, extent: Extent::Agent(agent, keys), current, retired, recovery }
    }

    /// The id of the vault key that seals.
    #[must_use]
    pub fn current_id(&self) -> KeyId {
        match &self.extent {
            Extent::Vault(keys) => keys[self.current].id(),
            Extent::Agent(_, keys) => keys[self.current].id,
        }
    }

    /// The agent that the keys are for, if they are for one alone.
    #[must_use]
    pub fn only_agent(&self) -> Option<&str> {
        match &self.extent {
            Extent::Vault(_) => None,
            Extent::Agent(agent, _) => Some(agent),
        }
    }

    /// The keys of an agent.
    ///
    /// # Errors
    /// `LOCKED` if only another agent's are at hand.
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
            Extent::Agent(only, _) => return Err(locked_but_for(only)),
        };
        Ok(self.ring(Scope::Agent(agent.to_owned()), keys))
    }

    /// The keys of the vault itself.
    ///
    /// # Errors
    /// `LOCKED` if only an agent's are at hand.
    pub fn own(&self) -> Result<Ring> {
        match &self.extent {
            Extent::Vault(keys) => {
                let keys = keys.iter().map(|key| RingKey::from_bytes(key.id(), key.expose())).collect();
                Ok(self.ring(Scope::Vault, keys))
            }
            Extent::Agent(only, _) => Err(locked_but_for(only)),
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

    /// The recovery recipient, as [`Ring::recovery`].
    #[must_use]
    pub fn recovery(&self) -> &x25519::Recipient {
        &self.recovery
    }
}

#[cfg(test)]
impl Keys {
    /// Keys that a test makes up, each of one byte over and over. The last one seals.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let keys: Vec<_> = bytes.iter().map(|byte| VaultKey::from_bytes(&[*byte; 32])).collect();
        let current = keys[keys.len() - 1].id();
        let vault = "00112233445566778899aabbccddeeff".parse().unwrap();
        let machine = "ffeeddccbbaa99887766554433221100".parse().unwrap();
        let recovery = x25519::Identity::generate().to_public();
        Self::new(KeySet { vault, machine, keys, current, retired: Vec::new(), recovery }).unwrap()
    }
}

fn locked_but_for(agent: &str) -> Error {
    Error::new(Code::Locked, format!("the vault is unlocked for agent {agent} only"))
        .with_remedy("unlock it for all agents: run `strongroom unlock` without --agent")
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
