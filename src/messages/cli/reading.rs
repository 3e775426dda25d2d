//! Messages about `list`, `get`, `status`, `report`, `pin`, `order` and what they warn of.

use std::fmt::Display;

use crate::error::{Code, Error};
use crate::term::count::counted;
use crate::time::relative;

/// The secret would be printed to a terminal.
#[must_use]
pub fn not_revealed(profile: impl Display) -> Error {
    Error::new(Code::NotRevealed, format!("the secret of {profile} would be shown on the terminal"))
}

/// The credential that is printed is expired.
#[must_use]
pub fn expired(profile: impl Display, at: i64, now: i64) -> String {
    format!("{profile} expired {}", relative(at, now))
}

/// What is printed is not the version that the ledger names, as `why` says.
#[must_use]
pub fn printed_anyway(why: &str) -> String {
    format!("{why}; printing what is stored")
}

/// What is printed is unknown to the ledger.
#[must_use]
pub fn not_in_ledger(profile: impl Display) -> String {
    printed_anyway(&format!("the vault's ledger does not list {profile}, or says that it was removed"))
}

/// The stored version is not the one that the ledger names. `word` is the id as a shell word.
#[must_use]
pub fn tampered(what: &str, word: &str) -> Error {
    Error::new(Code::Tampered, what).with_remedy(format!(
        "restore the vault's files from the latest backup, or paste the credential again; to print what is stored, run `strongroom get {word} --accept-rollback`"
    ))
}

/// The JSON document of `get` could not be made.
#[must_use]
pub fn no_document() -> Error {
    Error::new(Code::Internal, "cannot write the JSON document")
}

/// The agent has no profiles. `agent_option` names it in a command, unless it is the default one.
#[must_use]
pub fn no_profiles(agent: impl Display, agent_option: &str) -> String {
    format!(
        "No profiles for agent {agent}. Store one with `strongroom{agent_option} paste-token --provider anthropic`."
    )
}

/// The agent has no profile that the flags choose.
#[must_use]
pub fn none_matches(agent: impl Display) -> String {
    format!("No profile of agent {agent} matches.")
}

/// The profile does not have the field that was asked for.
#[must_use]
pub fn no_field(profile: impl Display, field: &str) -> Error {
    Error::new(Code::NotFound, format!("{profile} has no {field}"))
        .with_remedy("run `strongroom edit --help` to see how to set it")
}

/// The agent has no profiles of the provider that was asked for. `others` are those that it has profiles of; at most
/// `others_max` of them are named.
#[must_use]
pub fn no_profiles_of(
    provider: impl Display,
    agent: impl Display,
    others: &[String],
    others_max: usize,
) -> String {
    let there = match others.len() {
        0 => String::new(),
        many if many <= others_max => format!(" It has profiles for {}.", others.join(", ")),
        many => format!(" It has profiles for {many} other providers."),
    };
    format!("Agent {agent} has no profiles for {provider}.{there}")
}

/// The command line names a model and no profile.
#[must_use]
pub fn model_without_profile() -> Error {
    Error::new(Code::Usage, "that names a model but no profile").with_remedy(
        "name a profile too, as in `/model <alias-or-id>@<profile>`; only the client chooses a model",
    )
}

/// The session has no pin.
#[must_use]
pub fn no_pin(session: impl Display, agent: impl Display) -> String {
    format!("Session {session} of agent {agent} has no pin.")
}

/// The profile that last served the session is tried first.
#[must_use]
pub fn last_served(session: impl Display, agent: impl Display, profile: impl Display) -> String {
    format!("Session {session} of agent {agent} was last served by {profile}, which is tried first.")
}

/// The session is pinned to a profile, and to a model if one was named.
#[must_use]
pub fn pinned(
    session: impl Display,
    agent: impl Display,
    profile: impl Display,
    model: Option<&str>,
) -> String {
    let model = model.map(|model| format!(" with {model}")).unwrap_or_default();
    format!("Session {session} of agent {agent} is pinned to {profile}{model}.")
}

/// Failures of the provider cause no cooldown.
#[must_use]
pub fn exempt(profile: impl Display, provider: impl Display) -> String {
    format!("{profile}: nothing recorded, because failures of {provider} cause no cooldown.")
}

/// A failure was recorded. `verdict` says what follows, such as "cooling down for 1m (rate_limit)".
#[must_use]
pub fn failure_recorded(profile: impl Display, verdict: &str, failures: u64) -> String {
    format!("{profile}: {verdict}, after {} in a row.", counted(failures, "failure"))
}

/// A success was recorded.
#[must_use]
pub fn success_recorded(profile: impl Display) -> String {
    format!("{profile}: success recorded; not cooling down.")
}

/// The client does not count failures of this kind. `version` is the one whose rules apply.
#[must_use]
pub fn not_counted(profile: impl Display, failure: &str, version: &str) -> String {
    format!("{profile}: nothing recorded, because OpenClaw {version} does not count {failure}.")
}

