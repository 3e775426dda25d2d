//! Messages about the use cases.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// A bundle would hold more profiles than an import takes.
#[must_use]
pub fn bundle_too_large(max: usize) -> Error {
    let what = format!("the bundle would hold more than {max} profiles and could not be imported");
    Error::new(Code::TooLarge, what).with_remedy("export one agent at a time, or name the profiles")
}

/// A bundle would have more earlier versions than an import takes.
#[must_use]
pub fn too_many_versions(max: usize) -> Error {
    let what = format!("the bundle would hold more than {max} earlier versions and could not be imported");
    Error::new(Code::TooLarge, what).with_remedy("export one agent at a time, or name the profiles")
}

/// An earlier version cannot be decrypted, so that the bundle would lack it.
#[must_use]
pub fn version_not_exported(error: Error) -> Error {
    error.with_remedy("export without `--with-history`, or add `--skip-unreadable` to leave that version out")
}

/// There is nothing to export.
#[must_use]
pub fn nothing_to_export() -> Error {
    Error::new(Code::NotFound, "there is nothing to export")
}

/// A profile that is to be exported cannot be read.
#[must_use]
pub fn not_exported(error: Error) -> Error {
    let remedy = match error.code() {
        Code::Io => format!("{}; or add `--skip-unreadable` to export the others", error.remedy()),
        _ => "restore or remove that profile, or add `--skip-unreadable` to export the others".to_owned(),
    };
    error.with_remedy(remedy)
}

/// What to do about an import that is too large for one change.
pub const IMPORT_IN_PARTS: &str = "import it in parts; nothing was changed";

/// A kind of change is asked for that only the logs of agents record.
#[must_use]
pub fn op_of_agents(op: &str) -> Error {
    Error::new(Code::Usage, format!("{op} is recorded in the logs of agents, not in the vault's"))
        .with_remedy("leave out `--vault`")
}

/// A kind of change is asked for that only the vault's log records.
#[must_use]
pub fn op_of_vault(op: &str) -> Error {
    Error::new(Code::Usage, format!("{op} is recorded in the vault's log, not in an agent's"))
        .with_remedy("add `--vault`")
}

/// A kind of change is asked for that no log records.
#[must_use]
pub fn unknown_op(known: &[&str]) -> Error {
    Error::new(Code::Usage, "--op does not name a kind of change")
        .with_remedy(format!("use one of: {}", known.join(", ")))
}

/// No id derived from a profile's is free.
#[must_use]
pub fn no_free_id(profile: impl Display, max: u32) -> Error {
    Error::new(Code::Exists, format!("{profile}-2 to {profile}-{max} are all in use"))
}

/// An agent does not have a profile; its remedy follows.
fn no_credentials(profile: impl Display, agent: impl Display) -> Error {
    Error::new(Code::NotFound, format!("No credentials found for profile \"{profile}\" (agent {agent})"))
}

/// An agent does not have a profile, but one with almost the same id.
#[must_use]
pub fn not_found_but_near(profile: impl Display, agent: impl Display, near: impl Display) -> Error {
    no_credentials(profile, agent)
        .with_remedy(format!("did you mean {near}? `strongroom list` shows all profiles"))
}

/// An agent does not have a profile, and no other agent does. `agent_option` names the agent in a command, unless it is
/// the default one; `paste` is the command that stores the profile, after `strongroom`.
#[must_use]
pub fn not_found(profile: impl Display, agent: impl Display, agent_option: &str, paste: &str) -> Error {
    no_credentials(profile, agent).with_remedy(format!(
        "run `strongroom{agent_option} list` to see all profiles; to store it: `strongroom{agent_option} {paste}`"
    ))
}

/// An agent does not have a profile, but `other` does, which `told` says.
#[must_use]
pub fn not_found_but_elsewhere(
    profile: impl Display,
    agent: impl Display,
    told: &str,
    other: impl Display,
) -> Error {
    let remedy = format!(
        "agents do not share profiles; {told}: use `--agent {other}`, or paste it for agent {agent} as well"
    );
    no_credentials(profile, agent).with_remedy(remedy)
}

