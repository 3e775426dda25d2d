//! How secrets look: masks that are none, prefixes and lengths of known keys, and what a paste
//! brings along that does not belong to it.
//!
//! Providers change their formats, so a shape is only ever advice. A mask, a marker or a word for nothing is
//! refused, because it holds no secret at all. So is a secret with more around it, unless that is certain: then it is
//! taken off.

mod advice;
mod lines;
mod mask;
mod nothing;
mod paste;
mod peel;
mod refusal;
mod unseen;
mod wrapping;

pub use crate::looks::{Role, SHAPES, Shape, looks_random, looks_secret};
pub use advice::{advise, seen};
pub use mask::{is_local_marker, is_mask};
pub use nothing::is_nothing;
pub use paste::{Normalised, bare, normalise};
pub use refusal::Refusal;
pub use unseen::{is_space, is_unseen};
