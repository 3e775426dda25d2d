//! The vault: its profiles, which of their records are current, and every change of them.

pub mod agent;
pub mod anchor;
pub mod bounds;
pub mod credential;
pub mod generation;
pub mod home;
pub mod id;
pub mod index;
pub mod keychain;
pub mod keys;
mod layout;
pub mod ledger;
pub mod locks;
pub mod log;
pub mod other_agents;
pub mod parallel;
pub mod reader;
pub mod record;
pub mod session;
pub mod settings;
pub mod store;
pub mod transaction;
pub mod vault_file;
pub mod vault_ledger;
pub mod verify;
pub mod watch;
pub mod writer;
