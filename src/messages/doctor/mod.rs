//! Messages about what `doctor` and `verify` find.

pub mod client;
mod code;
pub mod explain;
pub mod keychain;
pub mod proxy;
pub mod start;

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::kernel_keyring::Quota;
use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::count::counted;

pub use code::FindingCode;

/// Something that is wrong or deserves attention, with what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// Its stable code, if it has one.
    pub code: Option<FindingCode>,
}

impl Problem {
    /// Returns a problem with its remedy.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), code: None }
    }

    /// Returns a problem with a stable code.
    pub fn coded(code: FindingCode, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code: Some(code), ..Self::new(what, remedy) }
    }
}

const REPAIR: &str = "run `strongroom doctor --repair`";

/// A check failed for one agent.
pub fn of_agent(agent: impl Display, error: &Error) -> Problem {
    Problem::new(format!("agent {agent}: {}", error.what()), error.remedy())
}

/// The home is private.
pub fn home_is_private(home: &Path) -> String {
    format!("{} belongs to you, and no one else can write to it", shown(home))
}

/// A file or directory in the home is not Strongroom's. `name` is quoted.
pub fn foreign_name(name: &str) -> String {
    format!("{name} in the home does not belong to Strongroom")
}

/// `vault.json` could not be read.
pub fn damaged_vault_file(error: &Error) -> Problem {
    Problem::new(error.what(), REPAIR)
}

/// `vault.json` is as the unlock files have it.
pub const VAULT_FILE_MATCHES: &str = "vault.json matches the unlock files";

/// `vault.json` differs from what the unlock files say.
pub fn vault_file_differs() -> Problem {
    Problem::new("vault.json does not match the unlock files", REPAIR)
}

/// There is no `vault.json` that can be read.
pub fn no_vault_file() -> Problem {
    Problem::new("vault.json is missing or damaged", REPAIR)
}

/// The home is not written, because it is not the one that this machine remembers.
pub fn read_only(what: &str, remedy: impl Into<String>) -> Problem {
    Problem::new(format!("{what}; it can be read but not changed"), remedy)
}

/// The anchor directory cannot be used.
pub fn no_anchor(error: &Error) -> Problem {
    Problem::new(
        format!("cannot record the state of the home on this machine: {}", error.what()),
        error.remedy(),
    )
}

/// No directory is known for the anchor.
pub fn anchor_unknown() -> Problem {
    Problem::new(
        "no anchor directory is known, so an older copy of the home goes unnoticed",
        "name one with `--anchor DIR`",
    )
}

/// The anchor directory cannot be written. `dir` is escaped.
pub fn anchor_not_writable(dir: &str) -> Problem {
    Problem::new(
        format!("cannot write to {dir}, so an older copy of the home goes unnoticed"),
        "make it a directory that you can write to, or name another with `--anchor DIR`",
    )
}

/// The anchor directory says nothing of this home. `dir` is escaped.
pub fn anchor_empty(dir: &str) -> Problem {
    Problem::new(
        format!("{dir} has no record of this home yet"),
        "run `strongroom doctor --repair`, or wait for the next change",
    )
}

/// The home is as the anchor has it. `dir` is escaped.
pub fn anchor_matches(dir: &str) -> String {
    format!("the home is the latest that is recorded in {dir}")
}

/// A refused state of the home was accepted.
pub fn accepted(refusal: &str) -> String {
    format!("accepted: {refusal}")
}

/// Nothing can be repaired, because the vault cannot be unlocked.
pub fn cannot_repair(error: &Error) -> Error {
    Error::new(error.code(), format!("cannot repair anything: {}", error.what()))
        .with_remedy(error.remedy().to_owned())
}

fn quota_use(quota: Option<Quota>) -> String {
    quota.map_or_else(String::new, |quota| {
        format!(
            "; your quota: {} of {} keys and {} of {} bytes used",
            quota.keys, quota.keys_max, quota.bytes, quota.bytes_max
        )
    })
}

/// The kernel's keyring can be used.
pub fn kernel_keyring_works(quota: Option<Quota>) -> String {
    format!("`strongroom unlock` can be used{}", quota_use(quota))
}

/// The system is not Linux.
pub const NO_KERNEL_KEYRING: &str =
    "`strongroom unlock` cannot be used here: only Linux has a kernel keyring";

/// The kernel's keyring is missing or forbidden.
pub fn kernel_keyring_blocked() -> Problem {
    Problem::new(
        "`strongroom unlock` cannot be used: the kernel keyring is missing or blocked, as in many containers",
        "unlock with a key file, a systemd credential or the desktop's keychain instead (`strongroom unlock-method add`)",
    )
}

