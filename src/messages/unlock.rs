//! Messages about unlocking: methods, key files and passphrases.
//!
//! `from` says where a secret came from, as the subject of a sentence: `the key file /home/me/key`.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

// Finding a key.

/// No unlock file is left.
pub fn no_unlock_files() -> Error {
    Error::new(Code::Locked, "the vault has no unlock files").with_remedy(
        "restore unlock/ from a backup, or rebuild it with `strongroom recover --recovery-key FILE`",
    )
}

/// The vault is locked. `why` and `methods` complete the sentence; the remedy depends on both.
pub fn locked(why: &str, methods: &str) -> Error {
    Error::new(Code::Locked, format!("the vault is locked: {why}; unlock methods: {methods}"))
}

/// The default key file may exist, but the system does not let this user look.
pub fn key_file_denied(path: &Path, denied: &Error) -> Error {
    let what = format!("the vault is locked: {}; {}", no_key_found(Some(path)), denied.what());
    Error::new(Code::Locked, what).with_remedy(denied.remedy().to_owned())
}

/// No source has a key. `looked_for` is the default key file.
pub fn no_key_found(looked_for: Option<&Path>) -> String {
    looked_for.map_or_else(
        || "no key found".to_owned(),
        |path| format!("no key found (looked for {})", shown(path)),
    )
}

/// Keys were found, and none of them fits.
pub fn wrong_keys(from: &[String]) -> String {
    let verb = if from.len() == 1 { "does" } else { "do" };
    format!("{} {verb} not unlock it", from.join(" and "))
}

/// What to do about a vault with a passphrase.
pub const GIVE_PASSPHRASE: &str = "give the passphrase with `--passphrase-file FILE` or `--passphrase-fd N`, or run the command on a terminal; in a service, provide it as a credential named strongroom-passphrase";

/// What to do about a vault without a passphrase.
pub const NAME_KEY_FILE: &str = "name the key file with `--key-file FILE` or STRONGROOM_KEY_FILE; in a service, provide it as a credential named strongroom-key";

/// What to do about a vault whose only key may be lost.
pub const NAME_KEY_FILE_OR_RECOVER: &str = "name the key file with `--key-file FILE` or STRONGROOM_KEY_FILE; in a service, provide it as a credential named strongroom-key; if the key is lost for good, rebuild the vault with `strongroom recover --recovery-key FILE`";

/// Adds to a remedy that the vault can be kept unlocked.
pub fn or_keep_unlocked(remedy: &str) -> String {
    format!("{remedy}; or run `strongroom unlock` to keep the vault unlocked for a while")
}

/// The vault is unlocked for other agents only. `wanted` is the agent of the command, if it named one.
pub fn unlocked_for_agents_only(agents: &[String], wanted: Option<&str>) -> Error {
    let what = format!("the vault is unlocked for agent {} only", agents.join(" and agent "));
    Error::new(Code::Locked, what).with_remedy(match (wanted, agents.first()) {
        (None, Some(first)) => format!(
            "add `--agent {first}`, or run `strongroom unlock` without `--agent` to unlock it for all agents"
        ),
        (wanted, _) => format!(
            "run `strongroom unlock --agent {}`, or run it without `--agent` for all agents",
            wanted.unwrap_or_default()
        ),
    })
}

/// The line before a passphrase is asked for again.
pub fn wrong_passphrase_again() -> &'static str {
    "That passphrase does not unlock the vault."
}

/// Several sources were named.
pub fn several_sources(names: &str) -> Error {
    Error::new(Code::Usage, format!("{names} cannot be used together")).with_remedy("give only one of them")
}

/// A source was to be read, and none was named.
pub fn no_source_named() -> Error {
    Error::new(Code::Internal, "no key source was named")
}

// Unlock files. `file` is `unlock/<method>.age`.

/// There are more unlock files than a vault may have.
pub fn too_many_unlock_files(max: usize) -> Error {
    Error::new(Code::Tampered, format!("there are more than {max} unlock files"))
}

/// An unlock file of another method asks for a passphrase.
pub fn unexpected_passphrase(file: &str, method: &str) -> Error {
    Error::new(
        Code::Tampered,
        format!("{file} asks for a passphrase, which only the method `{method}` may do"),
    )
}

