//! Profiles, the index, and every change of them.

pub mod credential;
pub mod id;
pub mod index;
pub mod record;
