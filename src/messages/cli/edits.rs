//! Messages about `edit`, `copy` and the flags that say what a record has apart from its secret.

use std::fmt::Display;

use crate::error::{Code, Error};

/// A flag's value is not accepted, as `why` says. The value is not repeated.
#[must_use]
pub fn not_accepted(flag: &str, why: &str) -> Error {
    let error = Error::new(Code::Usage, format!("invalid value for `{flag}`: {why}"));
    match flag {
        "--host" | "--no-host" => {
            error.with_remedy("give an origin, such as `--host https://api.example.com`")
        }
        _ => error,
    }
}

/// No helper has the name that was given.
#[must_use]
pub fn unknown_helper(flag: &str, why: &str, helpers: &[&str]) -> Error {
    not_accepted(flag, why).with_remedy(format!("use one of: {}", helpers.join(", ")))
}

/// `edit` was given nothing to change.
#[must_use]
pub fn nothing_to_edit() -> Error {
    Error::new(Code::Usage, "nothing to change was given")
        .with_remedy("say what to change, such as `--note TEXT`; `strongroom edit --help` lists the flags")
}

/// An edit changed these fields.
#[must_use]
pub fn edited(profile: impl Display, changed: &[&str]) -> String {
    let words: Vec<_> = changed.iter().map(|field| field_words(field)).collect();
    format!("Edited {profile}: {}.", words.join(", "))
}

/// An edit changed nothing.
#[must_use]
pub fn unchanged(profile: impl Display) -> String {
    format!("{profile} is like that already; nothing was changed.")
}

fn field_words(field: &str) -> &str {
    match field {
        "username" => "user name",
        "displayName" => "display name",
        "expires" => "expiry",
        other => other,
    }
}

/// Requests to a host are not encrypted.
#[must_use]
pub fn plain_http(host: &str) -> String {
    format!("{host} is not encrypted: others on the network can read a secret that is sent there")
}
