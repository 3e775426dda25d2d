//! How the keys of a vault are made, had, changed and recovered.

pub mod init;
pub mod recover;
mod recovery_sources;
pub mod rekey;
mod unlocking;
