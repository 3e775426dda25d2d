//! Makes, unlocks, changes and recovers the keys of a vault.

pub mod init;
pub mod recover;
mod recovery_sources;
pub mod rekey;
mod unlocking;
