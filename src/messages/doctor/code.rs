//! The stable codes of findings about OpenClaw, documented in `docs/errors.md`.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident, $name:literal;)*) => {
        /// A stable code of a finding.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum FindingCode { $($(#[$doc])* $variant,)* }

        impl FindingCode {
            /// All codes, in the order of the table.
            pub const ALL: &'static [FindingCode] = &[$(FindingCode::$variant,)*];

            /// Returns the code as it is printed and as scripts may match it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(FindingCode::$variant => $name,)* }
            }
        }
    };
}

codes! {
    /// A store of the client contains API keys or tokens in plain text.
    Plaintext, "CLIENT_PLAINTEXT";
    /// A store of the client contains sign-ins that the client renews itself.
    SignIn, "CLIENT_SIGN_IN";
    /// `openclaw secrets store` keeps values in plain text.
    NamedValue, "CLIENT_NAMED_VALUE";
    /// An archive, a backup or an older store still contains credentials in plain text.
    PlaintextLeft, "CLIENT_PLAINTEXT_LEFT";
    /// The client's `.env` contains keys in plain text.
    Dotenv, "CLIENT_DOTENV";
    /// A store of the client cannot be read.
    Unreadable, "CLIENT_UNREADABLE";
    /// A file of an older version stops the installed one.
    MigrationRequired, "CLIENT_MIGRATION_REQUIRED";
    /// A file of an older version, which the installed one no longer uses.
    OldStore, "CLIENT_OLD_STORE";
    /// Two stores have a profile, and one of them hides the other's.
    Shadowed, "CLIENT_SHADOWED";
    /// A reference to this vault names a profile that it does not have.
    UnresolvedRef, "CLIENT_UNRESOLVED_REF";
    /// A reference names a secret provider that the client's configuration does not have.
    UnknownProvider, "CLIENT_UNKNOWN_PROVIDER";
    /// A lock that was left by a process that is gone, or has been held for long.
    StaleLock, "CLIENT_STALE_LOCK";
    /// The client's copy of the index is not what the vault would write.
    StaleIndex, "CLIENT_STALE_INDEX";
    /// Others can read a file of the client.
    Exposed, "CLIENT_EXPOSED";
    /// The client refuses to run the program that its configuration names.
    ResolverRefused, "CLIENT_RESOLVER_REFUSED";
    /// The client's service gets no key for the vault at boot.
    NoKeyAtBoot, "CLIENT_NO_KEY_AT_BOOT";
}

impl FindingCode {
    /// Returns whether it says that a credential is in plain text that Strongroom could keep instead.
    #[must_use]
    pub const fn is_plaintext(self) -> bool {
        matches!(self, Self::Plaintext | Self::PlaintextLeft | Self::Dotenv)
    }
}

impl Serialize for FindingCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
