//! Messages about the home: its path, its safety, and what is missing or damaged in it.

use std::path::Path;

use strongroom_backends::fs::denial::Denial;
use strongroom_backends::fs::home;
use strongroom_backends::{place_of, shown};

use crate::error::{Code, Error};
use crate::permission;
use crate::term::escape::shell_path;

/// There is no vault in this home. A path that may be a secret is named by its flag or variable.
#[must_use]
pub fn no_vault(home: &Path) -> Error {
    let place = place_of(home).map(|place| format!("the directory named by {place}"));
    Error::new(Code::NoVault, format!("there is no vault in {}", place.unwrap_or_else(|| shown(home))))
}

/// Neither the command line nor the environment names a home.
#[must_use]
pub fn no_home_named() -> Error {
    let what = "cannot tell where the vault is: none of --home, STRONGROOM_HOME and HOME is set";
    Error::new(Code::Config, what)
        .with_remedy("add `--home DIR`; in a client's configuration, add it to the command's arguments")
}

/// The default home would be in the root directory.
#[must_use]
pub fn home_in_root() -> Error {
    Error::new(Code::Config, "HOME is /, so the vault would be in the root directory")
        .with_remedy("set HOME, or name the vault's home: `--home DIR` or STRONGROOM_HOME")
}

/// The path of the home cannot be made absolute.
#[must_use]
pub fn invalid_path() -> Error {
    Error::new(Code::Config, "the path of the home is not valid")
}

/// The home, or a directory above it, is not safe, for the reason `why` of the file system's checks.
#[must_use]
pub fn unsafe_home(path: &Path, why: &str) -> Error {
    let error = Error::new(Code::UnsafeHome, format!("{} {why}", shown(path)));
    match why {
        "is a symlink" => error.with_remedy("name the directory itself: `--home DIR`"),
        "is not a directory" => error.with_remedy("name a directory: `--home DIR`"),
        "belongs to another user" => error.with_remedy(permission::of_owner(path)),
        home::DANGLING => {
            error.with_remedy(format!("{}; or name another home: `--home DIR`", permission::OF_DANGLING))
        }
        _ => error.with_remedy(format!(
            "remove write access for others: chmod go-w {}; if its file system has no permissions, name a home on another one: `--home DIR`",
            shell_path(path)
        )),
    }
}

/// The home belongs to another user.
#[must_use]
pub fn denied(path: &Path, at: &Path, why: Denial) -> Error {
    let denied = permission::denied(path, at, why);
    Error::new(Code::UnsafeHome, denied.what().to_owned()).with_remedy(denied.remedy().to_owned())
}

/// A warning: other users can read the home.
#[must_use]
pub fn readable_by_others(path: &Path) -> String {
    format!(
        "{} can be read by other users (secrets in it are encrypted): chmod 700 {}",
        shown(path),
        shell_path(path)
    )
}

/// A warning: `vault.json` is missing.
#[must_use]
pub fn vault_file_missing() -> String {
    "vault.json is missing; run `strongroom doctor --repair` to write it again".to_owned()
}

/// `vault.json` cannot be read.
#[must_use]
pub fn vault_file_damaged() -> Error {
    Error::new(Code::Corrupt, "vault.json is damaged").with_remedy(
        "restore it, or move it away and run `strongroom doctor --repair`; no credential is lost",
    )
}

/// `vault.json` does not match the unlock file.
#[must_use]
pub fn vault_file_differs() -> Error {
    Error::new(Code::Tampered, "vault.json does not match the unlock file")
        .with_remedy("restore vault.json, or move it away and run `strongroom doctor --repair`")
}

/// `vault.json` has a newer format.
#[must_use]
pub fn vault_is_newer() -> Error {
    Error::new(Code::NewerFormat, "the vault was written by a newer strongroom")
}

/// `vault.json` cannot be serialized.
#[must_use]
pub fn vault_file_not_serialized() -> Error {
    Error::new(Code::Internal, "cannot serialize vault.json")
}

/// A vault is to be made in a home that has one.
#[must_use]
pub fn vault_exists(home: &Path) -> Error {
    Error::new(Code::Exists, format!("there is already a vault in {}", shown(home)))
        .with_remedy("use it, or name another home: `--home DIR`")
}

/// A vault is to be made in a home that has the remains of one.
#[must_use]
pub fn remains_exist(home: &Path) -> Error {
    Error::new(Code::Exists, format!("{} has unlock files or profiles, but no vault.json", shown(home)))
        .with_remedy(
            "run `strongroom doctor --repair`; if the unlock files are lost, run `strongroom recover --recovery-key FILE`",
        )
}
