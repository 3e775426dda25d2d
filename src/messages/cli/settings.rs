//! Messages of `settings`.

/// The settings could not be verified without asking.
pub fn not_verified(what: &str) -> String {
    format!("these settings are not verified: {what}; a command that unlocks the vault verifies them")
}

/// The settings do not count.
pub fn refused(what: &str, remedy: &str) -> String {
    format!("{what}: {remedy}")
}

/// A setting was changed.
pub fn set(key: &str, now: &str, was: &str) -> String {
    format!("Set {key} to {now} (was {was}).")
}

/// A setting was returned to its default.
pub fn unset(key: &str, now: &str, was: &str) -> String {
    format!("Unset {key}: the default is {now} (was {was}).")
}

/// A setting had that value.
pub fn unchanged(key: &str, now: &str) -> String {
    format!("{key} is already {now}; nothing was changed.")
}

/// A flag or a variable still decides.
pub fn still_from(key: &str, source: &str) -> String {
    format!("The {source} still decides {key}.")
}

/// The default agent has no profiles.
pub fn agent_without_profiles(agent: &str) -> String {
    format!("agent {agent} has no profiles yet; check the name, because new profiles go there now")
}
