//! Reads the name of a session from the command line.

use super::context::not_a_secret;
use crate::error::Result;
use crate::select::pin::SessionName;

/// Reads the name of a session, in the form that the client uses.
///
/// # Errors
/// `USAGE` for a secret, and for a text that is not a name.
pub(super) fn session_name(text: &str) -> Result<SessionName> {
    not_a_secret(text)?;
    text.parse()
}
