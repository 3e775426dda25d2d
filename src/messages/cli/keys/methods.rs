//! Messages about unlock methods and their secrets.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// Sends a new key to systemd, which encrypts it.
const TO_SYSTEMD: &str = "`strongroom unlock-method add systemd-credential --new-key-file - | systemd-creds encrypt --name=strongroom-key - FILE`";

// `unlock-method list`

/// How a key unlocks.
pub const BY_KEY: &str = "unlocks with a 32-byte key";

/// How a passphrase unlocks.
pub const BY_PASSPHRASE: &str = "unlocks with a passphrase";

/// How a passphrase unlocks, and what Argon2id costs: memory in MiB, passes, lanes.
pub fn by_passphrase(mib: u32, passes: u32, lanes: u32) -> String {
    format!("{BY_PASSPHRASE} (Argon2id {mib} MiB, t={passes}, p={lanes})")
}

/// Why a method cannot be used.
pub fn unusable(why: &str) -> String {
    format!("unusable: {why}")
}

// `unlock-method add`

/// The name is outside its grammar, or is kept for another kind.
pub fn bad_name() -> Error {
    Error::new(Code::Usage, "this name cannot be used for this unlock method").with_remedy(
        "choose a name of lower-case letters, digits and `-`; for a passphrase or the keychain, leave out `--name`",
    )
}

/// The method exists.
pub fn exists(name: &str) -> Error {
    Error::new(Code::Exists, format!("unlock method {name} already exists")).with_remedy(
        "add `--replace` to change it; a second key file or systemd credential needs `--name NAME`",
    )
}

/// The method was added or removed by another command.
pub fn changed(name: &str) -> Error {
    Error::new(Code::Changed, format!("unlock method {name} was changed while this command waited"))
}

/// The method was added, and how it unlocks.
pub fn added(name: &str, told: &str) -> String {
    format!("Added unlock method {name}: {told}.")
}

/// The method was replaced, and how it unlocks now.
pub fn replaced(name: &str, told: &str) -> String {
    format!("Replaced unlock method {name}: {told}.")
}

/// How to take back a key that the next command of the pipe did not keep.
pub fn if_pipe_failed(name: &str) -> String {
    format!("If the command that reads the key failed, run `strongroom unlock-method remove {name} --yes`.")
}

/// The new key and the JSON document cannot share standard output.
pub fn key_and_json() -> Error {
    Error::new(Code::Usage, "`--json` and `--new-key-file -` cannot be combined: both use standard output")
        .with_remedy("leave out `--json`")
}

/// The new key would go to a terminal.
pub fn key_on_terminal() -> Error {
    Error::new(Code::NotRevealed, "the new key would be shown on the terminal")
        .with_remedy(format!("pipe it to a command that encrypts it: {TO_SYSTEMD}"))
}

/// A pipe that fails would lose the only key.
pub fn only_key_in_pipe(name: &str) -> Error {
    Error::new(
        Code::Config,
        format!("{name} is the only unlock method, and its new key could be lost in the pipe"),
    )
    .with_remedy("write the key to a file with `--new-key-file FILE`")
}

/// Standard output did not take the new key.
pub fn key_not_written(error: &Error) -> Error {
    Error::new(error.code(), format!("could not write the new key to standard output: {}", error.what()))
        .with_remedy("pipe it to a command that reads it; nothing was changed")
}

/// The new key has no file.
pub fn no_key_destination() -> Error {
    Error::new(Code::Usage, "no file is given for the new key")
        .with_remedy(format!("pipe the key to a command that encrypts it: {TO_SYSTEMD}"))
}

/// `--new-key-file` names a stream that is written, such as `>(COMMAND)`, in the place of one that is read.
pub const STREAM_IS_READ: &str =
    "an existing key is read from a stream; to send a new key to a command, use `--new-key-file - | COMMAND`";

// The secret of a new method.

/// There is no passphrase, and no person to ask. The flags that give one begin with `prefix`.
pub fn no_passphrase(prefix: &str) -> Error {
    Error::new(
        Code::NoInput,
        "cannot ask for a passphrase: `--no-input` is set or standard input is not a terminal",
    )
    .with_remedy(format!("give it with `--{prefix}passphrase-file FILE` or `--{prefix}passphrase-fd N`"))
}

