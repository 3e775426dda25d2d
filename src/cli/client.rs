//! Tells people that the client's configuration or state could not be read.

use crate::error::Error;
use crate::messages::cli::setup as messages;
use crate::ops::client_config::Unread;

/// Returns the line about a configuration of the client that could not be read, in whole or in part.
pub(super) fn told(unread: &Unread) -> String {
    match unread {
        Unread::Parts(which) => messages::without_parts(which),
        Unread::All(error) => messages::without_config(error),
    }
}

/// Returns the line about a run-time state of the client that could not be read.
pub(super) fn told_state(error: &Error) -> String {
    messages::without_state(error)
}
