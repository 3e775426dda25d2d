//! Messages about earlier versions of profiles.

use std::fmt::Display;

use crate::time;

/// What the removal of earlier versions does not reach.
pub const OUT_OF_REACH: &str =
    "Backups and copies of the vault, and bundles that were exported, may still contain what was removed.";

/// The profile can be brought back. `option` names its agent in a command, unless it is the default one.
pub fn can_be_undone(option: &str, id: &str) -> String {
    format!("To bring it back: `strongroom{option} undo {id}`")
}

/// The replaced version can be brought back.
pub fn replaced_can_be_undone(option: &str, id: &str) -> String {
    format!("The version before is kept: `strongroom{option} undo {id}` brings it back")
}

/// The question before a version is brought back. `differs` says what changes.
pub fn undo(profile: &str, at: i64, differs: &[String]) -> String {
    let changes = if differs.is_empty() { "nothing".to_owned() } else { differs.join(", ") };
    format!("Bring back {profile} as of {}? This changes: {changes}.", time::local(at))
}

/// The secret differs.
pub const SECRET: &str = "the secret";

/// A removed profile is brought back.
pub const REMOVED: &str = "the profile, which was removed";

/// A field differs: from `old` to `new`.
pub fn field(name: &str, old: Option<&str>, new: Option<&str>) -> String {
    format!("{name} from {} to {}", old.unwrap_or("none"), new.unwrap_or("none"))
}

/// The version was brought back.
pub fn undone(profile: &str, at: i64) -> String {
    format!("Restored {profile} as of {}.", time::local(at))
}

/// The question before all earlier versions are removed.
pub fn forget(profile: &str) -> String {
    format!("Remove all earlier versions of {profile}? This cannot be undone.")
}

/// The question before one earlier version is removed.
pub fn forget_one(profile: &str, generation: u64) -> String {
    format!("Remove version {generation} of {profile}? This cannot be undone.")
}

/// How many versions were removed.
pub fn forgotten(profile: &str, versions: usize) -> String {
    match versions {
        0 => format!("No earlier version of {profile} was kept."),
        1 => format!("Removed 1 earlier version of {profile}."),
        many => format!("Removed {many} earlier versions of {profile}."),
    }
}

/// Changes that were set aside may have copies.
pub fn set_aside(names: &[String], directory: impl Display) -> String {
    format!("changes that were set aside in {directory} may have copies: {}", names.join(", "))
}

/// The heads of the table of versions.
pub const HEADS: [&str; 5] = ["VERSION", "WRITTEN", "BY", "EXPIRES", ""];

/// The current version.
pub const CURRENT: &str = "current";

/// The version restored an earlier one.
pub fn restores(generation: u64) -> String {
    format!("restored {generation}")
}

/// The secret before this version was revoked.
pub const REVOKED: &str = "the secret before it was revoked";
