//! What is known of OpenClaw: its files, its names and its exec protocol.

pub mod alias;
pub mod config;
pub mod endpoint;
pub mod file;
pub mod follow;
pub mod model_choice;
pub mod places;
pub mod prompt_cache;
pub mod protocol;
pub mod provider_entry;
pub mod selection;
pub mod slash;
pub mod sources;
pub mod state;
pub mod state_file;
mod store;
pub mod wiring;
