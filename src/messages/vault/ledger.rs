//! Messages about ledgers and about transactions, which change them.

use std::fmt::Display;

use crate::error::{Code, Error};

/// A ledger is not readable, or is not what the vault wrote. `scope` is whose it is: an agent or the vault.
fn tampered(scope: impl Display, why: &str) -> Error {
    Error::new(Code::Tampered, format!("the ledger of {scope} {why}"))
}

/// A ledger is damaged.
#[must_use]
pub fn damaged(scope: impl Display) -> Error {
    tampered(scope, "is damaged")
}

/// A ledger was altered.
#[must_use]
pub fn altered(scope: impl Display) -> Error {
    tampered(scope, "was altered")
}

/// A ledger is that of another agent.
#[must_use]
pub fn of_another_agent(scope: impl Display) -> Error {
    tampered(scope, "belongs to another agent")
}

/// A ledger is that of another vault.
#[must_use]
pub fn of_another_vault(scope: impl Display) -> Error {
    tampered(scope, "belongs to another vault")
}

/// A ledger was written by another machine.
#[must_use]
pub fn of_another_machine(scope: impl Display) -> Error {
    tampered(scope, "was written by another machine")
}

/// A ledger was written with a key that was replaced since.
#[must_use]
pub fn under_retired_key(scope: impl Display) -> Error {
    tampered(scope, "was written with a retired key: an old file was put back")
}

/// A ledger was written with a key that the vault does not have.
#[must_use]
pub fn under_unknown_key(scope: impl Display) -> Error {
    tampered(scope, "was written with a key that this vault does not have")
}

/// A ledger has a newer format.
#[must_use]
pub fn newer(scope: impl Display) -> Error {
    Error::new(Code::NewerFormat, format!("the ledger of {scope} was written by a newer strongroom"))
}

/// An agent has profiles, but no ledger.
#[must_use]
pub fn missing_beside_profiles(scope: impl Display) -> Error {
    tampered(scope, "is missing, although there are profiles")
}

/// The vault has no ledger.
#[must_use]
pub fn vault_ledger_missing() -> Error {
    tampered("the vault", "is missing")
}

/// A part of a large ledger is altered.
#[must_use]
pub fn part_altered() -> Error {
    part("a part of the ledger was altered")
}

/// A part of a large ledger is missing.
#[must_use]
pub fn part_missing() -> Error {
    part("a part of the ledger is missing")
}

fn part(what: &str) -> Error {
    Error::new(Code::Tampered, what)
        .with_remedy("restore it from a backup, or run `strongroom doctor` to see how to continue without it")
}

/// A part of a large ledger would exceed its size limit.
#[must_use]
pub fn part_too_large() -> Error {
    Error::new(Code::TooLarge, "a part of the ledger would exceed its size limit")
}

/// A ledger would exceed its size limit.
#[must_use]
pub fn too_large(scope: impl Display) -> Error {
    Error::new(Code::TooLarge, format!("the ledger of {scope} would exceed its size limit"))
}

/// A ledger without parts is asked for one.
#[must_use]
pub fn no_parts() -> Error {
    Error::new(Code::Internal, "the ledger has no parts")
}

/// A ledger cannot be serialized.
#[must_use]
pub fn not_serialized() -> Error {
    Error::new(Code::Internal, "cannot serialize a ledger")
}

/// An unfinished transaction, as the subject of a message.
#[must_use]
pub fn transaction_of(scope: impl Display) -> String {
    format!("the unfinished transaction of {scope}")
}

/// A transaction, `what`, decrypts to something else.
#[must_use]
pub fn transaction_invalid(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} has invalid contents"))
}

/// A transaction, `what`, has a newer format.
#[must_use]
pub fn transaction_newer(what: &str) -> Error {
    Error::new(Code::NewerFormat, format!("{what} was written by a newer strongroom"))
}

/// A transaction, `what`, is that of another vault.
#[must_use]
pub fn transaction_of_another_vault(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} belongs to another vault"))
}

/// A transaction, `what`, is that of another agent.
#[must_use]
pub fn transaction_of_another_agent(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} belongs to another agent"))
}

/// A transaction names something that is no id.
#[must_use]
pub fn transaction_invalid_id() -> Error {
    Error::new(Code::Corrupt, "the unfinished transaction names an invalid id")
}

/// A transaction cannot be serialized.
#[must_use]
pub fn transaction_not_serialized() -> Error {
    Error::new(Code::Internal, "cannot serialize a transaction")
}

/// What to do if there was no space for a transaction.
pub const FREE_SPACE: &str = "free some space and try again; nothing was changed";
