//! Messages about making a vault and about rebuilding one.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::count::counted;

/// A newer version made a vault here.
pub fn newer_vault(home: &Path) -> Error {
    Error::new(
        Code::Exists,
        format!("there is already a vault in {}, created by a newer version of Strongroom", shown(home)),
    )
    .with_remedy("name another home with `--home DIR`")
}

/// The vault that was created, its store, and what unlocks it.
pub fn created(home: &Path, store: &str, unlock: &str) -> String {
    format!("Created a vault in {}.\n  Store:  {store}\n  Unlock: {unlock}", shown(home))
}

/// Profiles are stored in encrypted files.
pub const IN_FILES: &str = "encrypted files (no keychain or other service needed)";

/// Profiles are stored in the keychain.
pub const IN_KEYCHAIN: &str = "the desktop's keychain (profiles are encrypted there too)";

/// The vault's key is in the keychain.
pub fn key_in_keychain(provider: &str) -> String {
    format!("a key in the keychain ({provider})")
}

/// What comes after `init`.
pub const NEXT: &str = "Next: store a credential with `strongroom paste-token --provider anthropic`,";

/// [`NEXT`] goes on, if only the keychain has the key.
pub const NEXT_KEYCHAIN: &str = "then run `strongroom recovery-key > recovery.txt`, and keep that file off this machine: if the keychain loses its key, nothing else unlocks the vault.";

/// [`NEXT`] goes on, for other keys.
pub const NEXT_RECOVERY: &str = "then run `strongroom recovery-key > recovery.txt`, and keep that file off this machine: it decrypts everything if the key is lost.";

// Where profiles are stored.

/// The keychain was chosen.
pub fn chose_keychain(provider: &str) -> String {
    format!(
        "Profiles are stored in {provider} because it is available and unlocked (`--store file` keeps them in encrypted files)."
    )
}

/// Files were chosen, and why.
pub fn chose_files(why: &str) -> String {
    format!(
        "Profiles are stored in encrypted files because {why}. To use a keychain later, run `strongroom store move --to keychain`."
    )
}

/// The question whether a locked keychain is to be used.
pub fn use_locked(provider: &str) -> String {
    format!("{provider} is locked. Unlock it and store profiles in it?")
}

/// Why [`chose_files`]: the person said no.
pub const DECLINED: &str = "you declined to use the keychain";

/// Why [`chose_files`]: the keychain is locked.
pub fn is_locked(provider: &str) -> String {
    format!("{provider} is locked")
}

/// Why [`chose_files`]: the keychain has no default collection.
pub fn no_collection(provider: &str) -> String {
    format!("{provider} has no default collection")
}

/// The question whether a passphrase is to unlock the vault.
pub const USE_PASSPHRASE: &str =
    "The vault is unlocked with a key file, which works without a terminal. Use a passphrase instead?";

// The menus of `onboard`.

/// The title of the menu of stores.
pub const STORES: &str = "Where to store profiles";

/// The prompt of the menu of stores.
pub const STORE: &str = "Store";

/// The title of the menu of unlock methods.
pub const UNLOCKS: &str = "How to unlock the vault";

/// The prompt of the menu of unlock methods.
pub const UNLOCK: &str = "Unlock with";

/// The choice of encrypted files in a home.
pub fn choice_files(home: &Path) -> String {
    format!("encrypted files, which need no desktop: for servers and services ({})", shown(home))
}

/// The choice of an unlocked keychain.
pub fn choice_keychain(provider: &str) -> String {
    format!("{provider}, which is available and unlocked")
}

/// The choice of a locked keychain.
pub fn choice_locked(provider: &str) -> String {
    format!("{provider}, which is locked and will ask you to unlock it")
}

/// The choice of a key file.
pub const CHOICE_KEY_FILE: &str = "a key file, which works without a terminal: for gateways and scripts";

/// The choice of a passphrase.
pub const CHOICE_PASSPHRASE: &str =
    "a passphrase, which you type each time, or once in a while with `strongroom unlock`";

/// The choice of a key in the keychain.
pub const CHOICE_KEYCHAIN: &str = "a key in the keychain, available while you are logged in";

// `recover`

/// Another process made the key file.
pub fn key_file_taken() -> Error {
    Error::new(Code::Changed, "another process created the key file at the same time")
        .with_remedy("run the command again; nothing was changed")
}

/// What was recovered, and what unlocks the vault.
pub fn recovered(records: usize, resumed: bool, unlock: &str) -> String {
    let resumed = if resumed { " (finished an interrupted recovery)" } else { "" };
    format!("Recovered {}{resumed}.\n  Unlock: {unlock}", counted(records as u64, "profile"))
}

/// A profile that could not be recovered, and why.
pub fn not_recovered(why: &str) -> String {
    format!("{why}; its file is kept")
}

/// The recovery recipient is public, so anyone could have encrypted to it.
pub const UNKNOWN_ORIGIN: &str =
    "cannot tell who created these profiles: anyone who knew the old recovery recipient could have";

/// What comes after `recover`.
pub const AFTER_RECOVERY: &str = "Check `strongroom list` for profiles that you do not recognise. The recovery key has changed: store the output of `strongroom recovery-key`.";
