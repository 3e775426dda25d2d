//! Messages about profiles that are stored in the keychain.

use std::fmt::Display;

use crate::error::{Code, Error};

/// A profile's item in the keychain, as the subject of a message.
#[must_use]
pub fn item_of(profile: impl Display) -> String {
    format!("the keychain item of {profile}")
}

/// The keychain has an item without contents.
#[must_use]
pub fn item_is_empty(profile: impl Display) -> Error {
    let what = format!("{} is empty: the keychain lost its contents", item_of(profile));
    Error::new(Code::KeychainLost, what)
}

/// The keychain has no item of a profile.
#[must_use]
pub fn no_item(profile: impl Display, agent: &str) -> Error {
    let what = format!("the keychain has no item for {profile} of agent {agent} in this home");
    Error::new(Code::KeychainLost, what)
}

/// A record that goes to the keychain does not name its profile.
#[must_use]
pub fn nameless_record() -> Error {
    Error::new(Code::Internal, "a stored profile does not name itself")
}

/// A profile does not fit an item of at most `max` bytes.
#[must_use]
pub fn item_too_large(profile: impl Display, max: usize) -> Error {
    let what = format!("profile {profile} is larger than the {max} bytes that a keychain item can hold");
    Error::new(Code::TooLarge, what).with_remedy(
        "store it in an encrypted file: `--store file`; the keychain can still unlock the vault: `strongroom unlock-method add keychain`",
    )
}

/// A warning: a change is saved, but not in the keychain yet. With `ask_doctor`, it may last.
#[must_use]
pub fn not_written(why: &str, ask_doctor: bool) -> String {
    let doctor = if ask_doctor { "; run `strongroom doctor`" } else { "" };
    format!(
        "saved, but not yet written to the keychain ({why}); encrypted copies in the vault are used until the next change retries{doctor}"
    )
}

/// What to do if a recovery meets locked items.
pub const UNLOCK_COLLECTION: &str = "unlock that collection in the keychain's own program (Seahorse, KWalletManager) and try again; or add `--leave-unreadable` to recover without it";