/// There is no profile of that id; OpenClaw's own words, which programs read.
#[must_use]
pub fn no_credentials(profile: impl Display, agent: impl Display) -> Error {
    Error::new(Code::NotFound, format!("No credentials found for profile \"{profile}\" (agent {agent})"))
}

/// The home is older than this machine remembers, as `what` says.
#[must_use]
pub fn older_than_remembered(what: &str) -> String {
    format!("{what}; the vault can be read but not changed: run `strongroom doctor`")
}

/// The keychain alone opens the vault, as `what` says.
#[must_use]
pub fn keychain_alone(what: &str) -> String {
    format!("{what}; save the output of `strongroom recovery-key`")
}

/// The profiles could not be decrypted.
#[must_use]
pub fn not_verified(why: &str) -> String {
    format!("profiles are not verified: {why}")
}

/// The profiles in the keychain could not be read.
#[must_use]
pub fn keychain_not_verified(why: &str) -> String {
    format!("profiles in the keychain are not verified: {why}")
}

/// The session is pinned to a profile that does not exist.
#[must_use]
pub fn pin_without_profile(session: impl Display, profile: impl Display) -> String {
    format!("session {session} is pinned to {profile}, which no longer exists, so the pin has no effect")
}

/// The index holds more secrets in plain text than were named.
#[must_use]
pub fn more_exposed(more: usize) -> String {
    format!("and {more} more like this in the index: run `strongroom doctor` to see them")
}

/// The client keeps profiles in plain text; at most five are named.
#[must_use]
pub fn client_plaintext(names: &[String]) -> String {
    let some = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > 5 { ", …" } else { "" };
    format!(
        "OpenClaw keeps {} in plain text ({some}{more}): `strongroom migrate openclaw` moves {} into the vault",
        counted(names.len() as u64, "secret"),
        if names.len() == 1 { "it" } else { "them" }
    )
}

/// The heading of what the client has in its own stores.
pub const CLIENT_PROFILES: &str = "OpenClaw's own profiles";

/// The line about a provider in the client's own stores, and the profile that the client uses.
#[must_use]
pub fn client_uses(provider: &str, next: Option<&str>) -> String {
    match next {
        Some(next) => format!("{provider}: OpenClaw uses {next}"),
        None => format!("{provider}: OpenClaw has no usable profile"),
    }
}

/// A profile of the client is used instead of a shared one with the same id. `place` says where that is.
#[must_use]
pub fn client_hides(place: &str) -> String {
    format!("used instead of the shared one, {place}")
}

/// A store of the client holds a secret.
#[must_use]
pub fn kept_in_plaintext(store: &str) -> String {
    format!("in plain text in {store}")
}

/// A store of the client holds a sign-in that the client renews.
#[must_use]
pub fn kept_as_sign_in(store: &str) -> String {
    format!("a sign-in in {store}")
}

/// A store of the client refers to Strongroom.
#[must_use]
pub fn kept_by_strongroom(store: &str) -> String {
    format!("from Strongroom, by {store}")
}

/// A store of the client refers to something else.
#[must_use]
pub fn kept_by_reference(reference: &str, store: &str) -> String {
    format!("from {reference}, by {store}")
}

/// A store of the client has an entry without a secret.
#[must_use]
pub fn not_kept(store: &str) -> String {
    format!("without a secret in {store}")
}

/// A process holds the client's lock on its profiles.
#[must_use]
pub fn client_locked(path: &str, pid: Option<i32>, stale: bool) -> String {
    let by = pid.map(|pid| format!(" by process {pid}")).unwrap_or_default();
    let gone = if stale { ", which is gone; OpenClaw takes it over" } else { "" };
    format!("{path} is held{by}{gone}")
}

/// The login shell was not searched for keys.
pub const SHELL_NOT_READ: &str =
    "the login shell was not checked, although the client reads it too: add `--sources`";

/// A committed change is not fully written.
pub const UNFINISHED: &str = "a committed change is not fully written yet; the next change completes it";

/// Profiles that the index does not list; at most five are named.
#[must_use]
pub fn unlisted(agent: &str, ids: &[String]) -> String {
    let some = ids.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if ids.len() > 5 { ", …" } else { "" };
    let (are, them) = if ids.len() == 1 { ("is", "it") } else { ("are", "them") };
    format!(
        "{} of agent {agent} {are} missing from the index ({some}{more}); nothing is lost: `strongroom doctor --repair` adds {them} back",
        counted(ids.len() as u64, "profile")
    )
}

/// `--interval` is too short.
pub fn interval_too_short() -> Error {
    Error::new(Code::Usage, "--interval is too short").with_remedy("use 100ms or more")
}

/// The profile that was taken for a provider.
pub fn best_of(provider: impl Display, profile: impl Display) -> String {
    format!("Using {profile}, the next profile of {provider}.")
}
