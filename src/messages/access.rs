//! Messages about who may ask the proxy.

use std::fmt::Display;

use crate::error::{Code, Error};

/// No access exists.
pub const NONE: &str = "No client may ask the proxy.";

/// A name outside its grammar.
#[must_use]
pub fn invalid_name(max: usize) -> Error {
    Error::new(Code::Usage, "this is not a name of an access").with_remedy(format!(
        "use lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or a digit; at most {max} bytes"
    ))
}

/// Neither a provider nor a profile was named.
#[must_use]
pub fn bound_to_nothing() -> Error {
    Error::new(Code::Usage, "the access is for no provider and no profile").with_remedy(
        "add `--provider NAME` for the profiles of a provider, or `--profile ID` for one profile",
    )
}

/// Too many providers and profiles were named.
#[must_use]
pub fn bound_to_too_many(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("an access can be for at most {max} providers and profiles"))
        .with_remedy("name providers instead of their profiles, or add several accesses")
}

/// A number that is out of bounds.
#[must_use]
pub fn not_a_number(flag: &str, max: u32) -> Error {
    Error::new(Code::Usage, format!("{flag} takes a number from 1 to {max}"))
        .with_remedy(format!("for example `{flag} 60`"))
}

/// An access with this name exists.
#[must_use]
pub fn exists(name: impl Display) -> Error {
    Error::new(Code::Exists, format!("an access named {name} exists already")).with_remedy(format!(
        "choose another name, or remove it first: `strongroom access remove {name}` (its token stops working)"
    ))
}

/// Too many accesses exist.
#[must_use]
pub fn too_many(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("an agent can have at most {max} accesses"))
        .with_remedy("remove one that is no longer used: `strongroom access list`")
}

/// No access has this name.
#[must_use]
pub fn not_found(name: impl Display, agent: impl Display) -> Error {
    Error::new(Code::NotFound, format!("agent {agent} has no access named {name}"))
        .with_remedy(format!("run `strongroom access list --agent {agent}` to see the names"))
}

/// A value could not be written as JSON.
#[must_use]
pub fn not_serialized() -> Error {
    Error::new(Code::Internal, "an access could not be written")
}

/// The file for the token exists.
#[must_use]
pub fn file_exists(path: &str) -> Error {
    Error::new(Code::Exists, format!("{path} exists already, and nothing is overwritten"))
        .with_remedy("name another file with `--token-file FILE`")
}

/// The token was written to a file.
#[must_use]
pub fn token_written(path: &str) -> String {
    format!("The token is in {path}, which only you can read.")
}

/// The token is shown once.
pub const TOKEN_ONCE: &str = "This token is shown only now. The vault keeps a digest of it.";

/// An access was added.
#[must_use]
pub fn added(name: impl Display, agent: impl Display) -> String {
    format!("Added {name}: it may ask for agent {agent}.")
}

/// The provider has no profile yet.
#[must_use]
pub fn without_profile(provider: impl Display, agent: impl Display) -> String {
    format!("Agent {agent} has no profile of {provider} yet, so that requests for it are refused.")
}

/// An access was removed.
#[must_use]
pub fn removed(name: impl Display) -> String {
    format!("Removed {name}: its token no longer works.")
}

/// A limit of requests, for the list.
#[must_use]
pub fn limits(per_minute: Option<u32>, at_once: u32) -> String {
    match per_minute {
        Some(rate) => format!("{rate} a minute, {at_once} at once"),
        None => format!("{at_once} at once"),
    }
}

/// An access of a later version.
pub const NEWER: &str = "(from a newer version; not served)";
/// An access without an end.
pub const NEVER: &str = "never";
