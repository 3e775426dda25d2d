//! Messages about keychains, and about the kernel's keyring.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

// The desktop's keychain.

/// The items of this home are locked, and the keychain itself is not.
pub fn locked_items() -> Error {
    Error::new(Code::KeychainLocked, "this home's items are in a collection of the keychain that is locked")
        .with_remedy(
            "unlock that collection in the keychain's own program (Seahorse, KWalletManager), then try again",
        )
}

/// What to do about an item that is too large.
pub fn too_large_for_keychain() -> &'static str {
    "store this profile in an encrypted file: `--store file`; the keychain can still unlock the vault: `strongroom unlock-method add keychain`"
}

/// What to do without a keychain in an SSH login.
pub fn no_keychain_over_ssh() -> &'static str {
    "an SSH login has no desktop session: store profiles in encrypted files (`--store file`), unlocked with a key file or a passphrase"
}

/// What to do without a keychain in WSL.
pub fn no_keychain_in_wsl() -> &'static str {
    "WSL has no keychain of its own: store profiles in encrypted files (`--store file`), or set up GNOME Keyring with a default keyring"
}

/// What to do without a keychain in a container.
pub fn no_keychain_in_container() -> &'static str {
    "a container has no keychain: store profiles in encrypted files (`--store file`), unlocked with a key file or a credential"
}

/// What to do about a locked keychain in an SSH login.
pub fn locked_over_ssh() -> &'static str {
    "the desktop's keychain stays locked over SSH: unlock it on the desktop, or unlock the vault with another method"
}

// The vault's key in the keychain.

/// The keychain has the key of another home only. `home` is the path as the item names it.
pub fn key_of_another_home(home: &str) -> Error {
    lost(format!(
        "the vault is locked: this home is a copy, and the keychain has the key only for the original home in {home}"
    ))
}

/// The keychain has no key.
pub fn no_key() -> Error {
    lost("the vault is locked: the keychain has no key for this vault")
}

/// The item of the key is empty.
pub fn empty_key() -> Error {
    lost("the vault is locked: the keychain returned an empty item for its key; it lost what was stored")
}

/// The item of the key contains something else.
pub fn wrong_key() -> Error {
    lost("the vault is locked: what the keychain stores for this vault is not its key")
}

fn lost(what: impl Into<String>) -> Error {
    Error::new(Code::KeychainLost, what).with_remedy(
        "unlock with another method, or rebuild the vault with `strongroom recover --recovery-key FILE`; then run `strongroom unlock-method add keychain` again",
    )
}

// The kernel's keyring, for `strongroom unlock`.

fn keyring(what: &str) -> Error {
    Error::new(Code::KeyringUnavailable, what)
}

/// The kernel has no keyring, or does not allow its use.
pub fn no_keyring() -> Error {
    keyring("this system has no kernel keyring, or forbids its use, as containers do")
}

/// The system is not Linux.
pub fn keyring_needs_linux() -> Error {
    keyring("only Linux has a kernel keyring")
}

/// The quota is used up.
pub fn keyring_full() -> Error {
    keyring("your quota of kernel keys is used up").with_remedy(
        "remove keys that are no longer needed (`keyctl show @u` lists them), or have kernel.keys.maxbytes raised",
    )
}

/// The process has the default session keyring only.
pub fn no_session_keyring() -> Error {
    keyring("this process has no session keyring of its own, only the one that all your sessions share").with_remedy(
        "run `keyctl session -`, then unlock in the shell that it starts; or log in through PAM with pam_keyinit",
    )
}

/// The session keyring is another user's.
pub fn foreign_session_keyring() -> Error {
    keyring(
        "the session keyring of this process belongs to another user, who could read what is stored in it",
    )
    .with_remedy("run `keyctl session -`, then unlock in the shell that it starts")
}

/// `/proc/keys` cannot be read.
pub fn keys_not_listed() -> Error {
    keyring("cannot list the kernel's keys: /proc/keys cannot be read")
        .with_remedy("run `strongroom lock --home DIR` for each vault")
}

/// The kernel refused for another reason.
pub fn keyring_refused() -> Error {
    keyring("the kernel's keyring refused the request")
}

/// The real path of a home cannot be determined.
pub fn home_not_found(home: &Path) -> Error {
    Error::new(Code::Io, format!("cannot find the home {}", shown(home)))
}

/// The keys of a vault take more room than may be kept in the keyring.
pub fn too_many_keys() -> Error {
    Error::new(Code::TooLarge, "the vault has too many keys to be kept unlocked")
}
