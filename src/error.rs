//! Every error Strongroom reports: a stable code, what happened, and what to do.
//!
//! [`Code`] is the one table from code to exit status to default remedy. Messages are made by
//! this crate alone: no text of a parser, and no value that a user or a file supplied other than
//! names that passed their grammar, goes into one unescaped.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The result of everything fallible in this crate.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $exit:literal, $remedy:literal;)*) => {
        /// A stable error code, documented in `docs/errors.md`.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as it is printed and as scripts may match it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The exit status of the process, after `sysexits.h`.
            #[must_use]
            pub const fn exit(self) -> u8 {
                match self { $(Code::$variant => $exit,)* }
            }

            /// Returns what to do, unless the error has a more precise remedy.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)* }
            }
        }
    };
}

codes! {
    /// The command line does not parse, or asks for what cannot be combined.
    Usage, "USAGE", 64, "run the command with --help";
    /// A profile id outside its grammar.
    InvalidId, "INVALID_ID", 64, "use PROVIDER:NAME, with the provider in lower case; the name may have ASCII letters, digits and the other characters of an e-mail address; at most 320 bytes";
    /// An agent name outside its grammar.
    InvalidAgent, "INVALID_AGENT", 64, "use lower-case letters, digits, `_` and `-`, at most 64 bytes";
    /// A secret would be written to a terminal without being asked for.
    NotRevealed, "NOT_REVEALED", 64, "add `--reveal` to show it, or send the output to a pipe or a file";
    /// A confirmation is needed, and no one can be asked.
    NotConfirmed, "NOT_CONFIRMED", 64, "add `--yes` to confirm";
    /// Input that does not have the form it should have.
    BadData, "BAD_DATA", 65, "check the input; `strongroom help formats` describes the formats";
    /// The pasted value is a mask, a reference or a marker.
    NotASecret, "NOT_A_SECRET", 65, "paste the secret itself, not a masked copy or a reference to it";
    /// A file, a record or a secret beyond its size bound.
    TooLarge, "TOO_LARGE", 65, "see the limits: `strongroom help bounds`";
    /// A JSON object names a key twice.
    DuplicateKey, "DUPLICATE_KEY", 65, "remove one of the two; Strongroom does not guess which one is right";
    /// A file of a newer format than this program knows.
    NewerFormat, "NEWER_FORMAT", 65, "use a newer strongroom; nothing was changed";
    /// A vault of a development version, whose forms are no longer read.
    OldFormat, "OLD_FORMAT", 65, "export each agent with the program that made the vault (`strongroom export --agent NAME --passphrase --out FILE`), and import FILE into a new home";
    /// A sealed file that is damaged or was altered.
    Corrupt, "CORRUPT", 65, "restore the file from a backup, or paste the credential again";
    /// A sealed file that is whole but says something else than its place does.
    Tampered, "TAMPERED", 65, "someone moved, edited or restored files in the vault: run `strongroom verify`, then restore or paste again";
    /// Argon2id parameters outside the accepted bounds.
    KdfBounds, "KDF_BOUNDS", 65, "restore the unlock file from a backup, or run `strongroom recover --recovery-key FILE`";
    /// The index cannot be read; its bytes are kept.
    IndexUnreadable, "INDEX_UNREADABLE", 65, "repair auth-profiles.json, or move it away and run `strongroom doctor --repair`; no credential is lost";
    /// One or more entries of an import are not usable.
    ImportInvalid, "IMPORT_INVALID", 65, "fix the entries above, give an entry a different id with `--rename OLD=NEW`, or add `--skip-invalid` to import the others";
    /// Several records claim to be the same profile.
    Ambiguous, "AMBIGUOUS", 65, "run `strongroom doctor`";
    /// `verify` or `doctor` found something wrong.
    Findings, "FINDINGS", 65, "see the problems above; `strongroom doctor --repair` fixes what it can";
    /// The credential is past its expiry.
    Expired, "EXPIRED", 65, "create a new token, and store it with `strongroom rotate ID`";
    /// No such profile.
    NotFound, "NOT_FOUND", 66, "run `strongroom list` to see the profiles";
    /// There is no vault in this home.
    NoVault, "NO_VAULT", 66, "run `strongroom init`, or name another home with `--home DIR` or STRONGROOM_HOME";
    /// A file that was named is not there, or nothing was given on standard input.
    NoInput, "NO_INPUT", 66, "check the path or the descriptor, or what is sent on standard input";
    /// A bug in Strongroom.
    Internal, "INTERNAL", 70, "report it with the command that you ran, without secrets";
    /// A deadline passed.
    Timeout, "TIMEOUT", 69, "try again; if it happens again, run `strongroom doctor`";
    /// The kernel's keyring, in which `unlock` keeps the vault's keys, cannot be used.
    KeyringUnavailable, "KEYRING_UNAVAILABLE", 69, "unlock with a key file, a systemd credential or the desktop's keychain instead (`strongroom unlock-method add`)";
    /// No desktop's clipboard can be set.
    ClipboardUnavailable, "CLIPBOARD_UNAVAILABLE", 69, "run the command in a terminal of the desktop session; to show the secret instead, use `--reveal` in place of `--copy`";
    /// Something that is to be created exists.
    Exists, "EXISTS", 73, "choose another name";
    /// Imported profiles exist already with other contents.
    Conflict, "CONFLICT", 73, "add `--on-conflict skip`, `replace` or `rename`";
    /// Reading or writing a file failed.
    Io, "IO", 74, "check the permissions and the disk";
    /// The file system is full.
    NoSpace, "NO_SPACE", 74, "free some space and try again";
    /// The system gives no memory, or no thread.
    NoMemory, "NO_MEMORY", 71, "give the command more memory: `ulimit -v unlimited`, or a higher limit for its container";
    /// A record changed between reading and writing.
    Changed, "CHANGED", 75, "another command changed it at the same time: check it, and run this command again";
    /// A lock was not had in time.
    LockTimeout, "LOCK_TIMEOUT", 75, "wait for the other command, or raise `--lock-timeout`";
    /// No key for the vault was found.
    Locked, "LOCKED", 77, "give the key with `--key-file`, `--passphrase-file` or `--passphrase-fd`, or run the command on a terminal";
    /// The passphrase or the key does not open this vault.
    WrongKey, "WRONG_KEY", 77, "check the passphrase or the key file; `strongroom unlock-method list` shows the unlock methods";
    /// An id outside the agent that was given by hand.
    Denied, "DENIED", 77, "leave out `--agent`, or ask for an id of that agent";
    /// The user said no, or pressed an interrupt key.
    Cancelled, "CANCELLED", 130, "nothing was changed";
    /// Another user could write to the home.
    UnsafeHome, "UNSAFE_HOME", 78, "remove write access for others: `chmod go-w DIR`";
    /// A symlink, FIFO or device where a file should be.
    UnsafeFile, "UNSAFE_FILE", 78, "replace it with a regular file or directory of your own";
    /// Another user could read or replace the key file.
    UnsafeKeyFile, "UNSAFE_KEY_FILE", 78, "run `chmod 600` on the key file, and keep it outside the vault's home";
    /// There is no keychain that could be asked.
    KeychainUnavailable, "KEYCHAIN_UNAVAILABLE", 69, "run the command in the desktop session, or use encrypted files instead (`--store file` of `init` and `paste-token`)";
    /// The session bus is another user's.
    KeychainForeign, "KEYCHAIN_FOREIGN", 78, "run the command as the user whose desktop session it is (not under sudo), or do without the keychain: unset DBUS_SESSION_BUS_ADDRESS, and use encrypted files (`--store file` of `init` and `paste-token`)";
    /// What is to be run needs a person at a terminal.
    NeedsTerminal, "NEEDS_TERMINAL", 69, "run the command on a terminal";
    /// Signing in takes a browser or the network, which Strongroom does not use.
    SignInElsewhere, "SIGN_IN_ELSEWHERE", 69, "sign in with the provider's own program, then import or paste what it stored";
    /// The keychain has no default collection.
    KeychainNoCollection, "KEYCHAIN_NO_COLLECTION", 78, "create a default keyring in the keychain's own program, or use encrypted files instead (`--store file` of `init` and `paste-token`)";
    /// The keychain is locked, and no one may be asked, or the answer was no.
    KeychainLocked, "KEYCHAIN_LOCKED", 77, "unlock the keychain (log in on the desktop, or run the command on a terminal there), and try again";
    /// The keychain did not answer in time.
    KeychainTimeout, "KEYCHAIN_TIMEOUT", 75, "try again; if it happens again, restart the keychain's service, or raise `--keychain-timeout`";
    /// The keychain gives back nothing, or something else than was stored.
    KeychainLost, "KEYCHAIN_LOST", 65, "run `strongroom doctor`; paste the credential again, or unlock with another method";
    /// Another failure of the keychain.
    KeychainFailed, "KEYCHAIN_FAILED", 74, "run `strongroom doctor`; no stored credential is lost";
    /// The setup is incomplete or contradicts itself.
    Config, "CONFIG", 78, "run `strongroom doctor`";
}

impl Code {
    /// Whether it says only that the keychain could not be used, and nothing of what it holds.
    #[must_use]
    pub const fn is_of_keychain(self) -> bool {
        matches!(
            self,
            Self::KeychainUnavailable
                | Self::KeychainForeign
                | Self::KeychainNoCollection
                | Self::KeychainLocked
                | Self::KeychainTimeout
                | Self::KeychainFailed
        )
    }
}

/// What went wrong: a [`Code`], what happened, and what to do about it.
#[derive(Clone, Debug)]
pub struct Error {
    code: Code,
    what: String,
    remedy: Option<Cow<'static, str>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with the default remedy of its code. `what` must hold no secret.
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), remedy: None, source: None }
    }

    /// The same error with a remedy of its own.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same error with the failure of the system that it comes from. Its text is fixed: it quotes nothing.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        self.remedy.as_deref().unwrap_or_else(|| self.code.remedy())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code.name(), self.what)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Shorthand for `Err(Error::new(code, what))`.
pub fn fail<T>(code: Code, what: impl Into<String>) -> Result<T> {
    Err(Error::new(code, what))
}