/// An order names a profile that the agent does not have.
#[must_use]
pub fn not_in_order(profile: impl Display, directory: &Path) -> Error {
    Error::new(Code::NotFound, format!("Auth profile \"{profile}\" not found in {}", shown(directory)))
        .with_remedy("run `strongroom list` to see the profiles of this agent")
}

/// A profile is to be renamed to an id that is in use.
#[must_use]
pub fn id_in_use(profile: impl Display) -> Error {
    Error::new(Code::Exists, format!("{profile} already exists"))
}

/// A profile has no earlier version.
#[must_use]
pub fn nothing_to_undo(profile: impl Display) -> Error {
    Error::new(Code::NotFound, format!("no earlier version of {profile} is kept"))
        .with_remedy("paste the credential again; if it was revoked, create a new one at its provider")
}

/// A profile has no version with this generation. `history` is the command that lists the versions.
#[must_use]
pub fn no_such_version(profile: impl Display, generation: u64, history: &str) -> Error {
    Error::new(Code::NotFound, format!("{profile} has no earlier version {generation}"))
        .with_remedy(format!("run `{history}` to see the versions"))
}

/// A version is asked for that was revoked, or that is older than a revoked one. `rotate` is the command that
/// stores a new secret.
#[must_use]
pub fn before_a_revocation(profile: impl Display, rotate: &str) -> Error {
    Error::new(Code::Denied, format!("that version of {profile} was revoked"))
        .with_remedy(format!("create a new credential at the provider, and store it: `{rotate}`"))
}

/// A profile changed between the question about an undo and the answer.
#[must_use]
pub fn changed_before_undo(profile: impl Display) -> Error {
    Error::new(Code::Changed, format!("{profile} was changed after its version was chosen"))
}

/// An agent does not have a profile, but earlier versions of it. `undo` is the command that brings it back.
#[must_use]
pub fn not_found_but_removed(profile: impl Display, agent: impl Display, undo: &str) -> Error {
    no_credentials(profile, agent).with_remedy(format!("it was removed; to bring it back: `{undo}`"))
}

/// A profile changed between reading it and replacing its secret.
#[must_use]
pub fn changed_meanwhile(profile: impl Display) -> Error {
    Error::new(Code::Changed, format!("{profile} was changed while the new secret was being read"))
}

/// A file of run-time state would exceed its size limit.
#[must_use]
pub fn state_too_large(file: &str) -> Error {
    Error::new(Code::TooLarge, format!("{file} would be too large"))
}

/// A client asks for a profile that the agent does not have. `told` says which other agents do.
#[must_use]
pub fn no_credentials_for(profile: &str, agent: impl Display, told: Option<&str>) -> Error {
    let has = told.map_or_else(String::new, |told| format!(": {told}, and agents do not share profiles"));
    Error::new(Code::NotFound, format!("No credentials found for profile \"{profile}\" (agent {agent}){has}"))
}

/// A client asks for a provider that the agent has no usable profile for. With `none` it has no profile for it at
/// all; `told` says which other agents do.
#[must_use]
pub fn no_api_key(provider: impl Display, agent: impl Display, none: bool, told: Option<&str>) -> Error {
    let why = if none { "it has no profile for it" } else { "none of its profiles can be used" };
    let has = told.map_or_else(String::new, |told| format!("; {told}"));
    let what = format!(
        "No API key found for provider \"{provider}\" (agent {agent}): {why}, and agents do not share profiles{has}"
    );
    Error::new(Code::NotFound, what)
}

/// A client asks for a provider whose profiles have all expired.
#[must_use]
pub fn all_expired(provider: impl Display) -> Error {
    Error::new(Code::Expired, format!("every profile for provider {provider} has expired"))
}

/// A client asks for another agent's profile.
#[must_use]
pub fn confined(agent: impl Display) -> Error {
    Error::new(Code::Denied, format!("this resolver answers only for agent {agent}"))
}

/// A provider's best profile was asked for without having been looked for.
#[must_use]
pub fn index_not_read() -> Error {
    Error::new(Code::Internal, "the index was not read")
}

/// A profile would have more hosts than a record may have.
#[must_use]
pub fn too_many_hosts(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("a profile may have at most {max} hosts"))
        .with_remedy("remove a host with `--no-host`, or store the secret in a second profile")
}
