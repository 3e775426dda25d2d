//! What a person should know about a change that went through.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::time::local;

/// This machine sees the home for the first time, and remembers its state in `dir` from now on.
#[must_use]
pub fn new_home(dir: &Path) -> String {
    format!("{FIRST_SEEN}; from now on its state is remembered in {}", shown(dir))
}

/// This machine sees the home for the first time, and cannot remember its state.
#[must_use]
pub fn new_home_not_remembered(what: &str, remedy: &str) -> String {
    format!("{FIRST_SEEN}; its state cannot be remembered: {what}; {remedy}")
}

const FIRST_SEEN: &str = "this machine sees this home for the first time, so it cannot tell whether the home is the latest version";

/// A transaction did not fit the stored files.
#[must_use]
pub fn set_aside(agent: impl Display, name: &str) -> String {
    format!(
        "a transaction of agent {agent} did not match the stored files and was set aside as {name}; run `strongroom verify`"
    )
}

/// A change is committed, and not all of its files are written.
#[must_use]
pub fn unfinished(what: &str) -> String {
    format!(
        "the change is committed and in effect, but not all of its files could be written ({what}); the next change completes it"
    )
}

/// A cooldown could not be cleared after a secret was replaced. `profile` is `None` if there are several.
#[must_use]
pub fn cooldown_stays(profile: Option<&str>, what: &str, remedy: &str) -> String {
    match profile {
        Some(profile) => format!("could not clear the cooldown of {profile}: {what}; {remedy}"),
        None => {
            format!("could not clear the cooldowns of profiles whose secret was replaced: {what}; {remedy}")
        }
    }
}

/// The remedy for a state file of a newer version. The usual one says that nothing was changed, and here it was.
pub const USE_NEWER: &str = "use a newer strongroom";

/// The credential was already expired when it was stored. `at` is in Unix milliseconds.
#[must_use]
pub fn already_expired(at: i64) -> String {
    format!("this credential expired at {}", local(at))
}

/// The index held the secret in plain text.
#[must_use]
pub fn plaintext_replaced(profile: impl Display) -> String {
    format!("the index held a secret of {profile} in plain text; it was replaced")
}

/// Another program's fields in an index entry are now stored with the profile.
#[must_use]
pub fn fields_encrypted(profile: impl Display, fields: &str) -> String {
    format!(
        "another program wrote {fields} into the index entry of {profile}; it is now stored encrypted with the profile"
    )
}

/// The profile was of another type.
#[must_use]
pub fn type_replaced(profile: impl Display, was: impl Display) -> String {
    format!("{profile} held a credential of type {was}; it was replaced")
}

/// The old secret had an expiry, and the new one has none. `was` is in Unix milliseconds.
#[must_use]
pub fn expiry_dropped(profile: impl Display, was: i64) -> String {
    format!(
        "{profile} used to expire at {}; the new secret has no expiry, so nothing will warn you before it ends (set one with --expires-in or --expires-at)",
        local(was)
    )
}

/// The old expiry had passed, so the new secret gets the same lifetime. `at` is in Unix milliseconds.
#[must_use]
pub fn expiry_renewed(at: i64) -> String {
    format!(
        "the old expiry had passed; with the same lifetime, the new secret expires at {} (change that with --expires-in)",
        local(at)
    )
}

/// The old expiry had passed, and the new secret has none.
pub const EXPIRY_REMOVED: &str = "the old expiry had passed and was removed (set one with --expires-in)";

/// The profile had this secret before.
#[must_use]
pub fn same_secret(profile: impl Display) -> String {
    format!("{profile} already had this secret; its cooldowns and failures are kept")
}

/// A session was pinned to a profile that was removed.
#[must_use]
pub fn pin_removed(session: impl Display, profile: impl Display) -> String {
    format!("session {session} was pinned to {profile}; the pin was removed too")
}

/// The hosts of a provider differ by customer or region. `word` is the profile's id in a command.
#[must_use]
pub fn hosts_unknown(word: &str) -> String {
    format!(
        "each customer or region of this provider has a host of its own; name it with `strongroom edit {word} --host https://HOST`"
    )
}

/// A profile is removed or replaced without an earlier version of it being kept.
#[must_use]
pub fn not_kept(profile: impl Display, what: &str) -> String {
    format!("{profile} as it was before cannot be brought back: {what}")
}

/// Cooldowns and pins of a removed profile could not be removed.
#[must_use]
pub fn state_stays(profile: impl Display, what: &str) -> String {
    format!("could not remove the cooldowns and pins of {profile}: {what}")
}

/// A profile could not be moved to another store.
#[must_use]
pub fn not_moved(what: &str) -> String {
    format!("not moved: {what}")
}

/// Sessions that were unlocked for one agent still use the old store.
#[must_use]
pub fn cached_store_stays(before: impl Display, what: &str) -> String {
    format!(
        "sessions unlocked with `strongroom unlock --agent` still store new profiles in the {before} store ({what})"
    )
}

/// The default store could not be changed.
#[must_use]
pub fn default_store_stays(before: impl Display, what: &str) -> String {
    format!("new profiles still go to the {before} store ({what}); run the same command again to change that")
}
