//! Strongroom keeps the credentials of AI agents sealed in files, and leaves in
//! `auth-profiles.json` only an index of references.
//!
//! The layers import one way: `cli → transfer | openclaw | doctor → select → vault → unlock →
//! seal → backends`. `sources`, what stands beside the vault, is of the row of `select`. `error`,
//! `secret`, `looks` and `env` are below all of them.

pub mod cli;
pub mod doctor;
pub mod env;
pub mod env_names;
pub mod error;
pub mod harden;
pub mod json;
pub mod keychain;
pub mod limits;
pub mod looks;
pub mod openclaw;
pub mod permission;
pub mod seal;
pub mod secret;
pub mod select;
pub mod shape;
pub mod sources;
pub mod term;
pub mod transfer;
pub mod unlock;
pub mod vault;
pub mod when;
