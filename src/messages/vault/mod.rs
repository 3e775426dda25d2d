//! Messages about the vault: its home, index, records, log, ledgers and locks.

pub mod details;
pub mod findings;
pub mod home;
pub mod index;
pub mod keychain;
pub mod keys;
pub mod ledger;
pub mod locks;
pub mod log;
pub mod names;
pub mod progress;
pub mod records;
pub mod rollback;
pub mod settings;
pub mod strays;
