//! What secrets look like: masks, prefixes and lengths of known keys, and what is pasted along with a secret.
//!
//! Providers change their formats, so a shape only ever leads to a warning. A mask, a marker or a word like `null` is
//! refused, because it contains no secret at all. A secret with something around it is also refused, unless it is
//! certain what that is: then it is removed.

mod advice;
mod lines;
mod mask;
mod nothing;
mod paste;
mod peel;
mod unseen;
mod wrapping;

pub use crate::looks::{Role, SHAPES, Shape, looks_random, looks_secret};
pub use crate::messages::secrets::Refusal;
pub use advice::{advise, seen};
pub use mask::{is_local_marker, is_mask};
pub use nothing::is_nothing;
pub use paste::{Normalised, bare, normalise};
pub use unseen::{is_space, is_unseen};

/// Returns whether a name in a file may be shown: it does not look like a secret, and is not an address, which may
/// contain one.
#[must_use]
pub fn may_be_shown(name: &str) -> bool {
    !name.contains("://") && !looks_secret(name) && !name.split(':').any(looks_random)
}
