//! A session on the command line.

use super::context::not_a_secret;
use crate::error::Result;
use crate::select::pin::SessionName;

/// Reads the name of a session as the client has it.
///
/// # Errors
/// `USAGE` for a secret and for what is no name.
pub(super) fn session_name(text: &str) -> Result<SessionName> {
    not_a_secret(text)?;
    text.parse()
}
