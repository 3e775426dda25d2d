//! Messages about a vault's keys: unlocking, rekeying and recovering.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// The cached keys do not suffice, and no other key was found.
#[must_use]
pub fn cache_not_enough(error: &Error) -> Error {
    let what =
        format!("{}; this command needs more than the keys cached by `strongroom unlock`", error.what());
    Error::new(Code::Locked, what).with_remedy(error.remedy().to_owned())
}

/// A command needs what only an unlock file holds.
#[must_use]
pub fn needs_method() -> Error {
    let what = "this command needs an unlock method: the keys cached by `strongroom unlock` are not enough";
    Error::new(Code::Locked, what)
}

/// The cached keys are those of before a change of keys.
#[must_use]
pub fn keys_changed() -> Error {
    Error::new(Code::Locked, "the vault's keys have changed since it was unlocked")
        .with_remedy("run `strongroom unlock` again")
}

/// The cached recovery recipient is not the vault's.
#[must_use]
pub fn cached_recipient_differs() -> Error {
    let what = "the keys cached by `strongroom unlock` have another recovery recipient than the vault";
    Error::new(Code::Tampered, what).with_remedy("run `strongroom lock`, then unlock again")
}

/// An unlock file is not one of the vault's.
#[must_use]
pub fn method_not_listed(method: &str) -> Error {
    let what = format!(
        "unlock/{method}.age is not an unlock method of this vault: the vault's ledger does not list it"
    );
    Error::new(Code::Tampered, what).with_remedy(
        "unlock with another method, and check who can write to the home; if unlock/ or ledger was restored, restore both from the same backup",
    )
}

/// The cached keys cannot prove that they follow the ones this machine remembers.
#[must_use]
pub fn cache_cannot_vouch(scope: impl Display) -> Error {
    let what = format!(
        "this machine remembers {scope} with a retired key, and the keys cached by `strongroom unlock` cannot vouch for the new one"
    );
    Error::new(Code::Locked, what).with_remedy(
        "make one change with an unlock method: add `--passphrase-file FILE` or `--key-file FILE`, or run `strongroom lock` and type the passphrase",
    )
}

/// The cached keys of an agent do not fit its ledger.
#[must_use]
pub fn cache_does_not_fit(agent: impl Display, why: &str) -> Error {
    let what = format!("the keys cached by `strongroom unlock` for agent {agent} do not fit: {why}");
    Error::new(Code::Tampered, what)
        .with_remedy("run `strongroom lock`, then unlock again; nothing was changed")
}

/// Nothing vouches for the cached keys of an agent alone.
#[must_use]
pub fn cache_not_vouched_for(agent: impl Display) -> Error {
    let what = format!("nothing vouches for the cached keys of agent {agent} yet, so they can only read it");
    Error::new(Code::Locked, what).with_remedy(
        "make one change with the whole vault unlocked: run `strongroom unlock` without `--agent`",
    )
}

/// The unlock methods changed while a command waited.
#[must_use]
pub fn methods_changed() -> Error {
    Error::new(Code::Changed, "the unlock methods changed while this command waited")
        .with_remedy("check `strongroom unlock-method list`, then run the command again")
}

/// A rekey would leave no unlock method.
#[must_use]
pub fn no_method_left() -> Error {
    Error::new(Code::Config, "no unlock method would be left")
}

/// A recovery has to be finished first.
#[must_use]
pub fn recovery_unfinished() -> Error {
    Error::new(Code::Config, "a recovery is unfinished")
        .with_remedy("first run `strongroom recover --recovery-key FILE` again")
}

/// A profile does not decrypt with the keys that a rekey would drop.
#[must_use]
pub fn not_rekeyed(agent: impl Display, error: &Error) -> Error {
    let what = format!("agent {agent}: {}; nothing was changed", error.what());
    let remedy = if error.code() == Code::Io {
        error.remedy().to_owned()
    } else {
        "restore that profile, paste it again or remove it first: after a rekey it could not be decrypted"
            .to_owned()
    };
    Error::new(error.code(), what).with_remedy(remedy)
}

/// A rekey meets a record that the ledger does not list. `word` is the profile's id as a word of a shell.
#[must_use]
pub fn unlisted_before_rekey(agent: impl Display, profile: impl Display, word: &str) -> Error {
    let what = format!(
        "agent {agent}: a file of {profile} exists that the ledger does not list; nothing was changed"
    );
    Error::new(Code::Tampered, what).with_remedy(format!(
        "print it with `strongroom get {word} --agent {agent} --accept-rollback`, then paste it again or remove its file from records/: after a rekey it could not be decrypted"
    ))
}

/// A rekey left a profile under the old key.
#[must_use]
pub fn still_under_old_key(agent: impl Display) -> Error {
    let what = format!("a profile of agent {agent} is still encrypted with the old key");
    Error::new(Code::Internal, what)
}

/// There is nothing to recover.
#[must_use]
pub fn nothing_to_recover(home: &Path) -> Error {
    let what = format!("the vault in {} can already be unlocked; nothing to recover", shown(home));
    Error::new(Code::Exists, what).with_remedy("if something else is wrong, run `strongroom doctor`")
}

/// Unlock files may still open the vault.
#[must_use]
pub fn unlock_files_exist(home: &Path) -> Error {
    Error::new(Code::Exists, format!("{} has unlock files that may still unlock it", shown(home)))
        .with_remedy(
            "if their secrets are lost for good, add `--discard-unlock-files`: the files are set aside, not deleted",
        )
}

/// The recovery key decrypts nothing.
#[must_use]
pub fn wrong_recovery_key() -> Error {
    Error::new(Code::NotFound, "this recovery key decrypts no profile in this home")
        .with_remedy("check the recovery key and `--home`; nothing was changed")
}

/// Some profiles cannot be decrypted. `first` is one of the `count`.
#[must_use]
pub fn some_unreadable(count: usize, first: &str) -> Error {
    let which = if count == 1 { first.to_owned() } else { format!("{count} profiles, {first} among them,") };
    let what = format!("{which} cannot be decrypted with this recovery key or any other key at hand");
    Error::new(Code::Corrupt, what).with_remedy(
        "restore them, or give the key file or passphrase that unlocks them; or add `--leave-unreadable` to leave their files as they are",
    )
}

/// A line of the report of a recovery: a profile was left as it is.
#[must_use]
pub fn not_recovered(agent: impl Display, profile: impl Display) -> String {
    format!("agent {agent}: {profile} could not be decrypted")
}
