//! Messages about a home that does not fit what this machine remembers of it.

use std::fmt::Display;

use crate::error::{Code, Error};

/// A refused state as a finding of a check.
#[must_use]
pub fn finding(what: &str, digest: &str) -> String {
    format!("{what} (state {digest})")
}

/// A command may not write to a refused state.
#[must_use]
pub fn refused(what: &str, remedy: String) -> Error {
    Error::new(Code::Tampered, format!("{what}; nothing was changed")).with_remedy(remedy)
}

fn accept(digest: &str) -> String {
    format!("strongroom doctor --accept-rollback {digest}")
}

/// What to do about an old or another state.
#[must_use]
pub fn accept_state(digest: &str) -> String {
    format!("restore the newer home; to continue with this state: {}", accept(digest))
}

/// What to do about another vault in the home's place.
#[must_use]
pub fn accept_other_vault(digest: &str) -> String {
    format!("restore the vault that was here; only if you replaced it yourself: {}", accept(digest))
}

/// What to do about keys that this machine has not seen.
#[must_use]
pub fn accept_keys(digest: &str) -> String {
    format!("only if you changed the keys of this vault on another machine: {}", accept(digest))
}

/// What to do about a state from before a change of keys.
#[must_use]
pub fn rekey() -> String {
    "restore the newer home; if it is lost, run `strongroom rekey` to retire the old key again".to_owned()
}

/// What to do about an unlock file that is not the vault's.
#[must_use]
pub fn restore_unlock_file() -> String {
    "the unlock file may have been planted: unlock with another method, or restore unlock/ and ledger from the same backup; without a backup, run `strongroom recover --recovery-key FILE`".to_owned()
}

/// Whose state a message is about: the agent's, or the vault's own.
#[must_use]
pub fn state_of(agent: Option<&str>) -> String {
    agent.map_or_else(|| "the vault's own state".to_owned(), |agent| format!("agent {agent}"))
}

/// Another vault is in the home's place.
#[must_use]
pub fn other_vault() -> String {
    "this home held another vault when this machine last changed it".to_owned()
}

/// A ledger is under keys that this machine has not seen.
#[must_use]
pub fn unseen_keys(whose: &str) -> String {
    format!("{whose} uses keys that this machine has not seen; they claim to replace the ones it knows")
}

/// A ledger is from before a change of keys.
#[must_use]
pub fn before_rekey(whose: &str) -> String {
    format!("{whose} is from before a change of keys that this machine has seen")
}

/// A ledger is older than remembered.
#[must_use]
pub fn rolled_back(whose: &str, remembered: u64, there: u64) -> String {
    format!(
        "{whose} was rolled back: this machine has seen change {remembered}, but the home ends at change {there}"
    )
}

/// A ledger has another history than remembered.
#[must_use]
pub fn diverged(whose: &str, change: u64) -> String {
    format!("{whose} has diverged: its change {change} is not the one that this machine has seen")
}

/// The directory of a remembered agent is gone.
#[must_use]
pub fn gone(whose: &str, change: u64) -> String {
    format!("{whose} is gone, but this machine has seen its change {change}")
}

/// As [`gone`], without a key: its number is not known.
#[must_use]
pub fn agent_gone(agent: impl Display) -> String {
    format!("agent {agent} is gone, but this machine remembers it")
}

/// A remembered ledger is missing or damaged.
#[must_use]
pub fn no_ledger(whose: &str) -> String {
    format!("{whose} has no ledger, or a damaged one")
}

/// No refused state has the digest that was given.
#[must_use]
pub fn unknown_digest() -> Error {
    Error::new(Code::NotFound, "no refused state of this home has that digest")
        .with_remedy("run `strongroom doctor` to see the digest of each refused state")
}

/// A refused state cannot be accepted as it is.
#[must_use]
pub fn not_acceptable(what: &str, remedy: String) -> Error {
    Error::new(Code::Config, what.to_owned()).with_remedy(remedy)
}

/// The directory of anchors that was named does not know the home.
#[must_use]
pub fn unknown_home(named_by: &str) -> Error {
    Error::new(Code::Config, format!("the directory named by {named_by} remembers nothing of this home"))
        .with_remedy(format!(
            "name the directory that does; to start with this one, run `strongroom doctor --repair` with the same {named_by}"
        ))
}
