//! Messages about `settings.json` and the values in it.

use crate::error::{Code, Error};

/// `settings.json` is not the file that this vault wrote.
#[must_use]
pub fn altered() -> Error {
    Error::new(Code::Tampered, "settings.json is not the file that this vault wrote; the defaults apply")
        .with_remedy("run `strongroom doctor --repair`")
}

/// `settings.json` has values that this version does not know.
#[must_use]
pub fn newer() -> Error {
    Error::new(Code::NewerFormat, "settings.json was written by a newer strongroom; the defaults apply")
        .with_remedy("use that version; this one does not change the file")
}

/// `settings.json` cannot be serialized.
#[must_use]
pub fn not_serialized() -> Error {
    Error::new(Code::Internal, "cannot serialize the settings")
}

/// `settings.json` would be larger than what is read.
#[must_use]
pub fn too_large(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("settings.json would be larger than {max} bytes; nothing was changed"))
        .with_remedy("see `strongroom env list`, and take back what you no longer need with `strongroom env forget PATH`")
}

/// There is no setting with that name.
#[must_use]
pub fn unknown_key(known: &[&str]) -> Error {
    Error::new(Code::Usage, "there is no setting with this name")
        .with_remedy(format!("use one of {}", known.join(", ")))
}

/// The value of `default-store` is not a store.
#[must_use]
pub fn not_a_store() -> Error {
    Error::new(Code::Usage, "invalid value for default-store").with_remedy("use file or keychain")
}

/// The value of `history-days` is not a number of days.
#[must_use]
pub fn not_days(most: u32) -> Error {
    Error::new(Code::Usage, "invalid value for history-days")
        .with_remedy(format!("use a whole number of days from 1 to {most}, without a unit"))
}

/// The value of `time-zone` is not a time zone that this machine knows.
#[must_use]
pub fn not_a_zone() -> Error {
    Error::new(Code::Usage, "time-zone is not a time zone that this machine knows")
        .with_remedy("use a name such as Europe/Warsaw or UTC, or `local`; /usr/share/zoneinfo has the names")
}

/// The value of `color` is not one of the three.
#[must_use]
pub fn not_a_color() -> Error {
    Error::new(Code::Usage, "invalid value for color").with_remedy("use auto, always or never")
}

/// The default agent cannot be verified, so no command may rely on it.
#[must_use]
pub fn agent_unverified(what: &str) -> Error {
    Error::new(Code::Tampered, format!("the default agent in settings.json does not count: {what}"))
        .with_remedy("name the agent with `--agent NAME`, or run `strongroom doctor --repair`")
}

/// The keys of one agent cannot verify the default agent.
#[must_use]
pub fn agent_unverifiable(claimed: &str) -> Error {
    let what = format!(
        "the vault is unlocked for one agent, which is not enough to verify that {claimed} is the default agent"
    );
    Error::new(Code::Locked, what).with_remedy(format!("add `--agent {claimed}`"))
}
