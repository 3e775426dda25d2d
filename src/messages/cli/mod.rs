//! Messages of the commands.

pub mod arguments;
pub mod bundles;
pub mod clients;
pub mod credentials;
pub mod edits;
pub mod keys;
pub mod reading;
pub mod settings;
pub mod setup;
