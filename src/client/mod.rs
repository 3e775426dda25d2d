//! What Strongroom knows about OpenClaw: its files, its names and its exec protocol. Selection itself is in
//! [`select`](crate::select), which gets what is read here.
//!
//! - Where its files are, and how one is read: [`places`], [mod@file]. Which version is installed: [`version`].
//! - Its configuration, `openclaw.json`: [`config`] reads it without the files that it includes (`include`);
//!   [`config_agents`] reads its agents, [`config_auth`] the orders, profiles and cooldowns of `auth`,
//!   [`provider_entry`] and [`endpoint`] read `models.providers`, [`model_choice`] the
//!   models of its agents, [`prompt_cache`] their prompt caching, [`secret_providers`] what its references name.
//! - [`edit`] changes it, and undoes the change.
//! - What happened at run time, `auth-state.json`: [`state`] reads it, [`state_file`] changes it,
//!   [`state_after_change`] changes it after a change of profiles.
//! - Its own credentials, in files and databases: [`stores`], [`own_profiles`]. Archives and backups of them:
//!   [`leftovers`]. Keys outside the vault: [`sources`]. [`config_secrets`] finds keys in its configuration,
//!   [`dotenv_edit`] takes them out of a `.env` file.
//! - Its names: [`alias`] for providers that share profiles, [`slash`] for `/model` in a chat.
//! - How it asks for secrets: [`exec_protocol`] for the protocol, [`exec_provider`] for its configuration. Its command:
//!   [`program`] runs it, [`audit`] lets it check its secrets. Its lock on a file: [`sidecar_lock`]. The units that
//!   start it: [`services`].
//!
//! How other clients ask for a credential is in [`helpers`], and what connecting writes into their configurations in
//! [`connectable`]: by [`edit`], or as lines that are inserted ([`insertion`], and [`yaml`] for a file in YAML). The
//! variables that providers' own libraries read are in [`sdk_variables`].

pub mod alias;
pub mod audit;
pub mod config;
pub mod config_agents;
pub mod config_auth;
pub mod config_secrets;
pub mod connectable;
pub mod dotenv_edit;
pub mod edit;
pub mod endpoint;
pub mod exec_protocol;
pub mod exec_provider;
pub mod file;
pub mod helpers;
mod include;
pub mod insertion;
pub mod leftovers;
pub mod model_choice;
pub mod own_profiles;
pub mod places;
pub mod program;
pub mod prompt_cache;
pub mod provider_entry;
pub mod sdk_variables;
pub mod secret_providers;
pub mod services;
pub mod sidecar_lock;
pub mod slash;
pub mod sources;
pub mod state;
pub mod state_after_change;
pub mod state_file;
pub mod stores;
pub mod version;
pub mod yaml;
