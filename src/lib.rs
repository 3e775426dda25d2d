//! Strongroom keeps the credentials of AI agents encrypted, in files or in the OS keychain, and leaves only an index
//! of references in `auth-profiles.json`.
//!
//! The layers import one way: `cli → serve → ops | doctor → transfer → client → select → secret_format → env_names → vault → unlock →
//! seal → backends`. The other rooms are the ground, below all of them.

pub mod cli;
pub mod client;
pub mod clipboard;
pub mod doctor;
pub mod env;
pub mod env_names;
pub mod error;
pub mod harden;
pub mod hex;
pub mod json;
pub mod keychain;
pub mod limits;
pub mod looks;
pub mod messages;
pub mod ops;
pub mod permission;
pub mod pty;
pub mod relay;
pub mod seal;
pub mod secret;
pub mod secret_format;
pub mod select;
pub mod serve;
pub mod store_error;
pub mod term;
pub mod time;
pub mod transfer;
pub mod unlock;
pub mod vault;