/// The user's quota has no room for a cache.
pub fn kernel_keyring_full(quota: Option<Quota>) -> Problem {
    Problem::new(
        format!("the kernel keyring has no room left{}", quota_use(quota)),
        "remove keys that you do not need (`keyctl show @u` lists them), or raise `kernel.keys.maxbytes`",
    )
}

/// No core dump is written.
pub const NO_CORE_DUMP: &str = "core dumps are disabled";
/// Core dumps may be written.
pub const CORE_DUMPS: &str = "could not disable core dumps; they would contain secrets";
/// The memory is protected.
pub const MEMORY_IS_PRIVATE: &str = "your other processes cannot read this process's memory";
/// The memory is not protected.
pub const MEMORY_IS_READABLE: &str = "your other processes may be able to read this process's memory";

/// The index does not list some profiles.
pub fn unlisted(agent: impl Display, number: usize) -> Problem {
    let profiles = counted(number as u64, "stored profile");
    Problem::new(format!("agent {agent}: the index does not list {profiles}; nothing is lost"), REPAIR)
}

/// An entry of the index exposes a secret.
pub fn exposed(agent: impl Display, what: &str) -> Problem {
    Problem::new(format!("agent {agent}: {what}"), remedy_of("plaintext"))
}

/// A transaction waits to be finished.
pub fn unfinished(agent: impl Display) -> String {
    format!("agent {agent}: a committed change is not fully applied yet")
}

/// Files of others lie among the profiles.
pub fn foreign_files(agent: impl Display, number: usize) -> String {
    format!(
        "agent {agent}: {} among the stored profiles not written by Strongroom",
        counted(number as u64, "file")
    )
}

/// Everything verified.
pub fn verified(profiles: usize, log_lines: u64) -> String {
    format!("{} and {} verified", counted(profiles as u64, "profile"), counted(log_lines, "log line"))
}

/// Returns what to do about a finding of `verify` of this kind.
pub fn remedy_of(kind: &str) -> &'static str {
    match kind {
        "missing" => "paste the credential again, or remove the profile",
        "lost" => "restore it from a backup, or remove the unlock method and add it again",
        "unknown" => "inspect the file before you remove it",
        "rolled_back" | "removed" => {
            "someone put an old file back; if it was not you, paste this credential again and check who can write to the home"
        }
        "writable" => "as the owner of the home, remove write access for others: `chmod -R go-w DIR`",
        "method" => {
            "someone added this unlock file: it unlocks nothing; remove it, and check who can write to the home"
        }
        "recovery" => "run `strongroom rekey`, and keep the new recovery key",
        "unlisted" | "log" | "settings" => REPAIR,
        "drift" => "run `strongroom doctor --repair`; until then the stored profile is used, not the index",
        "plaintext" => {
            "revoke it at its provider, store the new one with `strongroom rotate ID` or a paste, and remove the old one from the index"
        }
        "keychain" => "fix what the keychain check reports, and run `strongroom doctor` again",
        "index" => {
            "repair the index, or move it away and run `strongroom doctor --repair`; no credential is lost"
        }
        _ => "restore the file from a backup, or paste the credential again",
    }
}

/// The vault's change log was started again.
pub const VAULT_LOG_RESTARTED: &str = "started a new change log for the vault; the old one was kept";
/// The settings were reset.
pub const SETTINGS_RESET: &str = "rewrote settings.json with the defaults";

/// An agent's change log was started again.
pub fn log_restarted(agent: impl Display) -> String {
    format!("agent {agent}: started a new change log; the old one was kept")
}

/// An interrupted change was finished.
pub fn change_finished(agent: impl Display) -> String {
    format!("agent {agent}: finished an interrupted change")
}

/// Profiles were added to the index again.
pub fn listed_again(agent: impl Display, ids: &[String]) -> String {
    let profiles = counted(ids.len() as u64, "profile");
    format!("agent {agent}: added {profiles} back to the index: {}", ids.join(", "))
}

/// This program's path is not known.
pub const NO_OWN_PATH: &str = "the path of this program is unknown";

/// OpenClaw accepts this program.
pub fn resolver_accepted(program: &Path) -> String {
    format!("OpenClaw accepts {} as a secret provider", shown(program))
}

/// OpenClaw refuses this program.
pub fn resolver_refused(program: &Path, why: &str) -> Problem {
    Problem::new(
        format!("OpenClaw would refuse {} as a secret provider: it {why}", shown(program)),
        "copy it to a directory of your own with mode 755, and use that path in OpenClaw's configuration",
    )
}

