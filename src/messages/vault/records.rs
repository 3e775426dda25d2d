//! Messages about records: a profile's secret and metadata, as they are stored.

use std::fmt::Display;

use crate::error::{Code, Error};

/// A profile's record, as the subject of a message.
#[must_use]
pub fn record_of(profile: impl Display) -> String {
    format!("profile {profile}")
}

/// An earlier version of a profile, as the subject of a message.
#[must_use]
pub fn version_of(profile: impl Display) -> String {
    format!("an earlier version of {profile}")
}

/// A version, `what`, is in the file of another one.
#[must_use]
pub fn version_misplaced(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} has the file of another version"))
}

/// A record whose profile is not known, as the subject of a message.
pub const A_RECORD: &str = "a stored profile";

/// A record, `what`, is of another vault.
#[must_use]
pub fn of_another_vault(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} belongs to another vault"))
}

/// A record, `what`, is that of another profile or agent.
#[must_use]
pub fn of_another_place(what: &str) -> Error {
    Error::new(Code::Tampered, format!("{what} has the file of another profile or agent"))
}

/// A record, `what`, decrypts to something that is no record.
#[must_use]
pub fn invalid_contents(what: &str) -> Error {
    Error::new(Code::Corrupt, format!("{what} has invalid contents"))
}

/// A record, `what`, has a newer format.
#[must_use]
pub fn newer(what: &str) -> Error {
    Error::new(Code::NewerFormat, format!("{what} was written by a newer strongroom"))
}

/// The generation of a profile exceeds every valid one.
#[must_use]
pub fn generation_too_high(profile: impl Display) -> Error {
    Error::new(Code::Tampered, format!("the generation of {profile} exceeds the limit"))
}

/// A record that is to be written has a generation beyond every valid one.
#[must_use]
pub fn written_generation_too_high() -> Error {
    Error::new(Code::Internal, "the generation of a profile to be written exceeds the limit")
}

/// A record cannot be serialized.
#[must_use]
pub fn not_serialized() -> Error {
    Error::new(Code::Internal, "cannot serialize a profile")
}

/// Two copies of a record differ, and the ledger cannot tell which one is meant.
#[must_use]
pub fn ambiguous(profile: impl Display) -> Error {
    let what = format!("two different copies of profile {profile} have the same generation");
    Error::new(Code::Ambiguous, what)
}

/// The stored record is older than the one that the ledger names.
#[must_use]
pub fn rolled_back(profile: impl Display) -> Error {
    let what = format!("profile {profile} is older than the ledger says: an old copy was put back");
    Error::new(Code::Tampered, what)
}

/// The stored record is not the one that the ledger names.
#[must_use]
pub fn not_the_listed_one(profile: impl Display) -> Error {
    Error::new(Code::Tampered, format!("profile {profile} is not the one that the ledger lists"))
}

/// The record's file is gone.
#[must_use]
pub fn missing(profile: impl Display) -> Error {
    Error::new(Code::Corrupt, format!("profile {profile} is missing: its file is gone"))
}

/// The record's file is larger than any record.
#[must_use]
pub fn too_large(profile: impl Display) -> Error {
    Error::new(Code::Corrupt, format!("profile {profile} exceeds the size limit of a profile"))
}

/// With the fields that are taken over from the index, the record would exceed `max` bytes.
#[must_use]
pub fn too_large_with_fields(id: &str, file: &str, max: usize) -> Error {
    let what = format!(
        "{id} would exceed {max} bytes with the fields that other programs added to its entry in {file}; nothing was changed"
    );
    let remedy = format!("remove fields that are not needed from its entry in {file}, or use another id");
    Error::new(Code::TooLarge, what).with_remedy(remedy)
}

/// The stored record names a store that this program does not know.
#[must_use]
pub fn unknown_store() -> Error {
    Error::new(Code::NewerFormat, "the vault uses a store that this strongroom does not know")
}
