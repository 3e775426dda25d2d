//! Errors of a keychain. No text of a keychain or of a library is ever passed on, because some of them quote the bytes
//! that they were given.

use std::time::Duration;

/// Why there is no keychain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// There is no session bus.
    NoBus,
    /// The bus's address is not valid.
    BadAddress,
    /// The bus refuses the connection, or closed it.
    BusRefused,
    /// No program on the bus is a keychain.
    NoService,
    /// The session has none: a network logon on Windows, a process outside any login on macOS.
    NoSession,
    /// No keychain of this platform is supported.
    Platform,
    /// This program was built without the feature `keychain`.
    LeftOut,
}

impl Why {
    /// Returns the reason as a clause of a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NoBus => "there is no D-Bus session bus",
            Self::BadAddress => "DBUS_SESSION_BUS_ADDRESS is not a valid address",
            Self::BusRefused => "the D-Bus session bus refused the connection",
            Self::NoService => "no keychain service is running on the D-Bus session bus",
            Self::NoSession => "this logon session has no keychain",
            Self::Platform => "no keychain of this platform is supported",
            Self::LeftOut => "this program was built without keychain support",
        }
    }
}

/// What went wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeychainError {
    /// There is no keychain.
    #[error("{}", .0.text())]
    Unavailable(Why),
    /// The session bus is run by another user, who can read everything that is sent over it.
    #[error("the D-Bus session bus is run by another user (uid {owner}), who can read what is sent over it")]
    ForeignBus {
        /// The user's id.
        owner: u32,
    },
    /// There is no default collection.
    #[error("the keychain has no default collection")]
    NoCollection,
    /// It is locked, and no one was asked.
    #[error("the keychain is locked")]
    Locked,
    /// A person was asked to unlock it, and said no.
    #[error("the keychain's prompt was dismissed")]
    Dismissed,
    /// It did not answer in time.
    #[error("the keychain did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The item is too large for it.
    #[error("the keychain does not store items larger than {max} bytes")]
    TooLarge {
        /// The bound, in bytes.
        max: usize,
    },
    /// It returned something else than was written.
    #[error("the keychain did not return what was written")]
    Mismatch,
    /// Any other failure, by its fixed name.
    #[error("the keychain failed: {0}")]
    Failed(String),
}

impl KeychainError {
    /// Makes a failure from the name of a D-Bus error. Only names in freedesktop.org's specifications are passed on.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'_';
        let known = name.starts_with("org.freedesktop.") && name.len() <= 100 && name.bytes().all(good);
        Self::Failed(if known { name.to_owned() } else { "an error with an unknown name".to_owned() })
    }
}
