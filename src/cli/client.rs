//! The words about a configuration or a state of the client that could not be read.

use crate::error::Error;
use crate::ops::client_config::Unread;

/// That selection goes on without it, for people.
pub(super) fn told(unread: &Unread) -> String {
    match unread {
        Unread::Parts(which) => format!("{which}; selection goes on without them"),
        Unread::All(error) => {
            format!("{}; selection goes on without it; {}", error.what(), error.remedy())
        }
    }
}

/// That selection goes on without the run-time state, for people.
pub(super) fn told_state(error: &Error) -> String {
    format!("{}; selection goes on without it", error.what())
}