/// The contents of an unlock file name another method.
pub fn file_of_another_method(file: &str, method: &str) -> Error {
    Error::new(Code::Tampered, format!("{file} belongs to another method, {method}"))
}

/// What to do about an unlock file that cannot be used.
pub fn restore_unlock_file(file: &str) -> String {
    format!(
        "restore {file} from a backup, unlock with another method, or run `strongroom recover --recovery-key FILE`"
    )
}

/// A passphrase was given, and the vault has none.
pub fn no_passphrase_method(from: &str) -> Error {
    Error::new(Code::WrongKey, format!("{from} cannot be used: this vault has no passphrase method"))
}

/// A key was given, and the vault has no method by one.
pub fn no_key_file_method(from: &str) -> Error {
    Error::new(Code::WrongKey, format!("{from} cannot be used: this vault has no key-file method"))
}

/// The passphrase does not unlock the vault.
pub fn wrong_passphrase(from: &str) -> Error {
    Error::new(Code::WrongKey, format!("wrong passphrase: {from} does not unlock this vault"))
}

/// The key does not unlock the vault.
pub fn wrong_key(from: &str) -> Error {
    Error::new(Code::WrongKey, format!("{from} does not unlock this vault"))
}

/// The decrypted contents of an unlock file do not parse.
pub fn damaged_contents() -> Error {
    Error::new(Code::Corrupt, "the unlock file's contents are damaged")
}

/// The transfer identity does not parse.
pub fn damaged_transfer_identity() -> Error {
    Error::new(Code::Corrupt, "the unlock file contains a damaged transfer identity")
}

/// The recovery identity does not parse.
pub fn damaged_recovery_identity() -> Error {
    Error::new(Code::Corrupt, "the unlock file contains a damaged recovery identity")
}

/// The contents of an unlock file could not be serialized.
pub fn contents_not_written() -> Error {
    Error::new(Code::Internal, "cannot write the contents of the unlock file")
}

/// The unlock file has a newer format.
pub fn newer_vault() -> Error {
    Error::new(Code::NewerFormat, "the vault was created by a newer strongroom")
}

/// The vault has the format of a development version.
pub fn old_vault() -> Error {
    Error::new(Code::OldFormat, "this vault was created by a development version of Strongroom, before 0.1.0")
}

// Key files and passphrases.

/// What to do about a path that ends with a slash.
pub const NAME_THE_FILE: &str = "name the file itself, without a slash at the end";

/// A key file is inside the home, so that a copy of the home would include it.
pub fn key_file_in_home(path: &Path) -> Error {
    Error::new(Code::UnsafeKeyFile, format!("the key file {} is inside the vault's home", shown(path)))
        .with_remedy("keep the key file outside the home, for example at ~/.config/strongroom/key")
}

/// A place is not safe for a key file. `why` is the rest of the sentence.
pub fn unsafe_place(path: &Path, why: &str) -> Error {
    Error::new(Code::UnsafeKeyFile, format!("{} {why}", shown(path)))
        .with_remedy("name a file in a directory that only you can write to, such as ~/.config/strongroom")
}

/// A key or passphrase file was refused. `why` is the rest of the sentence.
pub fn unsafe_file(kind: &str, path: &Path, why: &str) -> Error {
    Error::new(Code::UnsafeKeyFile, format!("the {kind} {} {why}", shown(path)))
}

/// A file does not exist that was named by a flag or a variable. `place` names it if the path may be a secret.
pub fn file_not_found(kind: &str, path: &Path, place: Option<&str>) -> Error {
    Error::new(
        Code::NoInput,
        match place {
            Some(place) => format!("the {kind} named by {place} does not exist"),
            None => format!("the {kind} {} does not exist", shown(path)),
        },
    )
}

/// A file is a symlink without a target. `why` is the rest of the sentence.
pub fn dangling_file(kind: &str, path: &Path, why: &str) -> Error {
    Error::new(Code::NoInput, format!("cannot read the {kind}: {} {why}", shown(path)))
}

