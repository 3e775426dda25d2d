//! Profiles, the index, and every change of them.

pub mod agent;
pub mod credential;
pub mod id;
pub mod index;
pub mod log;
pub mod ops;
pub mod record;
pub mod transaction;
