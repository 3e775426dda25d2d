//! How secrets look: masks that are none, prefixes and lengths of known keys, and what a paste
//! brings along that does not belong to it.
//!
//! Providers change their formats, so a shape is only ever advice. A mask or a marker is refused,
//! for it holds no secret at all, and so is a secret with more around it, such as an assignment.

mod advice;
mod mask;
mod paste;
mod wrapping;

pub use crate::looks::{Role, SHAPES, Shape, looks_random, looks_secret};
pub use advice::{advise, seen};
pub use mask::{is_local_marker, is_mask};
pub use paste::{Normalised, is_space, is_unseen, normalise};