/// A path is longer than the system takes. `place` names it if the path may be a secret.
pub fn path_too_long(kind: &str, path: &Path, place: Option<&str>) -> Error {
    let what = match place {
        Some(place) => format!("the path of the {kind} named by {place} is too long"),
        None => format!("the path of the {kind} {} is too long", shown(path)),
    };
    Error::new(Code::Io, what)
        .with_remedy("use a shorter one: at most 255 bytes for each name, 4095 for the path")
}

/// A passphrase is empty.
pub fn empty_passphrase(from: &str) -> Error {
    Error::new(Code::BadData, format!("{from} contains an empty passphrase"))
        .with_remedy("give the passphrase on one line; the line break is not part of it")
}

/// A passphrase is too long.
pub fn passphrase_too_long(from: &str, max: usize) -> Error {
    Error::new(Code::TooLarge, format!("the passphrase from {from} is longer than {max} bytes"))
}

/// The subject of a message about a new passphrase. `place` says where it is, unless it was typed.
fn new_passphrase(place: Option<&str>) -> String {
    place.map_or_else(|| "the passphrase".to_owned(), |place| format!("the passphrase in {place}"))
}

/// A new passphrase could not be typed at a prompt. `why` is the verb of the sentence.
pub fn untypable_passphrase(place: Option<&str>, why: &str) -> Error {
    Error::new(Code::BadData, format!("{} cannot be typed at a prompt: it {why}", new_passphrase(place)))
        .with_remedy("write it as one line of UTF-8 text, with at most one line break after it")
}

/// A new passphrase is short.
pub fn short_passphrase(place: Option<&str>, least: usize) -> Error {
    Error::new(Code::BadData, format!("{} is shorter than {least} bytes", new_passphrase(place)))
        .with_remedy("choose a longer one, such as five random words, or add `--weak` to accept a short one")
}

/// A key file does not contain one key. `why` is the verb of the sentence.
pub fn not_a_key_file(what: &str, why: &str) -> Error {
    Error::new(Code::BadData, format!("{what} {why}"))
        .with_remedy("name the file that `strongroom init` or `strongroom unlock-method add` created")
}

// Remedies for files that are refused. `copy` and `path` are words that a shell takes as they are.

/// A runtime mounted a file so that others can write to it.
pub fn mount_privately() -> String {
    "mount it so that others cannot write to it: `mode: 0400` in the secret's mount, with the `uid` of the user that runs strongroom (Kubernetes: `defaultMode: 0400`)".to_owned()
}

/// A directory above a mounted file can be written by others.
pub fn mount_elsewhere() -> String {
    "mount it in a directory that only root or this user can write to, such as /run/secrets".to_owned()
}

/// A file belongs to another user.
pub fn run_as_owner(path: &str, uid: u32) -> String {
    format!("run the command as the file's owner, or {}; {}", make_a_copy(path), mount_with_uid(uid))
}

/// Others can read or write a file that is the user's own.
pub fn make_private(path: &str) -> String {
    format!("if this is the key, make it private: `chmod 600 {path}`; {MOUNT_AS_SECRET}")
}

/// Others can read or write a file that is not the user's own.
pub fn copy_if_key(path: &str) -> String {
    format!("if this is the key, {}; {MOUNT_AS_SECRET}", make_a_copy(path))
}

/// The path is a directory or a device.
pub fn name_the_file_or_pipe() -> String {
    format!("{NAME_THE_FILE}; for a pipe, give - or <(COMMAND)")
}

/// The file is of no kind that is accepted.
pub fn name_own_file() -> String {
    "name a regular file of your own with mode 0600".to_owned()
}

/// The owner of a file does not let this user read it.
pub fn unreadable(path: &str, uid: u32, owner: impl Display) -> String {
    format!(
        "{}; elsewhere, run the command as {owner}, or have {owner} make a copy for you: `install -o {uid} -m 600 {path} NEWFILE`",
        mount_with_uid(uid)
    )
}

const MOUNT_AS_SECRET: &str =
    "in a container, mount it as a secret: under /run/secrets, read-only, or on a tmpfs";

fn mount_with_uid(uid: u32) -> String {
    format!(
        "in a container, mount it with the `uid` of the user that runs strongroom ({uid}; Kubernetes: `fsGroup` and `defaultMode: 0440`)"
    )
}

fn make_a_copy(path: &str) -> String {
    format!("make a copy of your own and name that: `install -m 600 {path} NEWFILE`")
}
