//! What `verify` finds, as sentences.

use std::fmt::Display;

/// The recovery key does not decrypt a profile.
#[must_use]
pub fn not_recoverable(profile: &str) -> String {
    format!(
        "the recovery key does not decrypt {profile}; `strongroom rotate` or `strongroom rekey` encrypts it again"
    )
}

/// A directory of earlier versions, whose name is quoted, belongs to no profile that the agent has or had.
#[must_use]
pub fn no_history(quoted: &str) -> String {
    format!("history has {quoted}, which belongs to no profile of this agent")
}

/// An earlier version cannot be decrypted.
#[must_use]
pub fn damaged_version(profile: impl Display, generation: u64, what: &str) -> String {
    format!("version {generation} of {profile} cannot be brought back: {what}")
}

/// A version that was removed for good exists again.
#[must_use]
pub fn forgotten_and_back(profile: impl Display, generation: u64) -> String {
    format!("version {generation} of {profile} was removed for good, but its file is back")
}

/// What to do about an earlier version that does not belong there. `option` names the agent in a command, unless it is
/// the default one; `word` is the profile's id.
#[must_use]
pub fn forget_version(option: &str, word: &str, generation: u64) -> String {
    format!(
        "restore the file from a backup, or remove it: `strongroom{option} forget {word} --generation {generation}`"
    )
}

/// A profile was written more than a day ahead of the clock.
#[must_use]
pub fn from_the_future(profile: &str) -> String {
    format!("{profile} was stored with a date in the future: a clock is or was wrong")
}

/// A profile is not in the index.
#[must_use]
pub fn not_in_index(profile: &str) -> String {
    format!("{profile} is not listed in the index; `strongroom doctor --repair` adds it back")
}

/// The index and the ledger differ.
#[must_use]
pub fn store_differs(profile: &str) -> String {
    format!("the index and the ledger differ in the store or generation of {profile}; the ledger is right")
}

/// The index and the record differ in a field.
#[must_use]
pub fn field_differs(field: &str, profile: impl Display) -> String {
    format!("the index and the stored profile {profile} differ in {field}; the stored profile is right")
}

/// The index lists a profile that is gone; `shown` is its quoted id.
#[must_use]
pub fn listed_and_gone(shown: &str) -> String {
    format!("{shown} is listed in the index, but its secret is gone; paste it again or remove it")
}

/// An entry refers to another secret provider; `shown` is its quoted id.
#[must_use]
pub fn refers_elsewhere(shown: &str, provider: &str) -> String {
    format!("{shown} refers to a secret provider other than {provider}")
}

/// A committed change is not applied yet.
#[must_use]
pub fn not_applied() -> String {
    "a committed change is not applied yet; the next change finishes it".to_owned()
}

/// As [`not_applied`], for a change of the vault itself.
#[must_use]
pub fn vault_change_not_applied() -> String {
    "a committed change of the vault itself is not applied yet; the next change finishes it".to_owned()
}

/// A finished change could not remove its files.
#[must_use]
pub fn leftovers_in_use(directory: &str) -> String {
    format!(
        "{directory} holds what a finished change left, because another program has a file in it open; a later change removes it"
    )
}

/// A transaction was set aside; `shown` is its quoted name.
#[must_use]
pub fn transaction_set_aside(shown: &str) -> String {
    format!("{shown} holds a transaction that could not be applied and was set aside")
}

/// A file, whose quoted name is `shown`, holds a record that the vault did not write, of a profile that is not known.
#[must_use]
pub fn unknown_file(shown: &str) -> String {
    format!("{shown} is not a file that this vault wrote, and is never used; remove it")
}

/// The keychain's item of a profile is gone.
#[must_use]
pub fn item_gone(profile: impl Display) -> String {
    format!("{profile} is listed in the ledger, but its keychain item is gone; paste it again or remove it")
}

/// The vault wrote a record that the ledger does not list. `word` is the profile's id as a word of a shell.
#[must_use]
pub fn unlisted(profile: impl Display, word: &str) -> String {
    format!(
        "a file of {profile} exists that the ledger does not list: this vault wrote it, but it is not used; `strongroom get {word} --accept-rollback` prints it; to keep it, paste it again"
    )
}

/// A record in the place of a profile is not the vault's.
#[must_use]
pub fn planted(profile: impl Display) -> String {
    format!("a file of {profile} exists that this vault did not write: it is never used; remove it")
}

/// A removed profile has a file again.
#[must_use]
pub fn removed_and_back(profile: impl Display) -> String {
    format!("{profile} was removed, but its file is back: someone put an old file back")
}

/// More files have the wrong owner or mode than are listed.
#[must_use]
pub fn more_in(count: usize, directory: &str) -> String {
    match count {
        1 => format!("one more file in {directory} has the same problem"),
        _ => format!("{count} more files in {directory} have the same problem"),
    }
}

/// An unlock file is not the one that the ledger lists.
#[must_use]
pub fn method_differs(method: &str) -> String {
    format!("unlock/{method}.age is not the file that the vault's ledger lists")
}

/// An unlock file is not one of the vault's.
#[must_use]
pub fn method_unknown(method: &str) -> String {
    format!("unlock/{method}.age is not an unlock method of this vault")
}

/// An unlock file is gone.
#[must_use]
pub fn method_gone(method: &str) -> String {
    format!(
        "unlock/{method}.age is gone, but the vault's ledger lists it: this method no longer unlocks the vault"
    )
}
