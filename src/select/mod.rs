//! Which profile of a provider is used next, why the others are not, and the status of all of them.
//!
//! Nothing here reads a file, a clock or a terminal: everything is passed in as a value.

pub mod aliases;
pub mod assemble;
pub mod backoff;
pub mod endpoint;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod generation;
pub mod health;
pub mod order;
pub mod phrases;
pub mod pin;
pub mod policy;
pub mod profile;
pub mod report;
pub mod state;
pub mod text;
pub mod verdict;
