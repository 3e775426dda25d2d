//! Messages about moving, renaming and removing profiles, and about what removed homes left in the keychain.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::count::counted;
use crate::term::escape::shell_path;

// `remove` and `rename`

/// The question before a removal.
pub fn remove(profile: &str, agent: &str) -> String {
    format!("Remove {profile} of agent {agent}?")
}

/// The question before a removal that cannot be undone.
pub fn remove_for_good(profile: &str, agent: &str) -> String {
    format!("Remove {profile} of agent {agent} and all its earlier versions? This cannot be undone.")
}

/// The profile was removed.
pub fn removed(profile: &str) -> String {
    format!("Removed {profile}.")
}

/// The provider still accepts the secret.
pub fn still_valid(provider: &str) -> String {
    format!("The secret itself is still valid: revoke it at {provider}.")
}

/// The new id has another provider.
pub fn other_provider() -> Error {
    Error::new(Code::Usage, "cannot rename a profile to another provider")
        .with_remedy("keep the part before the colon")
}

/// Both ids are one.
pub fn same_id() -> Error {
    Error::new(Code::Usage, "the old and the new id are the same").with_remedy("choose another id")
}

/// A profile is to be copied to its own agent.
pub fn same_agent() -> Error {
    Error::new(Code::Usage, "the profile is to be copied to the agent that has it").with_remedy(
        "name another agent with `--to-agent`; for another id in the same agent, use `strongroom rename`",
    )
}

/// The profile was copied.
pub fn copied(profile: &str, agent: &str, copy: &str) -> String {
    if profile == copy {
        return format!("Copied {profile} to agent {agent}.");
    }
    format!("Copied {profile} to agent {agent} as {copy}.")
}

/// The profile has its new id.
pub fn renamed(old: &str, new: &str) -> String {
    format!("Renamed {old} to {new}.")
}

// `store move`

/// The agent that was named has no profiles.
pub fn no_profiles(agent: &str) -> Error {
    Error::new(Code::NotFound, format!("agent {agent} has no profiles"))
}

/// The encrypted files of a vault.
pub const FILES: &str = "encrypted files";

/// The keychain of a provider.
pub fn keychain(provider: &str) -> String {
    format!("the keychain ({provider})")
}

/// How many profiles were moved, and how many were there.
pub fn moved(moved: usize, there: u64, place: &str) -> String {
    let rest =
        if there > 0 { format!("; {} already there", counted(there, "profile")) } else { String::new() };
    match moved {
        0 => format!("Nothing was moved{rest}."),
        _ => format!("Moved {} to {place}{rest}.", counted(moved as u64, "profile")),
    }
}

/// Where new profiles are stored from now on.
pub fn new_go_to(place: &str) -> String {
    format!("New profiles are stored in {place} unless `--store` says otherwise.")
}

// `store prune`

/// No removed home or vault of that name, which is quoted, left anything.
pub fn no_leftovers_of(provider: &str, quoted: &str) -> Error {
    Error::new(Code::NotFound, format!("{provider} has no items of a removed home or vault {quoted}"))
        .with_remedy("run `strongroom store prune --dry-run` to see what is there")
}

/// The question before a removal of items.
pub fn remove_items(items: usize, provider: &str) -> String {
    format!("Remove {} from {provider}? This cannot be undone.", counted(items as u64, "item"))
}

/// How many items were removed.
pub fn removed_items(items: usize, provider: &str) -> String {
    format!("Removed {} from {provider}.", counted(items as u64, "item"))
}

/// `--dry-run` removes nothing.
pub const DRY_RUN: &str = "Dry run: nothing was removed.";

/// The vault in this home may still read the items.
pub fn kept_for_home(home: &Path) -> String {
    format!(
        "the vault in {} may still read them; to remove them, run `strongroom --home {} store prune`",
        shown(home),
        shell_path(home)
    )
}

/// An interrupted change may still need the items.
pub fn kept_for_interrupted(verb: &str) -> String {
    format!("an interrupted `strongroom {verb}` may still need them; run it again first")
}

/// The vault was moved to this home and reads the items.
pub fn kept_for_moved(home: &Path) -> String {
    format!(
        "the vault in {} still reads them because it was moved there; run `strongroom doctor --repair` first",
        shown(home)
    )
}

/// What was kept, and why.
pub fn kept(what: &str, why: &str) -> String {
    format!("Kept {what}: {why}")
}

/// The head of the list of items that can go.
pub fn leftovers(provider: &str) -> String {
    format!("{provider} has items of homes that no longer exist:")
}

/// There is nothing to remove.
pub fn no_leftovers(provider: &str) -> String {
    format!("{provider} has no items of removed homes.")
}

/// A home may only seem to be gone.
pub const NO_PARENT: &str = "; the directory above it is also missing: check that its disk is mounted";

/// What to do about leftovers, as the end of another remedy.
pub fn prune_hint(provider: &str, items: usize) -> String {
    let items = counted(items as u64, "item");
    format!(
        "to see the {items} that removed homes left in {provider}, run `strongroom store prune --dry-run`"
    )
}
