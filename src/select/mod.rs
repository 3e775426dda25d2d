//! Which profile of a provider is used next, which are not and why, and how all of them fare.
//!
//! Nothing here reads a file, a clock or a terminal: everything comes in as a value.

pub mod alias;
pub mod assemble;
pub mod backoff;
pub mod client;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod follow;
pub mod health;
pub mod order;
pub mod phrases;
pub mod pin;
pub mod profile;
pub mod prompt_cache;
pub mod report;
pub mod slash;
pub mod state;
pub mod state_file;
pub mod text;
