//! How the keys of a vault are made, had, changed and recovered.

mod copies;
pub mod init;
pub mod recover;
pub mod rekey;
mod unlocking;