/// No key was found outside the vault.
pub const NO_KEYS_OUTSIDE: &str = "no provider keys found outside the vault";

/// Keys are not used, because the vault has profiles. `names` are joined.
pub fn shadowed(provider: impl Display, names: &str) -> Problem {
    Problem::new(
        format!("{provider}: the vault's profiles take precedence over {names}"),
        "remove it there: it is not needed, and it is not encrypted",
    )
}

/// A key outside the vault is used.
pub fn used_outside(what: impl Into<String>) -> Problem {
    Problem::new(what, "store it encrypted with `strongroom import --from env`, then remove it there")
}

/// A key outside the vault is not used.
pub fn unused_outside(what: impl Into<String>) -> Problem {
    Problem::new(
        what,
        "OpenClaw does not use it: remove it there, or import that file by its path if the key is yours",
    )
}

/// Only the keychain unlocks the vault, and no later command has read the key back.
pub const ONLY_KEYCHAIN: &str =
    "only the keychain can unlock this vault, and no later command has confirmed yet that it kept the key";

/// An unlock method with a key.
pub fn by_key(method: &str) -> String {
    format!("{method}: unlocks with a 32-byte key")
}

/// An unlock method with a passphrase.
pub fn by_passphrase(method: &str) -> String {
    format!("{method}: unlocks with a passphrase")
}

/// An unlock file is damaged.
pub fn damaged_method(method: &str, error: &Error) -> Problem {
    Problem::new(
        format!("{method}: {}", error.what()),
        "restore the file, or unlock with another method and add this one again",
    )
}

const ANOTHER_METHOD: &str =
    "keep the output of `strongroom recovery-key` in a safe place, or add another unlock method";

/// Only the keychain unlocks the vault, and it was not confirmed.
pub fn only_keychain() -> Problem {
    Problem::new(ONLY_KEYCHAIN, ANOTHER_METHOD)
}

/// There is one unlock method.
pub fn only_one_method() -> Problem {
    Problem::new("there is only one unlock method", ANOTHER_METHOD)
}

/// A key file is readable by others because a container's runtime mounted it.
pub fn mounted(what: &str, path: &Path, because: &str) -> Problem {
    Problem::new(
        format!("the {what} {} can be read by other users; accepted because {because}", shown(path)),
        "if programs of other users run in this container, mount it with `mode: 0400` and the `uid` of the user that runs strongroom (Kubernetes: `defaultMode: 0400`)",
    )
}

/// A key file lies where others could replace it.
pub fn replaceable(what: &str, path: &Path, at: &Path, why: impl Display) -> Problem {
    Problem::new(
        format!("the {what} {} can be replaced by others: {} {why}", shown(path), shown(at)),
        "move it to a directory that only you can write to, and use its new path",
    )
}

/// A change of the vault's keys was interrupted.
pub fn unfinished_keys() -> Problem {
    Problem::new(
        "a change of the vault's keys was interrupted",
        "run `strongroom rekey` (or `recover`) again to finish it",
    )
}

/// The vault was unlocked.
pub fn unlocked_with(from: impl Display) -> String {
    format!("unlocked with {from}")
}

/// The vault was unlocked by the cache. `until` is an instant.
pub fn unlocked_from_cache(until: &str) -> String {
    format!("unlocked from the cache, until {until}")
}

/// The vault can be changed.
pub const VAULT_IS_WRITABLE: &str = "the vault can be changed, and its locks work";

/// The file system does not sync directories.
pub fn not_durable() -> Problem {
    Problem::new(
        "the home's file system cannot sync directories to disk: a power loss can undo the last changes",
        "after a power loss, run `strongroom verify`; to keep every change, put the home on a local file system (`--home DIR`)",
    )
}

/// The system has no locks on ranges of bytes.
pub const NO_QUEUE: &str =
    "the system has no byte-range locks: commands that wait for a lock get it in any order";

/// Another agent has a profile of the provider.
pub fn elsewhere(agent: impl Display, other: impl Display, id: impl Display) -> String {
    format!(
        "agent {other} has {id}, and agents do not share profiles: use `--agent {other}`, or paste it for agent {agent} as well"
    )
}

/// The keychain has no default collection.
pub fn no_collection(provider: impl Display) -> Error {
    Error::new(Code::KeychainNoCollection, format!("{provider} has no default collection"))
}

/// The keychain is locked.
pub fn locked(provider: impl Display) -> Error {
    Error::new(Code::KeychainLocked, format!("{provider} is locked"))
}
