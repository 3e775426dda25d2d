//! Profiles, the index, and every change of them.

pub mod agent;
pub mod change;
mod copies;
pub mod credential;
pub mod elsewhere;
pub mod entry;
pub mod generation;
pub mod home;
pub mod id;
pub mod index;
pub mod init;
pub mod keychain_store;
pub mod log;
pub mod log_verify;
mod marks;
pub mod ops;
pub mod reader;
pub mod record;
pub mod recover;
pub mod rekey;
pub mod session;
pub mod settings;
pub mod settle;
pub mod store;
pub mod transaction;
pub mod verify;
pub mod writer;