/// No variable tells where key files lie.
pub fn no_key_place(flag: &str) -> Error {
    Error::new(Code::Config, "the key file has no default location here")
        .with_remedy(format!("name one with `{flag} FILE`"))
}

/// A passphrase for a vault that a key file unlocks.
pub fn passphrase_for_key_file() -> Error {
    Error::new(Code::Usage, "a passphrase is given, but the vault is unlocked with a key file")
        .with_remedy("add `--unlock passphrase`, or leave out the passphrase")
}

/// A keychain cannot be the first method here.
pub fn keychain_not_first() -> Error {
    Error::new(Code::Usage, "the first unlock method has to be a key file or a passphrase").with_remedy(
        "use `--unlock key-file` or `--unlock passphrase`, then run `strongroom unlock-method add keychain`",
    )
}

/// The place of the key file cannot be written to.
pub fn key_file_denied(error: Error) -> Error {
    let remedy = format!("name another place with `--key-file FILE`, or {}", error.remedy());
    error.with_remedy(remedy)
}

/// A passphrase, as it unlocks a new vault.
pub const PASSPHRASE: &str = "a passphrase (Argon2id, 64 MiB; if you forget it, only the recovery key helps)";

/// A passphrase, as it unlocks too.
pub const A_PASSPHRASE: &str = "a passphrase";

/// A key that was read from a stream.
pub fn key_given_on(stream: &str) -> String {
    format!("the key given on {stream}")
}

/// A key that was in its file before.
pub fn key_existing_in(path: &Path) -> String {
    format!("the existing key in {}", shown(path))
}

/// A key that was made, in its file.
pub fn key_new_in(path: &Path) -> String {
    format!("a new key in {}", shown(path))
}

/// A key that was made for a pipe.
pub const KEY_IN_NO_FILE: &str = "a new key, which is in no file";

/// A key that was in the keychain before.
pub fn key_existing_in_keychain(provider: &str) -> String {
    format!("the existing key in the keychain ({provider})")
}

/// A key that was made, in the keychain.
pub fn key_new_in_keychain(provider: &str) -> String {
    format!("a new key in the keychain ({provider})")
}

/// How a key from a stream unlocks a new vault.
pub fn vault_key_given(stream: &str) -> String {
    format!("{} (works without a terminal)", key_given_on(stream))
}

/// How a key in a file unlocks a new vault.
pub fn vault_key_in_file(key: &str) -> String {
    format!("{key} (works without a terminal; back it up separately from the vault)")
}

// `unlock-method remove`

/// The vault has no such method.
pub fn not_found() -> Error {
    Error::new(Code::NotFound, "there is no such unlock method")
        .with_remedy("run `strongroom unlock-method list` to see the names")
}

/// The question before a removal.
pub fn remove(name: &str) -> String {
    format!("Remove unlock method {name}?")
}

/// Without the method nothing would unlock the vault.
pub fn last(name: &str) -> Error {
    Error::new(Code::Config, format!("{name} is the last unlock method; nothing else unlocks the vault"))
        .with_remedy("add another one first with `strongroom unlock-method add METHOD`")
}

/// The method was removed.
pub fn removed(name: &str) -> String {
    format!("Removed unlock method {name}.")
}

/// The method's key could not be removed from the keychain.
pub fn key_left_in_keychain(why: &str) -> String {
    format!("could not remove its key from the keychain ({why}); it no longer unlocks this vault")
}

/// Why the recovery key should be kept.
pub fn keep_recovery_key(why: &str) -> String {
    format!("{why}; store the output of `strongroom recovery-key` in a safe place")
}

/// The secret of a method that was replaced, for [`revokes_nothing`].
pub const THE_OLD_SECRET: &str = "The old secret";

/// The secret of a method that was removed, for [`revokes_nothing`].
pub const ITS_SECRET: &str = "Its secret";

/// A secret was removed or replaced, and the vault key is the same.
pub fn revokes_nothing(secret: &str) -> String {
    format!("{secret} still unlocks old copies of the unlock file, and the vault key is unchanged.")
}

/// What to do if a removed secret is known.
pub const REKEY_IF_KNOWN: &str = "If someone else may know it, run `strongroom rekey`.";
