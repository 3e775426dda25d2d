//! What is known of OpenClaw: its files, its names and its exec protocol. Selection itself is in
//! [`select`](crate::select), which is handed what is read here.
//!
//! - Where its files are, and how one is read: [`places`], [mod@file].
//! - Its configuration, `openclaw.json`: [`config`] reads it as a whole, but for files that it
//!   takes in (`include`); [`config_auth`] the orders, profiles and cooldowns of `auth`,
//!   [`provider_entry`] and [`endpoint`] what `models.providers` says, [`model_choice`] the models of its agents, [`prompt_cache`] their prompt caching.
//! - What happened at run time, `auth-state.json`: [`state`] reads it, [`state_file`] changes it,
//!   [`state_after_change`] changes it after a change of profiles.
//! - Keys that it finds beside the vault: [`sources`]; those in its own `auth-profiles.json`: `store`.
//! - Its names: [`alias`] for providers that share profiles, [`slash`] for `/model` in a chat.
//! - How it asks for secrets: [`exec_protocol`] for what is said, [`exec_provider`] for what makes it ask.

pub mod alias;
pub mod config;
pub mod config_auth;
pub mod endpoint;
pub mod exec_protocol;
pub mod exec_provider;
pub mod file;
mod include;
pub mod model_choice;
mod own_profiles;
pub mod places;
pub mod prompt_cache;
pub mod provider_entry;
pub mod slash;
pub mod sources;
pub mod state;
pub mod state_after_change;
pub mod state_file;
