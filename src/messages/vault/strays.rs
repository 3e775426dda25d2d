//! What `verify` says of files of other programs.

use std::fmt::Display;

/// A file that a file system keeps while a program has it open.
pub const KEPT_OPEN: &str = "a removed file that a program still has open";
/// A copy that a program made of a file that changed in two places.
pub const CONFLICT_COPY: &str = "a conflict copy of a sync program";
/// A file of a file manager or of a program that keeps directories in sync.
pub const OF_FILE_MANAGER: &str = "from a file manager or a sync program";
/// A file of an editor, or of an interrupted copy.
pub const OF_EDITOR: &str = "left by an editor or an unfinished copy";

/// A copy is the only record of its profile.
pub const ONLY_COPY: &str = "the profile has no other file";
/// A copy has the profile's secret.
pub const SAME_SECRET: &str = "it has the same secret as the profile";
/// A copy is newer than the profile.
pub const NEWER_COPY: &str = "it is newer than the profile, with another secret";
/// A copy is older than the profile.
pub const OLDER_COPY: &str = "it is older than the profile, with another secret";

/// A file in `place` is of another program; `shown` is its quoted name.
#[must_use]
pub fn foreign_file(place: &str, shown: &str, why: Option<&str>) -> String {
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    format!("{place} holds a file of another program: {shown}{why}")
}

/// There are more such files than are listed.
#[must_use]
pub fn more() -> String {
    "there are more such files".to_owned()
}

/// There are more such files in `place` than are listed.
#[must_use]
pub fn more_in(place: &str, count: usize) -> String {
    format!("{place} holds {count} more such files")
}

/// A file in `place` is a copy of a profile; `shown` is its quoted name.
#[must_use]
pub fn copy(place: &str, profile: impl Display, shown: &str, compared: &str) -> String {
    format!("{place} holds a copy of {profile}, {shown}: {compared}")
}

/// What to do about a copy with the profile's own secret; `path` is a word of a shell.
#[must_use]
pub fn remove_copy(path: &str) -> String {
    format!("it is not used and can be removed: rm {path}")
}

/// What to do about a copy with another secret; both are words of a shell.
#[must_use]
pub fn look_at_copy(path: &str, word: &str) -> String {
    format!(
        "it is not used; to see what it holds: strongroom recovery-key | age -d -i - {path}; to keep its secret, paste it with `strongroom rotate {word}`"
    )
}
