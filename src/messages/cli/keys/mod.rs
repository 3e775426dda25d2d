//! Messages about vault keys, unlock methods, `init`, `recover` and `rekey`.

pub mod checks;
pub mod history;
pub mod methods;
pub mod profiles;
pub mod vaults;

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::count::counted;

// `recovery-key`

/// The recovery key would go to a terminal without `--reveal`.
pub fn recovery_key_on_terminal() -> Error {
    Error::new(Code::NotRevealed, "the recovery key would be shown on the terminal")
}

/// What the recovery key can do, and how to keep it.
pub const RECOVERY_KEY: &str = "This key decrypts every profile in the vault, also with stock age. Keep it offline, away from this machine.";

// `rekey`

/// The question before a rekey.
pub const REKEY: &str = "Make a new vault key and encrypt every profile again?";

/// The prompt for the passphrase of a vault that another method unlocked.
pub const PASSPHRASE_PROMPT: &str = "Vault passphrase: ";

/// A flag names an unlock method that the vault does not have.
pub fn no_method_for(flag: &str) -> Error {
    Error::new(Code::NotFound, format!("`{flag}` names an unlock method that this vault does not have"))
        .with_remedy("run `strongroom unlock-method list` to see the names")
}

/// The methods that stay need their secrets, and these were not given.
pub fn secrets_needed(methods: &[String]) -> Error {
    Error::new(
        Code::Locked,
        format!("the secrets of these unlock methods are needed to keep them: {}", methods.join(", ")),
    )
    .with_remedy("give each with `--with METHOD=FILE`, or drop it with `--drop METHOD`")
}

/// `--with` has no `=`, or nothing after it.
pub fn with_needs_file() -> Error {
    Error::new(Code::Usage, "`--with` needs an unlock method and a file")
        .with_remedy("write `--with METHOD=FILE`")
}

/// One method is to be kept and dropped.
pub fn with_and_drop(method: &str) -> Error {
    Error::new(Code::Usage, format!("unlock method {method} is given to both `--with` and `--drop`"))
        .with_remedy("keep it with `--with`, or drop it with `--drop`")
}

/// The keychain's method takes no file.
pub fn with_keychain() -> Error {
    Error::new(Code::Usage, "`--with keychain` takes no file: the key is read from the keychain")
        .with_remedy("leave out `--with keychain=FILE`")
}

/// One method was given two files.
pub fn with_twice(method: &str) -> Error {
    Error::new(Code::Usage, format!("`--with {method}` is given twice"))
        .with_remedy("give one file for each method")
}

/// The file of `--with` holds another secret.
pub fn with_wrong_secret(method: &str) -> Error {
    Error::new(Code::WrongKey, format!("the file given with `--with` does not unlock method {method}"))
}

/// What was encrypted again.
pub fn rekeyed(records: usize, agents: usize, resumed: bool) -> String {
    let resumed = if resumed { " (finished an interrupted rekey)" } else { "" };
    format!(
        "Encrypted {} of {} with a new vault key{resumed}.",
        counted(records as u64, "profile"),
        counted(agents as u64, "agent")
    )
}

/// The recovery key changed with the vault key.
pub const NEW_RECOVERY_KEY: &str =
    "The recovery key has changed: store the output of `strongroom recovery-key` and destroy the old one.";

/// A rekey does not reach copies.
pub const OLD_COPIES: &str =
    "The old keys still decrypt old copies: revoke any secret that may have leaked at its provider.";

// The key file, with a change of keys.

/// `--new-key-file` for a vault that was unlocked another way.
pub fn not_by_key_file() -> Error {
    Error::new(Code::Usage, "`--new-key-file` needs a vault that is unlocked with its key file")
        .with_remedy("name the current key file with `--key-file FILE`")
}

/// `--new-key-file` names standard input or a descriptor.
pub fn new_key_in_stream() -> Error {
    Error::new(Code::Usage, "`--new-key-file` needs a file, not a stream").with_remedy(OTHER_FILE)
}

/// `--new-key-file` is no path.
pub fn bad_key_path() -> Error {
    Error::new(Code::Usage, "the path given with `--new-key-file` is not valid").with_remedy(OTHER_FILE)
}

/// The file for a new key exists.
pub fn key_file_exists(path: &Path) -> Error {
    Error::new(Code::Exists, format!("{} already exists", shown(path))).with_remedy(OTHER_FILE)
}

const OTHER_FILE: &str = "name a file that does not exist yet";

/// The key file is not the user's to replace: a container or a service manager put it there.
pub fn key_file_kept(path: &Path) -> String {
    format!(
        "The key file {} cannot be replaced from here, so it is unchanged. If others may know its key, add another unlock method and remove this one.",
        shown(path)
    )
}

/// The key file holds a new key, and the old one lies beside it.
pub fn key_file_replaced(path: &Path) -> String {
    let shown = shown(path);
    format!(
        "Wrote a new key to {shown}; the old one is kept as {shown}.former until another command has unlocked the vault. Update your copies of the key file."
    )
}

/// The new key is in another file.
pub fn key_file_moved(path: &Path) -> String {
    format!("Wrote the new key to {}; the old key file no longer unlocks the vault.", shown(path))
}

// `unlock` and `lock`

/// `--ttl` is out of its bounds.
pub fn ttl_bounds() -> Error {
    Error::new(Code::Usage, "`--ttl` must be from 1s to 24h").with_remedy("give a time such as 15m or 8h")
}

/// The agent that is to be unlocked does not exist.
pub fn no_agent(agent: &str) -> Error {
    Error::new(Code::NotFound, format!("there is no agent {agent} in this vault"))
        .with_remedy("store a profile for it first, or unlock without `--agent`")
}

/// What is unlocked, until when, and with what.
pub fn unlocked(agent: Option<&str>, until: &str, from: &str) -> String {
    format!("Unlocked {} with {from} until {until}.", vault_or_agent(agent))
}

/// Who can read what meanwhile, and how to end it.
pub fn unlocked_for(agent: Option<&str>, session: bool) -> String {
    let who = if session { "process of this session" } else { "process of yours" };
    format!(
        "Until then, every {who} can read {}. Run `strongroom lock` to lock it sooner.",
        vault_or_agent(agent)
    )
}

fn vault_or_agent(agent: Option<&str>) -> String {
    agent.map_or_else(|| "the vault".to_owned(), |agent| format!("agent {agent}"))
}

/// What `lock` did.
pub const fn locked(all: bool) -> &'static str {
    if all { "Locked all vaults." } else { "Locked the vault." }
}

/// `lock` had nothing to do.
pub const NOTHING_UNLOCKED: &str = "Nothing was unlocked with `strongroom unlock`.";

/// `lock` could not tell under which other paths the vault was unlocked.
pub const LOCKED_PATH_ONLY: &str = "no file in the home names the vault's id, so only what was unlocked at this path is locked; run `strongroom lock --all` to lock the rest";

/// A change of keys could not remove what `unlock` keeps.
pub fn caches_left(why: &str) -> String {
    format!("could not remove the keys kept by `strongroom unlock` ({why}); they no longer unlock the vault")
}

/// A rekey or a recovery was interrupted.
pub fn interrupted(verb: &str) -> String {
    format!("`strongroom {verb}` was interrupted; run it again to finish")
}
