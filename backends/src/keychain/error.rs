//! What can go wrong with a keychain. No text of a keychain or of a library is ever passed on:
//! some of them quote the bytes they were given.

use std::time::Duration;

/// Why there is no keychain to speak to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// There is no session bus.
    NoBus,
    /// What should be the bus' address is none.
    BadAddress,
    /// The bus lets nobody in, or ended.
    BusRefused,
    /// No program on the bus is a keychain.
    NoService,
    /// The session has none: on Windows a network logon, on macOS a process outside any login.
    NoSession,
    /// This platform has none that is known.
    Platform,
    /// This program was built without the feature `keychain`.
    LeftOut,
}

impl Why {
    /// As a part of a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NoBus => "there is no D-Bus session bus",
            Self::BadAddress => "DBUS_SESSION_BUS_ADDRESS holds no valid address",
            Self::BusRefused => "the D-Bus session bus refuses the connection",
            Self::NoService => "no keychain service runs on the D-Bus session bus",
            Self::NoSession => "this logon session has no keychain",
            Self::Platform => "no keychain of this platform is known",
            Self::LeftOut => "this program was built without keychains",
        }
    }
}

/// What went wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeychainError {
    /// There is no keychain.
    #[error("{}", .0.text())]
    Unavailable(Why),
    /// The session bus is run by another user, who reads all that goes over it.
    #[error("the D-Bus session bus is run by another user (uid {owner}), who reads what goes over it")]
    ForeignBus {
        /// The user's number.
        owner: u32,
    },
    /// There is no default collection.
    #[error("the keychain has no default collection")]
    NoCollection,
    /// It is locked, and nobody was asked.
    #[error("the keychain is locked")]
    Locked,
    /// A person was asked to unlock it, and said no.
    #[error("the keychain's prompt was dismissed")]
    Dismissed,
    /// It did not answer in time.
    #[error("the keychain did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The item is larger than it takes.
    #[error("the keychain takes no item larger than {max} bytes")]
    TooLarge {
        /// The bound, in bytes.
        max: usize,
    },
    /// What was written is not what is read.
    #[error("the keychain does not give back what was written")]
    Mismatch,
    /// Every other failure, by its fixed name.
    #[error("the keychain failed: {0}")]
    Failed(String),
}

impl KeychainError {
    /// A failure by the name of a D-Bus error. Only names of freedesktop.org's specifications are
    /// passed on.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'_';
        let known = name.starts_with("org.freedesktop.") && name.len() <= 100 && name.bytes().all(good);
        Self::Failed(if known { name.to_owned() } else { "an error without a known name".to_owned() })
    }
}
